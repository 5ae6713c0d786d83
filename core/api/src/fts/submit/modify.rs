//! The body of a change to jobs.

use serde_json::value::RawValue;

use super::document::Object;
use super::value::{integer, malformed};
use crate::error::ApiError;

/// The priority wanted, unclamped; `None` when there is none, or 0.
///
/// # Errors
/// 400 for a priority that is no integer.
pub(crate) fn wanted_priority(object: &Object<'_>) -> Result<Option<i32>, ApiError> {
    let Some(params) = object.either("params", "Params") else {
        return Ok(None);
    };
    let params = Object::read(params).map_err(|it| malformed(format!("params: {it}")))?;
    let Some(raw) = params.get("priority") else {
        return Ok(None);
    };
    let priority = integer(raw).and_then(|it| i32::try_from(it).ok());
    let priority = priority.ok_or_else(|| ApiError::bad_request("Invalid priority value"))?;
    Ok((priority != 0).then_some(priority))
}

/// The value of the only member of an object.
pub(crate) fn only_member(text: &str) -> Option<&RawValue> {
    let object: Object<'_> = serde_json::from_str(text).ok()?;
    object.members().first().map(|(_, value)| *value)
}
