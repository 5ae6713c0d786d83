//! What the dispatcher makes of reports: the way of a row from ACTIVE to its end or its next try.

use std::sync::Arc;

use causeway_model::{Fault, FileId, FileState, Job, Transfer};

use crate::board::Place;
use crate::dispatcher::{Dispatcher, Effect, Subject};
use crate::ending::{fail, finish};
use crate::messages::{AttemptEvent, AttemptFailure, AttemptId, AttemptResult, Report};
use crate::optimizer::window::Ended;
use crate::retry::{self, Defaults, Verdict};
use crate::siblings;

impl Dispatcher {
    /// Takes a report in. Of an attempt that is not known, it is late and ignored.
    pub(crate) fn report(&mut self, report: Report) {
        let attempt = report.attempt;
        let Some(work) = self.attempts.get(&attempt) else {
            tracing::debug!(attempt = attempt.0, "late report ignored");
            return;
        };
        let subject = work.subject;
        self.hear(attempt);
        match report.event {
            AttemptEvent::Finished(result) => self.finished(attempt, result),
            AttemptEvent::Failed(failure) => self.failed(attempt, *failure),
            AttemptEvent::Lost(loss) => self.lost(attempt, subject, &loss),
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
                let active = |row: &mut Transfer| row.pid = Some(pid);
                if self.board.move_file(file, FileState::Active, active) {
                    self.measure_start(file);
                }
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
            AttemptEvent::Progress { bytes, throughput } => {
                self.watch_bytes(file, bytes);
                self.measure_progress(file, bytes);
                self.board.change_file(file, |row| {
                    row.transferred = Some(bytes);
                    row.throughput = Some(throughput);
                });
            }
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
        self.time_limits.forget_attempt(attempt);
        let job = match work.subject {
            Subject::Transfer(file) => {
                self.board.place_file(file, Place::Resting);
                self.give_slot_back(file);
                self.board.file(file)?.row.job_id
            }
            Subject::Leavings(file) => {
                self.board.place_file(file, Place::Resting);
                self.board.file(file)?.row.job_id
            }
            Subject::Deletion(file) => {
                self.board.place_deletion(file, Place::Resting);
                self.deletions.ended(file);
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
        self.forget_losses(attempt);
        // Done is done, even if it was about to be left for the next start.
        if let Some(work) = self.attempts.get_mut(&attempt) {
            work.left_for_restart = false;
        }
        match self.close_attempt(attempt) {
            Some(Subject::Transfer(file)) => {
                self.board.broken_off.forget(file);
                self.watch_finished(file, &result);
                self.transfer_finished(file, result);
            }
            Some(Subject::Deletion(file)) => {
                self.deletion_finished(file, result.duration_seconds);
            }
            Some(Subject::Leavings(_)) | None => {}
        }
    }

    fn transfer_finished(&mut self, file: FileId, result: AttemptResult) {
        let Some((job, row)) = self.rows(file) else {
            return;
        };
        self.guard_worked(&row);
        self.learn_ways(&row, &result.refused, result.rung);
        let size = result.size.or(row.filesize).unwrap_or(0);
        let seconds = result.duration_seconds;
        self.measure_end(&row, Ended::Finished { size, seconds });
        let is_last = siblings::is_last_hop(&self.board, file);
        let next = match job.archive_timeout > -1 && is_last {
            true => FileState::Archiving,
            false => FileState::Finished,
        };
        let now = self.now;
        let done = |row: &mut Transfer| {
            let destination = row.dest_surl_uuid;
            finish(row, &result, now);
            if next == FileState::Archiving {
                // It has not ended: its destination stays taken.
                row.dest_surl_uuid = destination;
            }
        };
        match (self.board.move_file(file, next, done), next) {
            (false, _) => self.note_end_of_canceled(file),
            (true, FileState::Archiving) => self.line_up(file),
            (true, _) => self.file_finished(file),
        }
    }

    fn failed(&mut self, attempt: AttemptId, failure: AttemptFailure) {
        self.forget_losses(attempt);
        match self.close_attempt(attempt) {
            Some(Subject::Transfer(file)) => {
                match failure.kept {
                    true => self.board.broken_off.note(file),
                    false => self.board.broken_off.forget(file),
                }
                self.transfer_failed(file, failure);
            }
            Some(Subject::Deletion(file)) => self.deletion_failed(file, &failure.fault),
            Some(Subject::Leavings(_)) | None => {}
        }
    }

    pub(crate) fn transfer_failed(&mut self, file: FileId, failure: AttemptFailure) {
        let Some((job, row)) = self.rows(file) else {
            return;
        };
        if row.state.is_terminal() {
            self.watch_failed(file, &failure, false);
            self.measure_end(&row, Ended::Stopped);
            self.note_end_of_canceled(file);
            return;
        }
        let now = self.now;
        let fault = &failure.fault;
        let verdict = retry::verdict(self.retry_defaults(&job), &job, &row, fault);
        let retried = matches!(verdict, Verdict::Retry(_) | Verdict::Restage);
        self.watch_failed(file, &failure, retried);
        self.guard_failed(&row, fault);
        self.learn_ways(&row, &failure.refused, None);
        self.measure_end(&row, ended(&verdict, &row, fault));
        match verdict {
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
                self.line_up(file);
            }
            Verdict::Canceled => {
                self.board
                    .move_file(file, FileState::Canceled, |row| fail(row, &failure, now));
                self.give_pin_back(file);
            }
            Verdict::Failed => {
                self.board
                    .move_file(file, FileState::Failed, |row| fail(row, &failure, now));
                self.give_pin_back(file);
                self.end_with_worker(file);
                self.file_failed(file);
            }
        }
    }

    /// The attempt of a cancelled transfer has ended: only now it has a finish time.
    pub(crate) fn note_end_of_canceled(&mut self, file: FileId) {
        let now = self.now;
        let open = |it: &crate::board::FileEntry| it.row.finish_time.is_none();
        if self.board.file(file).is_some_and(open) {
            self.board
                .change_file(file, |row| row.finish_time = Some(now));
        }
        self.give_pin_back(file);
        tracing::debug!(file.id = file.0, "attempt of an ended transfer is over");
    }

    /// The rows of a transfer and its job.
    pub(crate) fn retry_defaults(&self, job: &Job) -> Defaults {
        Defaults::of(&self.config, &self.settings, &job.vo_name)
    }

    pub(crate) fn rows(&self, file: FileId) -> Option<(Arc<Job>, Arc<Transfer>)> {
        let row = self.board.file(file)?.row.clone();
        let job = self.board.job(row.job_id)?.job.clone();
        Some((job, row))
    }
}

/// What the end of an attempt says about its link.
fn ended(verdict: &Verdict, row: &Transfer, fault: &Fault) -> Ended {
    match verdict {
        Verdict::Canceled => Ended::Stopped,
        Verdict::Retry(_) => Ended::Retried {
            retry: row.retry + 1,
        },
        Verdict::Restage | Verdict::Failed => Ended::Failed {
            recoverable: fault.is_recoverable(),
        },
    }
}
