//! The rows of all jobs that have not ended, and the only place where one of them changes.
//!
//! Changes are collected; [`Board::take`] hands them over as one transaction, in which the state
//! of every touched job follows from its rows. No input or output, no clock.
//!
//! # Invariants
//! - A transfer changes its state only as [`FileState::can_become`] allows: [`Board::move_file`].
//! - A job's row and the rows of its transfers change in the same transaction.

use std::collections::HashMap;
use std::sync::Arc;

use causeway_model::observe::{Observation, Watched};
use causeway_model::ports::{JobView, Transaction};
use causeway_model::{Deletion, FileId, FileState, Job, JobId, RetryLog, Timestamp, Transfer};

use crate::index::Index;
use crate::messages::AttemptId;
use crate::staging::RequestId;
use crate::staging::gather::GroupId;
use crate::watching::lane;

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
    fn of(state: FileState) -> Self {
        Self {
            live: u32::from(state.is_cancelable()),
            active: u32::from(matches!(state, FileState::Ready | FileState::Active)),
            archiving: u32::from(state == FileState::Archiving),
        }
    }

    fn add(&mut self, other: Self) {
        self.live += other.live;
        self.active += other.active;
        self.archiving += other.archiving;
    }

    fn subtract(&mut self, other: Self) {
        self.live -= other.live;
        self.active -= other.active;
        self.archiving -= other.archiving;
    }
}

/// All rows that are not history.
#[derive(Debug, Default)]
pub(crate) struct Board {
    pub(crate) jobs: HashMap<JobId, JobEntry>,
    pub(crate) files: HashMap<FileId, FileEntry>,
    pub(crate) deletions: HashMap<FileId, DeletionEntry>,
    dirty_files: Vec<FileId>,
    dirty_deletions: Vec<FileId>,
    touched_jobs: Vec<JobId>,
    retries: Vec<RetryLog>,
    pub(crate) index: Index,
    /// Is told of every change of a state.
    pub(crate) watched: Watched,
}

impl Board {
    /// Nothing on it; an observer is told of every change of a state.
    pub(crate) fn watched_by(watched: Watched) -> Self {
        Self {
            watched,
            ..Self::default()
        }
    }

    /// Takes a job up. False when it is there already.
    pub(crate) fn adopt(&mut self, view: JobView) -> bool {
        let id = view.job.job_id;
        if self.jobs.contains_key(&id) {
            return false;
        }
        let mut counts = Counts::default();
        let mut files = Vec::with_capacity(view.files.len());
        for row in view.files {
            counts.add(Counts::of(row.state));
            self.watched.observe(&Observation::FileTaken {
                lane: lane(&row),
                state: row.state,
            });
            if !row.state.is_terminal() {
                self.index.add(&row);
            }
            files.push(row.file_id);
            let entry = FileEntry {
                place: Place::Resting,
                dirty: false,
                row,
            };
            self.files.insert(entry.row.file_id, entry);
        }
        let mut deletions = Vec::with_capacity(view.deletions.len());
        for row in view.deletions {
            deletions.push(row.file_id);
            let entry = DeletionEntry {
                place: Place::Resting,
                dirty: false,
                row,
            };
            self.deletions.insert(entry.row.file_id, entry);
        }
        self.index.add_job(&view.job.user_dn, id);
        let entry = JobEntry {
            job: view.job,
            files,
            deletions,
            running: 0,
            counts,
            dirty: false,
            touched: false,
        };
        self.jobs.insert(id, entry);
        true
    }

    pub(crate) fn file(&self, id: FileId) -> Option<&FileEntry> {
        self.files.get(&id)
    }

    pub(crate) fn deletion(&self, id: FileId) -> Option<&DeletionEntry> {
        self.deletions.get(&id)
    }

    pub(crate) fn job(&self, id: JobId) -> Option<&JobEntry> {
        self.jobs.get(&id)
    }

    /// Puts a transfer somewhere; gives where it was.
    pub(crate) fn place_file(&mut self, id: FileId, place: Place) -> Option<Place> {
        let entry = self.files.get_mut(&id)?;
        let job = self.jobs.get_mut(&entry.row.job_id)?;
        Some(put(&mut entry.place, place, &mut job.running))
    }

    /// Puts a deletion somewhere; gives where it was.
    pub(crate) fn place_deletion(&mut self, id: FileId, place: Place) -> Option<Place> {
        let entry = self.deletions.get_mut(&id)?;
        let job = self.jobs.get_mut(&entry.row.job_id)?;
        Some(put(&mut entry.place, place, &mut job.running))
    }

