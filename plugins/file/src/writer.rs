//! Writing a file: chunks of any order into a temporary file, a few of them at the same time.
//!
//! Neighbouring small chunks are gathered, so that a protocol with small packets costs no system
//! call each. Memory is bounded: what is being gathered and [`QUEUE`] jobs. While bytes come in,
//! those before them are already sent to the disk, so that the sync of the commit is short.

use std::io::IoSlice;
use std::num::NonZeroU64;
use std::sync::Arc;

use bytes::{Buf as _, Bytes};
use causeway_sdk::{Checksum, Error, ErrorKind, Result, WriteBody, WriteOptions, Written};
use rustix::fs::{Advice, FallocateFlags, fadvise, fallocate, fstat, ftruncate};
use rustix::io::Errno;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

use crate::buffers::Buffers;
use crate::checksum;
use crate::covered::Covered;
use crate::entry::etag;
use crate::error::{from_errno, lost};
use crate::offload::blocking;
use crate::temporary::Temporary;

/// Writes on their way at the same time.
const QUEUE: usize = 3;
/// Bytes gathered before they are written.
const GATHER: usize = 1 << 20;
/// Pieces of one write; the kernel takes 1024.
const PIECES: usize = 512;
/// So many bytes at a time are sent to the disk early.
const WINDOW: u64 = 16 << 20;
/// Smaller files gain nothing from reserving room.
const RESERVE_FROM: u64 = 4 << 20;

/// A file being written.
#[derive(Debug)]
pub struct FileWriter {
    target: Arc<Temporary>,
    options: WriteOptions,
    buffers: Buffers,
    gathered: Vec<Bytes>,
    gathered_at: u64,
    gathered_len: usize,
    jobs: JoinSet<Result<()>>,
    covered: Covered,
    sent: u64,
    /// How far bytes of an earlier write reach.
    held: u64,
}

impl FileWriter {
    pub(crate) fn new(target: Temporary, options: WriteOptions, buffers: Buffers) -> Result<Self> {
        let mut held = target.size()?;
        if options.size.is_some_and(|size| held > size) {
            // Not what this write is about, and nothing may stand behind its end.
            ftruncate(&target.file, 0).map_err(from_errno)?;
            held = 0;
        }
        if let Some(size) = options.size.filter(|size| *size >= RESERVE_FROM) {
            reserve(&target, size)?;
        }
        Ok(Self {
            target: Arc::new(target),
            options,
            buffers,
            gathered: Vec::new(),
            gathered_at: 0,
            gathered_len: 0,
            jobs: JoinSet::new(),
            covered: Covered::default(),
            sent: 0,
            held,
        })
    }

    /// Hands the gathered bytes over; waits while the queue is full.
    async fn flush(&mut self) -> Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        while self.jobs.len() >= QUEUE {
            self.wait_for_one().await?;
        }
        let (target, at) = (Arc::clone(&self.target), self.gathered_at);
        let pieces = std::mem::take(&mut self.gathered);
        self.covered.add(at, self.gathered_len as u64);
        self.gathered_len = 0;
        let early = self.next_window();
        self.jobs.spawn_blocking(move || {
            write_all(&target, pieces, at)?;
            if let Some(start) = early {
                // Starts writing back what is dirty there. A hint, and nothing depends on it.
                let len = NonZeroU64::new(WINDOW);
                fadvise(&target.file, start, len, Advice::DontNeed).ok();
            }
            Ok(())
        });
        Ok(())
    }

    /// The window that the front has just left behind, if it has.
    fn next_window(&mut self) -> Option<u64> {
        let front = self.covered.front();
        // A window late: its last writes may still be under way.
        if front < self.sent + 2 * WINDOW {
            return None;
        }
        let start = self.sent;
        self.sent += WINDOW;
        Some(start)
    }

    async fn wait_for_one(&mut self) -> Result<()> {
        match self.jobs.join_next().await {
            Some(done) => done.map_err(|source| lost(&source))?,
            None => Ok(()),
        }
    }

    /// Waits for everything that is on its way.
    async fn settle(&mut self) -> Result<()> {
        self.flush().await?;
        while !self.jobs.is_empty() {
            self.wait_for_one().await?;
        }
        Ok(())
    }

    /// Waits for everything and compares with what was announced.
    async fn complete(&mut self) -> Result<u64> {
        self.settle().await?;
        let size = self.covered.whole()?;
        match self.options.size {
            Some(announced) if announced != size => Err(Error::new(
                ErrorKind::Integrity,
                format!("commit: {announced} bytes were announced, {size} came"),
            )),
            _ => Ok(size),
        }
    }

    async fn verify(&self) -> Result<Vec<causeway_sdk::Checksum>> {
        let Some(expected) = &self.options.expect else {
            return Ok(Vec::new());
        };
        let file = Arc::clone(&self.target);
        let sum = checksum::of(file, self.buffers.clone(), expected.algorithm).await?;
        if sum == *expected {
            return Ok(vec![sum]);
        }
        Err(Error::new(
            ErrorKind::Integrity,
            format!("commit: checksum is {sum}, expected {expected}"),
        ))
    }
}

