//! `GET /engine/workers`: the processes that run transfers and plugins.

use crate::error::Outcome;
use crate::extract::Call;
use crate::fts::wire;

/// `GET /engine/workers`
pub async fn list(call: Call) -> Outcome {
    wire::json(&call.state.workers.workers().await?)
}