    /// Moves a transfer to another state, if that is legal, with what else changes in its row.
    pub(crate) fn move_file(
        &mut self,
        id: FileId,
        next: FileState,
        change: impl FnOnce(&mut Transfer),
    ) -> bool {
        let Some(entry) = self.files.get_mut(&id) else {
            return false;
        };
        let before = entry.row.state;
        if !before.can_become(next) {
            tracing::debug!(file.id = id.0, %before, %next, "transition refused");
            return false;
        }
        let row = Arc::make_mut(&mut entry.row);
        row.state = next;
        change(row);
        if next.is_terminal() {
            self.index.remove(row);
        }
        let job_id = row.job_id;
        if let Some(job) = self.jobs.get_mut(&job_id) {
            job.counts.subtract(Counts::of(before));
            job.counts.add(Counts::of(next));
            self.watched.observe(&Observation::FileMoved {
                job: job_id,
                file: id,
                lane: lane(row),
                from: before,
                to: next,
                submitted: job.job.submit_time,
            });
        }
        self.mark_file(id);
        self.touch(job_id);
        true
    }

    /// Changes what is not the state of a transfer.
    pub(crate) fn change_file(&mut self, id: FileId, change: impl FnOnce(&mut Transfer)) {
        let Some(entry) = self.files.get_mut(&id) else {
            return;
        };
        let row = Arc::make_mut(&mut entry.row);
        let state = row.state;
        change(row);
        debug_assert_eq!(state, row.state, "a state changes through move_file only");
        self.mark_file(id);
    }

    /// Changes a deletion that has not ended.
    pub(crate) fn change_deletion(
        &mut self,
        id: FileId,
        change: impl FnOnce(&mut Deletion),
    ) -> bool {
        let Some(entry) = self.deletions.get_mut(&id) else {
            return false;
        };
        if entry.row.state.is_terminal() {
            return false;
        }
        let row = Arc::make_mut(&mut entry.row);
        change(row);
        if row.state.is_terminal() {
            self.watched.observe(&Observation::DeletionEnded {
                vo: &row.vo_name,
                state: row.state,
            });
        }
        let job_id = row.job_id;
        self.mark_deletion(id);
        self.touch(job_id);
        true
    }

    /// Changes the row of a job.
    pub(crate) fn change_job(&mut self, id: JobId, change: impl FnOnce(&mut Job)) {
        if let Some(entry) = self.jobs.get_mut(&id) {
            let before = entry.job.state;
            change(Arc::make_mut(&mut entry.job));
            if entry.job.state != before {
                self.watched.observe(&Observation::JobMoved {
                    vo: &entry.job.vo_name,
                    to: entry.job.state,
                });
            }
            entry.dirty = true;
            self.touch(id);
        }
    }

    /// Remembers a failed attempt.
    pub(crate) fn remember(&mut self, retry: RetryLog) {
        self.retries.push(retry);
    }

    fn mark_file(&mut self, id: FileId) {
        if let Some(entry) = self.files.get_mut(&id)
            && !std::mem::replace(&mut entry.dirty, true)
        {
            self.dirty_files.push(id);
        }
    }

    pub(crate) fn mark_deletion(&mut self, id: FileId) {
        if let Some(entry) = self.deletions.get_mut(&id)
            && !std::mem::replace(&mut entry.dirty, true)
        {
            self.dirty_deletions.push(id);
        }
    }

    /// Makes sure that a job is looked at before the next transaction.
    pub(crate) fn touch(&mut self, id: JobId) {
        if let Some(entry) = self.jobs.get_mut(&id)
            && !std::mem::replace(&mut entry.touched, true)
        {
            self.touched_jobs.push(id);
        }
    }

    /// Number of transfers and deletions of a job that have not ended.
    pub(crate) fn live(&self, id: JobId) -> usize {
        let Some(job) = self.jobs.get(&id) else {
            return 0;
        };
        let deletions = job.deletions.iter().filter(|id| {
            let entry = self.deletions.get(id);
            entry.is_some_and(|it| !it.row.state.is_terminal())
        });
        job.counts.live as usize + deletions.count()
    }

    /// Counts the transfers of a job again; true when they had been counted wrongly.
    pub(crate) fn recount(&mut self, id: JobId) -> bool {
        let Some(job) = self.jobs.get_mut(&id) else {
            return false;
        };
        let (mut counts, mut running) = (Counts::default(), 0);
        for entry in job.files.iter().filter_map(|id| self.files.get(id)) {
            counts.add(Counts::of(entry.row.state));
            running += u32::from(matches!(entry.place, Place::Running(_)));
        }
        for entry in job.deletions.iter().filter_map(|id| self.deletions.get(id)) {
            running += u32::from(matches!(entry.place, Place::Running(_)));
        }
        let wrong = (job.counts, job.running) != (counts, running);
        (job.counts, job.running) = (counts, running);
        wrong
    }

