//! One message: what it is about, and its body.

use std::sync::Arc;

use causeway_model::feed::Position;
use causeway_model::{Job, Timestamp};
use serde::{Deserialize, Serialize};

/// What a message tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// An attempt at a transfer runs.
    Start,
    /// An attempt at a transfer is over.
    Complete,
    /// A transfer is in another state.
    State,
    /// The optimizer decided.
    Optimizer,
    /// A job is in another state. Brokers do not get it: the field has no such message.
    Job,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Start,
        Self::Complete,
        Self::State,
        Self::Optimizer,
        Self::Job,
    ];

    /// Name on the wire and in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Complete => "complete",
            Self::State => "state",
            Self::Optimizer => "optimizer",
            Self::Job => "job",
        }
    }

    /// The kind with a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    /// The place after the event that it tells. An event may be told in several messages.
    pub after: Position,
    /// No other message tells the same event after this one.
    pub completes: bool,
    /// What it tells.
    pub kind: Kind,
    /// When that happened.
    pub at: Timestamp,
    /// The job it is about; none for the optimizer.
    pub job: Option<Arc<Job>>,
    /// JSON.
    pub body: String,
}

impl Message {
    /// VO of the job.
    pub fn vo(&self) -> Option<&str> {
        self.job.as_deref().map(|it| it.vo_name.as_ref())
    }
}
