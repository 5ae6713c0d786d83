//! What the board has of a job, a transfer, a deletion: the row, where it is, what changed.

use std::sync::Arc;

use causeway_model::{Deletion, FileId, FileState, Job, Transfer};

use crate::messages::AttemptId;
use crate::staging::RequestId;
use crate::staging::gather::GroupId;

/// Where a transfer or deletion is in the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The engine has nothing to do for it now.
    Resting,
    /// In its queue.
    Queued,
    /// Waiting for the time of its next attempt.
    Delayed,
    /// Waiting for its turn in the session of its job.
    InSession,
    /// Waiting to be brought online.
    Gathering(GroupId),
    /// Being brought online.
    Staging(RequestId),
    /// Copied, and waiting for its tape copy.
    AwaitingTape,
    /// An attempt is being started or runs.
    Running(AttemptId),
}

/// A transfer.
#[derive(Debug)]
pub(crate) struct FileEntry {
    pub(crate) row: Arc<Transfer>,
    pub(crate) place: Place,
    pub(crate) dirty: bool,
}

/// A deletion.
#[derive(Debug)]
pub(crate) struct DeletionEntry {
    pub(crate) row: Arc<Deletion>,
    pub(crate) place: Place,
    pub(crate) dirty: bool,
}

/// A job.
#[derive(Debug)]
pub(crate) struct JobEntry {
    pub(crate) job: Arc<Job>,
    pub(crate) files: Vec<FileId>,
    pub(crate) deletions: Vec<FileId>,
    /// Attempts that have not ended; a job stays until they have.
    pub(crate) running: u32,
    pub(crate) counts: Counts,
    pub(crate) dirty: bool,
    pub(crate) touched: bool,
}

/// Transfers by what matters for the state of their job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) live: u32,
    pub(crate) active: u32,
    pub(crate) archiving: u32,
}

impl Counts {
    pub(super) fn of(state: FileState) -> Self {
        Self {
            live: u32::from(state.is_cancelable()),
            active: u32::from(matches!(state, FileState::Ready | FileState::Active)),
            archiving: u32::from(state == FileState::Archiving),
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.live += other.live;
        self.active += other.active;
        self.archiving += other.archiving;
    }

    pub(super) fn subtract(&mut self, other: Self) {
        self.live -= other.live;
        self.active -= other.active;
        self.archiving -= other.archiving;
    }
}

/// Moves something, and counts what runs; gives where it was.
pub(super) fn put(place: &mut Place, next: Place, running: &mut u32) -> Place {
    let before = std::mem::replace(place, next);
    *running -= u32::from(matches!(before, Place::Running(_)));
    *running += u32::from(matches!(next, Place::Running(_)));
    before
}
