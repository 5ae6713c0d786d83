//! What the dispatcher makes of reports: the way of a row from ACTIVE to its end or its next try.

use causeway_model::{DeletionState, Fault, FileId, FileState, Job, JobType, Transfer};

use crate::board::Place;
use crate::dispatcher::{Dispatcher, Effect, Subject};
use crate::ending::{fail, finish};
use crate::messages::{AttemptEvent, AttemptFailure, AttemptId, AttemptResult, Report};
use crate::retry::{self, Verdict};
use crate::siblings;

/// Time between two attempts at a deletion.
const DELETION_RETRY_MILLIS: i64 = 120_000;

impl Dispatcher {
    /// Takes a report in. Of an attempt that is not known, it is late and ignored.
    pub(crate) fn report(&mut self, report: Report) {
        let attempt = report.attempt;
        let Some(work) = self.attempts.get(&attempt) else {
            tracing::debug!(attempt = attempt.0, "late report ignored");
            return;
        };
        let subject = work.subject;
        match report.event {
            AttemptEvent::Finished(result) => self.finished(attempt, result),
            AttemptEvent::Failed(failure) => self.failed(attempt, *failure),
            event => {
                if let Subject::Transfer(file) = subject {
                    self.on_the_way(attempt, file, event);
                }
            }
        }
    }

    fn on_the_way(&mut self, attempt: AttemptId, file: FileId, event: AttemptEvent) {
        match event {
            AttemptEvent::Started { pid } => {
                self.board
                    .move_file(file, FileState::Active, |row| row.pid = Some(pid));
            }
            AttemptEvent::Log(lines) => {
                let row = self.board.file(file).map(|it| &it.row);
                if let Some(path) = row.and_then(|it| it.log_file.as_deref()) {
                    self.log.write(path, lines);
                }
            }
            event if self.is_active(file) => self.progress(attempt, file, event),
            _ => tracing::debug!(attempt = attempt.0, file.id = file.0, "late report ignored"),
        }
    }

    fn is_active(&self, file: FileId) -> bool {
        let entry = self.board.file(file);
        entry.is_some_and(|it| it.row.state == FileState::Active)
    }

    fn progress(&mut self, attempt: AttemptId, file: FileId, event: AttemptEvent) {
        match event {
            AttemptEvent::Parameters { params, size } => self.board.change_file(file, |row| {
                row.internal_file_params = Some(params);
                row.filesize = size.or(row.filesize);
            }),
            AttemptEvent::Progress { bytes, throughput } => self.board.change_file(file, |row| {
                row.transferred = Some(bytes);
                row.throughput = Some(throughput);
            }),
            AttemptEvent::Cleared => {
                self.board
                    .change_file(file, |row| row.destination_cleared = true);
                self.effects.push(Effect::Grant(attempt));
            }
            AttemptEvent::Committing(intent) => {
                self.board
                    .change_file(file, |row| row.commit_intent = Some(intent));
                self.effects.push(Effect::Grant(attempt));
            }
            _ => {}
        }
    }

    /// Forgets an attempt that ended and gives its slot back. `None` when its rows stay as they
    /// are, because the next start takes it up.
    pub(crate) fn close_attempt(&mut self, attempt: AttemptId) -> Option<Subject> {
        let work = self.attempts.remove(&attempt)?;
        if let Some(worker) = work.worker {
            self.workers[worker].running -= 1;
        }
        let job = match work.subject {
            Subject::Transfer(file) => {
                self.board.place_file(file, Place::Resting);
                let entry = self.board.file(file)?;
                self.scheduler.release(entry.link);
                entry.row.job_id
            }
            Subject::Deletion(file) => {
                self.board.place_deletion(file, Place::Resting);
                self.deletions_active -= 1;
                self.board.deletion(file)?.row.job_id
            }
        };
        if work.left_for_restart {
            return None;
        }
        // A job that ended while this ran can be forgotten now.
        self.board.touch(job);
        Some(work.subject)
    }

    fn finished(&mut self, attempt: AttemptId, result: AttemptResult) {
        // Done is done, even if it was about to be left for the next start.
        if let Some(work) = self.attempts.get_mut(&attempt) {
            work.left_for_restart = false;
        }
        match self.close_attempt(attempt) {
            Some(Subject::Transfer(file)) => self.transfer_finished(file, result),
            Some(Subject::Deletion(file)) => {
                let now = self.now;
                self.board.change_deletion(file, |row| {
                    row.state = DeletionState::Finished;
                    row.finish_time = Some(now);
                    row.tx_duration = Some(result.duration_seconds);
                    row.reason = None;
                });
                self.note_end_of_canceled_deletion(file);
            }
            None => {}
        }
    }

