//! What the dispatcher tells its observer.
//!
//! Every observation borrows from rows that are there anyway. What an observer makes of it is not
//! known here, and nothing here changes what happens.

use std::time::Duration;

use causeway_model::events::AttemptEnded;
use causeway_model::observe::{AttemptOutcome, Lane, Observation, StepTimes};
use causeway_model::{Fault, FileId, FileState, Job, Timestamp, Transfer};

use crate::dispatcher::Dispatcher;
use crate::messages::{AttemptFailure, AttemptResult};
use crate::plan::Rung;
use crate::siblings;

/// Where a transfer belongs.
pub(crate) fn lane(row: &Transfer) -> Lane<'_> {
    Lane {
        vo: &row.vo_name,
        source_se: &row.source_se,
        dest_se: &row.dest_se,
    }
}

fn rung_name(rung: Rung) -> &'static str {
    match rung {
        Rung::Pull => "pull",
        Rung::Push => "push",
        Rung::Stream => "stream",
    }
}

/// When a transfer could have started: after its submission, after it was online, and not before
/// the time of its next attempt.
fn could_start(job: &Job, row: &Transfer) -> Timestamp {
    let later = [row.staging_finished, row.retry_timestamp];
    let later = later.into_iter().flatten().max();
    later.map_or(job.submit_time, |it| it.max(job.submit_time))
}

impl Dispatcher {
    /// A transfer was picked from its queue.
    pub(crate) fn watch_picked(&self, file: FileId) {
        let Some(row) = self.board.file(file).map(|it| &it.row) else {
            return;
        };
        let Some(job) = self.board.job(row.job_id).map(|it| &it.job) else {
            return;
        };
        let waited = (self.now.0 - could_start(job, row).0).max(0);
        self.watched.observe(&Observation::Picked {
            lane: lane(row),
            waited: Duration::from_millis(waited.unsigned_abs()),
        });
    }

    /// So many attempts and deletions run now.
    pub(crate) fn watch_slots(&self) {
        self.watched.observe(&Observation::Slots {
            used: self.attempts.len(),
            total: self.config.slots(),
        });
    }

    /// So many bans hold now.
    pub(crate) fn watch_bans(&self) {
        self.watched.observe(&Observation::Bans {
            storages: self.settings.storage_bans().count(),
            users: self.settings.user_bans().count(),
        });
    }

    /// A running copy is at so many bytes.
    pub(crate) fn watch_bytes(&self, file: FileId, bytes: u64) {
        let Some(row) = self.board.file(file).map(|it| &it.row) else {
            return;
        };
        // A way that did not work begins again at nothing.
        let more = bytes.saturating_sub(row.transferred.unwrap_or(0));
        if more > 0 {
            let lane = lane(row);
            self.watched
                .observe(&Observation::Moved { lane, bytes: more });
        }
    }

    /// An attempt at a transfer worked.
    pub(crate) fn watch_finished(&mut self, file: FileId, result: &AttemptResult) {
        // What an earlier run had moved does not move again.
        if let (Some(_), Some(size)) = (result.rung, result.size) {
            self.watch_bytes(file, size);
        }
        let outcome = AttemptOutcome::Finished { bytes: result.size };
        let took = (result.duration_seconds, result.steps);
        self.watch_end(file, result.rung, outcome, took);
        self.note_end(file, None, (result.rung, result.size), took);
    }

    /// An attempt at a transfer failed.
    pub(crate) fn watch_failed(&mut self, file: FileId, failure: &AttemptFailure, retried: bool) {
        let fault = &failure.fault;
        let outcome = AttemptOutcome::Failed { fault, retried };
        let took = (failure.duration_seconds, failure.steps);
        self.watch_end(file, None, outcome, took);
        self.note_end(file, Some(fault.clone()), (None, None), took);
    }

    /// Notes how an attempt went, before its row is made ready for the next.
    fn note_end(
        &mut self,
        file: FileId,
        fault: Option<Fault>,
        (rung, size): (Option<Rung>, Option<u64>),
        (copy_seconds, steps): (f64, StepTimes),
    ) {
        let Some((job, row)) = self.rows(file) else {
            return;
        };
        let size = size.or(row.filesize);
        let transferred = match fault {
            None => size,
            Some(_) => row.transferred,
        };
        self.board.note_attempt(AttemptEnded {
            job_id: row.job_id,
            file_id: file,
            job_state: job.state,
            retry: row.retry,
            started: row.start_time,
            at: self.now,
            fault,
            canceled: row.state == FileState::Canceled,
            last_hop: siblings::is_last_hop(&self.board, file),
            rung,
            copy_seconds,
            steps,
            params: row.internal_file_params.clone(),
            size,
            transferred,
        });
    }

    fn watch_end(
        &self,
        file: FileId,
        rung: Option<Rung>,
        outcome: AttemptOutcome<'_>,
        (copy_seconds, steps): (f64, StepTimes),
    ) {
        let Some(row) = self.board.file(file).map(|it| &it.row) else {
            return;
        };
        self.watched.observe(&Observation::AttemptEnded {
            lane: lane(row),
            source_scheme: row.source_surl.scheme(),
            dest_scheme: row.dest_surl.scheme(),
            rung: rung.map(rung_name),
            outcome,
            copy_seconds,
            steps,
        });
    }
}
