//! From a file that waits to a request that its storage has taken.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_model::settings::Operation;
use causeway_model::{FileId, FileState, Job, Timestamp, Transfer};
use causeway_sdk::{Result, StageRequest};
use tokio::time::Instant;

use super::caller::{Errand, Recall};
use super::gather::{Bulk, GroupKey, Pace};
use super::request::{Request, Stage, Wanted};
use super::{News, RequestId, Staging};
use crate::alarm::Alarm;
use crate::board::Place;
use crate::credentials::Owner;
use crate::dispatcher::{self, Dispatcher, Effect, Notice};

impl Dispatcher {
    /// Lets a file wait for a request.
    pub(crate) fn gather(&mut self, file: FileId) {
        let Some((job, row)) = self.rows(file) else {
            return;
        };
        let most = self.config.staging_bulk_size;
        let Staging {
            caller, gathering, ..
        } = &mut self.staging;
        let bulk = || caller.bulk(&row.source_surl, most);
        let group = gathering.add(key(&job, &row), file, Instant::now(), bulk);
        self.board.place_file(file, Place::Gathering(group));
    }

    /// Plans the requests that may be sent now.
    pub(crate) fn stage_files(&mut self) {
        let most = self.config.staging_concurrent_requests.max(1);
        while self.staging.requests.len() < most
            && let Some(bulk) = self.next_bulk()
        {
            self.plan_request(bulk);
        }
        self.set_round();
    }

    fn next_bulk(&mut self) -> Option<Bulk> {
        let config = &self.config;
        let patience = config
            .staging_waiting_factor_seconds
            .min(config.staging_scheduling_interval_seconds);
        let pace = Pace {
            now: Instant::now(),
            patience: Duration::from_secs(patience),
        };
        let limit = &self.operation_limit;
        let Staging {
            gathering, started, ..
        } = &mut self.staging;
        gathering.take(pace, |place| {
            let limit = limit(&place.0, &place.1, Operation::Staging);
            limit.map_or(usize::MAX, |limit| {
                limit.saturating_sub(started.get(place).copied().unwrap_or(0))
            })
        })
    }

    /// Sets the alarm at which groups that fill up are looked at again.
    fn set_round(&mut self) {
        let Some(due) = self.staging.gathering.next_filled() else {
            return;
        };
        if self.staging.next_round.is_some_and(|it| it <= due) {
            return;
        }
        self.staging.next_round = Some(due);
        let wait = due.saturating_duration_since(Instant::now());
        self.set_alarm(wait, Alarm::Gather);
    }

    /// The time of groups that filled up has come.
    pub(crate) fn round_is_due(&mut self) {
        self.staging.next_round = None;
        self.staging.gathering.wake_filling();
    }

    fn plan_request(&mut self, bulk: Bulk) {
        let id = self.staging.new_id();
        let (now, host) = (self.now, Arc::clone(&self.host));
        let mut files = BTreeMap::new();
        for file in bulk.files {
            let Some((job, row)) = self.rows(file) else {
                continue;
            };
            let started = |row: &mut Transfer| {
                row.staging_start = Some(now);
                row.staging_host = Some(Arc::clone(&host));
                row.staging_finished = None;
                row.bringonline_token = None;
            };
            if !self.board.move_file(file, FileState::Started, started) {
                self.board.place_file(file, Place::Resting);
                continue;
            }
            self.board.place_file(file, Place::Staging(id));
            let wanted = Wanted {
                url: row.source_surl.clone(),
                deadline: deadline(&job, now, self.config.default_bring_online_timeout_seconds),
            };
            files.insert(file, wanted);
        }
        let place = bulk.key.place();
        self.staging.count(&place, files.len());
        let request = Request {
            errand: errand(&bulk.key, files.keys().next()),
            place,
            files,
            stage: Stage::Planned(bulk.group),
            failures: 0,
            next_look: None,
        };
        self.staging.requests.insert(id, request);
        self.staging.close_if_over(id);
        self.effects.push(Effect::Stage(id));
    }