impl WriteBody for FileWriter {
    async fn write(&mut self, offset: u64, chunk: Bytes) -> Result<()> {
        if chunk.is_empty() {
            return Ok(());
        }
        let follows = self.gathered_at + self.gathered_len as u64 == offset;
        if !follows || self.gathered.len() >= PIECES {
            self.flush().await?;
        }
        if self.gathered.is_empty() {
            self.gathered_at = offset;
        }
        self.gathered_len += chunk.len();
        self.gathered.push(chunk);
        if self.gathered_len >= GATHER {
            self.flush().await?;
        }
        Ok(())
    }

    async fn commit(mut self) -> Result<Written> {
        let bytes = self.complete().await?;
        let checksums = self.verify().await?;
        let (target, overwrite) = (Arc::clone(&self.target), self.options.overwrite);
        // Should the caller give up meanwhile, dropping `self` removes the file, and the job finds
        // that out before it gives the file its name.
        let etag = blocking(move || {
            target.publish(overwrite)?;
            Ok(fstat(&target.file).ok().map(|stat| etag(&stat)))
        })
        .await?;
        Ok(Written {
            bytes,
            etag,
            checksums,
        })
    }

    async fn abort(self) {
        // Dropping removes the file and frees its blocks in the background.
        drop(self);
    }

    fn held(&self) -> u64 {
        self.held
    }

    async fn keep(&mut self, offset: u64, len: u64, expected: Checksum) -> Result<bool> {
        let end = offset.saturating_add(len);
        if end > self.held {
            return Ok(false);
        }
        let (file, buffers) = (Arc::clone(&self.target), self.buffers.clone());
        let found = checksum::of_range(file, buffers, expected.algorithm, offset..end).await?;
        let same = found == expected;
        if same {
            self.covered.add(offset, len);
        }
        Ok(same)
    }

    async fn suspend(mut self) {
        // What could not be written is found missing by who goes on.
        self.settle().await.ok();
        self.target.leave();
    }
}

impl Drop for FileWriter {
    fn drop(&mut self) {
        self.target.remove();
        // The last descriptor frees the blocks, which may take a while.
        if let Ok(runtime) = Handle::try_current() {
            let target = Arc::clone(&self.target);
            runtime.spawn_blocking(move || drop(target));
        }
    }
}

/// Reserves room, so that a full disk shows at once and the file lies in one piece.
fn reserve(target: &Temporary, size: u64) -> Result<()> {
    match fallocate(&target.file, FallocateFlags::KEEP_SIZE, 0, size) {
        Err(errno @ (Errno::NOSPC | Errno::DQUOT | Errno::FBIG)) => Err(from_errno(errno)),
        // Anything else only means that the file system cannot, which is fine.
        _ => Ok(()),
    }
}

fn write_all(target: &Temporary, mut pieces: Vec<Bytes>, mut at: u64) -> Result<()> {
    let mut first = 0;
    while first < pieces.len() {
        let slices: Vec<IoSlice<'_>> = pieces[first..].iter().map(|it| IoSlice::new(it)).collect();
        let mut written = match rustix::io::pwritev(&target.file, &slices, at) {
            Ok(0) => return Err(from_errno(Errno::IO)),
            Ok(written) => written,
            Err(Errno::INTR) => continue,
            Err(errno) => return Err(from_errno(errno)),
        };
        at += written as u64;
        while first < pieces.len() && written >= pieces[first].len() {
            written -= pieces[first].len();
            first += 1;
        }
        if written > 0 {
            pieces[first].advance(written);
        }
    }
    Ok(())
}
