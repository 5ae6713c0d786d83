//! What workers have, and whether anything still goes on: a part of the ledger.

use std::sync::Arc;

use causeway_engine::messages::AttemptId;
use causeway_model::{DeletionState, FileState, JobId, JobState, Timestamp, Transfer};

use crate::record::{Ledger, Run, Stored};
use crate::rules;

impl Ledger {
    /// Workers got an attempt.
    pub fn started(&mut self, now: Timestamp, attempt: AttemptId, run: Run) {
        self.attempts += 1;
        self.note(now, format!("attempt {} at {} starts", attempt.0, run.file));
        let file = run.file;
        if self.running.values().any(|it| it.file == file) {
            self.blame(format!("file {file} has two attempts at a time"));
        }
        let since = match run.deletes {
            true => self
                .deletions
                .get(&file)
                .filter(|it| it.state == DeletionState::Started)
                .and_then(|it| it.start_time),
            false => {
                let picked =
                    |it: &&Arc<Transfer>| matches!(it.state, FileState::Ready | FileState::Active);
                self.files
                    .get(&file)
                    .filter(picked)
                    .and_then(|it| it.start_time)
            }
        };
        let Some(since) = since else {
            self.blame(format!("file {file} was started before that was durable"));
            return;
        };
        let forced = self.forced.contains(&file);
        self.running.insert(attempt, Run { forced, ..run });
        self.must(rules::within_limits(self, attempt, since));
    }

    /// Workers have it no more.
    pub fn ended(&mut self, now: Timestamp, attempt: AttemptId, how: &str) {
        self.note(now, format!("attempt {} {how}", attempt.0));
        if self.running.remove(&attempt).is_none() {
            self.blame(format!("attempt {} ended twice", attempt.0));
        }
    }

    /// The engine and its workers are dead.
    pub fn died(&mut self) {
        self.running.clear();
        self.announced.clear();
    }

    /// Jobs that have not ended.
    pub fn open_jobs(&self) -> Vec<JobId> {
        let open = |it: &&Stored| !it.job.state.is_terminal();
        self.jobs
            .values()
            .filter(open)
            .map(|it| it.job.job_id)
            .collect()
    }

    /// Whether all that happened is over.
    pub fn is_quiet(&self) -> bool {
        let closed = |it: &Transfer| {
            !it.state.is_cancelable()
                && (it.state == FileState::NotUsed || it.finish_time.is_some())
        };
        self.open_jobs().is_empty()
            && self.files.values().all(|it| closed(it))
            && self.running.is_empty()
    }

    /// What hinders that.
    pub fn unquiet(&self) -> String {
        let open: Vec<_> = self
            .jobs
            .values()
            .filter(|it| it.job.state != JobState::Finished)
            .map(|it| {
                let files: Vec<_> = it
                    .files
                    .iter()
                    .map(|id| {
                        let row = &self.files[id];
                        (row.file_id.0, row.state, row.finish_time.is_some())
                    })
                    .filter(|it| {
                        (!it.1.is_terminal() && it.1 != FileState::NotUsed)
                            || (it.1.is_terminal() && !it.2)
                    })
                    .collect();
                (it.job.job_id, it.job.job_type, it.job.state, files)
            })
            .filter(|it| !it.2.is_terminal() || !it.3.is_empty())
            .collect();
        format!("{open:?}, running {:?}", self.running)
    }
}