    /// The rows of a request are durable: it may be sent.
    pub(crate) fn send_request(&mut self, id: RequestId) {
        if !matches!(self.stage, dispatcher::Stage::Open) {
            // Without a token its files go back to the queue at the next start.
            self.staging.requests.remove(&id);
            return;
        }
        let Some(request) = self.staging.requests.get_mut(&id) else {
            return;
        };
        let Stage::Planned(group) = request.stage else {
            return;
        };
        request.stage = Stage::Sending(group, Vec::new());
        let errand = request.errand.clone();
        let files: Vec<FileId> = request.files.keys().copied().collect();
        let order = self.stage_request(&files);
        let news = move |answer| Notice::Staging(News::Sent(id, answer));
        self.staging.caller.bring_online(errand, order, news);
        self.look_again(id);
    }

    /// What a storage is asked for: each URL once, with the longest pin and time anybody wants.
    fn stage_request(&self, files: &[FileId]) -> StageRequest {
        let config = &self.config;
        let (mut pin, mut timeout) = (0, 0);
        let mut wanted = BTreeMap::new();
        for file in files {
            let Some((job, row)) = self.rows(*file) else {
                continue;
            };
            pin = pin.max(given(
                job.copy_pin_lifetime,
                config.default_copy_pin_lifetime_seconds,
            ));
            timeout = timeout.max(given(
                job.bring_online,
                config.default_bring_online_timeout_seconds,
            ));
            let metadata = row.staging_metadata.as_ref().map(|it| it.0.clone());
            wanted.insert(row.source_surl.clone(), metadata.unwrap_or_default());
        }
        let (files, metadata) = wanted.into_iter().unzip();
        StageRequest {
            files,
            pin: seconds(pin),
            timeout: seconds(timeout),
            metadata,
        }
    }

    /// A storage answered to a request.
    pub(super) fn request_sent(&mut self, id: RequestId, answer: Result<Recall>) {
        let requests = &mut self.staging.requests;
        let sending = |it: &&mut Request| matches!(it.stage, Stage::Sending(..));
        let Some(request) = requests.get_mut(&id).filter(sending) else {
            return;
        };
        let files: Vec<FileId> = request.files.keys().copied().collect();
        let errand = request.errand.clone();
        let token = match &answer {
            Ok(Recall::Taken(staged)) => staged.token.clone(),
            _ => String::new(),
        };
        let working = Stage::Working(token.clone());
        let Stage::Sending(group, given_up) = std::mem::replace(&mut request.stage, working) else {
            return;
        };
        self.staging.gathering.sent(group);
        match answer {
            Ok(Recall::Taken(staged)) => {
                if !given_up.is_empty() {
                    let caller = &self.staging.caller;
                    caller.release(errand, token.clone(), given_up);
                }
                for file in files {
                    let token = token.clone();
                    self.board
                        .change_file(file, |row| row.bringonline_token = Some(token));
                }
                self.take_states(id, &staged.files);
            }
            Ok(Recall::NoTape) => self.take_verdicts(id, files.into_iter().map(|it| (it, None))),
            Err(error) => {
                let failed = |it| (it, Some(error.clone()));
                self.take_verdicts(id, files.into_iter().map(failed));
            }
        }
        self.staging.close_if_over(id);
        self.look_first(id);
    }
}

/// What a file must have in common with others to share a request with them.
pub(super) fn key(job: &Job, row: &Transfer) -> GroupKey {
    GroupKey {
        owner: Owner::of(job),
        vo: Arc::clone(&row.vo_name),
        storage: Arc::clone(&row.source_se),
        space_token: job.source_space_token.clone(),
    }
}

pub(super) fn errand(key: &GroupKey, first: Option<&FileId>) -> Errand {
    Errand {
        id: first.map_or_else(String::new, |it| format!("staging.{it}")),
        owner: key.owner.clone(),
        space_token: key.space_token.clone(),
    }
}

pub(super) fn deadline(job: &Job, begun: Timestamp, default: i64) -> Timestamp {
    let seconds = given(job.bring_online, default);
    begun.plus_millis(seconds.saturating_mul(1000))
}

/// The value of a job, or the default where it names none.
fn given(value: i64, default: i64) -> i64 {
    if value > 0 { value } else { default.max(1) }
}

fn seconds(value: i64) -> Duration {
    Duration::from_secs(u64::try_from(value).unwrap_or(0))
}
