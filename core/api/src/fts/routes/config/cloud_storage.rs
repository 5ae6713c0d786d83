//! `/config/cloud_storage`: providers that users reach with keys. Secrets go in and never out; they
//! are kept encrypted, and the audit has names only.

use causeway_model::clouds::CloudStorage;
use causeway_model::settings::AuditRow;
use causeway_sdk::Secret;
use http::StatusCode;
use serde_json::{Value, json};

use super::members::{Given, Members};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire::{self, settings};

/// Kind of these changes in the audit.
const ACTION: &str = "cloud-storage";

/// `GET /config/cloud_storage`: all providers with their users, by name.
pub async fn list(call: Call) -> Outcome {
    let clouds = &call.operations()?.clouds;
    let mut rows = Vec::new();
    for cloud in clouds.clouds().await? {
        let grants = clouds.cloud_grants(&cloud.name).await?;
        rows.push(settings::cloud(&cloud, &grants));
    }
    wire::json(&rows)
}

/// `POST /config/cloud_storage`: a new provider, or changes to the one of this name.
pub async fn set(mut call: Call) -> Outcome {
    let mut members = Members::of(&mut call).await?;
    let name = members.name("storage_name")?;
    let name = name.ok_or_else(|| ApiError::bad_request("Missing storage name"))?;
    let operations = call.operations()?;
    let _turn = operations.turn.take().await;
    let known = operations.clouds.cloud(&name).await?;
    let mut row = known.unwrap_or_else(|| CloudStorage::new(&name));
    fill(&mut row, &mut members)?;
    let what = json!({"storage_name": name, "service_api_url": row.service_api_url});
    note(&call, &what).await?;
    operations.clouds.put_cloud(&row).await?;
    wire::json_with(StatusCode::CREATED, &name)
}

fn fill(row: &mut CloudStorage, members: &mut Members) -> Result<(), ApiError> {
    text(members.text("app_key")?, &mut row.app_key);
    text(members.text("service_api_url")?, &mut row.service_api_url);
    match members.text("app_secret")? {
        Given::Not => {}
        Given::Null => row.app_secret = Secret::default(),
        Given::Value(secret) => row.app_secret = Secret::new(secret),
    }
    members.end()
}

fn text(given: Given<String>, column: &mut String) {
    match given {
        Given::Not => {}
        Given::Null => column.clear(),
        Given::Value(text) => *column = text,
    }
}

/// `DELETE /config/cloud_storage/{storage_name}`: with all its users.
pub async fn remove(call: Call) -> Outcome {
    let name = known(&call).await?.name;
    let operations = call.operations()?;
    let _turn = operations.turn.take().await;
    note(&call, &json!({"storage_name": name, "removed": true})).await?;
    match operations.clouds.delete_cloud(&name).await? {
        true => Ok(wire::empty(StatusCode::NO_CONTENT)),
        false => Err(missing()),
    }
}

/// The provider in the path.
pub(super) async fn known(call: &Call) -> Result<CloudStorage, ApiError> {
    let name = call.param("storage_name");
    let found = call.operations()?.clouds.cloud(name).await?;
    found.ok_or_else(missing)
}

fn missing() -> ApiError {
    ApiError::not_found("The storage does not exist")
}

/// Writes into the audit what is about to be done. Providers are no settings of the engine, which
/// would do it by itself; first the note, so that nothing is done without one.
pub(super) async fn note(call: &Call, what: &Value) -> Result<(), ApiError> {
    let by = &call.principal().user_dn;
    let row = AuditRow::new(call.state.clock.now(), by, ACTION, &what.to_string());
    let settings = &call.operations()?.settings;
    Ok(settings.change_settings(Vec::new(), vec![row]).await?)
}
