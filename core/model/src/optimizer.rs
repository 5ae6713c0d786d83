//! What the optimizer leaves behind: the value of a link, and the story of how it came about.
//!
//! Written by the engine, kept by the store, shown by the API under these very column names.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How many transfers a link may run now; one row per link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OptimizerRow {
    /// Source storage.
    pub source_se: Arc<str>,
    /// Destination storage.
    pub dest_se: Arc<str>,
    /// When it was decided.
    pub datetime: Timestamp,
    /// Exponential moving average of the throughput, bytes per second.
    pub ema: f64,
    /// Transfers that may run at the same time.
    pub active: u32,
    /// Parallel streams of one transfer.
    pub nostreams: u32,
}

impl OptimizerRow {
    /// The value a link has before anything is known of it.
    pub const INITIAL_ACTIVE: u32 = 2;
}

/// One decision; kept for as long as history is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvolutionRow {
    /// When it was decided.
    pub datetime: Timestamp,
    /// Source storage.
    pub source_se: Arc<str>,
    /// Destination storage.
    pub dest_se: Arc<str>,
    /// Transfers that may run at the same time, as decided.
    pub active: u32,
    /// Throughput of the link, bytes per second.
    pub throughput: f64,
    /// Attempts that succeeded, percent.
    pub success: f64,
    /// Why, in words.
    pub rationale: String,
    /// Change against the value before.
    pub diff: i64,
    /// Transfers that were running.
    pub actual_active: u32,
    /// Transfers that were waiting.
    pub queue_size: u64,
    /// Exponential moving average of the throughput, bytes per second.
    pub ema: f64,
    /// Mean size of the files, bytes.
    pub filesize_avg: f64,
    /// Standard deviation of the sizes, bytes.
    pub filesize_stddev: f64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_survive_being_written_and_read() {
        let row = EvolutionRow {
            datetime: Timestamp(5),
            source_se: "mock://a".into(),
            dest_se: "mock://b".into(),
            active: 22,
            throughput: 1.5e7,
            success: 98.0,
            rationale: "Range fixed".to_owned(),
            diff: -1,
            actual_active: 21,
            queue_size: 100,
            ema: 1.4e7,
            filesize_avg: 1e9,
            filesize_stddev: 1e6,
        };
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(serde_json::from_str::<EvolutionRow>(&text).unwrap(), row);
        let row = OptimizerRow {
            source_se: row.source_se,
            dest_se: row.dest_se,
            datetime: row.datetime,
            ema: row.ema,
            active: row.active,
            nostreams: 16,
        };
        let text = serde_json::to_string(&row).unwrap();
        assert_eq!(serde_json::from_str::<OptimizerRow>(&text).unwrap(), row);
    }
}
