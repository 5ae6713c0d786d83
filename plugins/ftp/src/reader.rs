//! Bytes to us: one RETR, from an offset or from the beginning.
//!
//! FTP has no end of a range: when all is there that was wanted, the data connection is broken off
//! in the background. A file that was read to its end is only whole if the server says so, and if
//! it has the size that the server told before.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use causeway_sdk::{
    Credential, Error, ErrorKind, Opened, ReadBody, ReadOptions, Result, Url as Surl,
};
use futures_util::FutureExt as _;
use tokio::io::AsyncReadExt as _;

use crate::data::Move;
use crate::endpoint::Lease;
use crate::error::{failed, from_io, late, refused};
use crate::inspect::stat_in;
use crate::session::Transfer;
use crate::storage::Inner;

/// Room for one chunk.
const CHUNK: usize = 256 << 10;
/// Chunks are gathered to this size as long as that costs no waiting.
const GATHER: usize = 128 << 10;
/// How long to try to get a session back whose transfer was broken off.
const BREAK_OFF: Duration = Duration::from_secs(10);

/// A file being read over FTP.
pub struct FtpRead {
    live: Option<Live>,
    /// What was yielded is all there is: the server said so, or nobody asked for more.
    is_sure: bool,
    at: Surl,
    opened: Opened,
    buffer: BytesMut,
    /// Where the next byte belongs.
    offset: u64,
    /// Bytes still to come at most.
    left: Option<u64>,
}

struct Live {
    // Dropped in this order: the data connection ends before the session.
    transfer: Transfer,
    session: Lease,
}

/// Opens a file, or a range of it.
pub(crate) async fn open(
    inner: &Inner,
    credential: &Credential,
    at: &Surl,
    options: &ReadOptions,
) -> Result<FtpRead> {
    let (mut session, path) = inner.pool.enter(at, credential).await?;
    let stat = stat_in(&mut session, at, &path, "read").await?;
    if stat.is_directory() {
        return Err(failed(
            ErrorKind::IsDirectory,
            "read",
            at,
            "it is a directory",
        ));
    }
    let is_past_the_end = stat.size.is_some_and(|size| size <= options.offset);
    let is_nothing = is_past_the_end || options.len == Some(0);
    let live = if is_nothing {
        None
    } else {
        match session.open(Move::Read(&path, options.offset)).await? {
            Ok(transfer) => Some(Live { transfer, session }),
            Err(reply) => return Err(refused("read", at, &reply)),
        }
    };
    Ok(FtpRead {
        live,
        is_sure: is_nothing,
        at: at.clone(),
        opened: Opened {
            size: stat.size,
            etag: None,
        },
        buffer: BytesMut::new(),
        offset: options.offset,
        left: options.len,
    })
}

impl Live {
    /// The next bytes as the connection gives them; empty at its end. May be dropped at any time.
    async fn fill(&mut self, buffer: &mut BytesMut) -> io::Result<Bytes> {
        if buffer.capacity() < CHUNK / 2 {
            buffer.reserve(CHUNK);
        }
        let limit = self.session.limits.data;
        match tokio::time::timeout(limit, self.transfer.read_buf(buffer)).await {
            Ok(Ok(0)) => return Ok(Bytes::new()),
            Ok(Ok(_)) => {}
            Ok(Err(source)) => return Err(source),
            Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        }
        while buffer.len() < GATHER {
            // Trouble and the end come again at the next call.
            match self.transfer.read_buf(buffer).now_or_never() {
                Some(Ok(more)) if more > 0 => {}
                _ => break,
            }
        }
        Ok(buffer.split().freeze())
    }

    /// All that was wanted is there. Nobody waits for what the server says of it.
    fn break_off(self) {
        let Self {
            transfer,
            mut session,
        } = self;
        tokio::spawn(async move {
            let ended = session.break_off(transfer);
            // In vain: the session is thrown away.
            tokio::time::timeout(BREAK_OFF, ended).await.ok();
        });
    }
}

impl FtpRead {
    /// Why the data connection broke: the server may know more.
    async fn broken(&mut self, source: &io::Error) -> Error {
        let what = format!("read {}", self.at);
        match self.live.take() {
            Some(live) if source.kind() == io::ErrorKind::TimedOut => {
                late(&what, live.session.limits.data)
            }
            Some(mut live) => live.session.broken(&what, live.transfer, source).await,
            None => from_io(&what, source),
        }
    }

    /// The data connection has ended.
    async fn end(&mut self) -> Result<()> {
        let Some(Live {
            transfer,
            mut session,
        }) = self.live.take()
        else {
            return Ok(());
        };
        let (cut, limit) = (session.was_cut(), session.limits.reply);
        if let Err(reply) = session.finish(transfer, limit).await? {
            return Err(refused("read", &self.at, &reply));
        }
        let too_early = |why: String| failed(ErrorKind::Network, "read", &self.at, &why);
        match self.opened.size {
            Some(size) if size > self.offset => {
                let missing = size - self.offset;
                let why = format!("the connection ended {missing} bytes too early");
                return Err(too_early(why));
            }
            None if cut => return Err(too_early("the connection ended without a goodbye".into())),
            _ => {}
        }
        self.is_sure = true;
        Ok(())
    }
}

impl ReadBody for FtpRead {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some(live) = &mut self.live else {
            let why = "the connection is gone";
            let gone = || failed(ErrorKind::Network, "read", &self.at, why);
            return if self.is_sure { Ok(None) } else { Err(gone()) };
        };
        let mut chunk = match live.fill(&mut self.buffer).await {
            Ok(chunk) => chunk,
            Err(source) => return Err(self.broken(&source).await),
        };
        if chunk.is_empty() {
            self.end().await?;
            return Ok(None);
        }
        if let Some(left) = &mut self.left {
            chunk.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= chunk.len() as u64;
        }
        self.offset += chunk.len() as u64;
        let is_end = self.opened.size.is_some_and(|size| size <= self.offset);
        // At the end of the file the reply is near, and the session stays whole with it; but a file
        // that grew has no end there.
        if self.left == Some(0) && (!is_end || chunk.is_empty()) {
            self.is_sure = true;
            if let Some(live) = self.live.take() {
                live.break_off();
            }
        }
        Ok((!chunk.is_empty()).then_some(chunk))
    }
}
