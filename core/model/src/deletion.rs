//! Rows of deletion jobs.

use std::sync::Arc;

use causeway_sdk::Url;
use serde::{Deserialize, Serialize};

use crate::job::wire_states;
use crate::{FileId, JobId, JsonText, Timestamp};

wire_states! {
    /// State of a deletion.
    DeletionState {
        Delete = "DELETE",
        Started = "STARTED",
        Finished = "FINISHED",
        Failed = "FAILED",
        Canceled = "CANCELED",
    }
}

impl DeletionState {
    /// True when nothing will happen to it any more.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Canceled)
    }
}

/// The row of a deletion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deletion {
    /// Its number, of the same sequence as those of transfers.
    pub file_id: FileId,
    /// Its job.
    pub job_id: JobId,
    /// Its state.
    pub state: DeletionState,
    /// What shall be deleted.
    pub source_surl: Url,
    /// Its storage.
    pub source_se: Arc<str>,
    /// VO of the job.
    pub vo_name: Arc<str>,
    /// Splits the work between nodes.
    pub hashed_id: u16,
    /// Node that ran it.
    pub host: Option<Arc<str>>,
    /// Why it is in its state.
    pub reason: Option<String>,
    /// When it began.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub finish_time: Option<Timestamp>,
    /// When its job ended.
    pub job_finished: Option<Timestamp>,
    /// Seconds it took.
    pub tx_duration: Option<f64>,
    /// Attempts that failed and were retried.
    pub retry: u32,
    /// Not before this.
    pub retry_timestamp: Option<Timestamp>,
    /// The user's own data.
    pub file_metadata: Option<JsonText>,
}
