//! Single values as loosely as the reference read them: numbers in strings, flags in letters.

use std::borrow::Cow;
use std::fmt::Display;

use serde_json::value::RawValue;

use super::document::Key;
use crate::error::ApiError;

/// 400 for a value that will not do.
pub(crate) fn invalid(detail: impl Display) -> ApiError {
    ApiError::bad_request(format!("Invalid value within the request: {detail}"))
}

/// 400 for a structure that will not do.
pub(crate) fn malformed(detail: impl Display) -> ApiError {
    ApiError::bad_request(format!("Malformed request: {detail}"))
}

/// 400 for a mandatory member that is not there.
pub(super) fn missing(key: &str) -> ApiError {
    ApiError::bad_request(format!("Missing parameter: {key}"))
}

/// What a raw value is, by its first byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Object,
    List,
    Text,
    Bool(bool),
    Null,
    Number,
}

pub(super) fn kind(raw: &RawValue) -> Kind {
    match raw.get().as_bytes().first() {
        Some(b'{') => Kind::Object,
        Some(b'[') => Kind::List,
        Some(b'"') => Kind::Text,
        Some(b't') => Kind::Bool(true),
        Some(b'f') => Kind::Bool(false),
        Some(b'n') | None => Kind::Null,
        Some(_) => Kind::Number,
    }
}

pub(super) fn is_null(raw: &RawValue) -> bool {
    kind(raw) == Kind::Null
}

/// A string; `None` for a value of another kind.
pub(super) fn text(raw: &RawValue) -> Result<Option<Cow<'_, str>>, ApiError> {
    if kind(raw) != Kind::Text {
        return Ok(None);
    }
    match serde_json::from_str(raw.get()) {
        Ok(Key(text)) => Ok(Some(text)),
        Err(_) => Err(invalid("a string is not valid Unicode")),
    }
}

/// A string that must be one.
pub(super) fn need_text<'a>(raw: &'a RawValue, name: &str) -> Result<Cow<'a, str>, ApiError> {
    text(raw)?.ok_or_else(|| invalid(format!("{name} must be a string")))
}

/// An integer, also as a string or as a number without a fraction.
pub(crate) fn integer(raw: &RawValue) -> Option<i64> {
    let text = text(raw).ok()?;
    let text = match &text {
        Some(text) => text.trim(),
        None if kind(raw) == Kind::Number => raw.get(),
        None => return None,
    };
    text.parse().ok().or_else(|| whole(text.parse().ok()?))
}

fn whole(number: f64) -> Option<i64> {
    // Above 2^53 a float is no exact integer any more.
    let exact = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    exact.then_some(number as i64)
}

/// An integer that must be one.
pub(super) fn need_integer(raw: &RawValue, name: &str) -> Result<i64, ApiError> {
    integer(raw).ok_or_else(|| invalid(format!("{name} must be an integer")))
}

/// A size in bytes: any number that is not negative, also as a string.
pub(super) fn need_size(raw: &RawValue, name: &str) -> Result<u64, ApiError> {
    let wrong = || invalid(format!("{name} must be a number that is not negative"));
    let text = text(raw)?;
    let text = match &text {
        Some(text) => text.trim(),
        None if kind(raw) == Kind::Number => raw.get(),
        None => return Err(wrong()),
    };
    if let Ok(size) = text.parse() {
        return Ok(size);
    }
    match text.parse::<f64>() {
        Ok(size) if (0.0..18_446_744_073_709_551_615.0).contains(&size) => Ok(size as u64),
        _ => Err(wrong()),
    }
}

/// A flag: a boolean, a number, or a string whose first letter is a `y`.
pub(super) fn need_flag(raw: &RawValue, name: &str) -> Result<bool, ApiError> {
    match kind(raw) {
        Kind::Bool(flag) => Ok(flag),
        Kind::Null => Ok(false),
        Kind::Number => Ok(raw.get().parse::<f64>().is_ok_and(|it| it != 0.0)),
        Kind::Text => Ok(need_text(raw, name)?.starts_with(['Y', 'y'])),
        Kind::Object | Kind::List => Err(invalid(format!("{name} must be a boolean"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).unwrap()
    }

    #[test]
    fn integers() {
        let of = |text| integer(&raw(text));
        assert_eq!(of("-1"), Some(-1));
        assert_eq!(of("\" 12 \""), Some(12));
        assert_eq!(of("3.0"), Some(3));
        assert_eq!(of("1e3"), Some(1000));
        for text in [
            "3.5",
            "true",
            "\"x\"",
            "[]",
            "{}",
            "1e300",
            "99999999999999999999",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn sizes() {
        let of = |text| need_size(&raw(text), "filesize").ok();
        assert_eq!(of("18446744073709551615"), Some(u64::MAX));
        assert_eq!(of("1.5"), Some(1));
        assert_eq!(of("\"7\""), Some(7));
        for text in [
            "-1",
            "-0.1",
            "1e400",
            "\"NaN\"",
            "\"inf\"",
            "\"a lot\"",
            "true",
            "[]",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn flags() {
        let of = |text| need_flag(&raw(text), "flag").ok();
        for text in ["true", "1", "\"Y\"", "\"yes\""] {
            assert_eq!(of(text), Some(true), "{text}");
        }
        for text in ["false", "0", "0.0", "\"N\"", "\"\"", "\"true\""] {
            assert_eq!(of(text), Some(false), "{text}");
        }
        assert_eq!(of("{}"), None);
    }
}
