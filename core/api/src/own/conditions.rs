//! `/engine`: what the engine has found out about storages and links, and setting it back.

use std::sync::Arc;

use causeway_model::insight::{AvoidedWay, TrippedBreaker};
use causeway_model::{Conditions, OptimizerRow};
use http::StatusCode;
use serde_json::{Value, json};

use super::shape::time;
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

/// Most elements of one list in one answer.
const LIMIT_MAX: usize = 1000;

/// `GET /engine/conditions`: each list in pages, all of one page size.
pub async fn show(call: Call) -> Outcome {
    let page = Page::asked(&call)?;
    let Conditions {
        closed,
        breakers,
        ways,
        links,
    } = call.state.insight.conditions().await?;
    let (breakers_total, breakers) = page.cut(breakers, |it| [&it.storage, &it.storage]);
    let (ways_total, ways) = page.cut(ways, |it| [&it.source, &it.destination]);
    let (links_total, links) = page.cut(links, |it| [&it.source_se, &it.dest_se]);
    wire::json(&json!({
        "closed": closed.map(|why| json!({"why": why, "text": why.to_string()})),
        "breakers": breakers.iter().map(breaker).collect::<Vec<_>>(),
        "ways": ways.iter().map(way).collect::<Vec<_>>(),
        "links": links.iter().map(link).collect::<Vec<_>>(),
        "totals": {"breakers": breakers_total, "ways": ways_total, "links": links_total},
    }))
}

/// Which part of each list is wanted.
struct Page<'a> {
    storage: Option<&'a str>,
    limit: usize,
    offset: usize,
}

impl<'a> Page<'a> {
    fn asked(call: &'a Call) -> Result<Self, ApiError> {
        let limit = number(call, "limit")?.unwrap_or(LIMIT_MAX);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(ApiError::bad_request(format!(
                "The limit must be between 1 and {LIMIT_MAX}"
            )));
        }
        Ok(Self {
            storage: call.query.given("storage"),
            limit,
            offset: number(call, "offset")?.unwrap_or(0),
        })
    }

    /// How many there are about the storage asked for, and those of this page.
    fn cut<T>(&self, mut rows: Vec<T>, ends: impl Fn(&T) -> [&Arc<str>; 2]) -> (usize, Vec<T>) {
        if let Some(storage) = self.storage {
            rows.retain(|it| ends(it).iter().any(|end| ***end == *storage));
        }
        let total = rows.len();
        let rows = rows.into_iter().skip(self.offset).take(self.limit);
        (total, rows.collect())
    }
}

fn number(call: &Call, name: &str) -> Result<Option<usize>, ApiError> {
    let text = call.query.given(name);
    let number = text.map(|it| it.trim().parse());
    number
        .transpose()
        .map_err(|_| ApiError::bad_request(format!("Invalid {name} value")))
}

fn link(row: &OptimizerRow) -> Value {
    json!({
        "source_se": row.source_se,
        "dest_se": row.dest_se,
        "active": row.active,
        "nostreams": row.nostreams,
        "ema": row.ema,
        "datetime": row.datetime.to_string(),
    })
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
