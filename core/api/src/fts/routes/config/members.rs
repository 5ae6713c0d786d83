//! Members of a settings object, each of the one type that its column has.
//!
//! A member is taken out as it is read, so that what is left at the end is what nobody knows. An
//! explicit null takes a column's value back.

use serde_json::{Map, Value};

use crate::error::ApiError;
use crate::extract::Call;
use crate::middleware::body::{BAD_JSON, NO_OBJECT};

/// What was said about a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given<T> {
    /// Nothing: it stays as it is.
    Not,
    /// An explicit null.
    Null,
    /// A value.
    Value(T),
}

impl<T> Given<T> {
    /// Into a column that may be empty.
    pub(super) fn into(self, column: &mut Option<T>) {
        match self {
            Self::Not => {}
            Self::Null => *column = None,
            Self::Value(value) => *column = Some(value),
        }
    }

    /// The value; `None` also for a null.
    pub(super) fn value(self) -> Option<T> {
        match self {
            Self::Value(value) => Some(value),
            Self::Not | Self::Null => None,
        }
    }

    fn map<U>(self, f: impl FnOnce(T) -> Result<U, ApiError>) -> Result<Given<U>, ApiError> {
        Ok(match self {
            Self::Not => Given::Not,
            Self::Null => Given::Null,
            Self::Value(value) => Given::Value(f(value)?),
        })
    }
}

/// 400 for a value of another type.
pub(super) fn wrong_type(name: &str, wanted: &str) -> ApiError {
    ApiError::bad_request(format!("Field {name} is expected to be {wanted}"))
}

/// 400 for a member that nobody knows.
pub(super) fn unknown(name: &str) -> ApiError {
    ApiError::bad_request(format!("Field {name} unknown"))
}

/// The members that were not read yet.
#[derive(Clone, Debug)]
pub(super) struct Members(Map<String, Value>);

impl From<Map<String, Value>> for Members {
    fn from(map: Map<String, Value>) -> Self {
        Self(map)
    }
}

/// The object in a body.
pub(super) async fn body(call: &mut Call) -> Result<Map<String, Value>, ApiError> {
    let text = call.take_object().await?;
    let value = serde_json::from_slice(&text);
    match value.map_err(|_| ApiError::bad_request(BAD_JSON))? {
        Value::Object(map) => Ok(map),
        _ => Err(ApiError::bad_request(NO_OBJECT)),
    }
}

impl Members {
    pub(super) async fn of(call: &mut Call) -> Result<Self, ApiError> {
        body(call).await.map(Self)
    }

    /// A member of any type.
    pub(super) fn any(&mut self, name: &str) -> Given<Value> {
        match self.0.remove(name) {
            None => Given::Not,
            Some(Value::Null) => Given::Null,
            Some(value) => Given::Value(value),
        }
    }

    /// A text.
    pub(super) fn text(&mut self, name: &str) -> Result<Given<String>, ApiError> {
        self.any(name).map(|value| match value {
            Value::String(text) => Ok(text),
            _ => Err(wrong_type(name, "str")),
        })
    }

    /// A text that is not empty.
    pub(super) fn name(&mut self, name: &str) -> Result<Option<String>, ApiError> {
        let text = self.text(name)?.value();
        let text = text.map(|it| it.trim().to_owned());
        Ok(text.filter(|it| !it.is_empty()))
    }

    /// A whole number of any sign.
    pub(super) fn signed(&mut self, name: &str) -> Result<Given<i64>, ApiError> {
        self.any(name)
            .map(|value| value.as_i64().ok_or_else(|| wrong_type(name, "int")))
    }

    /// A whole number from 0 on that fits into its column.
    pub(super) fn number<T: TryFrom<i64>>(&mut self, name: &str) -> Result<Given<T>, ApiError> {
        let number = self.signed(name)?;
        number.map(|it| within(name, it))
    }

    /// A number from 0 on.
    pub(super) fn float(&mut self, name: &str) -> Result<Given<f64>, ApiError> {
        self.any(name).map(|value| match value.as_f64() {
            None => Err(wrong_type(name, "float")),
            Some(number) if number < 0.0 => Err(negative(name)),
            Some(number) => Ok(number),
        })
    }

