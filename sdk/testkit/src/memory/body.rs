//! Reading and writing in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use bytes::{Bytes, BytesMut};
use causeway_sdk::{
    Checksum, Error, ErrorKind, Opened, ReadBody, ReadOptions, Result, WriteBody, WriteOptions,
    Written,
};

use super::tree::{File, Path, Tree};
use super::{lock, sum};

const CHUNK: usize = 1 << 16;

/// A file in memory being read.
#[derive(Debug)]
pub struct MemoryReader {
    opened: Opened,
    rest: Bytes,
}

impl MemoryReader {
    pub(super) fn open(file: File, options: &ReadOptions) -> Result<Self> {
        if options.if_match.as_ref().is_some_and(|it| *it != file.etag) {
            return Err(Error::from_errno(ErrorKind::Conflict.errno(), ""));
        }
        let size = file.content.len();
        let start = usize::try_from(options.offset).unwrap_or(size).min(size);
        let len = options.len.unwrap_or(u64::MAX).min((size - start) as u64) as usize;
        Ok(Self {
            opened: Opened {
                size: Some(size as u64),
                etag: Some(file.etag),
            },
            rest: file.content.slice(start..start + len),
        })
    }
}

impl ReadBody for MemoryReader {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        tokio::task::yield_now().await;
        let len = self.rest.len().min(CHUNK);
        Ok(Some(self.rest.split_to(len)).filter(|it| !it.is_empty()))
    }
}

/// A file in memory being written.
#[derive(Debug)]
pub struct MemoryWriter {
    tree: Arc<Mutex<Tree>>,
    path: Path,
    options: WriteOptions,
    chunks: BTreeMap<u64, Bytes>,
    /// What an earlier write left, until it is kept.
    earlier: BTreeMap<u64, Bytes>,
}

impl MemoryWriter {
    pub(super) fn new(tree: Arc<Mutex<Tree>>, path: Path, options: WriteOptions) -> Self {
        let key = options.resume.as_deref();
        let earlier = key.map_or_else(BTreeMap::new, |key| lock(&tree).take_up(key));
        Self {
            tree,
            path,
            options,
            chunks: BTreeMap::new(),
            earlier,
        }
    }

    /// Chunks of an earlier write that make up a range exactly or reach over its ends.
    fn earlier(&self, offset: u64, len: u64) -> Option<Vec<(u64, Bytes)>> {
        let end = offset + len;
        let mut found = Vec::new();
        let mut at = offset;
        for (start, chunk) in &self.earlier {
            let stop = start + chunk.len() as u64;
            if at < end && *start <= at && at < stop {
                let until = stop.min(end);
                let piece = (at - start) as usize..(until - start) as usize;
                found.push((at, chunk.slice(piece)));
                at = until;
            }
        }
        (at == end).then_some(found)
    }

    fn content(&self) -> Result<Bytes> {
        let mut content = BytesMut::new();
        for (offset, chunk) in &self.chunks {
            if *offset != content.len() as u64 {
                return Err(Error::new(
                    ErrorKind::Integrity,
                    "commit: bytes are missing",
                ));
            }
            content.extend_from_slice(chunk);
        }
        match self.options.size {
            Some(size) if size != content.len() as u64 => Err(Error::new(
                ErrorKind::Integrity,
                "commit: size differs from what was announced",
            )),
            _ => Ok(content.freeze()),
        }
    }
}

impl WriteBody for MemoryWriter {
    async fn write(&mut self, offset: u64, chunk: Bytes) -> Result<()> {
        tokio::task::yield_now().await;
        if !chunk.is_empty() {
            self.chunks.insert(offset, chunk);
        }
        Ok(())
    }

    async fn commit(self) -> Result<Written> {
        tokio::task::yield_now().await;
        let content = self.content()?;
        let mut checksums = Vec::new();
        if let Some(expected) = &self.options.expect {
            let found = sum(&content, expected.algorithm);
            if found != *expected {
                return Err(Error::new(ErrorKind::Integrity, "commit: checksum differs"));
            }
            checksums.push(found);
        }
        let bytes = content.len() as u64;
        let etag = lock(&self.tree).put(&self.path, content, self.options.overwrite)?;
        Ok(Written {
            bytes,
            etag: Some(etag),
            checksums,
        })
    }

    async fn abort(self) {}

    fn held(&self) -> u64 {
        let last = self.earlier.last_key_value();
        last.map_or(0, |(start, chunk)| start + chunk.len() as u64)
    }

    async fn keep(&mut self, offset: u64, len: u64, expected: Checksum) -> Result<bool> {
        tokio::task::yield_now().await;
        let Some(found) = self.earlier(offset, len) else {
            return Ok(false);
        };
        let mut hasher = expected.algorithm.hasher();
        found.iter().for_each(|(_, piece)| hasher.update(piece));
        let same = hasher.finish() == expected;
        if same {
            self.chunks.extend(found);
        }
        Ok(same)
    }

    async fn suspend(self) {
        if let Some(key) = self.options.resume {
            lock(&self.tree).suspend(key, self.chunks);
        }
    }
}
