//! `/config/se`: what is known about storages, and limits of operations there. The storage `*`
//! stands for all that have no value of their own.

use std::collections::BTreeMap;

use causeway_model::Settings;
use causeway_model::settings::{Change, OperationLimitRow, StorageRow};
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::members::{Given, Members, body, unknown, within, wrong_type};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire::{self, settings};

/// Storages of one request.
const STORAGES_MAX: usize = 1000;

/// `GET /config/se`: one storage, or all, by name.
pub async fn list(call: Call) -> Outcome {
    let now = call.operations()?.now();
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    match call.query.given("se") {
        Some(se) => all.extend(one(&now, se).map(|it| (se.to_owned(), it))),
        None => {
            let limits = now.operation_limits();
            let limited = limits.iter().map(|it| it.host.to_string());
            let known = now.storages().map(|it| it.storage.to_string());
            let names: Vec<String> = known.chain(limited).collect();
            for name in names {
                let row = one(&now, &name);
                all.extend(row.map(|it| (name, it)));
            }
        }
    }
    wire::json(&all)
}

fn one(now: &Settings, se: &str) -> Option<Value> {
    let row = now.storage(se);
    let limits = now.operation_limits_at(se);
    if row.is_none() && limits.is_empty() {
        return None;
    }
    Some(json!({
        "se_info": info(now, se).unwrap_or_else(|| json!({})),
        "operations": settings::operations(limits.iter()),
    }))
}

fn info(now: &Settings, se: &str) -> Option<Value> {
    now.storage(se).map(|it| settings::storage(it))
}

/// `POST /config/se`: changes what is given; answers with the last storage as it is then.
pub async fn set(mut call: Call) -> Outcome {
    let storages = body(&mut call).await?;
    if storages.len() > STORAGES_MAX {
        return Err(ApiError::bad_request("Too many storages in one request"));
    }
    let operations = call.operations()?;
    let _turn = operations.turn.take().await;
    let now = operations.now();
    let mut changes = Vec::new();
    let mut last = None;
    for (se, config) in storages {
        changes.extend(judged(&now, &se, config)?);
        last = Some(se);
    }
    let last = last.ok_or_else(malformed)?;
    call.change(changes).await?;
    let now = operations.now();
    let limits = now.operation_limits_at(&last);
    wire::json(&json!([
        info(&now, &last),
        settings::operations(limits.iter())
    ]))
}

fn malformed() -> ApiError {
    ApiError::bad_request("Malformed configuration")
}

fn object(value: Value) -> Result<Map<String, Value>, ApiError> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(malformed()),
    }
}

/// What is to be changed about one storage.
fn judged(now: &Settings, se: &str, config: Value) -> Result<Vec<Change>, ApiError> {
    if se.trim().is_empty() {
        return Err(malformed());
    }
    let mut config = Members::from(object(config)?);
    let mut changes = Vec::new();
    if let Some(info) = config.any("se_info").value() {
        let mut row = match now.storage(se) {
            Some(row) => (**row).clone(),
            None => StorageRow::new(se),
        };
        fill(&mut row, &mut object(info)?.into())?;
        changes.push(Change::PutStorage(row));
    }
    if let Some(limits) = config.any("operations").value() {
        for (vo, of_vo) in object(limits)? {
            for (name, limit) in object(of_vo)? {
                changes.push(Change::PutOperationLimit(limit_row(
                    se, &vo, &name, &limit,
                )?));
            }
        }
    }
    config.end()?;
    Ok(changes)
}

fn limit_row(se: &str, vo: &str, name: &str, limit: &Value) -> Result<OperationLimitRow, ApiError> {
    if vo.is_empty() {
        return Err(malformed());
    }
    let limit = limit.as_i64().ok_or_else(|| wrong_type(name, "int"))?;
    Ok(OperationLimitRow {
        vo_name: vo.into(),
        host: se.into(),
        operation: settings::operation(name).ok_or_else(|| unknown(name))?,
        // None is no limit.
        concurrent_ops: within(name, limit.max(0))?,
    })
}

fn fill(row: &mut StorageRow, it: &mut Members) -> Result<(), ApiError> {
    it.text("metadata")?.into(&mut row.metadata);
    it.text("se_metadata")?.into(&mut row.metadata);
    it.text("site")?.into(&mut row.site);
    it.flag_or_number("ipv6")?.into(&mut row.ipv6);
    it.flag_or_number("udt")?.into(&mut row.udt);
    it.number("debug_level")?.into(&mut row.debug_level);
    it.number("inbound_max_active")?
        .into(&mut row.inbound_max_active);
    it.number("outbound_max_active")?
        .into(&mut row.outbound_max_active);
    it.float("inbound_max_throughput")?
        .into(&mut row.inbound_max_throughput);
    it.float("outbound_max_throughput")?
        .into(&mut row.outbound_max_throughput);
    it.flag("eviction")?.into(&mut row.eviction);
    it.flag("skip_eviction")?.into(&mut row.skip_eviction);
    it.flag("tape_endpoint")?.into(&mut row.tape_endpoint);
    it.flag("overwrite_disk_enabled")?
        .into(&mut row.overwrite_disk_enabled);
    let support = match it.text("tpc_support")? {
        Given::Not => Given::Not,
        Given::Null => Given::Null,
        Given::Value(name) => {
            let support = settings::tpc_support(&name);
            let wanted = "one of FULL, PULL, PUSH, NONE";
            Given::Value(support.ok_or_else(|| wrong_type("tpc_support", wanted))?)
        }
    };
    support.into(&mut row.tpc_support);
    it.end()
}

/// `DELETE /config/se?se=`: with its limits of operations.
pub async fn remove(call: Call) -> Outcome {
    let se = call.query.given("se");
    let se = se.ok_or_else(|| ApiError::bad_request("Missing storage (se)"))?;
    call.change(vec![Change::DeleteStorage(se.into())]).await?;
    Ok(wire::empty(StatusCode::NO_CONTENT))
}
