//! `/`: versions and links.

use crate::error::Outcome;
use crate::extract::Call;
use crate::fts::wire;

/// `GET /`
pub async fn index(call: Call) -> Outcome {
    wire::json(&wire::root(&call.state.config.public_url))
}
