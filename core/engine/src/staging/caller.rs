//! What the dispatcher itself asks of storages: bringing online, giving back, waiting for tape.
//!
//! Each question is a task of its own; its answer comes back as a notice. The dispatcher never
//! waits for one. Which storage is behind a URL, and in whose process, is not known here.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use causeway_model::ports::{Clock, CredentialVault};
use causeway_sdk::{
    Capabilities, Credential, Ctx, DynStorage, Error, ErrorKind, FileState, Operation, Result,
    StageRequest, Staged, Storages, Url,
};
use futures_util::FutureExt;
use tokio::sync::mpsc;

use crate::credentials::{self, Owner};
use crate::dispatcher::Notice;
use crate::site::{Directory, within};

/// On whose behalf a storage is asked, and about what.
#[derive(Clone, Debug)]
pub(crate) struct Errand {
    /// Names the question in logs.
    pub(crate) id: String,
    pub(crate) owner: Owner,
    pub(crate) space_token: String,
}

/// Answer to a request to bring files online.
#[derive(Debug)]
pub(crate) enum Recall {
    /// The storage took the request.
    Taken(Staged),
    /// The storage has no tape behind it: everything it has is online.
    NoTape,
}

/// Asks storages. Clones ask the same ones.
#[derive(Clone)]
pub(crate) struct Caller {
    directory: Arc<Directory>,
    vault: Option<Arc<dyn CredentialVault>>,
    clock: Arc<dyn Clock>,
    notices: mpsc::UnboundedSender<Notice>,
    /// Seconds one question may take; 0 for no limit.
    limit: u64,
}

struct Counter {
    storage: Arc<dyn DynStorage>,
    abilities: Arc<Capabilities>,
    cx: Ctx,
}

impl Caller {
    pub(crate) fn new(
        storages: Arc<dyn Storages>,
        vault: Option<Arc<dyn CredentialVault>>,
        clock: Arc<dyn Clock>,
        notices: mpsc::UnboundedSender<Notice>,
        limit: u64,
    ) -> Self {
        Self {
            directory: Arc::new(Directory::new(storages)),
            vault,
            clock,
            notices,
            limit,
        }
    }

    /// Most files that the storage behind a URL takes at once; `most` when it does not care.
    pub(crate) fn bulk(&self, at: &Url, most: usize) -> usize {
        // A URL that no storage serves is told so when it is asked for.
        let own = self.directory.find(at).map(|it| it.1.staging_bulk);
        match own {
            Ok(own) if own > 0 => most.min(own as usize),
            _ => most,
        }
        .max(1)
    }

    /// Asks for files to be brought online.
    ///
    /// A storage that does not list the operation has no tape, so its files are online. The same
    /// goes for one that lists it and answers that it is not supported: a protocol may know tape
    /// while the server at its other end has none.
    pub(crate) fn bring_online(
        &self,
        errand: Errand,
        request: StageRequest,
        news: impl FnOnce(Result<Recall>) -> Notice + Send + 'static,
    ) {
        let caller = self.clone();
        self.ask("bring online", news, async move {
            let to = caller.counter(errand, request.files.first()).await?;
            if !to.abilities.can(Operation::Staging) {
                return Ok(Recall::NoTape);
            }
            match to.storage.bring_online(&to.cx, request).await {
                Err(error) if error.kind() == ErrorKind::Unsupported => Ok(Recall::NoTape),
                answer => answer.map(Recall::Taken),
            }
        });
    }

    /// Asks how far a request is.
    pub(crate) fn poll_online(
        &self,
        errand: Errand,
        token: String,
        files: Vec<Url>,
        news: impl FnOnce(Result<Vec<FileState>>) -> Notice + Send + 'static,
    ) {
        let caller = self.clone();
        self.ask("poll a bring-online request", news, async move {
            let to = caller.counter(errand, files.first()).await?;
            to.storage.poll_online(&to.cx, &token, &files).await
        });
    }

    /// Asks whether files have reached tape.
    pub(crate) fn poll_archived(
        &self,
        errand: Errand,
        files: Vec<Url>,
        news: impl FnOnce(Result<Vec<FileState>>) -> Notice + Send + 'static,
    ) {
        let caller = self.clone();
        self.ask("poll for the tape copy", news, async move {
            let to = caller.counter(errand, files.first()).await?;
            to.storage.poll_archived(&to.cx, &files).await
        });
    }

    /// Gives pins back, or aborts what is not online yet. Nobody waits for it, and a failure is
    /// only logged: pins end by themselves.
    pub(crate) fn release(&self, errand: Errand, token: String, files: Vec<Url>) {
        let caller = self.clone();
        tokio::spawn(async move {
            let id = errand.id.clone();
            let (again, limit) = (caller.clone(), caller.limit);
            let outcome = contained(limit, "release", async move {
                let to = again.counter(errand, files.first()).await?;
                to.storage.release(&to.cx, &token, &files).await
            });
            if let Err(error) = outcome.await {
                tracing::warn!(request.id = %id, %error, "failed to release files");
            }
        });
    }

    fn ask<T: Send + 'static>(
        &self,
        what: &'static str,
        news: impl FnOnce(Result<T>) -> Notice + Send + 'static,
        question: impl Future<Output = Result<T>> + Send + 'static,
    ) {
        let (notices, limit) = (self.notices.clone(), self.limit);
        tokio::spawn(async move {
            let answer = contained(limit, what, question).await;
            if notices.send(news(answer)).is_err() {
                tracing::debug!("dispatcher is gone, answer of a storage dropped");
            }
        });
    }

    async fn counter(&self, errand: Errand, at: Option<&Url>) -> Result<Counter> {
        let at = at.ok_or_else(|| Error::new(ErrorKind::Invalid, "ask about no file at all"))?;
        let (storage, abilities) = self.directory.find(at)?;
        let credential = self.credential(&errand.owner, at, &abilities).await;
        let mut cx = Ctx::new(errand.id).with_credential(credential);
        if self.limit > 0 {
            cx = cx.with_timeout(Duration::from_secs(self.limit));
        }
        if !errand.space_token.is_empty() {
            cx = cx.with_option("space_token", errand.space_token);
        }
        Ok(Counter {
            storage,
            abilities,
            cx,
        })
    }

    async fn credential(&self, owner: &Owner, at: &Url, abilities: &Capabilities) -> Credential {
        let Some(vault) = &self.vault else {
            return Credential::None;
        };
        let now = self.clock.now();
        match credentials::read_at(&**vault, owner, at, abilities, now).await {
            Some((credential, end)) if end > now => credential,
            // Expired is as good as absent.
            _ => Credential::None,
        }
    }
}

/// A question that always gets an answer: in time, and whatever the storage does.
async fn contained<T>(
    limit: u64,
    what: &str,
    question: impl Future<Output = Result<T>>,
) -> Result<T> {
    let question = AssertUnwindSafe(within(limit, what, question));
    question.catch_unwind().await.unwrap_or_else(|panic| {
        let text = format!("storage panicked: {}", panic_text(&*panic));
        tracing::error!(panic = %text, "failed to {what}");
        Err(Error::new(ErrorKind::Internal, text).during(what))
    })
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let owned = || panic.downcast_ref::<String>().map(String::as_str);
    let fixed = panic.downcast_ref::<&str>().copied();
    fixed.or_else(owned).unwrap_or("panic")
}
