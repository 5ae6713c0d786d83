//! [`Buffers`]: memory for what is read, taken back when the last holder of its bytes lets go.
//!
//! A chunk handed out is a slice of the very memory that the kernel or TLS wrote to. Without the
//! pool each chunk would be fresh memory, which the kernel clears page by page.
//!
//! # Invariants
//! - A chunk never holds more than four times its size: small reads are copied out
//!   (`small_reads_do_not_pin_buffers`).

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Bytes of a buffer: few system calls, and still in the cache when the next one reads it.
pub const BUFFER_LEN: usize = 128 * 1024;

/// Buffers that are kept while nobody uses them.
const KEPT: usize = 32;

/// A pool; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Buffers {
    free: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Buffers {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// A buffer of [`BUFFER_LEN`] bytes with anything in it.
    pub(crate) fn take(&self) -> Vec<u8> {
        let kept = self.lock().pop();
        kept.unwrap_or_else(|| vec![0; BUFFER_LEN])
    }

    /// Makes a chunk of the first bytes of a buffer.
    pub(crate) fn chunk(&self, buffer: Vec<u8>, filled: usize) -> Bytes {
        if filled < buffer.len() / 4 {
            let copy = Bytes::copy_from_slice(&buffer[..filled]);
            self.give_back(buffer);
            return copy;
        }
        Bytes::from_owner(Lent {
            buffer,
            filled,
            home: self.clone(),
        })
    }

    pub(crate) fn give_back(&self, buffer: Vec<u8>) {
        let mut free = self.lock();
        if free.len() < KEPT {
            free.push(buffer);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Vec<u8>>> {
        // Only pushes and pops happen under it.
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A buffer under way.
struct Lent {
    buffer: Vec<u8>,
    filled: usize,
    home: Buffers,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.buffer[..self.filled]
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
    fn memory_comes_back_with_the_last_slice() {
        let buffers = Buffers::new();
        let mut buffer = buffers.take();
        buffer[70_000] = 7;
        let address = buffer.as_ptr();
        let chunk = buffers.chunk(buffer, 80_000);
        let slice = chunk.slice(70_000..);
        assert_eq!((chunk.len(), slice[0]), (80_000, 7));
        drop(chunk);
        assert_eq!(buffers.lock().len(), 0);
        drop(slice);
        let back = buffers.take();
        assert_eq!(back.as_ptr(), address);
    }

    #[test]
    fn small_reads_do_not_pin_buffers() {
        let buffers = Buffers::new();
        let buffer = buffers.take();
        let address = buffer.as_ptr();
        let chunk = buffers.chunk(buffer, BUFFER_LEN / 4 - 1);
        assert_ne!(chunk.as_ptr(), address);
        let back = buffers.take();
        assert_eq!(back.as_ptr(), address);
    }

    #[test]
    fn keeps_a_bounded_number() {
        let buffers = Buffers::new();
        for _ in 0..2 * KEPT {
            buffers.give_back(vec![0; 1]);
        }
        assert_eq!(buffers.lock().len(), KEPT);
    }
}
