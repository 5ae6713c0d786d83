//! `/snapshot`: how links are doing, one row for each link and VO that uses it.
//!
//! Numbers come from counters that are kept as things happen. With what attempts fail is shown of
//! the caller's own VOs only, unless the caller may see everything: such texts name files.

use std::collections::HashMap;
use std::sync::Arc;

use causeway_model::links::{LinkChoice, LinkReport};
use causeway_model::{Level, OptimizerRow, Settings};
use serde_json::{Map, Value, json};

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

const MIB: f64 = 1_048_576.0;

/// Values of the optimizer by link.
type Values = HashMap<(Arc<str>, Arc<str>), u32>;

/// `GET /snapshot?vo_name=&source_se=&dest_se=`
pub async fn links(call: Call) -> Outcome {
    let given = |name| call.query.given(name).map(str::to_owned);
    let choice = LinkChoice {
        vo_name: given("vo_name"),
        source_se: given("source_se"),
        dest_se: given("dest_se"),
    };
    let operations = call.operations()?;
    let reports = operations.links.links(&choice);
    let values = match operations.optimizer_enabled {
        true => values(&call).await?,
        false => Values::new(),
    };
    let settings = operations.now();
    let sees_all = call.level("transfer")? == Level::All;
    let vos = &call.principal().vos;
    let rows: Vec<Value> = reports
        .iter()
        .map(|it| {
            let is_open = sees_all || vos.iter().any(|vo| **vo == *it.vo_name);
            row(it, max_active(&settings, &values, it), is_open, &settings)
        })
        .collect();
    wire::json(&rows)
}

async fn values(call: &Call) -> Result<Values, ApiError> {
    let rows = call.operations()?.settings.optimizer().await?;
    let value = |it: OptimizerRow| ((it.source_se, it.dest_se), it.active);
    Ok(rows.into_iter().map(value).collect())
}

/// What the optimizer found, else what is set for the link.
fn max_active(settings: &Settings, values: &Values, it: &LinkReport) -> Option<u32> {
    let pair = (Arc::clone(&it.source_se), Arc::clone(&it.dest_se));
    let set = || Some(settings.link(&it.source_se, &it.dest_se)?.max_active);
    values.get(&pair).copied().or_else(set)
}

fn row(it: &LinkReport, max_active: Option<u32>, is_open: bool, settings: &Settings) -> Value {
    let ended = it.finished + it.failed;
    let ratio = (ended > 0).then(|| it.finished as f64 / ended as f64);
    json!({
        "vo_name": it.vo_name,
        "source_se": it.source_se,
        "dest_se": it.dest_se,
        "active": it.active,
        "max_active": max_active,
        "submitted": it.submitted,
        "finished": it.finished,
        "failed": it.failed,
        "success_ratio": ratio,
        "avg_queued": it.avg_queued,
        "avg_throughput": it.avg_throughput.map(|bytes| bytes / MIB),
        "avg_duration": it.avg_duration,
        "frequent_error": it.frequent_error.as_ref().filter(|_| is_open),
        "limits": limits(settings, it),
    })
}

/// What is set for both storages.
fn limits(settings: &Settings, it: &LinkReport) -> Value {
    let side = |active: u32, throughput: Option<f64>| {
        let mut members = Map::new();
        members.insert("active".into(), json!(active));
        if let Some(throughput) = throughput {
            members.insert("throughput".into(), json!(throughput));
        }
        Value::Object(members)
    };
    let (source, destination) = (&it.source_se, &it.dest_se);
    json!({
        "source": side(settings.outbound_limit(source), settings.outbound_throughput(source)),
        "destination":
            side(settings.inbound_limit(destination), settings.inbound_throughput(destination)),
    })
}
