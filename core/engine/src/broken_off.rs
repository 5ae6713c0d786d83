//! Transfers that were broken off so that another attempt can go on with them, and that ended
//! before one did: cancelled while they waited, too long in the queue, failed on tape.
//!
//! Nobody goes on with what they left then, so it is removed at once: by an attempt that copies
//! nothing, because only a worker reaches the storage and the ledger. It takes no slot, and keeps
//! its job until it is over. Which transfers left something is told by their attempts and, after a
//! start, by the ledgers that are there; a file that is cut off by the end of the gateway just then
//! goes a day later.
//!
//! # Invariants
//! - A transfer that ended leaves neither ledger nor unfinished file: `tests/resume.rs`.

use std::collections::HashSet;
use std::path::PathBuf;

use causeway_model::FileId;

use crate::board::Place;
use crate::dispatcher::{Dispatcher, Effect, Subject};
use crate::resume;

/// The transfers. See the module.
#[derive(Debug, Default)]
pub(crate) struct BrokenOff {
    /// There may be something of these to go on with.
    left: HashSet<FileId>,
    /// Those of them that have ended and were not seen to yet.
    ended: Vec<FileId>,
}

impl BrokenOff {
    /// What earlier lives left in a directory, as far as its transfers are still there.
    pub(crate) async fn found(dir: Option<PathBuf>) -> Self {
        let Some(dir) = dir else {
            return Self::default();
        };
        let left = tokio::task::spawn_blocking(move || resume::owners(&dir)).await;
        let left = left.unwrap_or_else(|error| {
            tracing::error!(%error, "failed to look for ledgers");
            Vec::new()
        });
        Self {
            left: left.into_iter().collect(),
            ended: Vec::new(),
        }
    }

    /// Forgets those that nobody will end.
    pub(crate) fn retain(&mut self, is_there: impl Fn(FileId) -> bool) {
        self.left.retain(|file| is_there(*file));
    }

    /// An attempt may have left something.
    pub(crate) fn note(&mut self, file: FileId) {
        self.left.insert(file);
    }

    /// An attempt left nothing.
    pub(crate) fn forget(&mut self, file: FileId) {
        self.left.remove(&file);
    }

    /// A transfer has ended.
    pub(crate) fn ended(&mut self, file: FileId) {
        if self.left.remove(&file) {
            self.ended.push(file);
        }
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.left.len() + self.ended.len()
    }
}

impl Dispatcher {
    /// Sees to the transfers that have ended.
    pub(crate) fn clean_up_broken_off(&mut self) {
        for file in std::mem::take(&mut self.board.broken_off.ended) {
            match self.board.file(file).map(|it| it.place) {
                // Its attempt cleans up; only if it never begins is there something left to do.
                Some(Place::Running(_)) => self.board.broken_off.note(file),
                Some(_) => {
                    let attempt = self.open_attempt(Subject::Leavings(file));
                    self.board.place_file(file, Place::Running(attempt));
                    self.effects.push(Effect::Start(attempt));
                }
                None => {}
            }
        }
    }

    /// An attempt was lost, or never began: it has not cleaned up.
    pub(crate) fn left_behind(&mut self, file: FileId) {
        let ended = |it: &crate::board::FileEntry| it.row.state.is_terminal();
        if self.board.file(file).is_some_and(ended) {
            self.board.broken_off.ended(file);
        }
    }
}
