//! `/config`: what operators set while the gateway runs.
//!
//! Each file reads and writes one kind of row. A request is judged as a whole before anything is
//! changed, and everything that is changed stands in the audit.

pub mod activity_shares;
pub mod authorize;
pub mod cloud_grants;
pub mod cloud_storage;
pub mod drain;
pub mod global;
pub mod links;
mod members;
pub mod se;
pub mod shares;

use serde_json::{Value, json};

use crate::error::Outcome;
use crate::extract::Call;
use crate::fts::wire::{self, settings};

/// Newest changes that are shown.
const AUDIT: usize = 100;

/// `GET /config`: what runs where. A node of which nothing but its row is known has no beat.
pub async fn index(call: Call) -> Outcome {
    let operations = call.operations()?;
    let now = operations.now();
    let own = call.state.config.submit_host.as_str();
    let alive = match call.state.control.ready().await {
        Ok(()) => Some(call.state.clock.now().to_string()),
        Err(error) => {
            tracing::warn!(%error, "the engine has no beat");
            None
        }
    };
    let mut services = vec!["fts_server", "fts_qosdaemon"];
    if operations.optimizer_enabled {
        services.push("fts_optimizer");
    }
    let drain = now.is_drained(own);
    let mut rows: Vec<Value> = services
        .into_iter()
        .map(|service| {
            json!({
                "hostname": own, "service_name": service, "beat": alive, "drain": drain,
            })
        })
        .collect();
    let others = now.hosts().filter(|(name, _)| &***name != own);
    rows.extend(others.map(|(name, drain)| {
        json!({
            "hostname": name, "service_name": "fts_server", "beat": null, "drain": drain,
        })
    }));
    wire::json(&rows)
}

/// `GET /config/audit`: the newest changes first.
pub async fn audit(call: Call) -> Outcome {
    let rows = call.operations()?.control.audit(AUDIT).await?;
    let rows: Vec<Value> = rows.iter().map(settings::audit).collect();
    wire::json(&rows)
}
