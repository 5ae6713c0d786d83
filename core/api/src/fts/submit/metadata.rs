//! The user's own data: kept as the text that was sent.

use causeway_model::{AuthMethod, JsonText};
use serde_json::json;
use serde_json::value::RawValue;

use super::document::Object;
use super::value::{Kind, invalid, kind, need_text};
use crate::error::ApiError;

const AUTH_METHOD: &str = "auth_method";

/// Metadata of a job or a file: an object as it is; a string as the JSON it holds, or as a label.
pub(super) fn free(
    raw: Option<&RawValue>,
    what: &str,
    limit: usize,
) -> Result<Option<JsonText>, ApiError> {
    let Some(raw) = raw else { return Ok(None) };
    let text = match kind(raw) {
        Kind::Object => raw.get().to_owned(),
        Kind::Text => of_string(&need_text(raw, what)?),
        Kind::Null => return Ok(None),
        Kind::List | Kind::Bool(_) | Kind::Number => {
            return Err(ApiError::bad_request(
                "Metadata must be a dictionary or a string",
            ));
        }
    };
    limited(text, what, limit).map(Some)
}

/// Metadata for a storage: an object and nothing else.
pub(super) fn strict(
    raw: Option<&RawValue>,
    what: &str,
    limit: usize,
) -> Result<Option<JsonText>, ApiError> {
    match raw {
        None => Ok(None),
        Some(raw) if kind(raw) == Kind::Object => {
            limited(raw.get().to_owned(), what, limit).map(Some)
        }
        Some(_) => Err(invalid(format!("{what} not in JSON format"))),
    }
}

fn of_string(text: &str) -> String {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => raw.get().to_owned(),
        Err(_) => json!({ "label": text }).to_string(),
    }
}

fn limited(text: String, what: &str, limit: usize) -> Result<JsonText, ApiError> {
    // Bytes are never fewer than characters, so short texts need no counting.
    if limit > 0 && text.len() > limit && text.chars().count() > limit {
        return Err(invalid(format!("{what} exceeds size limit of {limit}")));
    }
    Ok(JsonText(text))
}

/// Adds to a job's metadata how its submitter was authenticated, if the user gave an object.
pub(super) fn with_auth_method(
    given: Option<&RawValue>,
    stored: Option<JsonText>,
    method: AuthMethod,
) -> Option<JsonText> {
    let name = match method {
        AuthMethod::Certificate => "certificate",
        AuthMethod::Oauth2 => "oauth2",
        AuthMethod::Unauthenticated => return stored,
    };
    let is_object = given.is_some_and(|raw| kind(raw) == Kind::Object);
    match stored {
        Some(JsonText(text)) if is_object => Some(JsonText(appended(text, name))),
        None if method == AuthMethod::Oauth2 => {
            Some(JsonText(json!({ AUTH_METHOD: name }).to_string()))
        }
        stored => stored,
    }
}

fn appended(text: String, method: &str) -> String {
    let Ok(object) = serde_json::from_str::<Object<'_>>(&text) else {
        return text;
    };
    let member = format!("\"{AUTH_METHOD}\":\"{method}\"");
    let taken = object.members().iter().any(|(key, _)| key == AUTH_METHOD);
    let body = text.strip_suffix('}').unwrap_or(&text).trim_end();
    match object.members() {
        [] => format!("{{{member}}}"),
        _ if !taken => format!("{body},{member}}}"),
        members => {
            let kept = members.iter().filter(|(key, _)| key != AUTH_METHOD);
            let mut parts: Vec<String> = kept
                .map(|(key, raw)| format!("{}:{}", json!(key), raw.get()))
                .collect();
            parts.push(member);
            format!("{{{}}}", parts.join(","))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Result<Option<String>, ApiError> {
        let raw = RawValue::from_string(text.to_owned()).unwrap();
        free(Some(&raw), "metadata", 100).map(|it| it.map(|it| it.0))
    }

    #[test]
    fn objects_strings_and_others() {
        assert_eq!(
            of("{\"b\": 1.50, \"a\": 2}").unwrap().unwrap(),
            "{\"b\": 1.50, \"a\": 2}"
        );
        assert_eq!(of("\"text\"").unwrap().unwrap(), "{\"label\":\"text\"}");
        assert_eq!(of("\"{\\\"a\\\": 1}\"").unwrap().unwrap(), "{\"a\": 1}");
        assert_eq!(of("null").unwrap(), None);
        for text in ["1", "true", "[]"] {
            assert_eq!(
                of(text).unwrap_err().message(),
                "Metadata must be a dictionary or a string"
            );
        }
        let long = format!("{{\"a\":\"{}\"}}", "é".repeat(100));
        assert!(
            of(&long)
                .unwrap_err()
                .message()
                .contains("exceeds size limit of 100")
        );
    }

    #[test]
    fn auth_method_is_appended_once() {
        let add = |text: &str| appended(text.to_owned(), "certificate");
        assert_eq!(add("{}"), "{\"auth_method\":\"certificate\"}");
        assert_eq!(
            add("{\"a\": 1 }"),
            "{\"a\": 1,\"auth_method\":\"certificate\"}"
        );
        assert_eq!(
            add("{\"auth_method\":\"x\",\"a\":1}"),
            "{\"a\":1,\"auth_method\":\"certificate\"}"
        );
    }
}
