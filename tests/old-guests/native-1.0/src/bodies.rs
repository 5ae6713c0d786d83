//! Files that are open.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use causeway_abi::abi_stable::std_types::{ROption, RVec};
use causeway_abi::storage::{ReadBody, WriteBody};
use causeway_abi::{Chunk, Error, Ext, Reply, Written};

use crate::reply::answer;
use crate::{EXISTS, Files, INTEGRITY, error, lock};

pub struct Reader {
    pub rest: Mutex<Bytes>,
    pub chunk: usize,
}

impl ReadBody for Reader {
    fn next(&self) -> Reply<ROption<Chunk>> {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let len = self.chunk.min(rest.len());
        let chunk = (len > 0).then(|| Chunk::from(rest.split_to(len)));
        answer(Ok(chunk.into()))
    }
}

/// Nobody sees the file before the commit, so dropping it is enough to abort.
pub struct Writer {
    pub files: Files,
    pub path: String,
    pub overwrite: bool,
    pub size: Option<u64>,
    pub content: Mutex<Vec<u8>>,
}

impl Writer {
    fn publish(&self) -> Result<Written, Error> {
        let mut files = lock(&self.files);
        if !self.overwrite && files.contains_key(&self.path) {
            return Err(error(EXISTS, 17, "the file is there already"));
        }
        let content =
            std::mem::take(&mut *self.content.lock().unwrap_or_else(PoisonError::into_inner));
        let bytes = content.len() as u64;
        if self.size.is_some_and(|size| size != bytes) {
            return Err(error(INTEGRITY, 5, "other bytes came than were announced"));
        }
        files.insert(self.path.clone(), content.into());
        Ok(Written {
            bytes,
            etag: ROption::RNone,
            checksums: RVec::new(),
            ext: Ext::NONE,
        })
    }
}

impl WriteBody for Writer {
    fn write(&self, _offset: u64, chunk: Chunk) -> Reply<()> {
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        content.extend_from_slice(chunk.as_slice());
        answer(Ok(()))
    }

    fn commit(&self) -> Reply<Written> {
        answer(self.publish())
    }

    fn abort(&self) -> Reply<()> {
        answer(Ok(()))
    }
}
