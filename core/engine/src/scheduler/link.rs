//! A link: what is queued and running on it, and where it stands.

use super::line::Turn;
use super::shares::Shares;
use super::slab::{FlowId, StorageId};

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing is queued but what is forced.
    Idle,
    /// Its turn will come.
    InRound,
    /// At its own limit.
    AtLink,
    /// Its source has no room.
    AtSource,
    /// Its destination has no room.
    AtDestination,
    /// What is queued may not start: held, without a share, or of a priority that does not run.
    Barred,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) source: StorageId,
    pub(super) destination: StorageId,
    /// One for each VO with anything queued.
    pub(super) flows: Vec<FlowId>,
    /// Transfers queued that are not forced.
    pub(super) queued: usize,
    /// Those of them that had begun before a restart.
    pub(super) begun: usize,
    pub(super) forced: usize,
    /// Files of all that is queued: a unit has several.
    pub(super) files: u64,
    pub(super) active: u32,
    /// Its own limit; the default when not set.
    pub(super) limit: Option<u32>,
    pub(super) shares: Option<Shares>,
    pub(super) standing: Standing,
    /// Its place in the line of its standing.
    pub(super) turn: Turn,
    /// Its place among links with forced transfers.
    pub(super) forced_turn: Option<Turn>,
}

impl Link {
    pub(super) fn new(source: StorageId, destination: StorageId) -> Self {
        Self {
            source,
            destination,
            flows: Vec::new(),
            queued: 0,
            begun: 0,
            forced: 0,
            files: 0,
            active: 0,
            limit: None,
            shares: None,
            standing: Standing::Idle,
            turn: Turn {
                is_new_work: true,
                number: 0,
            },
            forced_turn: None,
        }
    }

    /// True when nothing needs it any more.
    pub(super) fn is_idle(&self) -> bool {
        self.flows.is_empty() && self.active == 0 && self.limit.is_none() && self.shares.is_none()
    }

    pub(super) fn limit(&self, default_limit: u32) -> u32 {
        self.limit.unwrap_or(default_limit)
    }
}
