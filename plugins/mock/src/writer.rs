//! Writing: bytes are counted and forgotten.

use std::str::FromStr as _;
use std::sync::Arc;

use bytes::Bytes;
use causeway_sdk::{
    Algorithm, Error, ErrorKind, Hasher, Result, Url, WriteBody, WriteOptions, Written,
};

use crate::journal::Event;
use crate::memory::Memory;
use crate::reader::{Pace, bad_luck};
use crate::script::Script;
use crate::storage::MockStorage;

/// A mock file being written.
pub struct MockWriter {
    memory: Arc<Memory>,
    request_id: String,
    at: Url,
    options: WriteOptions,
    bytes: u64,
    /// Where the next chunk of an unbroken sequence belongs; sums need one.
    in_order: u64,
    hasher: Option<Hasher>,
    unlucky: bool,
    pace: Pace,
}

impl MockWriter {
    pub(crate) fn open(
        storage: &MockStorage,
        request_id: &str,
        at: &Url,
        script: &Script,
        options: WriteOptions,
        unlucky: bool,
    ) -> Result<Self> {
        // Sums cost time, so they are made only if somebody asks.
        let algorithm = match (&options.expect, &script.sum_writes) {
            (Some(expected), _) => Some(expected.algorithm),
            (None, Some(name)) => Some(Algorithm::from_str(name)?),
            (None, None) => None,
        };
        Ok(Self {
            memory: Arc::clone(&storage.memory),
            request_id: request_id.to_owned(),
            at: at.clone(),
            options,
            bytes: 0,
            in_order: 0,
            hasher: algorithm.map(Algorithm::hasher),
            unlucky,
            pace: Pace::new(script),
        })
    }

    fn check(&self) -> Result<()> {
        match self.options.size {
            Some(size) if size != self.bytes => Err(Error::new(
                ErrorKind::Integrity,
                format!("commit: {} bytes were announced, {} came", size, self.bytes),
            )),
            _ => Ok(()),
        }
    }
}

impl WriteBody for MockWriter {
    async fn write(&mut self, offset: u64, chunk: Bytes) -> Result<()> {
        if self.unlucky {
            return Err(bad_luck());
        }
        self.bytes += chunk.len() as u64;
        if offset == self.in_order {
            self.in_order += chunk.len() as u64;
            if let Some(hasher) = &mut self.hasher {
                hasher.update(&chunk);
            }
        } else {
            // What came out of order cannot be summed without keeping it.
            self.hasher = None;
        }
        self.pace.wait(chunk.len() as u64).await;
        Ok(())
    }

    async fn commit(mut self) -> Result<Written> {
        if self.unlucky {
            return Err(bad_luck());
        }
        self.check()?;
        let sum = self.hasher.take().map(Hasher::finish);
        if let (Some(expected), Some(sum)) = (&self.options.expect, &sum)
            && expected != sum
        {
            return Err(Error::new(
                ErrorKind::Integrity,
                format!("commit: checksum is {sum}, expected {expected}"),
            ));
        }
        let committed = Event::Committed {
            bytes: self.bytes,
            sum: sum.clone(),
        };
        self.memory.wrote(&self.request_id, &self.at, &committed)?;
        Ok(Written {
            bytes: self.bytes,
            etag: None,
            checksums: sum.into_iter().collect(),
        })
    }

    async fn abort(self) {}
}
