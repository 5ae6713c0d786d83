//! What an upload that came to no end leaves on the server, and its removal.
//!
//! Parts cost their owner money and room, and nobody sees them. So from the moment a server may have
//! begun an upload until it is completed, somebody is responsible for it: the guard here. When a
//! call is dropped, the guard works on in the background.
//!
//! A process that is killed guards nothing any more. So an upload with a name is in the journal as long
//! as it goes on, and a later life removes it, see [`crate::earlier`].
//!
//! An upload whose beginning was not answered has no name. It is found by its object and its time
//! among those that are not ours; another program that began to write the same object within the
//! same moments would lose its upload, too.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use causeway_sdk::http_client::date;
use causeway_sdk::{Error, ErrorKind, LogLevel, Result};
use http::{Method, StatusCode, header};
use parking_lot::Mutex;
use tokio::runtime::Handle;

use crate::caller::Caller;
use crate::earlier::Begun;
use crate::error::at;
use crate::exchange::{Request, send};
use crate::place::Place;
use crate::retry::is_passing;
use crate::upload::CLEANUP_LIMIT;
use crate::xml;
use causeway_sdk::journal::Entry;

/// Pauses before each look: parts that were on their way may arrive after an abort, and a busy
/// server is asked again.
const PAUSES: [Duration; 5] = [
    Duration::ZERO,
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
];
/// Looks for an upload without a name: the server may not have noticed it yet.
const LOOKS: usize = 3;
/// Servers tell times in whole seconds.
const SLACK_SECONDS: i64 = 2;

/// Uploads of this process that are still going on.
#[derive(Default)]
pub(crate) struct Living(Mutex<HashSet<String>>);

/// Responsible for one upload.
pub(crate) struct Leftover(Option<Partial>);

pub(crate) struct Partial {
    caller: Caller,
    place: Place,
    id: Option<String>,
    since: Instant,
    entry: Option<Entry>,
    runtime: Handle,
}

impl Leftover {
    /// From now on the server may begin an upload.
    pub(crate) fn new(caller: &Caller, place: &Place) -> Self {
        Self(Some(Partial::new(caller, place)))
    }

    /// It has begun.
    pub(crate) async fn name(&mut self, id: &str) {
        let Some(partial) = &mut self.0 else {
            return;
        };
        partial.id = Some(id.to_owned());
        partial.living().0.lock().insert(id.to_owned());
        let begun = Begun::new(&partial.caller, &partial.place, id);
        partial.entry = partial.caller.inner.journal.note_or_warn(&begun).await;
    }

    /// There is nothing to be removed.
    pub(crate) async fn disarm(&mut self) {
        if let Some(mut partial) = self.0.take() {
            partial.forget();
            partial.is_gone().await;
        }
    }

    /// Removes it now. Dropping the future leaves it to the background.
    pub(crate) async fn remove(&mut self) {
        if let Some(partial) = &mut self.0 {
            partial.remove_and_log().await;
            partial.forget();
        }
        self.0 = None;
    }
}

impl Drop for Leftover {
    fn drop(&mut self) {
        let Some(mut partial) = self.0.take() else {
            return;
        };
        let runtime = partial.runtime.clone();
        runtime.spawn(async move {
            let done = tokio::time::timeout(CLEANUP_LIMIT, partial.remove_and_log());
            if done.await.is_err() {
                partial.warn("no answer in time");
            }
            partial.forget();
        });
    }
}

impl Partial {
    pub(crate) fn new(caller: &Caller, place: &Place) -> Self {
        Self {
            caller: caller.clone(),
            place: place.clone(),
            id: None,
            since: Instant::now(),
            entry: None,
            runtime: Handle::current(),
        }
    }

    /// Nothing of it is there, so that nobody needs to look for it.
    async fn is_gone(&mut self) {
        if let Some(entry) = self.entry.take() {
            entry.forget().await;
        }
    }

    fn living(&self) -> &Living {
        &self.caller.inner.living
    }

    fn forget(&self) {
        if let Some(id) = &self.id {
            self.living().0.lock().remove(id);
        }
    }

    fn warn(&self, why: &str) {
        let text = format!("parts of an upload may be left at {}: {why}", self.place);
        self.caller.inner.host.log(LogLevel::Warn, &text);
    }

    /// What cannot be removed stays in the journal.
    async fn remove_and_log(&mut self) {
        let removed = match &self.id {
            Some(id) => self.abort(id).await,
            None => self.abort_unnamed().await,
        };
        match removed {
            Ok(()) => self.is_gone().await,
            Err(error) => self.warn(&error.to_string()),
        }
    }

    /// Aborts until the server says that there is no such upload.
    pub(crate) async fn abort(&self, id: &str) -> Result<()> {
        let mut last = Ok(());
        for pause in PAUSES {
            tokio::time::sleep(pause).await;
            last = match self.try_abort(id).await {
                Ok(true) => return Ok(()),
                Ok(false) => Err(self.still_listed()),
                Err(error) if is_passing(&error) => Err(error),
                Err(error) => return Err(error),
            };
        }
        last
    }

    fn still_listed(&self) -> Error {
        let why = "parts are still listed";
        at(ErrorKind::Remote, "abort the upload of", &self.place, why)
    }

    /// Whether the upload is gone.
    async fn try_abort(&self, id: &str) -> Result<bool> {
        let request = Request::new(Method::DELETE).query("uploadId", id);
        let answer = send(&self.caller, &self.place, request).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(true);
        }
        answer.success("abort the upload of").await?;
        let request = Request::new(Method::GET)
            .query("uploadId", id)
            .query("max-parts", 1);
        let answer = send(&self.caller, &self.place, request).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(true),
            // Who may write may not be allowed to look.
            StatusCode::FORBIDDEN => Ok(true),
            status if status.is_success() => Ok(false),
            _ => Err(answer.into_error("look after the upload of").await),
        }
    }

    async fn abort_unnamed(&self) -> Result<()> {
        let mut last = Ok(());
        for pause in &PAUSES[..LOOKS] {
            tokio::time::sleep(*pause).await;
            last = match self.find().await {
                Ok(ids) => {
                    for id in ids {
                        self.abort(&id).await?;
                    }
                    Ok(())
                }
                Err(error) if is_passing(&error) => Err(error),
                Err(error) => return Err(error),
            };
        }
        last
    }

    /// Uploads of this object that began since we asked for one, and are nobody else's here.
    async fn find(&self) -> Result<Vec<String>> {
        let request = Request::new(Method::GET)
            .query("uploads", "")
            .query("prefix", &self.place.key);
        let answer = send(&self.caller, &self.place.with_key(""), request).await?;
        let now = answer.header(header::DATE).and_then(date);
        let now = now.unwrap_or_else(|| jiff::Timestamp::now().as_second());
        let waited = i64::try_from(self.since.elapsed().as_secs()).unwrap_or(i64::MAX);
        let since = now.saturating_sub(waited).saturating_sub(SLACK_SECONDS);
        let text = answer.document("list the uploads of").await?;
        let living = self.living().0.lock();
        let mut found = xml::begun(&text)?;
        found.retain(|it| {
            let is_it = it.key == self.place.key && it.at.is_some_and(|at| at >= since);
            is_it && !living.contains(&it.id)
        });
        Ok(found.into_iter().map(|it| it.id).collect())
    }
}
