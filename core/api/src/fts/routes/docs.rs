//! The JSON schema of a submission. It documents; what is accepted is laxer.

use http::StatusCode;

use crate::error::Outcome;
use crate::extract::Call;
use crate::fts::wire;

const SUBMIT: &str = include_str!("submit.schema.json");

/// `GET /api-docs/schema/submit`
pub async fn submit_schema(_call: Call) -> Outcome {
    Ok(wire::with_body(StatusCode::OK, "application/json", SUBMIT))
}
