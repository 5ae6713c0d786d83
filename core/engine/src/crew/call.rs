//! Metadata calls that the server makes through a worker, as data: asked, run there, answered.
//!
//! One variant for each method of a storage that moves no bytes. Bodies and copies belong to
//! attempts and are not here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_sdk::{
    Algorithm, Checksum, Credential, Ctx, DirPage, Error, ErrorKind, FileState, Outcome, Page,
    Result, Space, StageRequest, Staged, Stat, Storages, TransferUrl, TurlRequest, Url,
};
use serde::{Deserialize, Serialize};

use super::admission::Admissions;

/// A call with what accompanies it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Call {
    /// Scheme whose storage is called.
    pub(super) scheme: String,
    pub(super) request_id: String,
    pub(super) trace_parent: String,
    /// Time it may take.
    pub(super) left: Option<Duration>,
    pub(super) credential: Credential,
    pub(super) options: BTreeMap<String, String>,
    pub(super) ask: Ask,
}

/// What is asked.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Ask {
    Admit(Vec<Url>),
    Stat(Url),
    Exists(Url),
    List(Url, Page),
    Mkdir(Url, bool),
    Rmdir(Url),
    Unlink(Url),
    Rename(Url, Url, bool),
    Checksum(Url, Algorithm),
    Space(Url),
    BringOnline(StageRequest),
    PollOnline(String, Vec<Url>),
    Release(String, Vec<Url>),
    PollArchived(Vec<Url>),
    Resolve(Url, TurlRequest),
    Finish(Url, TransferUrl, Outcome),
}

/// What comes back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Admitted(Vec<Result<()>>),
    Stat(Stat),
    Exists(bool),
    Page(DirPage),
    Done,
    Checksum(Checksum),
    Space(Space),
    Staged(Staged),
    Files(Vec<FileState>),
    Turl(TransferUrl),
}

impl Ask {
    /// True when asking twice does no more than asking once: another worker may be asked when
    /// the first is lost.
    pub(super) fn only_looks(&self) -> bool {
        match self {
            Self::Admit(_)
            | Self::Stat(_)
            | Self::Exists(_)
            | Self::List(..)
            | Self::Checksum(..)
            | Self::Space(_)
            | Self::PollOnline(..)
            | Self::PollArchived(_) => true,
            Self::Mkdir(..)
            | Self::Rmdir(_)
            | Self::Unlink(_)
            | Self::Rename(..)
            | Self::BringOnline(_)
            | Self::Release(..)
            | Self::Resolve(..)
            | Self::Finish(..) => false,
        }
    }
}

impl Call {
    /// A call in a context.
    pub(super) fn new(scheme: &str, cx: &Ctx, ask: Ask) -> Self {
        Self {
            scheme: scheme.to_owned(),
            request_id: cx.request_id().to_owned(),
            trace_parent: cx.trace_parent().to_owned(),
            left: cx.remaining(),
            credential: cx.credential().clone(),
            options: cx.options().clone(),
            ask,
        }
    }

    fn context(&self) -> Ctx {
        let mut cx = Ctx::new(&self.request_id)
            .with_trace_parent(&self.trace_parent)
            .with_credential(self.credential.clone());
        if let Some(left) = self.left {
            cx = cx.with_timeout(left);
        }
        for (key, value) in &self.options {
            cx = cx.with_option(key, value);
        }
        cx
    }

    /// Makes the call, where the plugins are. Dropped before its end, it is cancelled.
    pub(super) async fn run(
        self,
        storages: &Arc<dyn Storages>,
        admissions: &Admissions,
    ) -> Result<Answer> {
        if let Ask::Admit(urls) = &self.ask {
            return Ok(Answer::Admitted(admissions.ask(storages, urls).await));
        }
        // Only the scheme decides which storage it is.
        let any: Url = format!("{}://any/", self.scheme)
            .parse()
            .map_err(|_| Error::new(ErrorKind::Invalid, "find a storage without a scheme"))?;
        let storage = storages.storage_for(&any)?;
        let cx = self.context();
        let cx = &cx;
        Ok(match &self.ask {
            Ask::Admit(_) => return Err(Error::unsupported("admit")),
            Ask::Stat(at) => Answer::Stat(storage.stat(cx, at).await?),
            Ask::Exists(at) => Answer::Exists(storage.exists(cx, at).await?),
            Ask::List(at, page) => Answer::Page(storage.list(cx, at, page.clone()).await?),
            Ask::Mkdir(at, parents) => done(storage.mkdir(cx, at, *parents).await)?,
            Ask::Rmdir(at) => done(storage.rmdir(cx, at).await)?,
            Ask::Unlink(at) => done(storage.unlink(cx, at).await)?,
            Ask::Rename(from, to, over) => done(storage.rename(cx, from, to, *over).await)?,
            Ask::Checksum(at, kind) => Answer::Checksum(storage.checksum(cx, at, *kind).await?),
            Ask::Space(at) => Answer::Space(storage.space(cx, at).await?),
            Ask::BringOnline(it) => Answer::Staged(storage.bring_online(cx, it.clone()).await?),
            Ask::PollOnline(token, files) => {
                Answer::Files(storage.poll_online(cx, token, files).await?)
            }
            Ask::Release(token, files) => Answer::Files(storage.release(cx, token, files).await?),
            Ask::PollArchived(files) => Answer::Files(storage.poll_archived(cx, files).await?),
            Ask::Resolve(at, it) => Answer::Turl(storage.resolve(cx, at, it.clone()).await?),
            Ask::Finish(at, turl, outcome) => done(storage.finish(cx, at, turl, *outcome).await)?,
        })
    }
}

fn done(result: Result<()>) -> Result<Answer> {
    result.map(|()| Answer::Done)
}
