//! Bytes from us: one STOR, and what makes it a file or nothing.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use causeway_sdk::{
    Checksum, Credential, Error, ErrorKind, Result, Url as Surl, WriteBody, WriteOptions, Written,
};
use tokio::io::AsyncWriteExt as _;

use crate::cleanup::{Guard, PATIENT, SOON, remove_earlier};
use crate::config::UploadMode;
use crate::data::Move;
use crate::endpoint::Lease;
use crate::error::{failed, late, refused, refused_as};
use crate::inspect::look;
use crate::namespace::make;
use crate::place::parent;
use crate::reply::Reply;
use crate::session::{Session, Transfer};
use crate::storage::Inner;
use crate::temporary;
use crate::upload::{File, refuse_if_taken};

/// A file being written over FTP.
pub struct FtpWrite {
    // Dropped in this order: the connections end before the clean-up looks.
    live: Option<Live>,
    guard: Guard,
    inner: Arc<Inner>,
    file: File,
    written: u64,
}

struct Live {
    transfer: Transfer,
    session: Lease,
}

/// Opens a file for writing. The server has agreed when this returns.
pub(crate) async fn open(
    inner: &Arc<Inner>,
    credential: &Credential,
    at: &Surl,
    options: WriteOptions,
) -> Result<FtpWrite> {
    remove_earlier(inner, credential, at);
    let (mut session, path) = inner.pool.enter(at, credential).await?;
    let before = look(&mut session, at, &path, "write").await?;
    refuse_if_taken(at, before.as_ref(), options.overwrite)?;
    let target = match inner.config.upload {
        UploadMode::Direct => path.clone(),
        UploadMode::Temporary => temporary::beside(&path, inner.next_serial()),
    };
    let mut guard = Guard::new(inner, credential, at, &target);
    if target == path {
        // What stands there until the server says that it begins is not ours.
        guard.disarm().await;
    }
    guard.note().await;
    // Dropped from here on, something of ours may come to be there.
    let transfer = match store(&mut session, at, &target, options.parents).await {
        Ok(transfer) => transfer,
        Err(error) => {
            // Refused by the server: nothing is there. One that hangs up may have begun.
            if error.remote_status().is_some_and(|it| it != 421) {
                guard.disarm().await;
            }
            return Err(error);
        }
    };
    if target == path {
        guard = Guard::new(inner, credential, at, &target);
    }
    guard.look(SOON);
    Ok(FtpWrite {
        live: Some(Live { transfer, session }),
        guard,
        inner: inner.clone(),
        file: File {
            at: at.clone(),
            path,
            target,
            options,
        },
        written: 0,
    })
}

/// STOR; a refusal may be for want of the directory.
async fn store(session: &mut Session, at: &Surl, target: &str, parents: bool) -> Result<Transfer> {
    let refusal = match session.open(Move::Write(target)).await? {
        Ok(transfer) => return Ok(transfer),
        Err(reply) => reply,
    };
    let above = parent(target).unwrap_or("/");
    match look(session, at, above, "write").await {
        Ok(None) if parents => make(session, at, above, true).await?,
        Ok(None) => {
            return Err(refused_as(ErrorKind::NotFound, "write", at, &refusal));
        }
        Ok(Some(it)) if !it.is_directory() => {
            return Err(refused_as(ErrorKind::NotDirectory, "write", at, &refusal));
        }
        _ => return Err(not_stored(at, &refusal)),
    }
    match session.open(Move::Write(target)).await? {
        Ok(transfer) => Ok(transfer),
        Err(reply) => Err(not_stored(at, &reply)),
    }
}

/// A refusal though the directory is there.
fn not_stored(at: &Surl, reply: &Reply) -> Error {
    let error = refused("write", at, reply);
    match error.kind() {
        ErrorKind::NotFound => refused_as(ErrorKind::Denied, "write", at, reply),
        _ => error,
    }
}

/// Whether the server may have done it although it did not say so.
fn is_unanswered(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Network | ErrorKind::Timeout)
}

impl Live {
    /// Sends a chunk; time counts from the last byte that moved.
    async fn send(&mut self, chunk: &[u8]) -> io::Result<()> {
        let limit = self.session.limits.data;
        let mut rest = chunk;
        while !rest.is_empty() {
            let sent = tokio::time::timeout(limit, self.transfer.write(rest)).await;
            let sent = sent.map_err(|_| io::ErrorKind::TimedOut)??;
            if sent == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            rest = &rest[sent..];
        }
        Ok(())
    }
}

impl FtpWrite {
    async fn put_in_place(&self, live: Live) -> Result<Vec<Checksum>> {
        let _one_at_a_time = self.inner.naming(&self.file.path).await;
        let (mut session, bytes) = (live.session, self.written);
        let checksums = self.file.arrive(live.transfer, &mut session, bytes).await?;
        match self.file.give_name(&mut session).await {
            Err(error) if is_unanswered(&error) => {
                drop(session);
                let came_through = async {
                    let mut session = self.guard.enter().await?;
                    self.file.has_name(&mut session, bytes).await
                };
                // When that cannot be asked, the first failure is the one to tell.
                match came_through.await {
                    Ok(true) => Ok(checksums),
                    Ok(false) | Err(_) => Err(error),
                }
            }
            Err(error) => Err(error),
            Ok(()) => Ok(checksums),
        }
    }

    /// Why the data connection broke: the server may know more.
    async fn broken(&mut self, source: &io::Error) -> Error {
        let at = &self.file.at;
        let what = format!("write {at}");
        match self.live.take() {
            None => failed(ErrorKind::Network, "write", at, "the connection is gone"),
            Some(live) if source.kind() == io::ErrorKind::TimedOut => {
                late(&what, live.session.limits.data)
            }
            Some(mut live) => live.session.broken(&what, live.transfer, source).await,
        }
    }
}

impl WriteBody for FtpWrite {
    async fn write(&mut self, offset: u64, chunk: Bytes) -> Result<()> {
        let end = offset.saturating_add(chunk.len() as u64);
        let is_too_much = self.file.options.size.is_some_and(|size| end > size);
        if offset != self.written || is_too_much {
            let at = &self.file.at;
            return Err(failed(
                ErrorKind::Invalid,
                "write",
                at,
                "bytes out of place",
            ));
        }
        let sent = match &mut self.live {
            Some(live) => live.send(&chunk).await,
            None => Err(io::ErrorKind::NotConnected.into()),
        };
        if let Err(source) = sent {
            return Err(self.broken(&source).await);
        }
        self.written = end;
        Ok(())
    }

    async fn commit(mut self) -> Result<Written> {
        let bytes = self.written;
        let done = match (self.file.check_size(bytes), self.live.take()) {
            (Ok(()), Some(live)) => self.put_in_place(live).await,
            (Ok(()), None) => Err(self.broken(&io::ErrorKind::NotConnected.into()).await),
            (Err(error), live) => {
                drop(live);
                Err(error)
            }
        };
        match done {
            Ok(checksums) => {
                self.guard.disarm().await;
                Ok(Written {
                    bytes,
                    etag: None,
                    checksums,
                })
            }
            Err(error) => {
                self.guard.remove().await;
                Err(error)
            }
        }
    }

    async fn abort(self) {
        let Self {
            live, mut guard, ..
        } = self;
        drop(live);
        guard.look(PATIENT);
        guard.remove().await;
    }
}
