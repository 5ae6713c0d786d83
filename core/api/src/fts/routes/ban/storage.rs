//! `/ban/se`: storages out of service.

use causeway_model::Timestamp;
use causeway_model::settings::{BanStatus, StorageBanRow};
use http::StatusCode;

use super::affected;
use super::arguments::Arguments;
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire::{self, settings};

/// Answer to a ban that names no storage.
const MISSING: &str = "Missing storage parameter";

/// `POST /ban/se`
pub async fn ban(mut call: Call) -> Outcome {
    let arguments = Arguments::of(&mut call).await?;
    let row = row(&arguments, &call.principal().user_dn)?;
    let jobs = call.operations()?.control.ban_storage(row).await?;
    affected(&jobs)
}

fn row(arguments: &Arguments, by: &str) -> Result<StorageBanRow, ApiError> {
    let storage = arguments.text("storage")?;
    let storage = storage.ok_or_else(|| ApiError::bad_request(MISSING))?;
    if storage.contains('*') {
        return Err(ApiError::bad_request("storage can not contain a wildcard"));
    }
    Ok(StorageBanRow {
        se: storage.into(),
        message: arguments.text("message")?.unwrap_or_default().to_owned(),
        // The engine says when.
        addition_time: Timestamp(0),
        admin_dn: by.into(),
        vo: arguments.text("vo_name")?.map(Into::into),
        status: status(arguments)?,
        wait_timeout: arguments.seconds("timeout")?,
    })
}

fn status(arguments: &Arguments) -> Result<BanStatus, ApiError> {
    let status = arguments.text("status")?.unwrap_or("cancel");
    let allow_submit = arguments.flag("allow_submit")?;
    match status.to_ascii_lowercase().as_str() {
        "cancel" if allow_submit => Err(ApiError::bad_request(
            "allow_submit and status = CANCEL can not be combined",
        )),
        "cancel" => Ok(BanStatus::Cancel),
        "wait" if allow_submit => Ok(BanStatus::WaitAndSubmit),
        "wait" => Ok(BanStatus::Wait),
        _ => Err(ApiError::bad_request("status can only be cancel or wait")),
    }
}

/// `DELETE /ban/se?storage=`
pub async fn unban(call: Call) -> Outcome {
    let storage = call.query.given("storage");
    let storage = storage.ok_or_else(|| ApiError::bad_request(MISSING))?;
    let by = &call.principal().user_dn;
    let control = &call.operations()?.control;
    control.unban_storage(by, storage.trim()).await?;
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

/// `GET /ban/se`
pub async fn list(call: Call) -> Outcome {
    let now = call.operations()?.now();
    let rows: Vec<_> = now
        .storage_bans()
        .map(|it| settings::storage_ban(&it))
        .collect();
    wire::json(&rows)
}
