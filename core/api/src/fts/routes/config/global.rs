//! `/config/global`: defaults for the jobs of a VO, or of all.

use causeway_model::settings::{ANY, Change, VoRow};
use http::StatusCode;
use serde_json::{Map, Value};

use super::members::{Given, Members, within};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire::{self, settings};

/// `GET /config/global`
pub async fn list(call: Call) -> Outcome {
    wire::json(&value(&call)?)
}

/// Rows by VO.
fn value(call: &Call) -> Result<Value, ApiError> {
    let now = call.operations()?.now();
    let rows = now.vos();
    let rows: Map<_, _> = rows
        .map(|it| (it.vo_name.to_string(), settings::vo(&it)))
        .collect();
    Ok(Value::Object(rows))
}

/// `POST /config/global`: changes what is given.
pub async fn set(mut call: Call) -> Outcome {
    let mut members = Members::of(&mut call).await?;
    let name = members.text("vo_name")?.value();
    let name = name.unwrap_or_else(|| ANY.to_owned());
    let operations = call.operations()?;
    let _turn = operations.turn.take().await;
    let now = operations.now();
    let mut row = match now.vo(&name) {
        Some(row) => (**row).clone(),
        None => VoRow::new(&name),
    };
    fill(&mut row, &mut members)?;
    call.change(vec![Change::PutVo(row)]).await?;
    wire::json(&value(&call)?)
}

fn fill(row: &mut VoRow, members: &mut Members) -> Result<(), ApiError> {
    let retry = match members.signed("retry")? {
        // Negative means none; how negative does not matter.
        Given::Value(it) if it < 0 => Given::Value(-1),
        Given::Value(it) => Given::Value(within("retry", it)?),
        Given::Null => Given::Null,
        Given::Not => Given::Not,
    };
    retry.into(&mut row.retry);
    members
        .number("max_time_queue")?
        .into(&mut row.max_time_queue);
    members
        .number("global_timeout")?
        .into(&mut row.global_timeout);
    members.number("sec_per_mb")?.into(&mut row.sec_per_mb);
    members.flag("no_streaming")?.into(&mut row.no_streaming);
    members.flag("show_user_dn")?.into(&mut row.show_user_dn);
    members.end()
}

/// `DELETE /config/global?vo_name=`
pub async fn remove(call: Call) -> Outcome {
    let name = call.query.given("vo_name");
    let name = name.ok_or_else(|| ApiError::bad_request("Missing VO name"))?;
    if name == ANY {
        let text = "The configuration for all VOs can not be removed";
        return Err(ApiError::bad_request(text));
    }
    call.change(vec![Change::DeleteVo(name.into())]).await?;
    Ok(wire::empty(StatusCode::NO_CONTENT))
}
