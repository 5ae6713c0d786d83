//! What may be asked of a running engine, and what it answers: why something waits, what would
//! become of a submission, what the engine has learnt about storages and links.
//!
//! The port is [`EngineInsight`](crate::ports::EngineInsight). Nothing here changes a job; what can
//! be set back is only what the engine found out by itself.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::explain::{Closure, Side, Wait};
use crate::{FileId, OptimizerRow, Timestamp};

/// One way to copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rung {
    /// The destination's storage fetches.
    Pull,
    /// The source's storage sends.
    Push,
    /// Bytes go through the worker.
    Stream,
}

impl Rung {
    /// Name for logs, as users of the field know it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pull => "third-party pull",
            Self::Push => "third-party push",
            Self::Stream => "streamed",
        }
    }

    /// True when the bytes do not go through the worker.
    pub fn is_third_party(self) -> bool {
        self != Self::Stream
    }
}

/// What would become of a transfer that is not queued yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Forecast {
    /// Number of the transfer, as in what was asked.
    pub file_id: FileId,
    /// Why it would wait, the one that stops it first.
    pub waits: Vec<Wait>,
    /// When it is likely to start, when that can be said.
    pub predicted_start: Option<Timestamp>,
    /// Seconds that its copy may take.
    pub copy_seconds: u64,
    /// How its bytes can move, in the order in which that is tried.
    pub ways: Vec<Rung>,
    /// Those of the ways that did not work on the link lately, and so come last.
    pub avoided: Vec<Rung>,
    /// Sides whose storage no plugin serves.
    pub unserved: Vec<Side>,
}

/// A storage that cannot be reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrippedBreaker {
    /// The storage.
    pub storage: Arc<str>,
    /// When one transfer tries again; `None` while one does.
    pub until: Option<Timestamp>,
    /// Trials that failed.
    pub trials: u32,
}

/// A way of copying that did not work on a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvoidedWay {
    /// Source storage.
    pub source: Arc<str>,
    /// Destination storage.
    pub destination: Arc<str>,
    /// The way.
    pub way: Rung,
    /// Until when it comes last.
    pub until: Timestamp,
}

/// What an engine has found out, as it is now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conditions {
    /// Why nothing starts at all, if so.
    pub closed: Option<Closure>,
    /// Storages that cannot be reached, by name.
    pub breakers: Vec<TrippedBreaker>,
    /// Ways that come last, by link.
    pub ways: Vec<AvoidedWay>,
    /// Values of links, by link.
    pub links: Vec<OptimizerRow>,
}
