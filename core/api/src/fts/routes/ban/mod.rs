//! `/ban`: storages out of service, users who may do nothing.
//!
//! What a ban does to work is the engine's business; the answer comes when all of it is done.

mod arguments;
pub mod storage;
pub mod user;

use causeway_model::JobId;

use crate::error::Outcome;
use crate::fts::wire;

/// The jobs that a ban concerned.
fn affected(jobs: &[JobId]) -> Outcome {
    let ids: Vec<String> = jobs.iter().map(JobId::to_string).collect();
    wire::json(&ids)
}
