//! What happened to jobs and transfers, written down in the same transaction as the rows.
//!
//! An event says what the row after it cannot say: from which state a transfer came, when, and how
//! an attempt went. Everything else is in the rows that stand beside it. Who reads events, and in
//! which words they are told outside, is not known here; [`crate::feed`] is how they are read.

use serde::{Deserialize, Serialize};

use crate::observe::StepTimes;
use crate::{Fault, FileId, FileState, JobId, JobState, Rung, Timestamp};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// A transfer is in another state.
    File(FileMoved),
    /// An attempt at a transfer is over.
    Attempt(Box<AttemptEnded>),
    /// A job is in another state.
    Job(JobMoved),
}

/// A transfer is in another state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMoved {
    /// Its job.
    pub job_id: JobId,
    /// The transfer.
    pub file_id: FileId,
    /// State before.
    pub from: FileState,
    /// State now.
    pub to: FileState,
    /// State of its job, as it follows from all its rows.
    pub job_state: JobState,
    /// Attempts that had failed and were retried.
    pub retry: u32,
    /// When.
    pub at: Timestamp,
}

/// A job is in another state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobMoved {
    /// The job.
    pub job_id: JobId,
    /// State now.
    pub state: JobState,
    /// When.
    pub at: Timestamp,
}

/// An attempt at a transfer is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptEnded {
    /// The job.
    pub job_id: JobId,
    /// The transfer.
    pub file_id: FileId,
    /// State of the job, as it follows from all its rows.
    pub job_state: JobState,
    /// Attempts before this one that had failed and were retried.
    pub retry: u32,
    /// When it was picked.
    pub started: Option<Timestamp>,
    /// When it ended.
    pub at: Timestamp,
    /// Why it failed; nothing when it worked.
    pub fault: Option<Fault>,
    /// The transfer had been cancelled while it ran.
    pub canceled: bool,
    /// No hop comes after this transfer.
    pub last_hop: bool,
    /// How the bytes moved, if they did.
    pub rung: Option<Rung>,
    /// Seconds the copy took.
    pub copy_seconds: f64,
    /// How long each step took.
    pub steps: StepTimes,
    /// `nostreams:<n>,timeout:<t>,buffersize:<b>`
    pub params: Option<String>,
    /// Size of the file, in bytes.
    pub size: Option<u64>,
    /// Bytes that were moved.
    pub transferred: Option<u64>,
}

impl Event {
    /// The job it is about.
    pub fn job_id(&self) -> JobId {
        match self {
            Self::File(it) => it.job_id,
            Self::Attempt(it) => it.job_id,
            Self::Job(it) => it.job_id,
        }
    }

    /// Notes the time and the state of the job once they are settled.
    pub fn settle(&mut self, state: JobState, now: Timestamp) {
        match self {
            Self::File(it) => (it.job_state, it.at) = (state, now),
            Self::Attempt(it) => (it.job_state, it.at) = (state, now),
            Self::Job(it) => it.at = now,
        }
    }
}
