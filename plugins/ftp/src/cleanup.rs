//! Removing what a failed write left behind.
//!
//! # Invariants
//! - Removed is only what this write has begun to write itself.
//! - A write that is neither kept nor removed when it is dropped is removed in the background, over
//!   another connection: its own has a transfer in the middle.

use std::sync::Arc;
use std::time::Duration;

use causeway_sdk::{Credential, Error, ErrorKind, LogLevel, Result, Url as Surl};
use tokio::runtime::Handle;

use crate::endpoint::Lease;
use crate::error::refused;
use crate::storage::Inner;

/// Longest time a clean-up in the background may take.
const LIMIT: Duration = Duration::from_secs(120);

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
        Self(Some(Partial {
            inner: inner.clone(),
            credential: credential.clone(),
            at: at.clone(),
            path: path.to_owned(),
            pauses: PATIENT,
            runtime: Handle::current(),
        }))
    }

    /// How patiently to look for the partial file.
    pub(crate) fn look(&mut self, pauses: &'static [Duration]) {
        if let Some(partial) = &mut self.0 {
            partial.pauses = pauses;
        }
    }

    /// All went well, or nothing of this write is there.
    pub(crate) fn disarm(&mut self) {
        self.0 = None;
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
        if let Some(partial) = &self.0 {
            partial.remove_and_log().await;
        }
        self.disarm();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(partial) = self.0.take() else {
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
    async fn remove_and_log(&self) {
        if let Err(error) = self.remove().await {
            self.warn(&error.to_string());
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
