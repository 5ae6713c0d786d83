//! Bringing files from tape to disk before they are copied.
//!
//! Files that wait are gathered into bulks (`gather`), a bulk becomes a request (`request`) that is
//! sent once its rows are durable (`sending`), or taken over from a former engine (`resuming`). It
//! is asked about until it is over (`looking`), and each of its files goes on, is tried again, or
//! fails (`outcome`). Storages are asked from tasks (`caller`). This room knows what a storage can
//! do and no protocol.
//!
//! # Invariants
//! - At most so many requests are under way as configured, and of a VO at a storage at most so many
//!   files as its limit allows: `tests/staging_limits.rs`.
//! - A file that leaves a request before it is online is given back to its storage, unless another
//!   of the request waits for the same URL: `tests/staging_limits.rs`.
//! - What a former engine asked for is not asked for again: `tests/staging_trouble.rs`.

pub(crate) mod caller;
pub(crate) mod gather;
mod looking;
mod outcome;
mod recount;
mod request;
mod resuming;
mod sending;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use causeway_sdk::{Error, FileState, Result, Url};
use rand::rngs::StdRng;
use tokio::time::Instant;

use caller::{Caller, Errand, Recall};
use gather::{Gathering, Place};
pub(crate) use looking::is_about_communication;
pub(crate) use request::RequestId;
use request::{Dropped, Request, Stage};

/// Time until the first look at a request, unless requests are looked at more often anyway.
const FIRST_LOOK: Duration = Duration::from_secs(300);
/// Time after the end of a file's time at which it fails whatever its storage is about to say.
const GUARD_MILLIS: i64 = 800_000;

/// What storages answered.
pub(crate) enum News {
    /// To a request.
    Sent(RequestId, Result<Recall>),
    /// To the question how far it is.
    Looked(RequestId, Result<Vec<FileState>>),
}

/// Delegation id and DN of a user, and the token of what a storage brings or pins for them.
type Grant = (Arc<str>, Arc<str>, String);

/// A failed file's error, or `None` for a file that is online.
type Verdict = Option<Error>;

/// Everything about bringing online that is not in a row.
pub(crate) struct Staging {
    pub(crate) caller: Caller,
    gathering: Gathering,
    requests: HashMap<RequestId, Request>,
    last: u64,
    /// Files under way, for limits.
    started: HashMap<Place, usize>,
    /// Requests by who made them, where, and their token: files of one come back one by one after
    /// a restart.
    by_token: HashMap<(Place, String), RequestId>,
    /// What storages get back at the end of the turn.
    returns: BTreeMap<Grant, (Errand, Vec<Url>)>,
    /// When groups that fill up are looked at.
    next_round: Option<Instant>,
    /// For the nodes that files go to once they are online.
    dice: StdRng,
}

impl Staging {
    /// Nothing waits. All draws come from `dice`.
    pub(crate) fn new(caller: Caller, dice: StdRng) -> Self {
        Self {
            caller,
            gathering: Gathering::default(),
            requests: HashMap::new(),
            last: 0,
            started: HashMap::new(),
            by_token: HashMap::new(),
            returns: BTreeMap::new(),
            next_round: None,
            dice,
        }
    }

    /// True when a storage was asked for something whose token has not come yet.
    pub(crate) fn is_sending(&self) -> bool {
        let sending = |it: &Request| matches!(it.stage, Stage::Sending(..));
        self.requests.values().any(sending)
    }

    /// Waits for no token any more: what was asked for is asked for again at the next start.
    pub(crate) fn forget_sending(&mut self) {
        self.requests
            .retain(|_, it| !matches!(it.stage, Stage::Sending(..)));
    }

    fn new_id(&mut self) -> RequestId {
        self.last += 1;
        RequestId(self.last)
    }

    fn count(&mut self, place: &Place, files: usize) {
        *self.started.entry(place.clone()).or_default() += files;
    }

    /// A VO may have more at a storage than before.
    pub(crate) fn room_at(&mut self, place: &Place) {
        self.gathering.room_at(place);
    }

    /// A file is not under way any more.
    fn uncount(&mut self, place: &Place) {
        if let Some(count) = self.started.get_mut(place) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.started.remove(place);
            }
        }
        self.gathering.room_at(place);
    }

    /// Takes a file out of its request because its storage spoke about it.
    fn settle(&mut self, id: RequestId, file: causeway_model::FileId) {
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        if request.files.remove(&file).is_some() {
            let place = request.place.clone();
            self.uncount(&place);
        }
        self.close_if_over(id);
    }

    /// Takes a file out of its request because nobody wants it any more.
    fn give_up(&mut self, id: RequestId, file: causeway_model::FileId) {
        let Some(request) = self.requests.get_mut(&id) else {
            return;
        };
        if !request.files.contains_key(&file) {
            return;
        }
        let place = request.place.clone();
        let dropped = request.give_up(file);
        let errand = request.errand.clone();
        if let Dropped::Abort(token, url) = dropped {
            self.give_back(errand, token, url);
        }
        self.uncount(&place);
        self.close_if_over(id);
    }

    fn close_if_over(&mut self, id: RequestId) {
        if !self.requests.get(&id).is_some_and(Request::is_over) {
            return;
        }
        let Some(request) = self.requests.remove(&id) else {
            return;
        };
        match request.stage {
            Stage::Planned(group) | Stage::Sending(group, _) => self.gathering.sent(group),
            Stage::Working(token) | Stage::Asking(token, _) => {
                self.by_token.remove(&(request.place, token));
            }
        }
    }

    /// Gives a file back to its storage: it stops bringing it, or ends its pin.
    fn give_back(&mut self, errand: Errand, token: String, url: Url) {
        let owner = &errand.owner;
        let key = (
            Arc::clone(&owner.cred_id),
            Arc::clone(&owner.user_dn),
            token,
        );
        let (_, files) = self.returns.entry(key).or_insert((errand, Vec::new()));
        files.push(url);
    }

    /// Tells storages what they got back in this turn.
    pub(crate) fn send_returns(&mut self) {
        for ((_, _, token), (errand, files)) in std::mem::take(&mut self.returns) {
            self.caller.release(errand, token, files);
        }
    }
}
