//! Why a transfer waits: the one vocabulary of reasons, and their wording.
//!
//! The scheduler gives its reasons, the dispatcher adds what only rows and settings know. The API,
//! the command line and the log show the sentence that `Display` gives, and nothing else.
//!
//! # Invariants
//! - Every reason survives serialisation, and every sentence begins as one and ends with a full
//!   stop: `every_reason_is_a_sentence_and_survives_the_wire`.

#[cfg(test)]
mod tests;
mod wording;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{FileId, FileState, Timestamp};

/// A side of a storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Bytes leave it: it is a source.
    Outbound,
    /// Bytes reach it: it is a destination.
    Inbound,
}

/// Why this node starts nothing at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closure {
    /// An operator drains it.
    Drained,
    /// It has too little memory left.
    LowMemory,
    /// It is being stopped.
    Stopping,
}

/// Which transfer of its job has to come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sibling {
    /// The hop before this one.
    Hop,
    /// A replica that is tried before this one.
    Replica,
}

/// One reason why a transfer waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Wait {
    /// The node starts nothing.
    Closed {
        /// Why.
        why: Closure,
    },
    /// A storage is banned.
    Ban {
        /// The storage.
        storage: Arc<str>,
        /// The VO it is banned for; all when not set.
        vo: Option<Arc<str>>,
        /// What the operator said.
        message: Option<String>,
    },
    /// A storage fails so often that it is left alone for a while.
    Breaker {
        /// The storage.
        storage: Arc<str>,
        /// When it is tried again, when that is known.
        until: Option<Timestamp>,
    },
    /// A storage kept failing, and one transfer at a time tries whether it works again.
    Trial {
        /// The storage.
        storage: Arc<str>,
    },
    /// The link has shares, and none of them is for the VO: the transfer will fail.
    NoShare {
        /// The VO.
        vo: Arc<str>,
    },
    /// Transfers of one priority only are started.
    OnlyPriority {
        /// Of this transfer.
        own: i32,
        /// The one that is started.
        only: i32,
    },
    /// All workers are busy.
    Total {
        /// Transfers that run.
        active: u64,
        /// Transfers that may.
        limit: u64,
    },
    /// The link is at its limit.
    LinkLimit {
        /// Where the link begins.
        source: Arc<str>,
        /// Where it ends.
        destination: Arc<str>,
        /// Transfers that run on it.
        active: u32,
        /// Transfers that may.
        limit: u32,
    },
    /// A storage is at its limit.
    StorageLimit {
        /// The storage.
        storage: Arc<str>,
        /// Which side of it.
        side: Side,
        /// Transfers that run there.
        active: u32,
        /// Transfers that may.
        limit: u32,
    },
    /// A storage moves more bytes than it may.
    Throughput {
        /// The storage.
        storage: Arc<str>,
        /// Which side of it.
        side: Side,
        /// What it moves, in MiB/s.
        current: f64,
        /// What it may, in MiB/s.
        limit: f64,
    },
    /// Transfers of a higher priority come first.
    Priority {
        /// Of this transfer.
        own: i32,
        /// The highest that is queued.
        highest: i32,
        /// Transfers queued above this one's priority.
        ahead: u64,
    },
    /// Several VOs have work on the link and take their share.
    Share {
        /// The VO of this transfer.
        vo: Arc<str>,
        /// Its weight.
        weight: f64,
        /// How likely it is to get the next slot, from 0 to 1.
        probability: f64,
    },
    /// Several activities of the VO have work on the link and take their share.
    Activity {
        /// The activity of this transfer.
        activity: Arc<str>,
        /// Its weight; with 0 it runs when nothing else of the VO is queued.
        weight: f64,
        /// How likely it is to get the next slot of the VO, from 0 to 1.
        probability: f64,
    },
    /// Others of the same VO on the same link were there before.
    Position {
        /// How many.
        ahead: u64,
        /// False when the number is an estimate.
        exact: bool,
    },
    /// Nothing is in the way: the next free slot is its own.
    Next,
    /// The last attempt failed; the next one has its time.
    RetryAt {
        /// Not before this.
        at: Timestamp,
    },
    /// The credential has expired or will before the transfer can run.
    Credential {
        /// When it expires; `None` when there is none.
        expires: Option<Timestamp>,
    },
    /// The source is being brought online.
    Staging {
        /// Since when; `None` when the request was not sent yet.
        since: Option<Timestamp>,
    },
    /// Another transfer of the job comes first.
    NotEnabled {
        /// Which one.
        waits_for: FileId,
        /// What it is.
        sibling: Sibling,
    },
    /// Another node has it.
    OtherNode {
        /// Its name, when it is known.
        host: Option<Arc<str>>,
    },
    /// Tokens are being exchanged.
    Token,
    /// Something else has to happen before it is queued, in words that fit behind "it waits for".
    Delayed {
        /// What has to happen.
        what: String,
    },
}

/// Why a transfer waits, and until when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The transfer.
    pub file_id: FileId,
    /// Its state.
    pub state: FileState,
    /// The reasons, the one that stops it first.
    pub waits: Vec<Wait>,
    /// When it is likely to start, when that can be said.
    pub predicted_start: Option<Timestamp>,
    /// Seconds that its copy may take.
    pub copy_seconds: u64,
}

impl Wait {
    /// True when the transfer cannot start before this changes; false when it only has to let
    /// others go first.
    pub fn is_obstacle(&self) -> bool {
        !matches!(
            self,
            Self::Share { .. } | Self::Activity { .. } | Self::Position { .. } | Self::Next
        )
    }
}
