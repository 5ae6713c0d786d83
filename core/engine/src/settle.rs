//! The state of a job, made to follow from its rows before every transaction.

use std::sync::Arc;

use causeway_model::derive::{Derived, deletion_job_state, job_state};
use causeway_model::observe::Observation;
use causeway_model::{JobId, JobState, JobType, Timestamp};

use crate::board::{Board, JobEntry};

impl Board {
    /// Lets the state of a job follow from its rows.
    pub(crate) fn settle(&mut self, id: JobId, now: Timestamp) {
        let Some(entry) = self.jobs.get(&id) else {
            return;
        };
        if entry.job.state.is_terminal() {
            return;
        }
        let derived = match entry.job.job_type {
            Some(job_type) if entry.may_have_changed(job_type) => {
                let rows = entry.files.iter().filter_map(|id| self.files.get(id));
                let states = rows.map(|it| (it.row.file_index, it.row.state));
                job_state(entry.job.state, job_type, states)
            }
            Some(_) => return,
            None => {
                let rows = entry.deletions.iter();
                let rows = rows.filter_map(|id| self.deletions.get(id));
                deletion_job_state(entry.job.state, rows.map(|it| it.row.state))
            }
        };
        self.set_state(id, derived, now);
    }

    fn set_state(&mut self, id: JobId, derived: Derived, now: Timestamp) {
        let Some(entry) = self.jobs.get_mut(&id) else {
            return;
        };
        if entry.job.state == derived.state {
            return;
        }
        let job = Arc::make_mut(&mut entry.job);
        job.state = derived.state;
        self.watched.observe(&Observation::JobMoved {
            vo: &job.vo_name,
            to: derived.state,
        });
        if derived.state.is_terminal() {
            job.reason = derived.reason.map(str::to_owned);
        }
        entry.dirty = true;
        self.note_job(id, derived.state);
        if derived.state.is_terminal() {
            self.end_job(id, now);
        }
    }

    /// Notes in the rows of a job that it ended.
    pub(crate) fn end_job(&mut self, id: JobId, now: Timestamp) {
        let Some(entry) = self.jobs.get_mut(&id) else {
            return;
        };
        Arc::make_mut(&mut entry.job).job_finished = Some(now);
        entry.dirty = true;
        for id in entry.deletions.clone() {
            if let Some(entry) = self.deletions.get_mut(&id) {
                Arc::make_mut(&mut entry.row).job_finished = Some(now);
                self.mark_deletion(id);
            }
        }
    }
}

impl JobEntry {
    /// Whether its rows can imply another state than it has. Looking at all rows after every change
    /// would cost the square of their number; for independent transfers the counters tell.
    fn may_have_changed(&self, job_type: JobType) -> bool {
        if !matches!(job_type, JobType::Normal | JobType::Reuse) || self.counts.live == 0 {
            return true;
        }
        if self.counts.active > 0 {
            return self.job.state != JobState::Active;
        }
        let is_shared = job_type == JobType::Reuse;
        self.counts.archiving > 0 || (is_shared && self.job.state == JobState::Staging)
    }
}
