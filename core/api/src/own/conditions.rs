//! `/engine`: what the engine has found out about storages and links, and setting it back.

use causeway_model::Conditions;
use causeway_model::insight::{AvoidedWay, TrippedBreaker};
use http::StatusCode;
use serde_json::{Value, json};

use super::shape::time;
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

/// `GET /engine/conditions`
pub async fn show(call: Call) -> Outcome {
    let Conditions {
        closed,
        breakers,
        ways,
        links,
    } = call.state.insight.conditions().await?;
    let links = links.iter().map(|row| {
        json!({
            "source_se": row.source_se,
            "dest_se": row.dest_se,
            "active": row.active,
            "nostreams": row.nostreams,
            "ema": row.ema,
            "datetime": row.datetime.to_string(),
        })
    });
    wire::json(&json!({
        "closed": closed.map(|why| json!({"why": why, "text": why.to_string()})),
        "breakers": breakers.iter().map(breaker).collect::<Vec<_>>(),
        "ways": ways.iter().map(way).collect::<Vec<_>>(),
        "links": links.collect::<Vec<_>>(),
    }))
}

fn breaker(it: &TrippedBreaker) -> Value {
    json!({
        "storage": it.storage,
        "state": if it.until.is_some() { "open" } else { "trial" },
        "until": time(it.until),
        "trials": it.trials,
    })
}

fn way(it: &AvoidedWay) -> Value {
    json!({
        "source": it.source,
        "destination": it.destination,
        "way": it.way,
        "until": it.until.to_string(),
    })
}

/// `DELETE /engine/breakers?storage=`
pub async fn reset_breaker(call: Call) -> Outcome {
    let storage = needed(&call, "storage")?;
    let by = &call.principal().user_dn;
    call.state.insight.reset_breaker(by, storage).await?;
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

/// `DELETE /engine/ways?source=&destination=`
pub async fn forget_ways(call: Call) -> Outcome {
    let (source, destination) = (needed(&call, "source")?, needed(&call, "destination")?);
    let by = &call.principal().user_dn;
    let insight = &call.state.insight;
    insight.forget_ways(by, source, destination).await?;
    Ok(wire::empty(StatusCode::NO_CONTENT))
}

fn needed<'a>(call: &'a Call, name: &str) -> Result<&'a str, ApiError> {
    let value = call.query.given(name);
    value.ok_or_else(|| ApiError::bad_request(format!("Missing {name} parameter")))
}
