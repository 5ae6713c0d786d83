//! What the optimizer decided, as tools know it.

use causeway_model::{EvolutionRow, OptimizerRow};
use serde_json::{Value, json};

/// One decision.
pub fn evolution(row: &EvolutionRow) -> Value {
    json!({
        "source_se": row.source_se,
        "dest_se": row.dest_se,
        "datetime": row.datetime.to_string(),
        "active": row.active,
        "actual_active": row.actual_active,
        "diff": row.diff,
        "queue_size": row.queue_size,
        "throughput": row.throughput,
        "ema": row.ema,
        "success": row.success,
        "filesize_avg": row.filesize_avg,
        "filesize_stddev": row.filesize_stddev,
        "rationale": row.rationale,
    })
}

/// The value of a link.
pub fn value(row: &OptimizerRow) -> Value {
    json!({
        "source_se": row.source_se,
        "dest_se": row.dest_se,
        "datetime": row.datetime.to_string(),
        "active": row.active,
        "nostreams": row.nostreams,
        "ema": row.ema,
    })
}
