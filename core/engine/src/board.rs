//! The rows of all jobs that have not ended, and the only place where one of them changes.
//!
//! Changes are collected (`changes`); [`Board::take`] hands them over as one transaction, in which the
//! state of every touched job follows from its rows. No input or output, no clock.
//!
//! # Invariants
//! - A transfer changes its state only as [`FileState::can_become`] allows: [`Board::move_file`].
//! - A job's row and the rows of its transfers change in the same transaction.

mod changes;
mod entries;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;

use causeway_model::events::{Event, FileMoved};
use causeway_model::observe::{Observation, Watched};
use causeway_model::ports::JobView;
use causeway_model::{Deletion, FileId, FileState, Job, JobId, RetryLog, Timestamp, Transfer};

use crate::broken_off::BrokenOff;
use crate::index::Index;
use crate::watching::lane;

use entries::{Counts, put};
pub(crate) use entries::{DeletionEntry, FileEntry, JobEntry, Place};

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
    /// What happened, to be written down with the rows.
    events: Vec<Event>,
    pub(crate) index: Index,
    pub(crate) broken_off: BrokenOff,
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
            self.broken_off.ended(id);
        }
        let job_id = row.job_id;
        if let Some(job) = self.jobs.get_mut(&job_id) {
            job.counts.subtract(Counts::of(before));
            job.counts.add(Counts::of(next));
            if before != next {
                self.events.push(Event::File(FileMoved {
                    job_id,
                    file_id: id,
                    from: before,
                    to: next,
                    job_state: job.job.state,
                    retry: row.retry,
                    at: Timestamp::default(),
                }));
            }
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
            entry.dirty = true;
            if entry.job.state != before {
                self.watched.observe(&Observation::JobMoved {
                    vo: &entry.job.vo_name,
                    to: entry.job.state,
                });
                let state = entry.job.state;
                self.note_job(id, state);
            }
            self.touch(id);
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
}
