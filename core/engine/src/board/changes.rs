//! What changed since the last transaction, handed over once; and jobs that leave.

use std::sync::Arc;

use causeway_model::events::{AttemptEnded, Event, JobMoved};
use causeway_model::observe::Observation;
use causeway_model::ports::Transaction;
use causeway_model::{FileId, JobId, JobState, RetryLog, Timestamp};

use super::Board;
use crate::watching::lane;

impl Board {
    /// Notes that a job is in another state; its row changed, too.
    pub(crate) fn note_job(&mut self, job_id: JobId, state: JobState) {
        self.events.push(Event::Job(JobMoved {
            job_id,
            state,
            at: Timestamp::default(),
        }));
    }

    /// Notes how an attempt went.
    pub(crate) fn note_attempt(&mut self, ended: AttemptEnded) {
        // Its row goes with it, whether it changed or not.
        self.mark_file(ended.file_id);
        self.events.push(Event::Attempt(Box::new(ended)));
    }

    /// Remembers a failed attempt.
    pub(crate) fn remember(&mut self, retry: RetryLog) {
        self.retries.push(retry);
    }

    pub(super) fn mark_file(&mut self, id: FileId) {
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
        transaction.events = std::mem::take(&mut self.events);
        for event in &mut transaction.events {
            if let Some(entry) = self.jobs.get(&event.job_id()) {
                event.settle(entry.job.state, now);
            }
        }
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
