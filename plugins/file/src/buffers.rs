//! A few large buffers that go round.
//!
//! Fresh megabytes cost page faults each time; these keep their pages. A chunk owns its buffer and
//! gives it back when its last slice is dropped, wherever that happens.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Size of a buffer, and the largest chunk.
pub(crate) const CHUNK: usize = 1 << 20;
/// Idle buffers that are kept.
const IDLE: usize = 16;

/// Buffers that wait for use.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buffers(Arc<Mutex<Vec<Vec<u8>>>>);

impl Buffers {
    /// An empty buffer with room for at least `size` bytes.
    pub(crate) fn take(&self, size: usize) -> Vec<u8> {
        if size < CHUNK {
            return Vec::with_capacity(size.max(1));
        }
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        idle.pop().unwrap_or_else(|| Vec::with_capacity(size))
    }

    /// Turns a filled buffer into a chunk that brings the buffer back.
    pub(crate) fn chunk(&self, filled: Vec<u8>) -> Bytes {
        if filled.capacity() < CHUNK {
            return filled.into();
        }
        Bytes::from_owner(Lent {
            buffer: filled,
            home: self.clone(),
        })
    }

    fn give_back(&self, mut buffer: Vec<u8>) {
        buffer.clear();
        let mut idle = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE {
            idle.push(buffer);
        }
    }
}

struct Lent {
    buffer: Vec<u8>,
    home: Buffers,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.give_back(std::mem::take(&mut self.buffer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_after_its_last_slice() {
        let buffers = Buffers::default();
        let mut buffer = buffers.take(CHUNK);
        buffer.extend_from_slice(b"12345");
        let address = buffer.as_ptr();
        let chunk = buffers.chunk(buffer);
        let slice = chunk.slice(1..3);
        drop(chunk);
        let other = buffers.take(CHUNK);
        assert_ne!(other.as_ptr(), address);
        assert_eq!(&slice[..], b"23");
        drop(slice);
        let again = buffers.take(CHUNK);
        assert_eq!((again.as_ptr(), again.len()), (address, 0));
    }
}
