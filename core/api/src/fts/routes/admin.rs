//! `/admin`: what only whoever administers the service may do to the work of others.

use causeway_model::FileId;
use causeway_model::ports::ForceStart;
use serde_json::{Value, json};

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

/// Transfers that the engine is told of at once; their numbers fit into a row of the audit.
const AT_ONCE: usize = 200;

/// `POST /admin/force-start`: transfers of any job, by number, start ahead of all limits. What
/// cannot be done to one of them is said in its element of the answer.
pub async fn force_start(mut call: Call) -> Outcome {
    let body = call.take_body().await?;
    let numbers: Vec<i64> = serde_json::from_slice(&body)
        .map_err(|_| ApiError::bad_request("The body must be a list of integers"))?;
    let by = &call.principal().user_dn;
    let control = &call.operations()?.control;
    let mut rows = Vec::with_capacity(numbers.len());
    for part in numbers.chunks(AT_ONCE) {
        // No transfer has a number below zero; this one is nobody's.
        let file = |number: &i64| FileId(u64::try_from(*number).unwrap_or(u64::MAX));
        let files: Vec<FileId> = part.iter().map(file).collect();
        let done = control.force_start(by, &files).await?;
        rows.extend(part.iter().zip(done).map(row));
    }
    wire::json(&rows)
}

fn row((number, done): (&i64, ForceStart)) -> Value {
    let error = match done {
        ForceStart::Forced => None,
        ForceStart::NotQueued(state) => Some(format!("The transfer is {state}, not SUBMITTED")),
        ForceStart::Unknown => Some("No such transfer is under way".to_owned()),
    };
    json!({"file_id": number, "error": error})
}
