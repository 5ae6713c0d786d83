//! `/ban/dn`: users who may do nothing.

use causeway_model::Timestamp;
use causeway_model::settings::UserBanRow;
use http::StatusCode;

use super::affected;
use super::arguments::Arguments;
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire::{self, settings};

/// `POST /ban/dn`
pub async fn ban(mut call: Call) -> Outcome {
    let arguments = Arguments::of(&mut call).await?;
    let dn = arguments.text("user_dn")?;
    let dn = dn.ok_or_else(|| ApiError::bad_request("Missing dn parameter"))?;
    let by = &call.principal().user_dn;
    if dn == by {
        return Err(ApiError::conflict("The user tried to ban (her|his)self"));
    }
    let row = UserBanRow {
        dn: dn.into(),
        message: arguments.text("message")?.unwrap_or_default().to_owned(),
        // The engine says when.
        addition_time: Timestamp(0),
        admin_dn: by.as_str().into(),
    };
    let jobs = call.operations()?.control.ban_user(row).await?;
    affected(&jobs)
}

/// `DELETE /ban/dn?user_dn=`
pub async fn unban(call: Call) -> Outcome {
    let dn = call.query.given("user_dn");
    let dn = dn.ok_or_else(|| ApiError::bad_request("Missing user_dn parameter"))?;
    let by = &call.principal().user_dn;
    call.operations()?.control.unban_user(by, dn.trim()).await?;
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

/// `GET /ban/dn`
pub async fn list(call: Call) -> Outcome {
    let now = call.operations()?.now();
    let rows: Vec<_> = now.user_bans().map(|it| settings::user_ban(&it)).collect();
    wire::json(&rows)
}
