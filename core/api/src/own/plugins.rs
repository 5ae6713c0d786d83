//! `/engine/plugins`, `/config/plugins`: which plugins are used, why one is not, and putting one back that was taken out
//! of service.

use causeway_model::workers::PutBack;

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

/// `GET /engine/plugins`, `GET /config/plugins`
pub async fn list(call: Call) -> Outcome {
    wire::json(&call.state.workers.plugins().await?)
}

/// `POST /engine/plugins/{name}/put-back`: answers at once with the plugin as it is then. It is back
/// when workers have loaded it.
pub async fn put_back(call: Call) -> Outcome {
    let (name, by) = (call.param("name"), &call.principal().user_dn);
    let workers = &call.state.workers;
    let unknown =
        || ApiError::not_found(format!("No plugin with the name \"{name}\" has been found"));
    match workers.put_back(by, name).await? {
        PutBack::Begun => {}
        PutBack::InService => {
            let text = format!("The plugin {name} is not out of service");
            return Err(ApiError::conflict(text));
        }
        PutBack::Unknown => return Err(unknown()),
    }
    let plugins = workers.plugins().await?;
    let plugin = plugins.iter().find(|it| it.name == name);
    wire::json(plugin.ok_or_else(unknown)?)
}
