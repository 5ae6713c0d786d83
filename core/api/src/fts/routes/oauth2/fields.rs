//! What an application says about itself, and scopes as texts.

use causeway_identity::authz::Operation;
use serde_json::{Map, Value};

use super::redirect;
use crate::error::ApiError;
use crate::extract::Call;

/// Operations that an application may ask for. Administration is for people.
const SCOPES: [Operation; 4] = [
    Operation::Delegation,
    Operation::Transfer,
    Operation::Configuration,
    Operation::DataManagement,
];

/// Members of a form or of a JSON object.
pub(super) struct Fields(Map<String, Value>);

impl Fields {
    /// Those of a request's body, and of its query.
    pub(super) async fn of(call: &mut Call) -> Result<Self, ApiError> {
        let body = call.take_object().await?;
        let bad = |_| ApiError::bad_request(crate::middleware::body::BAD_JSON);
        match serde_json::from_slice(&body).map_err(bad)? {
            Value::Object(map) => Ok(Self(map)),
            _ => Err(ApiError::bad_request(crate::middleware::body::NO_OBJECT)),
        }
    }

    /// Those of a query alone.
    pub(super) fn of_query(call: &Call) -> Self {
        let pairs = call.query.0.iter().cloned();
        Self(
            pairs
                .map(|(key, value)| (key, Value::String(value)))
                .collect(),
        )
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A text, blanks included.
    pub(super) fn as_it_came(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(ApiError::bad_request(format!("{name} must be a text"))),
        }
    }

    /// A text; nothing when it is blank.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        let text = self.as_it_came(name)?.map(str::trim);
        Ok(text.filter(|it| !it.is_empty()))
    }

    /// A text that must be there and be no longer than so many bytes.
    pub(super) fn needed(&self, name: &str, longest: usize) -> Result<String, ApiError> {
        let text = self.text(name)?;
        let text =
            text.ok_or_else(|| ApiError::bad_request(format!("Missing parameter: {name}")))?;
        limited(name, text, longest)
    }

    /// A text, blank when it is not there.
    pub(super) fn optional(&self, name: &str, longest: usize) -> Result<String, ApiError> {
        limited(name, self.text(name)?.unwrap_or(""), longest)
    }

    /// Where users may be sent back to, one a line.
    pub(super) fn redirects(&self) -> Result<String, ApiError> {
        let text = match self.0.get("redirect_to") {
            Some(Value::Array(list)) => texts("redirect_to", list)?.join("\n"),
            _ => self.text("redirect_to")?.unwrap_or("").to_owned(),
        };
        let lines = text.lines().map(str::trim).filter(|it| !it.is_empty());
        let lines: Vec<&str> = lines.collect();
        match lines.iter().find(|it| !redirect::is_allowed(it)) {
            None if lines.is_empty() => {
                Err(ApiError::bad_request("Missing parameter: redirect_to"))
            }
            None => limited("redirect_to", &lines.join("\n"), 4096),
            Some(bad) => Err(ApiError::bad_request(format!(
                "redirect_to must be encrypted, or lead to this machine: {bad:.200}"
            ))),
        }
    }

    /// Operations: a list, or a text with commas.
    pub(super) fn scope(&self) -> Result<Vec<String>, ApiError> {
        let names = match self.0.get("scope") {
            Some(Value::Array(list)) => texts("scope", list)?,
            _ => words(self.text("scope")?.unwrap_or("")),
        };
        match names.iter().find(|it| !is_scope(it)) {
            Some(bad) => Err(ApiError::bad_request(format!("Invalid scope: {bad:.80}"))),
            None => Ok(tidy(names)),
        }
    }
}

fn limited(name: &str, text: &str, longest: usize) -> Result<String, ApiError> {
    let has_controls = text.chars().any(|it| it.is_control() && it != '\n');
    match text.len() <= longest && !has_controls {
        true => Ok(text.to_owned()),
        false => Err(ApiError::bad_request(format!(
            "{name} is longer than {longest} characters, or holds control characters"
        ))),
    }
}

fn texts(name: &str, list: &[Value]) -> Result<Vec<String>, ApiError> {
    let text = |it: &Value| it.as_str().map(|it| it.trim().to_owned());
    let texts: Option<Vec<_>> = list.iter().map(text).collect();
    texts.ok_or_else(|| ApiError::bad_request(format!("{name} must be a list of texts")))
}

/// The words of a scope as it stands in a request: with commas, as the reference has it, or blanks,
/// as the standard has it.
pub(super) fn words(text: &str) -> Vec<String> {
    let words = text.split([',', ' ']).filter(|it| !it.is_empty());
    tidy(words.map(str::to_owned).collect())
}

fn tidy(mut words: Vec<String>) -> Vec<String> {
    words.retain(|it| !it.is_empty());
    words.sort();
    words.dedup();
    words
}

fn is_scope(name: &str) -> bool {
    name.is_empty() || SCOPES.iter().any(|it| it.as_str() == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(value: Value) -> Fields {
        match value {
            Value::Object(map) => Fields(map),
            _ => panic!("no object"),
        }
    }

    #[test]
    fn scopes_as_lists_and_as_texts() {
        let scope = |value: Value| fields(json!({"scope": value})).scope().ok();
        let both = Some(vec!["config".to_owned(), "transfer".to_owned()]);
        assert_eq!(scope(json!("transfer,config")), both);
        assert_eq!(scope(json!("transfer config transfer")), both);
        assert_eq!(scope(json!(["transfer", "config"])), both);
        assert_eq!(scope(json!("")), Some(vec![]));
        for bad in [json!("admin"), json!("transfer,x"), json!([1]), json!(1)] {
            assert_eq!(scope(bad.clone()), None, "{bad}");
        }
    }

    #[test]
    fn texts_that_are_refused() {
        let it = fields(json!({"a": " x ", "b": "", "c": 1, "d": "y\u{7}"}));
        assert_eq!(it.needed("a", 1).as_deref(), Ok("x"));
        assert!(it.needed("b", 9).is_err() && it.needed("c", 9).is_err());
        assert!(it.needed("d", 9).is_err() && it.needed("e", 9).is_err());
        assert!(fields(json!({"a": "xy"})).needed("a", 1).is_err());
        assert_eq!(it.optional("e", 9).as_deref(), Ok(""));
    }

    #[test]
    fn redirects_line_by_line() {
        let redirects = |value: Value| fields(json!({"redirect_to": value})).redirects().ok();
        let two = Some("https://a/\nhttps://b/".to_owned());
        assert_eq!(redirects(json!(" https://a/ \r\n\n https://b/")), two);
        assert_eq!(redirects(json!(["https://a/", "https://b/"])), two);
        for bad in [
            json!(""),
            json!("\n"),
            json!([]),
            json!("https://a/\nhttp://b/"),
            json!(1),
        ] {
            assert_eq!(redirects(bad.clone()), None, "{bad}");
        }
    }
}