    fn transfer_finished(&mut self, file: FileId, result: AttemptResult) {
        let Some((job, _)) = self.rows(file) else {
            return;
        };
        let is_last = siblings::is_last_hop(&self.board, file);
        let next = match job.archive_timeout > -1 && is_last {
            true => FileState::Archiving,
            false => FileState::Finished,
        };
        let now = self.now;
        let moved = self
            .board
            .move_file(file, next, |row| finish(row, &result, now));
        if !moved {
            self.note_end_of_canceled(file);
            return;
        }
        if let Some(hop) = siblings::after_success(&self.board, file)
            && self.board.move_file(hop, FileState::Submitted, |_| {})
        {
            self.line_up(hop);
        }
        if job.job_type == Some(JobType::MultiReplica)
            && let Some(source) = self.board.file(file).map(|it| it.row.source_se.clone())
        {
            let change = |job: &mut Job| job.source_se = Some(source);
            self.board.change_job(job.job_id, change);
        }
    }

    fn failed(&mut self, attempt: AttemptId, failure: AttemptFailure) {
        match self.close_attempt(attempt) {
            Some(Subject::Transfer(file)) => self.transfer_failed(file, failure),
            Some(Subject::Deletion(file)) => self.deletion_failed(file, &failure.fault),
            None => {}
        }
    }

    fn transfer_failed(&mut self, file: FileId, failure: AttemptFailure) {
        let Some((job, row)) = self.rows(file) else {
            return;
        };
        if row.state.is_terminal() {
            self.note_end_of_canceled(file);
            return;
        }
        let now = self.now;
        let fault = &failure.fault;
        match retry::verdict(&self.config, &job, &row, fault) {
            Verdict::Retry(delay) => {
                self.board
                    .remember(retry::remember(&row, now, &fault.to_string()));
                let change = |row: &mut Transfer| retry::reset(row, now, delay);
                self.board.move_file(file, FileState::Submitted, change);
                self.line_up(file);
            }
            Verdict::Restage => {
                self.board
                    .remember(retry::remember(&row, now, &fault.to_string()));
                self.board
                    .move_file(file, FileState::Staging, retry::reset_for_staging);
            }
            Verdict::Canceled => {
                self.board
                    .move_file(file, FileState::Canceled, |row| fail(row, &failure, now));
            }
            Verdict::Failed => {
                self.board
                    .move_file(file, FileState::Failed, |row| fail(row, &failure, now));
                self.enable_replica(file);
            }
        }
    }

    fn enable_replica(&mut self, failed: FileId) {
        let next = siblings::after_failure(&self.board, &self.scheduler, failed);
        if let Some((replica, state)) = next
            && self.board.move_file(replica, state, |_| {})
        {
            self.line_up(replica);
        }
    }

    fn deletion_failed(&mut self, file: FileId, fault: &Fault) {
        let Some(row) = self.board.deletion(file).map(|it| it.row.clone()) else {
            return;
        };
        if row.state.is_terminal() {
            self.note_end_of_canceled_deletion(file);
            return;
        }
        let Some(job) = self.board.job(row.job_id).map(|it| it.job.clone()) else {
            return;
        };
        let now = self.now;
        let left = retry::attempts_after_first(&self.config, &job).saturating_sub(row.retry);
        if left > 0 && fault.is_recoverable() {
            self.board.change_deletion(file, |row| {
                row.state = DeletionState::Delete;
                row.retry += 1;
                row.retry_timestamp = Some(now.plus_millis(DELETION_RETRY_MILLIS));
                row.reason = Some(fault.to_string());
            });
            self.line_up_deletion(file);
            return;
        }
        let state = match fault.is_cancellation() {
            true => DeletionState::Canceled,
            false => DeletionState::Failed,
        };
        self.board.change_deletion(file, |row| {
            row.state = state;
            row.finish_time = Some(now);
            row.reason = Some(fault.to_string());
        });
    }

    /// The attempt of a cancelled transfer has ended: only now it has a finish time.
    fn note_end_of_canceled(&mut self, file: FileId) {
        let now = self.now;
        let open = |it: &crate::board::FileEntry| it.row.finish_time.is_none();
        if self.board.file(file).is_some_and(open) {
            self.board
                .change_file(file, |row| row.finish_time = Some(now));
        }
        tracing::debug!(file.id = file.0, "attempt of an ended transfer is over");
    }

    fn note_end_of_canceled_deletion(&mut self, file: FileId) {
        tracing::debug!(file.id = file.0, "deletion is over");
    }

    fn rows(&self, file: FileId) -> Option<(std::sync::Arc<Job>, std::sync::Arc<Transfer>)> {
        let row = self.board.file(file)?.row.clone();
        let job = self.board.job(row.job_id)?.job.clone();
        Some((job, row))
    }
}