    /// True when [`Board::take`] would give something.
    pub(crate) fn has_changes(&self) -> bool {
        !(self.touched_jobs.is_empty()
            && self.dirty_files.is_empty()
            && self.dirty_deletions.is_empty()
            && self.retries.is_empty())
    }

    /// All changes since the last time as one transaction, and the jobs that may be forgotten once
    /// it is durable.
    pub(crate) fn take(&mut self, now: Timestamp) -> (Transaction, Vec<JobId>) {
        let mut transaction = Transaction::default();
        let mut leaving = Vec::new();
        for id in std::mem::take(&mut self.touched_jobs) {
            self.settle(id, now);
            let Some(entry) = self.jobs.get_mut(&id) else {
                continue;
            };
            entry.touched = false;
            if std::mem::take(&mut entry.dirty) {
                transaction.jobs.push(Arc::clone(&entry.job));
            }
            if entry.job.state.is_terminal() && entry.running == 0 {
                leaving.push(id);
            }
        }
        for id in std::mem::take(&mut self.dirty_files) {
            if let Some(entry) = self.files.get_mut(&id) {
                entry.dirty = false;
                transaction.files.push(Arc::clone(&entry.row));
            }
        }
        for id in std::mem::take(&mut self.dirty_deletions) {
            if let Some(entry) = self.deletions.get_mut(&id) {
                entry.dirty = false;
                transaction.deletions.push(Arc::clone(&entry.row));
            }
        }
        transaction.retries = std::mem::take(&mut self.retries);
        (transaction, leaving)
    }

    /// Forgets a job that ended, unless something of it still moves.
    pub(crate) fn forget(&mut self, id: JobId) {
        let Some(entry) = self.jobs.get(&id) else {
            return;
        };
        if !entry.job.state.is_terminal() || entry.running > 0 || entry.touched {
            return;
        }
        if let Some(entry) = self.jobs.remove(&id) {
            self.index.remove_job(&entry.job.user_dn, id);
            for id in entry.files {
                if let Some(file) = self.files.remove(&id)
                    && !file.row.state.is_terminal()
                {
                    self.index.remove(&file.row);
                    self.watched.observe(&Observation::FileLeft {
                        lane: lane(&file.row),
                        state: file.row.state,
                    });
                }
            }
            for id in entry.deletions {
                self.deletions.remove(&id);
            }
        }
    }
}

fn put(place: &mut Place, next: Place, running: &mut u32) -> Place {
    let before = std::mem::replace(place, next);
    *running -= u32::from(matches!(before, Place::Running(_)));
    *running += u32::from(matches!(next, Place::Running(_)));
    before
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row as a worker's report would find it; only the state matters here.
    fn row(state: &str) -> Arc<Transfer> {
        let job_id = JobId(uuid::Uuid::nil());
        let text = serde_json::json!({
            "file_id": 1, "file_index": 0, "job_id": job_id, "state": state,
            "source_surl": "mock://a/f", "dest_surl": "mock://b/f",
            "source_se": "mock://a", "dest_se": "mock://b",
            "vo_name": "v", "activity": "default", "priority": 3, "hashed_id": 0,
            "user_filesize": 0, "retry": 0, "destination_cleared": false,
        });
        Arc::new(serde_json::from_value(text).unwrap())
    }

    fn board(state: &str) -> (Board, FileId) {
        let row = row(state);
        let id = row.file_id;
        let mut board = Board::default();
        let entry = FileEntry {
            row,
            place: Place::Resting,
            dirty: false,
        };
        board.files.insert(id, entry);
        (board, id)
    }

    #[test]
    fn a_late_report_changes_nothing() {
        for state in ["Finished", "Failed", "Canceled"] {
            let (mut board, id) = board(state);
            for next in FileState::ALL {
                assert!(!board.move_file(id, *next, |row| row.reason = Some("late".into())));
            }
            assert!(board.file(id).unwrap().row.reason.is_none());
            assert!(!board.has_changes());
        }
    }

    #[test]
    fn changes_are_handed_over_once_and_as_they_are_then() {
        let (mut board, id) = board("Ready");
        assert!(board.move_file(id, FileState::Active, |row| row.pid = Some(1)));
        assert!(board.move_file(id, FileState::Finished, |_| {}));
        let (transaction, _) = board.take(Timestamp(0));
        assert_eq!(transaction.files.len(), 1);
        assert_eq!(transaction.files[0].state, FileState::Finished);
        assert_eq!(transaction.files[0].pid, Some(1));
        assert!(board.take(Timestamp(0)).0.is_empty());
    }
}
