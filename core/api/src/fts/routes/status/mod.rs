//! `/status`: what nodes are doing.

use causeway_model::FileState;
use serde_json::json;

use crate::error::Outcome;
use crate::extract::Call;
use crate::fts::wire;

/// `GET /status/hosts`: transfers that run and files that are being brought online. The store has
/// one node, so all of them are its own, and they are counted as they change. Clients know these two
/// members and fail at a third.
pub async fn hosts(call: Call) -> Outcome {
    let counts = call.state.store.file_counts();
    let of = |wanted| {
        let found = counts.iter().find(|(state, _)| *state == wanted);
        found.map_or(0, |(_, count)| *count)
    };
    wire::json(&json!({
        call.state.config.submit_host.as_str(): {
            "active": of(FileState::Active),
            "staging": of(FileState::Started),
        },
    }))
}
