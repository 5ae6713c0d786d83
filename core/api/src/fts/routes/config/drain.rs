//! `/config/drain`: lets a node take up no work, or take it up again.

use serde_json::Value;

use super::members::{Given, Members};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

/// `POST /config/drain`
pub async fn set(mut call: Call) -> Outcome {
    let invalid = || ApiError::bad_request("Invalid drain request");
    let mut members = Members::of(&mut call).await?;
    let host = members.name("hostname").map_err(|_| invalid())?;
    let host = host.ok_or_else(invalid)?;
    let drain = match members.flag("drain").map_err(|_| invalid())? {
        Given::Not => true,
        Given::Value(drain) => drain,
        Given::Null => return Err(invalid()),
    };
    let by = &call.principal().user_dn;
    let control = &call.operations()?.control;
    match control.set_drain(by, &host, drain).await? {
        true => wire::json(&Value::Null),
        false => Err(ApiError::bad_request("Host not found")),
    }
}
