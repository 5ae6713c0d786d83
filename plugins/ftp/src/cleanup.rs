//! Removing what a failed write left behind.
//!
//! A process that is killed removes nothing any more. So a temporary file is in the journal as long as
//! it is there, and a later life that writes to the same server as the same user removes it.
//!
//! # Invariants
//! - Removed is only what this write, or one of an earlier life, has begun to write itself.
//! - A write that is neither kept nor removed when it is dropped is removed in the background, over
//!   another connection: its own has a transfer in the middle.

use std::cell::LazyCell;
use std::fmt;
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
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Begun {
    /// Server and user, see [`crate::pool::Pool::door`].
    door: String,
    /// As the user wrote it. URLs with a user, a password or a query have no door.
    at: Surl,
    path: String,
}

impl fmt::Display for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a partial file of {}: {}", self.at, self.path)
    }
}

/// Removes in the background what earlier lives left at a server, when its user is there.
pub(crate) fn remove_earlier(inner: &Arc<Inner>, credential: &Credential, at: &Surl) {
    // A hash for each write only where something was left at all.
    let door = LazyCell::new(|| inner.pool.door(at, credential));
    // Without a door the write itself says what is wrong.
    let fits = |it: &Begun| door.as_ref().is_ok_and(|door| *door == it.door);
    if !inner.journal.may_fit(fits) {
        return;
    }
    let Ok(door) = door.clone() else {
        return;
    };
    let (inner, credential) = (inner.clone(), credential.clone());
    tokio::spawn(async move {
        let remove = |it: Begun| {
            let mut partial = Partial::new(&inner, &credential, &it.at, &it.path);
            partial.pauses = SOON;
            async move { partial.remove().await }
        };
        let fits = |it: &Begun| it.door == door;
        inner.journal.sweep(fits, remove).await;
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
        let door = match inner.pool.door(&partial.at, &partial.credential) {
            Ok(door) => door,
            Err(error) => {
                let text = format!("failed to write an upload down: {error}");
                inner.host.log(LogLevel::Warn, &text);
                return;
            }
        };
        let begun = Begun {
            door,
            at: partial.at.clone(),
            path: partial.path.clone(),
        };
        partial.entry = inner.journal.note_or_warn(&begun).await;
    }

    /// How patiently to look for the partial file.
    pub(crate) fn look(&mut self, pauses: &'static [Duration]) {
        if let Some(partial) = &mut self.0 {
            partial.pauses = pauses;
        }
    }

    /// All went well, or nothing of this write is there.
    pub(crate) async fn disarm(&mut self) {
        if let Some(mut partial) = self.0.take() {
            partial.is_gone().await;
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
    async fn is_gone(&mut self) {
        if let Some(entry) = self.entry.take() {
            entry.forget().await;
        }
    }

    /// What cannot be removed stays in the journal.
    async fn remove_and_log(&mut self) {
        match self.remove().await {
            Ok(()) => self.is_gone().await,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_down_names_the_file_as_the_user_did() {
        let text = r#"{"door":"h:2121 x","at":"ftp://h:2121/a%20b#c","path":"/p"}"#;
        let begun: Begun = serde_json::from_str(text).unwrap();
        assert_eq!(begun.at.as_str(), "ftp://h:2121/a%20b#c");
        assert_eq!(serde_json::to_string(&begun).unwrap(), text);
        // The journal tells of one that it cannot read.
        let garbled = text.replace("ftp:", "");
        assert!(serde_json::from_str::<Begun>(&garbled).is_err());
    }
}
