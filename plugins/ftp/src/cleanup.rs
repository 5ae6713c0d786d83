//! Removing what a failed write left behind.
//!
//! A process that is killed removes nothing any more. So a temporary file is in the journal as long as
//! it is there, and a later life that writes to the same server as the same user removes it.
//!
//! # Invariants
//! - Removed is only what this write, or one of an earlier life, has begun to write itself.
//! - A write that is neither kept nor removed when it is dropped is removed in the background, over
//!   another connection: its own has a transfer in the middle.

use std::sync::Arc;
use std::time::Duration;

use causeway_sdk::{Credential, Error, ErrorKind, LogLevel, Result, Url as Surl};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::endpoint::Lease;
use crate::error::refused;
use crate::storage::Inner;
use causeway_sdk::journal::Entry;

/// Longest time a clean-up in the background may take.
const LIMIT: Duration = Duration::from_secs(120);

/// A temporary file, as it is written down.
#[derive(Serialize, Deserialize)]
pub(crate) struct Begun {
    /// Server and user, see [`crate::pool::Pool::door`].
    door: String,
    at: String,
    path: String,
}

/// Removes in the background what earlier lives left at a server, when its user is there.
pub(crate) fn remove_earlier(inner: &Arc<Inner>, credential: &Credential, at: &Surl) {
    if inner.journal.is_empty() {
        return;
    }
    let Ok(door) = inner.pool.door(at, credential) else {
        // The write itself says what is wrong.
        return;
    };
    let (inner, credential) = (inner.clone(), credential.clone());
    tokio::spawn(async move {
        for (begun, entry) in inner.journal.take(|it| it.door == door).await {
            let Ok(at) = begun.at.parse::<Surl>() else {
                entry.forget();
                continue;
            };
            let mut partial = Partial::new(&inner, &credential, &at, &begun.path);
            partial.pauses = SOON;
            let done = tokio::time::timeout(LIMIT, partial.remove()).await;
            let done = done.map_err(|_| "no answer in time".to_owned());
            match done.and_then(|it| it.map_err(|error| error.to_string())) {
                Ok(()) => {
                    let text = format!("removed a partial file of an earlier life: {}", begun.path);
                    inner.host.log(LogLevel::Info, &text);
                    entry.forget();
                }
                Err(why) => {
                    partial.warn(&why);
                    inner.journal.give_back(begun, entry);
                }
            }
        }
    });
}

/// Removes a partial file when it is dropped, unless told that all went well.
pub(crate) struct Guard(Option<Partial>);

struct Partial {
    inner: Arc<Inner>,
    credential: Credential,
    /// What the user called the file; for texts, and to find the server.
    at: Surl,
    /// Where it is on the server.
    path: String,
    /// After what pauses to look for it.
    pauses: &'static [Duration],
    entry: Option<Entry>,
    runtime: Handle,
}

/// It is there already.
pub(crate) const SOON: &[Duration] = &[Duration::ZERO, Duration::from_millis(500)];
/// The server may not have begun to write it, or not noticed yet that we left.
pub(crate) const PATIENT: &[Duration] = &[
    Duration::ZERO,
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

impl Guard {
    pub(crate) fn new(inner: &Arc<Inner>, credential: &Credential, at: &Surl, path: &str) -> Self {
        Self(Some(Partial::new(inner, credential, at, path)))
    }

    /// Writes the partial file down before it is there.
    pub(crate) async fn note(&mut self) {
        let Some(partial) = &mut self.0 else {
            return;
        };
        let inner = &partial.inner;
        let noted = async {
            let begun = Begun {
                door: inner.pool.door(&partial.at, &partial.credential)?,
                at: partial.at.to_string(),
                path: partial.path.clone(),
            };
            let noted = inner.journal.note(&begun).await;
            noted.map_err(|source| Error::new(ErrorKind::Internal, source.to_string()))
        };
        match noted.await {
            Ok(entry) => partial.entry = entry,
            Err(error) => {
                let text = format!("cannot write an upload down: {error}");
                partial.inner.host.log(LogLevel::Warn, &text);
            }
        }
    }

    /// How patiently to look for the partial file.
    pub(crate) fn look(&mut self, pauses: &'static [Duration]) {
        if let Some(partial) = &mut self.0 {
            partial.pauses = pauses;
        }
    }

    /// All went well, or nothing of this write is there.
    pub(crate) fn disarm(&mut self) {
        if let Some(mut partial) = self.0.take() {
            partial.is_gone();
        }
    }

    /// Another session for the same caller.
    pub(crate) async fn enter(&self) -> Result<Lease> {
        let Some(partial) = &self.0 else {
            let text = "use a write that has ended already";
            return Err(Error::new(ErrorKind::Internal, text));
        };
        let (session, _) = partial
            .inner
            .pool
            .enter(&partial.at, &partial.credential)
            .await?;
        Ok(session)
    }

    /// Removes the partial file now. Dropping the future leaves it to the background.
    pub(crate) async fn remove(mut self) {
        if let Some(partial) = &mut self.0 {
            partial.remove_and_log().await;
        }
        self.0 = None;
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(mut partial) = self.0.take() else {
            return;
        };
        let runtime = partial.runtime.clone();
        runtime.spawn(async move {
            if tokio::time::timeout(LIMIT, partial.remove_and_log())
                .await
                .is_err()
            {
                partial.warn("no answer in time");
            }
        });
    }
}

impl Partial {
    fn new(inner: &Arc<Inner>, credential: &Credential, at: &Surl, path: &str) -> Self {
        Self {
            inner: inner.clone(),
            credential: credential.clone(),
            at: at.clone(),
            path: path.to_owned(),
            pauses: PATIENT,
            entry: None,
            runtime: Handle::current(),
        }
    }

    /// It is not there, so that nobody needs to look for it.
    fn is_gone(&mut self) {
        if let Some(entry) = self.entry.take() {
            entry.forget();
        }
    }

    /// What cannot be removed stays in the journal.
    async fn remove_and_log(&mut self) {
        match self.remove().await {
            Ok(()) => self.is_gone(),
            Err(error) => self.warn(&error.to_string()),
        }
    }

    fn warn(&self, why: &str) {
        let text = format!(
            "a partial file of {} may be left at {}: {why}",
            self.at, self.path
        );
        self.inner.host.log(LogLevel::Warn, &text);
    }

    async fn remove(&self) -> Result<()> {
        let mut refusal = None;
        for pause in self.pauses {
            tokio::time::sleep(*pause).await;
            let (mut session, _) = self.inner.pool.enter(&self.at, &self.credential).await?;
            let reply = session.command(&format!("DELE {}", self.path)).await?;
            if reply.is_good() {
                return Ok(());
            }
            refusal = Some(refused("remove a part of", &self.at, &reply));
        }
        match refusal {
            Some(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}
