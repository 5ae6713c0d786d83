//! Writing a blob: at once, or as blocks that become one when their list is put.
//!
//! # Invariants
//! - Blocks are no blob: nothing is visible before the list (`blocks_are_no_blob`).
//! - Blocks of a write that was given up are discarded, unless a blob is there: then Azure keeps
//!   them, unseen, until the next write to it or for a week.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use causeway_sdk::{Algorithm, LogLevel, Result, Written};
use http::{Method, StatusCode, header};

use super::{Azure, unless_taken, url};
use crate::backend::{Put, Upload};
use crate::caller::Caller;
use crate::digest::{self, to_base64};
use crate::exchange::{Answer, Pieces, Request, send};
use crate::flat::Bucket as _;
use crate::sums::{Kind, Summed};
use crate::xml;

/// A blob being written.
pub(super) struct BlobUpload {
    caller: Caller,
    overwrite: bool,
    /// In the names of its blocks: two writers must not take each other's.
    mark: String,
}

/// Removes a blob, if it is still that version.
pub(super) async fn delete(caller: &Caller, etag: Option<&str>) -> Result<()> {
    let mut request = Request::new(Method::DELETE, url(caller, &caller.place.key, &[])?)
        .with("x-ms-delete-snapshots", "include")?
        .once();
    if let Some(etag) = etag {
        request = request.with("if-match", etag)?;
    }
    send(caller, "remove", request)
        .await?
        .success()
        .await
        .map(drop)
}

impl BlobUpload {
    pub(super) fn new(caller: Caller, overwrite: bool) -> Self {
        static SERIAL: AtomicU64 = AtomicU64::new(0);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let nanos = now.map_or(0, |it| it.as_nanos() as u64);
        let (process, serial) = (std::process::id(), SERIAL.fetch_add(1, Ordering::Relaxed));
        Self {
            caller,
            overwrite,
            mark: format!("{nanos:016x}{process:08x}{serial:08x}"),
        }
    }

    /// All names of one blob's blocks must have the same length.
    fn block(&self, number: u64) -> String {
        BASE64_STANDARD.encode(format!("{}{number:08}", self.mark))
    }

    fn request(&self, query: &[(&str, &str)]) -> Result<Request> {
        let url = url(&self.caller, &self.caller.place.key, query)?;
        Ok(Request::new(Method::PUT, url))
    }

    /// What makes it a blob, once.
    async fn settle(&self, request: Request) -> Result<Answer> {
        let request = match self.overwrite {
            true => request,
            false => request.with("if-none-match", "*")?,
        };
        let answer = send(&self.caller, "write", request.once()).await?;
        unless_taken(&self.caller, answer, "write", self.overwrite).await
    }

    async fn sweep(&self) -> Result<()> {
        // An empty list discards all blocks. Only where no blob is: one that is there stays.
        let request = self
            .request(&[("comp", "blocklist")])?
            .with("if-none-match", "*")?
            .body(xml::block_list(std::iter::empty()))
            .once();
        let answer = send(&self.caller, "discard", request).await?;
        let is_there = matches!(
            answer.status(),
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED
        );
        if is_there {
            return Ok(());
        }
        let answer = answer.success().await?;
        delete(&self.caller, answer.header(header::ETAG)).await
    }
}

fn put(answer: &Answer, bytes: u64) -> Put {
    let written = Written {
        bytes,
        etag: answer.header(header::ETAG).map(str::to_owned),
        checksums: Vec::new(),
    };
    Put {
        written,
        content_hash: None,
    }
}

#[async_trait]
impl Upload for BlobUpload {
    fn wants(&self) -> Kind {
        Kind::Plain(Algorithm::Md5)
    }

    fn is_parallel(&self) -> bool {
        true
    }

    async fn whole(&self, data: Pieces, sums: &Summed) -> Result<Put> {
        let bytes = data.len;
        let mut request = self.request(&[])?.with("x-ms-blob-type", "BlockBlob")?;
        // Verified by Azure, and kept.
        if let Some(md5) = sums.get(Algorithm::Md5).and_then(to_base64) {
            request = request.with("content-md5", md5)?;
        }
        let answer = self.settle(request.body(data)).await?;
        let mut put = put(&answer, bytes);
        let md5 = answer.header("content-md5");
        put.written.checksums = md5
            .and_then(|it| digest::from_base64(Algorithm::Md5, it))
            .into_iter()
            .collect();
        Ok(put)
    }

    async fn part(&self, number: u64, _offset: u64, data: Pieces) -> Result<()> {
        let id = self.block(number);
        let request = self
            .request(&[("comp", "block"), ("blockid", &id)])?
            .body(data);
        send(&self.caller, "write", request)
            .await?
            .success()
            .await
            .map(drop)
    }

    async fn finish(&self, number: u64, offset: u64, data: Pieces, sums: &Summed) -> Result<Put> {
        let bytes = offset + data.len;
        self.part(number, offset, data).await?;
        let ids: Vec<String> = (0..=number).map(|it| self.block(it)).collect();
        let mut request = self
            .request(&[("comp", "blocklist")])?
            .body(xml::block_list(ids.iter().map(String::as_str)));
        // Kept, not verified: the blocks were.
        if let Some(md5) = sums.get(Algorithm::Md5).and_then(to_base64) {
            request = request.with("x-ms-blob-content-md5", md5)?;
        }
        let answer = self.settle(request).await?;
        Ok(put(&answer, bytes))
    }

    async fn arrived(&self) -> Result<Option<Put>> {
        let found = Azure(self.caller.clone())
            .head(&self.caller.place.key)
            .await?;
        Ok(found.map(Put::from))
    }

    async fn discard(&self) {
        if let Err(error) = self.sweep().await {
            let text = format!("blocks are left until Azure discards them: {error}");
            self.caller.inner.host.log(LogLevel::Warn, &text);
        }
    }

    async fn undo(&self, put: &Put) -> Result<()> {
        delete(&self.caller, put.written.etag.as_deref()).await
    }
}
