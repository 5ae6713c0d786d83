//! What becomes of a file whose storage has spoken, or has not in time.

use std::collections::HashMap;

use causeway_model::{Fault, FileId, FileState, JobType, Phase, Scope, Settings, Transfer};
use causeway_sdk::StagingState;
use rand::Rng as _;

use super::sending::{errand, key};
use super::{RequestId, Verdict};
use crate::attempt::ETIMEDOUT;
use crate::board::Place;
use crate::dispatcher::Dispatcher;
use crate::ending::fail;
use crate::retry;

/// What users read when bringing online took too long.
const TIMED_OUT: &str = "bring-online timeout has been exceeded";

impl Dispatcher {
    /// Takes in what a storage said about files of a request; of some it may say nothing.
    pub(super) fn take_states(&mut self, id: RequestId, states: &[causeway_sdk::FileState]) {
        let Some(request) = self.staging.requests.get(&id) else {
            return;
        };
        let told: HashMap<&str, &StagingState> = states
            .iter()
            .map(|it| (it.url.as_str(), &it.state))
            .collect();
        let verdict = |state: &StagingState| match state {
            StagingState::Pending => None,
            StagingState::Done => Some(None),
            StagingState::Failed(error) => Some(Some(error.clone())),
        };
        let files = request.files.iter();
        let verdicts: Vec<(FileId, Verdict)> = files
            .filter_map(|(file, wanted)| {
                let state = told.get(wanted.url.as_str())?;
                Some((*file, verdict(state)?))
            })
            .collect();
        self.take_verdicts(id, verdicts.into_iter());
    }

    pub(super) fn take_verdicts(
        &mut self,
        id: RequestId,
        verdicts: impl Iterator<Item = (FileId, Verdict)>,
    ) {
        for (file, verdict) in verdicts {
            self.staging.settle(id, file);
            self.board.place_file(file, Place::Resting);
            match verdict {
                None => self.is_online(file),
                Some(error) => {
                    let fault = staging_fault(error.errno(), error.message());
                    self.staging_failed(file, fault);
                }
            }
        }
    }

    fn is_online(&mut self, file: FileId) {
        let Some((job, row)) = self.rows(file) else {
            return;
        };
        let now = self.now;
        if row.source_surl == row.dest_surl {
            // Being online was all that was wanted.
            let done = |row: &mut Transfer| {
                row.staging_finished = Some(now);
                row.finish_time = Some(now);
                row.recoverable = Some(false);
                row.reason = None;
                row.dest_surl_uuid = None;
            };
            if self.board.move_file(file, FileState::Finished, done) {
                self.file_finished(file);
            }
            return;
        }
        // Files of a chain or a session stay on one node; others may go to any.
        let stays = matches!(job.job_type, Some(JobType::Multihop | JobType::Reuse));
        let drawn = self.staging.dice.random();
        let online = |row: &mut Transfer| {
            row.staging_finished = Some(now);
            row.reason = None;
            if !stays {
                row.hashed_id = drawn;
            }
        };
        if self.board.move_file(file, FileState::Submitted, online) {
            self.line_up(file);
        }
    }

    fn staging_failed(&mut self, file: FileId, fault: Fault) {
        let Some((job, row)) = self.rows(file) else {
            return;
        };
        match retry::after_staging(self.retry_defaults(&job), &job, &row, &fault) {
            Some(delay) => {
                let now = self.now;
                let reason = fault.to_string();
                self.board.remember(retry::remember(&row, now, &reason));
                let again = |row: &mut Transfer| {
                    retry::reset_for_staging(row);
                    retry::put_off(row, now, delay);
                };
                if self.board.move_file(file, FileState::Staging, again) {
                    self.line_up(file);
                }
            }
            None => self.staging_failed_for_good(file, fault),
        }
    }

    fn staging_failed_for_good(&mut self, file: FileId, fault: Fault) {
        let now = self.now;
        let failure = fault.into();
        let failed = |row: &mut Transfer| {
            fail(row, &failure, now);
            row.staging_finished = Some(now);
        };
        if self.board.move_file(file, FileState::Failed, failed) {
            self.file_failed(file);
        }
    }

    /// Fails files whose time is over, and tells their storage.
    pub(super) fn time_out(&mut self, id: RequestId, files: Vec<FileId>) {
        for file in files {
            self.staging.give_up(id, file);
            self.board.place_file(file, Place::Resting);
            self.staging_failed_for_good(file, staging_fault(ETIMEDOUT, TIMED_OUT));
        }
    }

    /// Gives the pin of a file back that is not going to be copied. After a copy the worker does.
    pub(crate) fn give_pin_back(&mut self, file: FileId) {
        let Some((job, row)) = self.rows(file) else {
            return;
        };
        if let Some(token) = row.bringonline_token.clone()
            && row.staging_finished.is_some()
            && !keeps_pins(&self.settings, &row.source_se)
        {
            let errand = errand(&key(&job, &row), Some(&file));
            let url = row.source_surl.clone();
            self.staging.give_back(errand, token, url);
        }
    }

    /// Takes a file that is being cancelled out of its request.
    pub(crate) fn abort_staging(&mut self, file: FileId, place: Place) {
        match place {
            Place::Gathering(group) => drop(self.staging.gathering.remove(group, file)),
            Place::Staging(id) => self.staging.give_up(id, file),
            _ => return,
        }
        self.board.place_file(file, Place::Resting);
    }
}

/// True when pins at a storage are left to end by themselves.
fn keeps_pins(settings: &Settings, storage: &str) -> bool {
    let kept = settings.storage_value(storage, |it| it.skip_eviction);
    kept.unwrap_or(false)
}

fn staging_fault(errno: i32, text: &str) -> Fault {
    Fault::new(Scope::Staging, Phase::Service, errno, text)
}
