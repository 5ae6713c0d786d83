//! Limits of time: in the queue, on hold, and for attempts that nobody hears of.
//!
//! What has a limit is kept by the time it comes due and leaves when it ends, so a look costs
//! nothing while nothing is due. An attempt that reports often is looked at once per limit, not
//! once per report: when its time comes it is put off by what it has reported since.
//!
//! # Invariants
//! - Work that runs is never ended by a limit of the queue: `tests/time_limits.rs`.

use std::collections::HashMap;
use std::time::Duration;

use causeway_model::{FileId, FileState, Job, JobId, JobState, Timestamp};
use tokio::time::Instant;

use crate::dispatcher::{Dispatcher, Subject};
use crate::due::Due;
use crate::messages::{AttemptId, Order};

/// An attempt may run for so long on top of the time its copy may take.
const GRACE_SECONDS: u64 = 3600;
/// An attempt whose copy has no known limit may run for so long.
const UNKNOWN_SECONDS: u64 = 7200;
const HOUR_MILLIS: i64 = 3_600_000;

/// What has a limit.
#[derive(Debug, Default)]
pub(crate) struct TimeLimits {
    /// Jobs that may stay queued until then.
    queued: Due<JobId>,
    /// Transfers that may stay held until then.
    pub(crate) held: Due<FileId>,
    /// When attempts are looked at.
    attempts: Due<AttemptId>,
    /// When attempts last reported.
    heard: HashMap<AttemptId, Timestamp>,
}

impl TimeLimits {
    /// When something comes due.
    fn first(&self) -> Option<Timestamp> {
        let firsts = [
            self.queued.first(),
            self.held.first(),
            self.attempts.first(),
        ];
        firsts.into_iter().flatten().min()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.queued.len() + self.held.len() + self.attempts.len() + self.heard.len()
    }

    /// Forgets a job.
    pub(crate) fn forget_job(&mut self, id: JobId) {
        self.queued.remove(id);
    }

    /// Forgets an attempt.
    pub(crate) fn forget_attempt(&mut self, id: AttemptId) {
        self.attempts.remove(id);
        self.heard.remove(&id);
    }
}

/// When a job must have left the queue, and why.
struct Deadline {
    at: Timestamp,
    reason: &'static str,
}

const JOBS_OWN: &str = "Job has been canceled because it stayed in the queue for too long \
                        (max-time-in-queue timeout)";
const SERVERS: &str = "Job has been canceled because it stayed in the queue for too long \
                       (global timeout)";

impl Dispatcher {
    /// When the next limit of time has to be looked at.
    pub(crate) fn next_time_limit(&self) -> Option<Instant> {
        let due = self.time_limits.first()?;
        let wait = u64::try_from(due.0.saturating_sub(self.clock.now().0)).unwrap_or(0);
        Some(Instant::now() + Duration::from_millis(wait))
    }

    /// Ends what has come due.
    pub(crate) fn run_time_limits(&mut self) {
        while let Some(id) = self.time_limits.queued.pop(self.now) {
            self.queue_time_is_over(id);
        }
        while let Some(file) = self.time_limits.held.pop(self.now) {
            self.hold_is_over(file);
        }
        while let Some(attempt) = self.time_limits.attempts.pop(self.now) {
            self.look_at_attempt(attempt);
        }
    }

    fn queue_deadline(&self, job: &Job) -> Option<Deadline> {
        let own = job.max_time_in_queue.filter(|it| *it > 0);
        let own = own.map(|seconds| Deadline {
            // The rule is "later than", in whole seconds.
            at: Timestamp::from_seconds(seconds.saturating_add(1)),
            reason: JOBS_OWN,
        });
        let hours = self.settings.vo_value(&job.vo_name, |it| it.max_time_queue);
        let hours = hours.unwrap_or(self.config.max_time_queue_hours);
        let servers = (hours > 0).then(|| {
            let hours = i64::try_from(hours).unwrap_or(i64::MAX);
            let millis = hours.saturating_mul(HOUR_MILLIS);
            Deadline {
                at: job.submit_time.plus_millis(millis),
                reason: SERVERS,
            }
        });
        own.into_iter().chain(servers).min_by_key(|it| it.at)
    }

    /// Notes until when a job may stay queued.
    pub(crate) fn watch_queue_time(&mut self, id: JobId) {
        let Some(entry) = self.board.job(id) else {
            return;
        };
        match self
            .queue_deadline(&entry.job)
            .filter(|_| !entry.job.state.is_terminal())
        {
            Some(deadline) => self.time_limits.queued.set(id, deadline.at),
            None => self.time_limits.queued.remove(id),
        }
    }

    /// The same for a job of which something comes into the queue late: its time may be over.
    pub(crate) fn check_queue_time(&mut self, file: FileId) {
        let id = self.board.file(file).map(|it| it.row.job_id);
        let unwatched = id.filter(|id| !self.time_limits.queued.contains(*id));
        if let Some(id) = unwatched {
            self.watch_queue_time(id);
        }
    }

