//! Reading a file in large chunks, one of which is always on its way. What is small comes with the
//! opening: one way to the disk instead of two.

use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use causeway_sdk::{Error, ErrorKind, Opened, ReadBody, ReadOptions, Result};
use rustix::fs::{Advice, FileType, OFlags, fadvise, fstat};
use rustix::io::Errno;
use tokio::task::JoinHandle;

use crate::buffers::{Buffers, CHUNK};
use crate::confine::open_at;
use crate::entry::etag;
use crate::error::{from_errno, lost};
use crate::offload::start;
use crate::path::Place;

/// Chunks smaller than this cost more than they save, and what is no larger is read at once.
const SMALLEST_CHUNK: u32 = 64 << 10;

/// A file, or a range of one, being read.
#[derive(Debug)]
pub struct FileReader {
    file: Arc<OwnedFd>,
    opened: Opened,
    /// First byte that nobody asked the disk for yet.
    offset: u64,
    end: u64,
    chunk: usize,
    /// All that is wanted of a small file.
    whole: Option<Bytes>,
    ahead: Option<JoinHandle<Result<Bytes>>>,
    buffers: Buffers,
}

impl FileReader {
    pub(crate) fn open(place: &Place, options: &ReadOptions, buffers: Buffers) -> Result<Self> {
        let (file, stat) = open_regular(place)?;
        let size = stat.st_size.max(0) as u64;
        let version = etag(&stat);
        if options.if_match.as_ref().is_some_and(|it| *it != version) {
            return Err(Error::new(
                ErrorKind::Conflict,
                "read: the file is another by now",
            ));
        }
        let len = options.len.unwrap_or(u64::MAX);
        let end = options.offset.saturating_add(len).min(size);
        let mut whole = None;
        match NonZeroU64::new(end.saturating_sub(options.offset)) {
            Some(len) if len.get() <= SMALLEST_CHUNK.into() => {
                let len = len.get() as usize;
                whole = Some(read(&file, &buffers, options.offset, len)?);
            }
            // A hint: where the file system ignores it, reading works all the same.
            Some(len) => {
                fadvise(&file, options.offset, Some(len), Advice::Sequential).ok();
            }
            None => {}
        }
        let chunk = match options.chunk_hint {
            0 => CHUNK,
            hint => (hint.max(SMALLEST_CHUNK) as usize).min(CHUNK),
        };
        Ok(Self {
            file: Arc::new(file),
            opened: Opened {
                size: Some(size),
                etag: Some(version),
            },
            offset: if whole.is_some() { end } else { options.offset },
            end,
            chunk,
            whole,
            ahead: None,
            buffers,
        })
    }

    /// Sends for the next chunk; nothing at the end.
    fn send_for(&mut self) -> Option<JoinHandle<Result<Bytes>>> {
        let left = self.end.checked_sub(self.offset).filter(|left| *left > 0)?;
        let len = left.min(self.chunk as u64) as usize;
        let (file, buffers, offset) = (Arc::clone(&self.file), self.buffers.clone(), self.offset);
        self.offset += len as u64;
        Some(start(move || read(&file, &buffers, offset, len)))
    }
}

impl ReadBody for FileReader {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        if let Some(whole) = self.whole.take() {
            return Ok(Some(whole));
        }
        if self.ahead.is_none() {
            self.ahead = self.send_for();
        }
        let Some(due) = &mut self.ahead else {
            return Ok(None);
        };
        // Kept in its place while waiting: a dropped call loses no bytes.
        let chunk = due.await.map_err(|source| lost(&source))??;
        self.ahead = self.send_for();
        Ok(Some(chunk))
    }
}

/// Opens a regular file for reading; never waits for a pipe's other end.
pub(crate) fn open_regular(place: &Place) -> Result<(OwnedFd, rustix::fs::Stat)> {
    let file = open_at(place, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY)?;
    let stat = fstat(&file).map_err(from_errno)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok((file, stat)),
        FileType::Directory => Err(from_errno(Errno::ISDIR)),
        _ => Err(Error::new(
            ErrorKind::Invalid,
            "read what is no regular file",
        )),
    }
}

fn read(file: &OwnedFd, buffers: &Buffers, offset: u64, len: usize) -> Result<Bytes> {
    let mut buffer = buffers.take(len);
    while buffer.len() < len {
        let at = offset + buffer.len() as u64;
        match rustix::io::pread(file, rustix::buffer::spare_capacity(&mut buffer), at) {
            Ok(0) => {
                return Err(Error::new(
                    ErrorKind::Conflict,
                    "read: the file became shorter meanwhile",
                ));
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(from_errno(errno)),
        }
    }
    // A buffer may have had room for more than was wanted.
    buffer.truncate(len);
    Ok(buffers.chunk(buffer))
}
