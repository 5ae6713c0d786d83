//! Bytes from us.

use std::sync::Arc;

use bytes::Bytes;
use causeway_gridftp_wire::transfer::{UploadPlan, Way};
use causeway_gridftp_wire::{Lease, Upload};
use causeway_sdk::{Credential, ErrorKind, Result, Stat, Url, WriteBody, WriteOptions, Written};

use crate::cleanup::{Guard, Opened};
use crate::client::path;
use crate::error::{at, own};
use crate::namespace::{look, mkdir};
use crate::storage::Inner;

/// A file being written.
pub struct GridftpWrite {
    // Dropped in this order: the connections end before the clean-up looks.
    upload: Upload<Lease>,
    guard: Guard,
    at: Url,
    options: WriteOptions,
    /// End of what was written, and how much it was.
    end: u64,
    written: u64,
}

/// Opens a file for writing. The server has agreed when this returns, as far as servers do.
pub(crate) async fn open(
    inner: &Arc<Inner>,
    credential: &Credential,
    url: &Url,
    options: WriteOptions,
) -> Result<GridftpWrite> {
    let name = path(url)?;
    let client = &inner.client;
    let before = look(client, credential, url).await?;
    refuse_if_taken("write", url, before.as_ref(), options.overwrite)?;
    if options.parents
        && before.is_none()
        && let Some(parent) = url.parent()
    {
        mkdir(client, credential, &parent, true).await?;
    }
    let session = client.session(credential, url).await?;
    let guard = Guard::new(inner, credential, url, before);
    // It was looked at just now.
    guard.notes(Opened::Yes);
    let streams = inner.config.streams(0);
    let mut plan = UploadPlan::new(name, Way::Blocks { streams });
    plan.size = options.size;
    plan.striped = inner.config.striped;
    match Upload::start(session, &plan).await {
        Ok(upload) => Ok(GridftpWrite {
            upload,
            guard,
            at: url.clone(),
            options,
            end: 0,
            written: 0,
        }),
        Err(why) => {
            guard.remove().await;
            Err(at(url, &why))
        }
    }
}

/// What may not be written over.
pub(crate) fn refuse_if_taken(
    doing: &str,
    url: &Url,
    there: Option<&Stat>,
    overwrite: bool,
) -> Result<()> {
    match there {
        Some(it) if it.is_directory() => {
            Err(own(ErrorKind::IsDirectory, doing, url, "it is a directory"))
        }
        Some(_) if !overwrite => Err(own(
            ErrorKind::Exists,
            doing,
            url,
            "something is there already",
        )),
        _ => Ok(()),
    }
}

impl WriteBody for GridftpWrite {
    async fn write(&mut self, offset: u64, chunk: Bytes) -> Result<()> {
        let end = offset.saturating_add(chunk.len() as u64);
        if self.options.size.is_some_and(|size| end > size) {
            return Err(own(
                ErrorKind::Invalid,
                "write",
                &self.at,
                "more bytes than were announced",
            ));
        }
        self.end = self.end.max(end);
        self.written += chunk.len() as u64;
        self.upload
            .write(offset, chunk)
            .await
            .map_err(|why| at(&self.at, &why))
    }

    async fn commit(self) -> Result<Written> {
        let Self {
            upload,
            guard,
            at: url,
            options,
            end,
            written,
        } = self;
        let is_all = written == end && options.size.is_none_or(|size| size == end);
        if !is_all {
            upload.abort().await;
            guard.remove().await;
            return Err(own(
                ErrorKind::Integrity,
                "write",
                &url,
                "bytes are missing",
            ));
        }
        match upload.finish().await {
            Ok(_session) => {
                guard.keep(None);
                Ok(Written {
                    bytes: end,
                    ..Written::default()
                })
            }
            Err(why) => {
                guard.remove().await;
                Err(at(&url, &why))
            }
        }
    }

    async fn abort(self) {
        self.upload.abort().await;
        self.guard.remove().await;
    }
}
