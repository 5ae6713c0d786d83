//! `POST /config/plugins`: what an operator does to plugins while transfers run.
//!
//! It answers when whatever starts from then on obeys, with the plugins as they are then.

use causeway_model::workers::{PluginAction, PluginChange};
use serde::Deserialize;

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

/// What is asked for.
#[derive(Deserialize)]
#[serde(tag = "action", rename_all = "lowercase", deny_unknown_fields)]
enum Wish {
    Reload {},
    Disable { name: String },
    Enable { name: String },
    Rollback { name: String },
}

impl From<Wish> for PluginAction {
    fn from(wish: Wish) -> Self {
        match wish {
            Wish::Reload {} => Self::Reload,
            Wish::Disable { name } => Self::Disable(name),
            Wish::Enable { name } => Self::Enable(name),
            Wish::Rollback { name } => Self::RollBack(name),
        }
    }
}

/// `POST /config/plugins`
pub async fn change(mut call: Call) -> Outcome {
    let text = call.take_object().await?;
    let wish: Wish = serde_json::from_slice(&text)
        .map_err(|error| ApiError::bad_request(format!("Invalid plugin request: {error}")))?;
    let action = PluginAction::from(wish);
    let by = &call.principal().user_dn;
    let workers = &call.state.workers;
    match workers.change_plugins(by, action.clone()).await? {
        PluginChange::Done => wire::json(&workers.plugins().await?),
        PluginChange::Pending => Err(ApiError::unavailable(
            "The change is stored. Workers that obey it are still loading their plugins",
        )),
        PluginChange::Unknown => {
            let name = name(&action);
            let text = format!("No plugin with the name \"{name}\" has been found");
            Err(ApiError::not_found(text))
        }
        PluginChange::NoPrevious => {
            let name = name(&action);
            let text = format!("The plugin {name} has no earlier version to go back to");
            Err(ApiError::conflict(text))
        }
        PluginChange::Refused(reason) => Err(ApiError::conflict(format!(
            "The earlier version cannot be used, failed to {reason}"
        ))),
    }
}

fn name(action: &PluginAction) -> &str {
    match action {
        PluginAction::Reload => "",
        PluginAction::Disable(name) | PluginAction::Enable(name) | PluginAction::RollBack(name) => {
            name
        }
    }
}