    fn queue_time_is_over(&mut self, id: JobId) {
        let Some(entry) = self.board.job(id) else {
            return;
        };
        let Some(deadline) = self.queue_deadline(&entry.job) else {
            return;
        };
        if deadline.at > self.now {
            self.time_limits.queued.set(id, deadline.at);
            return;
        }
        let waits = |file: &FileId| {
            let state = self.board.file(*file).map(|it| it.row.state);
            matches!(state, Some(FileState::Submitted | FileState::Staging))
        };
        let files: Vec<FileId> = entry.files.iter().copied().filter(waits).collect();
        for file in files {
            self.cancel_file(file, deadline.reason);
        }
        self.end_if_all_canceled(id, deadline.reason);
    }

    /// Ends a job as cancelled for this reason, if nothing of it goes on and nothing failed.
    fn end_if_all_canceled(&mut self, id: JobId, reason: &str) {
        let Some(entry) = self.board.job(id) else {
            return;
        };
        let state = |file: &FileId| self.board.file(*file).map(|it| it.row.state);
        let failed = entry
            .files
            .iter()
            .any(|it| state(it) == Some(FileState::Failed));
        if !failed {
            self.end_if_nothing_is_left(id, reason);
        }
    }

    /// Ends a job as cancelled for this reason, if nothing of it goes on.
    pub(crate) fn end_if_nothing_is_left(&mut self, id: JobId, reason: &str) {
        let ended = |state: JobState| state.is_terminal();
        let open = self.board.job(id).is_some_and(|it| !ended(it.job.state));
        if open && self.board.live(id) == 0 {
            self.end_as_canceled(id, reason);
        }
    }

    /// An attempt reported.
    pub(crate) fn hear(&mut self, attempt: AttemptId) {
        self.time_limits.heard.insert(attempt, self.now);
        if !self.time_limits.attempts.contains(attempt) {
            self.put_off(attempt);
        }
    }

    /// Notes when an attempt is looked at next.
    fn put_off(&mut self, attempt: AttemptId) {
        let silent = self.config.check_stalled_timeout_seconds;
        let check = self.config.check_stalled_transfers && silent > 0;
        let heard = self.time_limits.heard.get(&attempt).copied();
        let silent = heard.filter(|_| check).map(|it| later(it, silent));
        let long = self.longest(attempt);
        if let Some(due) = silent.into_iter().chain(long).min() {
            self.time_limits.attempts.set(attempt, due);
        }
    }

    /// Until when an attempt at a transfer may run.
    fn longest(&self, attempt: AttemptId) -> Option<Timestamp> {
        let Subject::Transfer(file) = self.attempts.get(&attempt)?.subject else {
            return None;
        };
        let row = &self.board.file(file)?.row;
        let params = row.internal_file_params.as_deref();
        let seconds = match params.and_then(copy_timeout) {
            Some(timeout) => timeout.saturating_add(GRACE_SECONDS),
            None => UNKNOWN_SECONDS,
        };
        row.start_time.map(|start| later(start, seconds))
    }

    fn look_at_attempt(&mut self, attempt: AttemptId) {
        let Some(Subject::Transfer(file)) = self.attempts.get(&attempt).map(|it| it.subject) else {
            self.time_limits.forget_attempt(attempt);
            return;
        };
        self.put_off(attempt);
        let Some(due) = self.time_limits.attempts.pop(self.now) else {
            return;
        };
        debug_assert_eq!(due, attempt, "it was the first that is due");
        let active = self.board.file(file).map(|it| it.row.state) == Some(FileState::Active);
        self.time_limits.forget_attempt(attempt);
        if !active {
            return;
        }
        let too_long = self.longest(attempt).is_some_and(|it| it <= self.now);
        let reason = match too_long {
            true => "Transfer has been forced-killed because it was stalled".to_owned(),
            false => format!(
                "No FTS server has updated the transfer status the last {} seconds. \
                 Probably stalled",
                self.config.check_stalled_timeout_seconds
            ),
        };
        self.give_up_stalled(attempt, file, &reason);
    }

    /// Fails a transfer whose attempt is not heard of. The attempt keeps its slot until its worker
    /// says that it ended, or is found dead.
    fn give_up_stalled(&mut self, attempt: AttemptId, file: FileId, reason: &str) {
        tracing::warn!(
            attempt = attempt.0,
            file.id = file.0,
            reason,
            "attempt given up"
        );
        let now = self.now;
        let failed = self.board.move_file(file, FileState::Failed, |row| {
            row.finish_time = Some(now);
            row.reason = Some(reason.to_owned());
            row.recoverable = Some(false);
            row.dest_surl_uuid = None;
        });
        self.tell(attempt, Order::Cancel(attempt));
        if failed {
            self.end_with_worker(file);
            self.file_failed(file);
        }
    }
}

fn later(time: Timestamp, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    time.plus_millis(seconds.saturating_mul(1000))
}

/// Seconds a copy may take, from what its worker reported.
fn copy_timeout(params: &str) -> Option<u64> {
    let value = params
        .split(',')
        .find_map(|it| it.strip_prefix("timeout:"))?;
    value.parse().ok().filter(|it| *it > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_a_copy_may_take_is_in_its_parameters() {
        assert_eq!(
            copy_timeout("nostreams:1,timeout:620,buffersize:0"),
            Some(620)
        );
        assert_eq!(copy_timeout("nostreams:1,timeout:0"), None);
        assert_eq!(copy_timeout("timeout:x"), None);
        assert_eq!(copy_timeout(""), None);
    }
}
