//! What is counted of one link and of one VO, found once and kept together.
//!
//! A series exists from its first event on: a link that never staged anything shows no staging.

use std::sync::{Arc, OnceLock};

use causeway_model::FileState;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;

use super::families::{
    Families, OfLink, OfLinkOutcome, OfLinkState, OfTransition, OfVo, OfVoOutcome, OfVoState,
};

const STATES: usize = FileState::ALL.len();

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It worked.
    Finished,
    /// It did not.
    Failed,
    /// Somebody gave it up.
    Canceled,
}

impl Outcome {
    /// Label value.
    pub fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// Of a link.
pub struct LinkCells {
    /// Label of the source.
    pub source: Arc<str>,
    /// Label of the destination.
    pub dest: Arc<str>,
    /// Bytes that moved.
    pub traffic: Counter,
    files: [OnceLock<Gauge>; STATES],
    attempts: [OnceLock<Counter>; 3],
}

impl LinkCells {
    /// Cells under these names.
    pub fn new(families: &Families, source: Arc<str>, dest: Arc<str>) -> Self {
        let labels = OfLink {
            source_se: Arc::clone(&source),
            dest_se: Arc::clone(&dest),
        };
        Self {
            traffic: families.link_traffic.get_or_create_owned(&labels),
            source,
            dest,
            files: [const { OnceLock::new() }; STATES],
            attempts: [const { OnceLock::new() }; 3],
        }
    }

    /// Labels of the link.
    pub fn labels(&self) -> OfLink {
        OfLink {
            source_se: Arc::clone(&self.source),
            dest_se: Arc::clone(&self.dest),
        }
    }

    /// Transfers in a state.
    pub fn files(&self, families: &Families, state: FileState) -> &Gauge {
        self.files[state as usize].get_or_init(|| {
            families.link_files.get_or_create_owned(&OfLinkState {
                source_se: Arc::clone(&self.source),
                dest_se: Arc::clone(&self.dest),
                state: state.name(),
            })
        })
    }

    /// Attempts that ended so.
    pub fn attempts(&self, families: &Families, outcome: Outcome) -> &Counter {
        self.attempts[outcome as usize].get_or_init(|| {
            families.link_attempts.get_or_create_owned(&OfLinkOutcome {
                source_se: Arc::clone(&self.source),
                dest_se: Arc::clone(&self.dest),
                outcome: outcome.name(),
            })
        })
    }
}

/// Of a VO.
pub struct VoCells {
    /// Its label.
    pub name: Arc<str>,
    /// Attempts that are followed by another.
    pub retries: Counter,
    /// Time in the queue.
    pub queue_wait: Histogram,
    files: [OnceLock<Gauge>; STATES],
    moves: Box<[OnceLock<Counter>]>,
    attempts: [OnceLock<Counter>; 3],
}

impl VoCells {
    /// Cells under this name.
    pub fn new(families: &Families, name: Arc<str>) -> Self {
        let labels = OfVo {
            vo: Arc::clone(&name),
        };
        Self {
            name,
            retries: families.retries.get_or_create_owned(&labels),
            queue_wait: families.queue_wait.get_or_create_owned(&labels),
            files: [const { OnceLock::new() }; STATES],
            moves: std::iter::repeat_with(OnceLock::new)
                .take(STATES * STATES)
                .collect(),
            attempts: [const { OnceLock::new() }; 3],
        }
    }

    /// Labels of the VO.
    pub fn labels(&self) -> OfVo {
        OfVo {
            vo: Arc::clone(&self.name),
        }
    }

    /// Transfers in a state.
    pub fn files(&self, families: &Families, state: FileState) -> &Gauge {
        self.files[state as usize].get_or_init(|| {
            families.vo_files.get_or_create_owned(&OfVoState {
                vo: Arc::clone(&self.name),
                state: state.name(),
            })
        })
    }

    /// Changes from one state to another.
    pub fn moves(&self, families: &Families, from: FileState, to: FileState) -> &Counter {
        self.moves[from as usize * STATES + to as usize].get_or_init(|| {
            families
                .file_transitions
                .get_or_create_owned(&OfTransition {
                    vo: Arc::clone(&self.name),
                    from: from.name(),
                    to: to.name(),
                })
        })
    }

    /// Attempts that ended so.
    pub fn attempts(&self, families: &Families, outcome: Outcome) -> &Counter {
        self.attempts[outcome as usize].get_or_init(|| {
            families.attempts.get_or_create_owned(&OfVoOutcome {
                vo: Arc::clone(&self.name),
                outcome: outcome.name(),
            })
        })
    }
}
