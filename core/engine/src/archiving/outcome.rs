//! What becomes of files whose storage has spoken about their tape copy, or has not in time.

use std::collections::HashMap;
use std::time::Duration;

use causeway_model::{
    Fault, FileId, FileState, Job, JobState, JobType, Phase, Scope, Timestamp, Transfer,
};
use causeway_sdk::{Error, StagingState};
use tokio::time::Instant;

use super::News;
use crate::attempt::{EAGAIN, ETIMEDOUT};
use crate::dispatcher::Dispatcher;
use crate::ending::fail;
use crate::staging::is_about_communication;

/// What users read when the tape copy took too long.
const TIMED_OUT: &str = "archiving timeout has been exceeded";
/// Reason of a job of replicas whose tape copy did not come.
const REPLICA_FAILED: &str = "Archive monitoring failed in a multiple replica job";

impl Dispatcher {
    /// Takes an answer of a storage in.
    pub(crate) fn tape_news(&mut self, news: News) {
        if let Some(group) = self.archiving.groups.get_mut(&news.group) {
            group.asking = group.asking.saturating_sub(1);
        }
        let told: HashMap<&str, &StagingState> = match &news.answer {
            Ok(states) => states
                .iter()
                .map(|it| (it.url.as_str(), &it.state))
                .collect(),
            Err(_) => HashMap::new(),
        };
        for file in news.files {
            let Some(waiting) = self.archiving.files.get_mut(&file) else {
                continue;
            };
            waiting.failures = match &news.answer {
                Ok(_) => 0,
                Err(_) => waiting.failures + 1,
            };
            let failures = waiting.failures;
            let state = told.get(waiting.url.as_str()).copied();
            match (&news.answer, state) {
                (Err(error), _) if self.is_final(error, failures) => {
                    self.tape_failed(file, error.errno(), error.message());
                }
                (Ok(_), Some(StagingState::Done)) => self.is_on_tape(file),
                (Ok(_), Some(StagingState::Failed(error))) if error.errno() != EAGAIN => {
                    self.tape_failed(file, error.errno(), error.message());
                }
                _ => self.still_awaits_tape(file, news.asked),
            }
        }
        self.archiving.close_if_done(news.group);
        // More may have come due while as many questions were asked as may be.
        self.ask_about_tape(news.group);
    }

    fn is_final(&self, error: &Error, failures: u32) -> bool {
        !is_about_communication(error) || failures > self.config.archive_poll_retries
    }

    fn still_awaits_tape(&mut self, file: FileId, asked: Timestamp) {
        let wait = self.question_interval();
        let Some(end) = self.end_of_wait(file) else {
            self.archiving.set_due(file, Some(Instant::now() + wait));
            return;
        };
        if asked > end {
            self.tape_timed_out(file);
            return;
        }
        // Once more right after its time is over.
        let left = u64::try_from(end.0 + 1 - self.now.0).unwrap_or(0);
        let wait = wait.min(Duration::from_millis(left));
        self.archiving.set_due(file, Some(Instant::now() + wait));
    }

    /// When the time of a file is over; `None` before the first question about it.
    pub(super) fn end_of_wait(&self, file: FileId) -> Option<Timestamp> {
        let (job, row) = self.rows(file)?;
        let begun = row.archive_start_time?;
        Some(begun.plus_millis(job.archive_timeout.max(0).saturating_mul(1000)))
    }

    fn is_on_tape(&mut self, file: FileId) {
        self.leave_tape(file);
        let now = self.now;
        let done = |row: &mut Transfer| {
            row.archive_finish_time = Some(now);
            row.finish_time = Some(now);
            row.dest_surl_uuid = None;
        };
        if self.board.move_file(file, FileState::Finished, done) {
            self.file_finished(file);
        }
    }

    pub(super) fn tape_timed_out(&mut self, file: FileId) {
        self.tape_failed(file, ETIMEDOUT, TIMED_OUT);
    }

    fn tape_failed(&mut self, file: FileId, errno: i32, text: &str) {
        self.leave_tape(file);
        let now = self.now;
        let failure = Fault::new(Scope::Archiving, Phase::Service, errno, text).into();
        let failed = |row: &mut Transfer| {
            fail(row, &failure, now);
            row.archive_finish_time = Some(now);
        };
        if !self.board.move_file(file, FileState::Failed, failed) {
            return;
        }
        let Some((job, _)) = self.rows(file) else {
            return;
        };
        if job.job_type == Some(JobType::MultiReplica) && !job.state.is_terminal() {
            // The file was copied: no other replica is tried.
            let failed = |job: &mut Job| {
                job.state = JobState::Failed;
                job.reason = Some(REPLICA_FAILED.to_owned());
            };
            self.board.change_job(job.job_id, failed);
            self.board.end_job(job.job_id, now);
        }
    }
}
