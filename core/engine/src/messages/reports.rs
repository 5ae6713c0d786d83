//! What the engine hears of an attempt, from its start to its last report.

use causeway_model::observe::StepTimes;
use causeway_model::transfer::CommitIntent;
use causeway_model::{Fault, Timestamp};
use causeway_sdk::{Checksum, LogLevel};
use serde::{Deserialize, Serialize};

use super::AttemptId;
use crate::crew::Loss;
use crate::plan::Rung;

/// From a worker to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Which attempt.
    pub attempt: AttemptId,
    /// What happened.
    pub event: AttemptEvent,
}

/// What happened in an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AttemptEvent {
    /// It runs.
    Started {
        /// Process that runs it.
        pid: u32,
    },
    /// What was decided once the source was known.
    Parameters {
        /// `nostreams:<n>,timeout:<t>,buffersize:<b>`
        params: String,
        /// Size of the source, in bytes.
        size: Option<u64>,
    },
    /// Nothing is at the destination any more. The attempt waits for [`Order::CommitGranted`](super::Order::CommitGranted).
    Cleared,
    /// It still runs.
    Alive,
    /// Bytes move.
    Progress {
        /// Bytes so far.
        bytes: u64,
        /// MiB/s since the start of the copy.
        throughput: f64,
    },
    /// Lines for the log of the transfer.
    Log(Vec<LogLine>),
    /// About to make this visible. The attempt waits for [`Order::CommitGranted`](super::Order::CommitGranted).
    Committing(CommitIntent),
    /// It worked. The last report.
    Finished(AttemptResult),
    /// It did not. The last report.
    Failed(Box<AttemptFailure>),
    /// Its worker is no more. The last report, made by whoever saw the worker end.
    Lost(Loss),
}

impl AttemptEvent {
    /// Nothing follows it.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Finished(_) | Self::Failed(_) | Self::Lost(_))
    }
}

/// A line of the log of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub time: Timestamp,
    /// How grave.
    pub level: LogLevel,
    /// Text without secrets.
    pub text: String,
}

/// What a successful attempt has to say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AttemptResult {
    /// Size of the file, in bytes.
    pub size: Option<u64>,
    /// Seconds the copy took.
    pub duration_seconds: f64,
    /// How the bytes moved; `None` when an earlier run had moved them.
    pub rung: Option<Rung>,
    /// Ways that turned out not to work before that.
    pub refused: Vec<Rung>,
    /// Checksum of the file, when one was computed.
    pub checksum: Option<Checksum>,
    /// How long each step took.
    pub steps: StepTimes,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptFailure {
    /// The fault.
    pub fault: Fault,
    /// Seconds the copy took until then; 0 when it never began.
    pub duration_seconds: f64,
    /// What stands at the destination, when that was asked for and is why it failed.
    pub dst_file: Option<DstFile>,
    /// Ways that turned out not to work.
    pub refused: Vec<Rung>,
    /// What arrived is kept for the next attempt.
    pub kept: bool,
    /// How long each step took.
    pub steps: StepTimes,
}

impl From<Fault> for AttemptFailure {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            duration_seconds: 0.0,
            dst_file: None,
            refused: Vec::new(),
            kept: false,
            steps: StepTimes::default(),
        }
    }
}

/// What stands at a destination that may not be replaced.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DstFile {
    /// Size in bytes.
    pub file_size: Option<u64>,
    /// Algorithm of the checksum, in upper case.
    pub checksum_type: Option<String>,
    /// Its value.
    pub checksum_value: Option<String>,
    /// It is on tape.
    pub file_on_tape: Option<bool>,
    /// It is on disk.
    pub file_on_disk: Option<bool>,
}
