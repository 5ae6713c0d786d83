//! Passes over all jobs, and over the slots of all links, for what cannot be, and yet may have come
//! out of an older store.
//!
//! They are walks, so nothing waits for them. What they find is put right, and logged: a find is a
//! bug somewhere.

use std::time::Duration;

use causeway_model::{FileId, FileState, JobId, JobState, JobType};

use crate::alarm::{Alarm, Check};
use crate::dispatcher::Dispatcher;
use crate::walk::{Campaign, Walk};

impl Dispatcher {
    /// Sets the first alarm of every check.
    pub(crate) fn begin_checks(&mut self) {
        self.check_memory();
        self.set_check(Check::Sanity);
        self.set_check(Check::Chains);
    }

    fn set_check(&mut self, check: Check) {
        let seconds = match check {
            Check::Sanity => self.config.check_sanity_state_interval_seconds,
            Check::Chains => self.config.multihop_sanity_state_interval_seconds,
            _ => return,
        };
        if seconds > 0 {
            self.set_alarm(Duration::from_secs(seconds), Alarm::Check(check));
        }
    }

    /// A pass is due.
    pub(crate) fn begin_pass(&mut self, check: Check, walk: Walk) {
        self.campaigns.push_back(Campaign::of(walk));
        if check == Check::Sanity {
            self.campaigns.push_back(Campaign::of(Walk::Slots(0)));
        }
        self.set_check(check);
    }

    /// Puts right what is wrong with the slots of some links; gives where to go on.
    pub(crate) fn check_slots(&mut self, from: u32, most: usize) -> Option<u32> {
        let found = self.scheduler.recount_slice(from, most);
        for wrong in found.wrong {
            tracing::error!(wrong, "counters of the scheduler were wrong");
        }
        found.next
    }

    /// Puts right what cannot be of a job.
    pub(crate) fn check_job(&mut self, id: JobId) {
        if self.board.recount(id) {
            tracing::error!(job.id = %id, "counters of a job were wrong");
        }
        let Some(entry) = self.board.job(id) else {
            return;
        };
        let ended = entry.job.state.is_terminal();
        if entry.files.is_empty() && entry.deletions.is_empty() && !ended {
            tracing::warn!(job.id = %id, "a job had no files");
            self.end_empty(id);
        } else if ended && entry.counts.live > 0 {
            self.fail_leftovers(id);
        } else if !ended && self.board.live(id) == 0 {
            self.board.touch(id);
        }
    }

    fn end_empty(&mut self, id: JobId) {
        self.board.change_job(id, |job| {
            job.state = JobState::Canceled;
            job.reason = Some("The job was empty".to_owned());
        });
        self.board.end_job(id, self.now);
    }

    fn fail_leftovers(&mut self, id: JobId) {
        tracing::warn!(job.id = %id, "an ended job had transfers that had not");
        let files = self.board.job(id).map(|it| it.files.clone());
        let now = self.now;
        for file in files.unwrap_or_default() {
            let Some(entry) = self.board.file(file) else {
                continue;
            };
            if !entry.row.state.is_cancelable() {
                continue;
            }
            self.withdraw(file);
            let change = |row: &mut causeway_model::Transfer| {
                row.finish_time = Some(now);
                row.reason = Some("Force failure due to file state inconsistency".to_owned());
                row.dest_surl_uuid = None;
            };
            self.board.move_file(file, FileState::Failed, change);
        }
        self.board.touch(id);
    }

    /// Enables the next hop of a chain that stands still.
    pub(crate) fn check_chain(&mut self, id: JobId) {
        let Some(entry) = self.board.job(id) else {
            return;
        };
        let chain = entry.job.job_type == Some(JobType::Multihop);
        if !chain || entry.job.state.is_terminal() || entry.counts.live > 0 {
            return;
        }
        let finished = |file: &&FileId| {
            let state = self.board.file(**file).map(|it| it.row.state);
            state == Some(FileState::Finished)
        };
        if let Some(last) = entry.files.iter().filter(finished).max().copied() {
            tracing::warn!(job.id = %id, "a chain stood still");
            self.file_finished(last);
        }
    }
}
