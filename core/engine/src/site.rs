//! One side of a transfer: a URL, the storage that serves it, what that storage can do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_model::{Fault, Phase, Scope};
use causeway_sdk::{
    Algorithm, Capabilities, Checksum, Ctx, DynStorage, Error, ErrorKind, Operation, Result, Stat,
    Storages, Url,
};
use parking_lot::RwLock;

use crate::parents::Parents;

/// Finds storages, and remembers what they can do and which directories stood there.
pub(crate) struct Directory {
    storages: Arc<dyn Storages>,
    known: RwLock<HashMap<String, Known>>,
    pub(crate) parents: Parents,
}

#[derive(Clone)]
struct Known {
    storage: Arc<dyn DynStorage>,
    abilities: Arc<Capabilities>,
}

impl Directory {
    pub(crate) fn new(storages: Arc<dyn Storages>) -> Self {
        Self {
            storages,
            known: RwLock::default(),
            parents: Parents::default(),
        }
    }

    /// The storage for a URL with its abilities.
    pub(crate) fn find(&self, url: &Url) -> Result<(Arc<dyn DynStorage>, Arc<Capabilities>)> {
        let storage = self.storages.storage_for(url)?;
        if let Some(known) = self.known.read().get(url.scheme())
            // Another pointer means that the plugin was replaced.
            && Arc::ptr_eq(&known.storage, &storage)
        {
            return Ok((storage, Arc::clone(&known.abilities)));
        }
        let abilities = Arc::new(storage.describe());
        let known = Known {
            storage: Arc::clone(&storage),
            abilities: Arc::clone(&abilities),
        };
        self.known.write().insert(url.scheme().to_owned(), known);
        Ok((storage, abilities))
    }
}

/// One side of a transfer.
pub(crate) struct Site {
    pub(crate) url: Url,
    pub(crate) storage: Arc<dyn DynStorage>,
    pub(crate) abilities: Arc<Capabilities>,
    pub(crate) cx: Ctx,
    pub(crate) scope: Scope,
    /// Seconds one metadata call may take; 0 for no limit.
    pub(crate) operation_limit: u64,
    /// Seconds a checksum may take; 0 for no limit.
    pub(crate) checksum_limit: u64,
}

impl Site {
    pub(crate) fn can(&self, operation: Operation) -> bool {
        self.abilities.can(operation)
    }

    /// True when the storage computes or keeps this checksum.
    pub(crate) fn can_sum(&self, algorithm: Algorithm) -> bool {
        self.can(Operation::Checksum) && self.abilities.checksums.contains(&algorithm)
    }

    pub(crate) async fn stat(&self) -> Result<Stat> {
        let call = self.storage.stat(&self.cx, &self.url);
        within(self.operation_limit, "stat", call).await
    }

    pub(crate) async fn exists(&self, at: &Url) -> Result<bool> {
        let call = self.storage.exists(&self.cx, at);
        within(self.operation_limit, "stat", call).await
    }

    /// Makes a directory with those above.
    pub(crate) async fn mkdir(&self, at: &Url) -> Result<()> {
        let call = self.storage.mkdir(&self.cx, at, true);
        within(self.operation_limit, "mkdir", call).await
    }

    pub(crate) async fn checksum(&self, algorithm: Algorithm) -> Result<Checksum> {
        let call = self.storage.checksum(&self.cx, &self.url, algorithm);
        within(self.checksum_limit, "checksum", call).await
    }

    pub(crate) async fn unlink(&self) -> Result<()> {
        let call = self.storage.unlink(&self.cx, &self.url);
        within(self.operation_limit, "unlink", call).await
    }

    /// Removes what stands there; nothing standing there is fine, too.
    pub(crate) async fn remove(&self) -> Result<()> {
        match self.unlink().await {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    /// A failure of this side.
    pub(crate) fn fault(&self, phase: Phase, error: &Error) -> Fault {
        Fault::new(self.scope, phase, error.errno(), error.message())
    }
}

/// A storage that never answers costs its own attempt, and not for ever.
pub(crate) async fn within<T>(
    seconds: u64,
    what: &str,
    call: impl Future<Output = Result<T>>,
) -> Result<T> {
    if seconds == 0 {
        return call.await;
    }
    let limit = Duration::from_secs(seconds);
    tokio::time::timeout(limit, call).await.unwrap_or_else(|_| {
        let text = format!("operation timeout: {what} gave no answer within {seconds} s");
        Err(Error::new(ErrorKind::Timeout, text).during(what))
    })
}

/// The checksum of this algorithm in a list, if there is one.
pub(crate) fn pick(sums: &[Checksum], algorithm: Algorithm) -> Option<Checksum> {
    sums.iter().find(|it| it.algorithm == algorithm).cloned()
}
