//! The part that is being filled, with its checksum so far.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use causeway_sdk::{Algorithm, Checksum, Hasher};

use crate::config::UploadChecksum;
use crate::part::Source;
use crate::storage::Inner;

/// Smaller chunks are put together: each piece costs a call on its way.
const TINY: usize = 16 << 10;

/// The part that is being filled.
#[derive(Default)]
pub(crate) struct Held {
    pub(crate) pieces: Vec<Bytes>,
    tail: BytesMut,
    pub(crate) len: u64,
    pub(crate) number: u64,
    hasher: Option<Hasher>,
}

fn hasher(inner: &Arc<Inner>) -> Option<Hasher> {
    match inner.config.upload_checksum {
        UploadChecksum::None => None,
        UploadChecksum::Crc32c => Some(Algorithm::Crc32c.hasher()),
        UploadChecksum::Md5 => Some(Algorithm::Md5.hasher()),
    }
}

impl Held {
    pub(crate) fn first(inner: &Arc<Inner>) -> Self {
        Self {
            number: 1,
            hasher: hasher(inner),
            ..Self::default()
        }
    }

    pub(crate) fn push(&mut self, chunk: Bytes) {
        self.len += chunk.len() as u64;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&chunk);
        }
        if chunk.len() < TINY {
            self.tail.extend_from_slice(&chunk);
        } else {
            self.close_tail();
            self.pieces.push(chunk);
        }
        if self.tail.len() >= TINY {
            self.close_tail();
        }
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push(self.tail.split().freeze());
        }
    }

    /// The part as it is, and the next one.
    pub(crate) fn turn(&mut self, inner: &Arc<Inner>) -> Self {
        self.close_tail();
        let next = Self {
            number: self.number + 1,
            hasher: hasher(inner),
            ..Self::default()
        };
        std::mem::replace(self, next)
    }

    pub(crate) fn into_source(self) -> Source {
        Source::Pieces(self.pieces, self.hasher.map(Hasher::finish))
    }
}

impl Held {
    /// The checksum of all of it, if one was computed.
    pub(crate) fn sum(&self) -> Option<Checksum> {
        self.hasher.clone().map(Hasher::finish)
    }
}
