//! Asking storages how far their requests are, and noticing when time is over.
//!
//! A request is looked at at an interval, and once more when the time of one of its files ends: what
//! came online just in time is not lost. A storage that does not answer then has a while more.

use std::time::Duration;

use causeway_model::Timestamp;
use causeway_model::observe::Observation;
use causeway_sdk::{Error, ErrorKind, FileState, Result};
use tokio::time::Instant;

use super::request::Stage;
use super::{FIRST_LOOK, GUARD_MILLIS, News, RequestId};
use crate::alarm::Alarm;
use crate::dispatcher::{self, Dispatcher, Notice};

impl Dispatcher {
    /// Takes an answer of a storage in.
    pub(crate) fn staging_news(&mut self, news: News) {
        match news {
            News::Sent(id, answer) => {
                self.watch_asked(id, "bring_online", answer.is_ok());
                self.request_sent(id, answer);
            }
            News::Looked(id, answer) => {
                self.watch_asked(id, "poll", answer.is_ok());
                self.looked(id, answer);
            }
        }
    }

    fn watch_asked(&self, id: RequestId, request: &'static str, answered: bool) {
        let files = self
            .staging
            .requests
            .get(&id)
            .map_or(0, |it| it.files.len());
        self.watched.observe(&Observation::StagingAsked {
            request,
            files,
            answered,
        });
    }

    fn interval(&self) -> Duration {
        Duration::from_secs(self.config.staging_poll_interval_seconds.max(1))
    }

    /// Sets the first look at a request that its storage has taken.
    pub(super) fn look_first(&mut self, id: RequestId) {
        let wait = self.until_deadline(id, FIRST_LOOK.min(self.interval()));
        self.look_in(id, wait);
    }

    /// Sets the next look at a request whose storage is being asked: it only serves the guard.
    pub(super) fn look_again(&mut self, id: RequestId) {
        self.look_in(id, self.interval());
    }

    pub(super) fn look_in(&mut self, id: RequestId, wait: Duration) {
        if let Some(request) = self.staging.requests.get_mut(&id) {
            request.next_look = Some(Instant::now() + wait);
            self.set_alarm(wait, Alarm::Look(id));
        }
    }

    /// The given time, or less when the time of a file ends before.
    fn until_deadline(&self, id: RequestId, wait: Duration) -> Duration {
        let Some(request) = self.staging.requests.get(&id) else {
            return wait;
        };
        if !request.overdue(self.now).is_empty() {
            return Duration::ZERO;
        }
        let end = request.next_deadline(self.now);
        end.map_or(wait, |end| wait.min(between(self.now, end)))
    }

    /// It is time to look at a request.
    pub(crate) fn look(&mut self, id: RequestId) {
        let Some(request) = self.staging.requests.get(&id) else {
            return;
        };
        let too_early = request.next_look.is_some_and(|it| Instant::now() < it);
        // An engine that stops leaves requests to the next.
        if too_early || !matches!(self.stage, dispatcher::Stage::Open) {
            return;
        }
        let hopeless = request.overdue(self.now.plus_millis(-GUARD_MILLIS));
        self.time_out(id, hopeless);
        self.ask_about(id);
        self.look_again(id);
    }

    fn ask_about(&mut self, id: RequestId) {
        let Some(request) = self.staging.requests.get_mut(&id) else {
            return;
        };
        let Stage::Working(token) = &request.stage else {
            return;
        };
        let token = token.clone();
        request.stage = Stage::Asking(token.clone(), self.now);
        let (errand, urls) = (request.errand.clone(), request.urls());
        let news = move |answer| Notice::Staging(News::Looked(id, answer));
        self.staging.caller.poll_online(errand, token, urls, news);
    }

    fn looked(&mut self, id: RequestId, answer: Result<Vec<FileState>>) {
        let Some(request) = self.staging.requests.get_mut(&id) else {
            return;
        };
        let Stage::Asking(token, asked) = &request.stage else {
            return;
        };
        let asked = *asked;
        request.stage = Stage::Working(token.clone());
        match answer {
            Ok(states) => {
                request.failures = 0;
                self.take_states(id, &states);
            }
            Err(error) if is_about_communication(&error) => {
                request.failures += 1;
                if request.failures > self.config.staging_poll_retries {
                    self.fail_request(id, &error);
                }
            }
            Err(error) => self.fail_request(id, &error),
        }
        if let Some(request) = self.staging.requests.get(&id) {
            let late = request.overdue(asked);
            self.time_out(id, late);
        }
        let wait = self.until_deadline(id, self.interval());
        self.look_in(id, wait);
    }

    fn fail_request(&mut self, id: RequestId, error: &Error) {
        let Some(request) = self.staging.requests.get(&id) else {
            return;
        };
        let files: Vec<_> = request.files.keys().copied().collect();
        let failed = |it| (it, Some(error.clone()));
        self.take_verdicts(id, files.into_iter().map(failed));
    }
}

/// True when a storage said nothing about the files: the question may be asked again.
pub(crate) fn is_about_communication(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Network
            | ErrorKind::Timeout
            | ErrorKind::Busy
            | ErrorKind::Throttled
            | ErrorKind::Remote
    )
}

fn between(now: Timestamp, then: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(then.0 - now.0).unwrap_or(0))
}
