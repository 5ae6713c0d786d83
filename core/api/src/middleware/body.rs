//! Reading bodies: the limit, and the rules for content types.

use axum::body::Body;
use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::extract::Pairs;

/// Answer to a body that is no JSON.
pub const BAD_JSON: &str = "Badly formatted JSON request";
/// Answer to JSON that is no object.
pub const NO_OBJECT: &str = "Expecting a dictionary";
/// Answer to any other content type.
const BAD_TYPE: &str = "Expecting application/json or application/x-www-form-urlencoded";

const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json";
/// Sent by old browser applications whose JSON is encoded like a form.
const JSON_AND_FORM: &str = "application/json, application/x-www-form-urlencoded";

/// The whole body, if it is not larger than the limit.
///
/// # Errors
/// 413 for more, 400 for a body that breaks off.
pub async fn read(body: Body, headers: &HeaderMap, limit: usize) -> Result<Bytes, ApiError> {
    let too_large = || ApiError::too_large(format!("Request body exceeds {limit} bytes"));
    let announced = headers.get(CONTENT_LENGTH).and_then(|it| it.to_str().ok());
    if announced.and_then(|it| it.parse().ok()).unwrap_or(0u64) > limit as u64 {
        return Err(too_large());
    }
    match Limited::new(body, limit).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(ApiError::bad_request("The request body broke off")),
    }
}

/// The text of a JSON object out of a body. What looks like JSON is not parsed here.
///
/// # Errors
/// 400 for a content type that is neither JSON nor a form.
pub fn as_object(
    raw: Bytes,
    method: &Method,
    headers: &HeaderMap,
    query: &Pairs,
) -> Result<Bytes, ApiError> {
    let kind = content_type(headers);
    if kind == JSON_AND_FORM {
        return Ok(unquoted(&raw));
    }
    if kind.starts_with(JSON) || method == Method::PUT {
        return Ok(raw);
    }
    if kind.starts_with(FORM) {
        return Ok(fields(&raw, query));
    }
    Err(ApiError::bad_request(BAD_TYPE))
}

/// Whether the body is a form.
pub fn is_form(headers: &HeaderMap) -> bool {
    content_type(headers).starts_with(FORM)
}

/// Whether the body says that it is JSON.
pub fn is_json(headers: &HeaderMap) -> bool {
    let kind = content_type(headers);
    kind.starts_with(JSON) && kind != JSON_AND_FORM
}

/// The body with its percent-encoding taken off.
pub fn unquoted(raw: &[u8]) -> Bytes {
    let decoded: Vec<u8> = percent_encoding::percent_decode(raw).collect();
    decoded.into()
}

fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE).map(|it| it.as_bytes());
    let value = String::from_utf8_lossy(value.unwrap_or_default());
    value.trim().to_ascii_lowercase()
}

/// Query and form as one object of strings; the form wins.
fn fields(raw: &[u8], query: &Pairs) -> Bytes {
    let form = Pairs::parse(&String::from_utf8_lossy(raw));
    let pairs = query.0.iter().cloned().chain(form.0);
    let object: Map<String, Value> = pairs.map(|(k, v)| (k, Value::String(v))).collect();
    Value::Object(object).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(method: &Method, kind: &str, raw: &'static str) -> Result<Bytes, ApiError> {
        let mut headers = HeaderMap::new();
        if !kind.is_empty() {
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        }
        as_object(raw.into(), method, &headers, &Pairs::parse("q=1"))
    }

    #[test]
    fn by_content_type() {
        let ok = |method, kind, raw| object(&method, kind, raw).unwrap();
        assert_eq!(ok(Method::POST, "application/json", "{}"), "{}");
        assert_eq!(ok(Method::POST, "Application/JSON; x=y", "{}"), "{}");
        assert_eq!(ok(Method::PUT, "", "{}"), "{}");
        assert_eq!(ok(Method::PUT, "text/plain", "{}"), "{}");
        assert_eq!(ok(Method::POST, JSON_AND_FORM, "%7B%7D"), "{}");
        assert_eq!(ok(Method::POST, FORM, "a=b"), r#"{"a":"b","q":"1"}"#);
        assert!(object(&Method::POST, "", "{}").is_err());
        assert!(object(&Method::POST, "text/plain", "{}").is_err());
    }
}
