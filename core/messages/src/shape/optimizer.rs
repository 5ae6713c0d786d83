//! The optimizer decided how many transfers a link may run.

use causeway_model::EvolutionRow;
use serde_json::Value;

use super::Body;

/// The body of an optimizer message. Throughputs are bytes per second. What the optimizer does not
/// note, the mean duration and the number of retries, is null.
pub fn optimizer(row: &EvolutionRow) -> String {
    let mut body = Body::default();
    body.put("source_se", row.source_se.as_ref())
        .put("dest_se", row.dest_se.as_ref())
        .put("throughput", row.throughput)
        .put("throughput_ema", row.ema)
        .put("duration_avg", Value::Null)
        .put("filesize_avg", row.filesize_avg)
        .put("filesize_stddev", row.filesize_stddev)
        .put("success_rate", row.success)
        .put("retry_count", Value::Null)
        .put("active_count", row.actual_active)
        .put("submitted_count", row.queue_size)
        .put("connections", row.active)
        .put("diff", row.diff)
        .put("rationale", row.rationale.as_str())
        .put("timestamp", row.datetime.0);
    body.text()
}
