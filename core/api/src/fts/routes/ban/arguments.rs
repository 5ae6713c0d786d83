//! Arguments of a ban: members of a JSON object, fields of a form, or parameters of the query.
//!
//! Clients send numbers and flags as JSON values, as text in JSON, and as text in a query; all of
//! them mean the same here.

use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::extract::{Call, Pairs};
use crate::middleware::body::is_json;

/// Answer to JSON that cannot be read or is no object.
const MALFORMED: &str = "Malformed input";

/// The arguments. A null counts as not given.
pub(super) struct Arguments(Map<String, Value>);

impl Arguments {
    pub(super) async fn of(call: &mut Call) -> Result<Self, ApiError> {
        let body = call.take_body().await?;
        if is_json(&call.headers) && !body.is_empty() {
            let object = serde_json::from_slice(&body);
            return object
                .map(Self)
                .map_err(|_| ApiError::bad_request(MALFORMED));
        }
        let form = Pairs::parse(&String::from_utf8_lossy(&body));
        let pairs = call.query.0.iter().cloned().chain(form.0);
        Ok(Self(pairs.map(|(k, v)| (k, Value::String(v))).collect()))
    }

    fn given(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|it| !it.is_null())
    }

    /// A text that is not empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.given(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim()).filter(|it| !it.is_empty())),
            Some(_) => Err(ApiError::bad_request(format!("{name} must be a string"))),
        }
    }

    /// A number of seconds; 0 when not given.
    pub(super) fn seconds(&self, name: &str) -> Result<u64, ApiError> {
        let seconds = match self.given(name) {
            None => Some(0),
            Some(Value::String(text)) if text.trim().is_empty() => Some(0),
            Some(Value::String(text)) => text.trim().parse().ok(),
            Some(Value::Number(number)) => number.as_u64(),
            Some(_) => None,
        };
        // More than the clock can count is no time any more.
        let seconds = seconds.filter(|it| *it <= i64::MAX as u64 / 1000);
        seconds.ok_or_else(|| {
            let text = format!("{name} must be a number of seconds that is not negative");
            ApiError::bad_request(text)
        })
    }

    /// A flag; down when not given.
    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        let flag = match self.given(name) {
            None => Some(false),
            Some(Value::Bool(flag)) => Some(*flag),
            Some(Value::Number(number)) => number.as_f64().map(|it| it != 0.0),
            Some(Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
                "" | "0" | "n" | "no" | "false" | "off" | "none" | "null" => Some(false),
                "1" | "y" | "yes" | "true" | "on" => Some(true),
                _ => None,
            },
            Some(_) => None,
        };
        flag.ok_or_else(|| ApiError::bad_request(format!("{name} must be a boolean")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(json: &str) -> Arguments {
        Arguments(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn as_values_and_as_text() {
        let it = arguments(r#"{"a": "x ", "b": null, "c": "", "d": 1, "e": "60", "f": "True"}"#);
        assert_eq!(it.text("a").unwrap(), Some("x"));
        assert_eq!(it.text("b").unwrap(), None);
        assert_eq!(it.text("c").unwrap(), None);
        assert!(it.text("d").is_err());
        assert_eq!(
            (it.seconds("d").unwrap(), it.seconds("e").unwrap()),
            (1, 60)
        );
        assert_eq!((it.seconds("b").unwrap(), it.seconds("c").unwrap()), (0, 0));
        assert!(it.flag("d").unwrap() && it.flag("f").unwrap());
        assert!(!it.flag("b").unwrap() && !it.flag("z").unwrap());
        for odd in [
            r#"{"a": -1}"#,
            r#"{"a": 1.5}"#,
            r#"{"a": "soon"}"#,
            r#"{"a": true}"#,
        ] {
            assert!(arguments(odd).seconds("a").is_err(), "{odd}");
        }
        let far = arguments(r#"{"a": 18446744073709551615}"#);
        assert!(far.seconds("a").is_err());
        assert!(arguments(r#"{"a": "maybe"}"#).flag("a").is_err());
    }
}
