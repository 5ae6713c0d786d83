//! What every service does for one place, whatever its protocol.

use std::sync::Arc;

use async_trait::async_trait;
use causeway_sdk::{
    Copied, DirPage, Page, ProgressSink, ReadOptions, Result, Stat, WriteOptions, Written,
};

use crate::azure::Azure;
use crate::caller::Caller;
use crate::dropbox::Dropbox;
use crate::exchange::{Answer, Pieces};
use crate::flat::Flat;
use crate::gcs::Gcs;
use crate::gdrive::Drive;
use crate::place::{Place, Service};
use crate::sums::{Kind, Summed};

/// A file whose bytes come with an answer.
pub(crate) struct Download {
    pub(crate) answer: Answer,
    /// Size of the whole file, when it was told.
    pub(crate) size: Option<u64>,
    pub(crate) etag: Option<String>,
}

/// A service, and the place there that a call is about.
#[async_trait]
pub(crate) trait Backend: Send + Sync {
    async fn stat(&self) -> Result<Stat>;
    async fn list(&self, page: Page) -> Result<DirPage>;
    async fn mkdir(&self, parents: bool) -> Result<()>;
    async fn rmdir(&self) -> Result<()>;
    async fn unlink(&self) -> Result<()>;
    async fn rename(&self, to: Place, overwrite: bool) -> Result<()>;
    /// Copies a file within the service.
    async fn copy(&self, to: Place, overwrite: bool, progress: &ProgressSink) -> Result<Copied>;
    /// Asks for bytes. Statuses of ranges and conditions are for the caller to judge.
    async fn download(&self, options: &ReadOptions) -> Result<Download>;
    /// Begins a write; nothing need be sent yet.
    async fn upload(&self, options: &WriteOptions) -> Result<Arc<dyn Upload>>;
}

/// What became of an upload.
#[derive(Debug, Default)]
pub(crate) struct Put {
    pub(crate) written: Written,
    /// Dropbox's own checksum.
    pub(crate) content_hash: Option<String>,
}

impl From<Stat> for Put {
    fn from(stat: Stat) -> Self {
        let written = Written {
            bytes: stat.size.unwrap_or_default(),
            etag: stat.etag,
            checksums: stat.checksums,
        };
        Self {
            written,
            content_hash: None,
        }
    }
}

/// A write as a service takes it: whole, or in parts of which the last ends it.
#[async_trait]
pub(crate) trait Upload: Send + Sync {
    /// What is to be computed of the bytes.
    fn wants(&self) -> Kind;
    /// Whether several parts may be on their way.
    fn is_parallel(&self) -> bool {
        false
    }
    /// All of it at once. Asked once: whether to ask again is for the caller to judge.
    async fn whole(&self, data: Pieces, sums: &Summed) -> Result<Put>;
    /// A part that is not the last. Numbers begin with 0.
    async fn part(&self, number: u64, offset: u64, data: Pieces) -> Result<()>;
    /// The last part, after all others; makes the file visible. Asked once, too.
    async fn finish(&self, number: u64, offset: u64, data: Pieces, sums: &Summed) -> Result<Put>;
    /// What is there by now: the answer of the last request may have been lost.
    async fn arrived(&self) -> Result<Option<Put>>;
    /// Removes what parts left, as far as the service lets it.
    async fn discard(&self);
    /// Removes a file that came out damaged.
    async fn undo(&self, put: &Put) -> Result<()>;
}

/// The backend for a caller's place.
pub(crate) fn backend(caller: Caller) -> Box<dyn Backend> {
    match caller.place.service {
        Service::Azure => Box::new(Flat(Azure(caller))),
        Service::Gcs => Box::new(Flat(Gcs(caller))),
        Service::Dropbox => Box::new(Dropbox(caller)),
        Service::Drive => Box::new(Drive(caller)),
    }
}
