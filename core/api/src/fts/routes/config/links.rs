//! `/config/links`: how links are driven. A storage may be `*`, which stands for all.

use std::sync::Arc;

use causeway_model::settings::{ANY, Change, LinkRow};
use http::StatusCode;
use serde_json::Value;

use super::members::{Given, Members, within, wrong_type};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire::{self, settings};

/// Modes of the optimizer that the field knows end here. One more is this gateway's own.
const LAST_MODE: i64 = 3;
const OWN_MODE: i64 = 4;

/// `GET /config/links`: all links, by name.
pub async fn list(call: Call) -> Outcome {
    let now = call.operations()?.now();
    let rows: Vec<Value> = now.links().map(|it| settings::link(it)).collect();
    wire::json(&rows)
}

/// `GET /config/links/{sym_name}`
pub async fn get(call: Call) -> Outcome {
    let name = call.param("sym_name");
    let now = call.operations()?.now();
    match now.link_named(name) {
        Some(row) => wire::json(&settings::link(row)),
        None => Err(ApiError::not_found(format!("Link {name} does not exist"))),
    }
}

/// `POST /config/links`: a new link, or changes to the one of this name.
pub async fn set(mut call: Call) -> Outcome {
    let mut members = Members::of(&mut call).await?;
    let name = members.name("symbolicname")?;
    let name = name.ok_or_else(|| ApiError::bad_request("Missing symbolicname"))?;
    let operations = call.operations()?;
    let _turn = operations.turn.take().await;
    let now = operations.now();
    let mut row = match now.link_named(&name) {
        Some(row) => (**row).clone(),
        None => LinkRow::new(&name, ANY, ANY),
    };
    fill(&mut row, &mut members)?;
    let shown = settings::link(&row);
    call.change(vec![Change::PutLink(row)]).await?;
    wire::json(&shown)
}

fn fill(row: &mut LinkRow, members: &mut Members) -> Result<(), ApiError> {
    storage(members, "source", &mut row.source_se)?;
    storage(members, "destination", &mut row.dest_se)?;
    active(members, "min_active", &mut row.min_active)?;
    active(members, "max_active", &mut row.max_active)?;
    mode(members)?.into(&mut row.optimizer_mode);
    members
        .number("tcp_buffer_size")?
        .into(&mut row.tcp_buffer_size);
    members.number("nostreams")?.into(&mut row.nostreams);
    match members.flag("no_delegation")? {
        Given::Value(flag) => row.no_delegation = flag,
        Given::Null => row.no_delegation = false,
        Given::Not => {}
    }
    members.end()
}

fn storage(members: &mut Members, name: &str, column: &mut Arc<str>) -> Result<(), ApiError> {
    match members.text(name)? {
        Given::Not => {}
        Given::Null => *column = ANY.into(),
        Given::Value(storage) if storage.trim().is_empty() => {
            let text = "Missing source and/or destination";
            return Err(ApiError::bad_request(text));
        }
        Given::Value(storage) => *column = storage.trim().into(),
    }
    Ok(())
}

/// A number of transfers, also as text.
fn active(members: &mut Members, name: &str, column: &mut u32) -> Result<(), ApiError> {
    let Some(value) = members.any(name).value() else {
        return Ok(());
    };
    let number = match &value {
        Value::Number(number) => number.as_i64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.ok_or_else(|| {
        ApiError::bad_request(format!("Active must be an integer ({name} is {value})"))
    })?;
    *column = within(name, number)?;
    Ok(())
}

fn mode(members: &mut Members) -> Result<Given<u8>, ApiError> {
    Ok(match members.signed("optimizer_mode")? {
        Given::Not => Given::Not,
        Given::Null => Given::Null,
        Given::Value(OWN_MODE) => Given::Value(OWN_MODE as u8),
        Given::Value(mode) => {
            let clamped = u8::try_from(mode.clamp(0, LAST_MODE));
            Given::Value(clamped.map_err(|_| wrong_type("optimizer_mode", "int"))?)
        }
    })
}

/// `DELETE /config/links/{sym_name}`: with the shares of its storages. One that is not there is gone
/// already.
pub async fn remove(call: Call) -> Outcome {
    let name = call.param("sym_name");
    call.change(vec![Change::DeleteLink(name.into())]).await?;
    Ok(wire::empty(StatusCode::NO_CONTENT))
}