    /// A flag.
    pub(super) fn flag(&mut self, name: &str) -> Result<Given<bool>, ApiError> {
        self.any(name)
            .map(|value| value.as_bool().ok_or_else(|| wrong_type(name, "bool")))
    }

    /// A flag that old tools write as a number.
    pub(super) fn flag_or_number(&mut self, name: &str) -> Result<Given<bool>, ApiError> {
        self.any(name).map(|value| match &value {
            Value::Bool(flag) => Ok(*flag),
            Value::Number(number) if number.is_i64() => Ok(number.as_i64() != Some(0)),
            _ => Err(wrong_type(name, "bool")),
        })
    }

    /// Nothing may be left.
    pub(super) fn end(&self) -> Result<(), ApiError> {
        match self.0.keys().next() {
            Some(name) => Err(unknown(name)),
            None => Ok(()),
        }
    }
}

fn negative(name: &str) -> ApiError {
    ApiError::bad_request(format!("Field {name} must not be negative"))
}

/// A whole number from 0 on, as its column has it.
pub(super) fn within<T: TryFrom<i64>>(name: &str, number: i64) -> Result<T, ApiError> {
    if number < 0 {
        return Err(negative(name));
    }
    number
        .try_into()
        .map_err(|_| ApiError::bad_request(format!("Field {name} is too large")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn members(value: Value) -> Members {
        match value {
            Value::Object(map) => Members(map),
            other => panic!("no object: {other}"),
        }
    }

    #[test]
    fn each_type_takes_its_own() {
        let all = || members(json!({"n": 5, "f": 0.5, "b": true, "t": "x", "o": {}, "z": null}));
        let message = |error: ApiError| error.message().to_owned();
        assert_eq!(all().number::<u32>("n").unwrap(), Given::Value(5));
        assert_eq!(all().float("n").unwrap(), Given::Value(5.0));
        assert_eq!(all().flag_or_number("n").unwrap(), Given::Value(true));
        assert_eq!(all().number::<u32>("z").unwrap(), Given::Null);
        assert_eq!(all().number::<u32>("a").unwrap(), Given::Not);
        for name in ["f", "b", "t", "o"] {
            let text = message(all().number::<u32>(name).unwrap_err());
            assert_eq!(text, format!("Field {name} is expected to be int"));
        }
        for name in ["n", "f", "t", "o"] {
            let text = message(all().flag(name).unwrap_err());
            assert_eq!(text, format!("Field {name} is expected to be bool"));
        }
        for name in ["n", "f", "b", "o"] {
            let text = message(all().text(name).unwrap_err());
            assert_eq!(text, format!("Field {name} is expected to be str"));
        }
        for name in ["b", "t", "o"] {
            assert!(all().float(name).is_err(), "{name}");
        }
    }

    #[test]
    fn numbers_have_ends() {
        let it = || members(json!({"a": -1, "b": 5_000_000_000_i64, "c": -0.5}));
        let text = it().number::<u32>("a").unwrap_err();
        assert_eq!(text.message(), "Field a must not be negative");
        let text = it().number::<u32>("b").unwrap_err();
        assert_eq!(text.message(), "Field b is too large");
        assert!(it().number::<u64>("b").is_ok());
        assert!(it().float("c").is_err());
        assert_eq!(it().signed("a").unwrap(), Given::Value(-1));
    }

    #[test]
    fn what_is_left_is_unknown() {
        let mut it = members(json!({"known": 1, "other": 2}));
        it.signed("known").unwrap();
        assert_eq!(it.end().unwrap_err().message(), "Field other unknown");
        it.any("other");
        assert!(it.end().is_ok());
    }

    #[test]
    fn a_null_takes_back() {
        let mut column = Some(1);
        Given::Not.into(&mut column);
        assert_eq!(column, Some(1));
        Given::Value(2).into(&mut column);
        assert_eq!(column, Some(2));
        Given::Null.into(&mut column);
        assert_eq!(column, None);
    }
}
