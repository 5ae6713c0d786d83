//! The bytes of a mock file: pseudo-random, the same for the same host and path, and free.
//!
//! One static block serves every file; a chunk is a slice of it, nothing is copied. The period is
//! no multiple of any usual chunk size, so that swapped or lost chunks change the checksum.

use std::sync::LazyLock;

use bytes::Bytes;
use causeway_sdk::{Algorithm, Checksum, Url};

use crate::script::{hash, mix};

/// Largest chunk.
pub(crate) const CHUNK: usize = 1 << 20;
/// After so many bytes the content repeats; a prime above [`CHUNK`].
const PERIOD: usize = 1_114_147;

static BLOCK: LazyLock<Bytes> = LazyLock::new(|| {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut block = Vec::with_capacity(PERIOD + CHUNK + 8);
    while block.len() < PERIOD {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        block.extend_from_slice(&mix(state).to_le_bytes());
    }
    block.truncate(PERIOD);
    block.extend_from_within(..CHUNK);
    block.into()
});

/// Content of one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Content {
    start: usize,
    pub(crate) size: u64,
}

impl Content {
    /// The content of a URL. The query does not matter, so it may say other things each time.
    pub(crate) fn of(at: &Url, size: u64) -> Self {
        let start = mix(hash(hash(0, at.authority()), at.path())) % PERIOD as u64;
        Self {
            start: start as usize,
            size,
        }
    }

    /// At most [`CHUNK`] bytes from `offset`, ending before `end`; empty at the end.
    pub(crate) fn chunk(self, offset: u64, end: u64) -> Bytes {
        let len = end.min(self.size).saturating_sub(offset).min(CHUNK as u64) as usize;
        let start = ((self.start as u64 + offset % PERIOD as u64) % PERIOD as u64) as usize;
        BLOCK.slice(start..start + len)
    }

    /// Checksum of the whole. Gives way to other tasks between chunks.
    pub(crate) async fn checksum(self, algorithm: Algorithm) -> Checksum {
        let mut hasher = algorithm.hasher();
        let mut offset = 0;
        while offset < self.size {
            let chunk = self.chunk(offset, self.size);
            hasher.update(&chunk);
            offset += chunk.len() as u64;
            tokio::task::yield_now().await;
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(path: &str, size: u64) -> Content {
        Content::of(&path.parse().unwrap(), size)
    }

    #[test]
    fn depends_on_host_and_path_alone() {
        let one = content("mock://h/a?size=1", 100).chunk(0, 100);
        assert_eq!(one, content("mock://h/a?time=9", 100).chunk(0, 100));
        assert_ne!(one, content("mock://h/b", 100).chunk(0, 100));
        assert_ne!(one, content("mock://g/a", 100).chunk(0, 100));
    }

    #[test]
    fn any_cut_gives_the_same_bytes() {
        let it = content("mock://h/a", 3 * PERIOD as u64);
        let whole = it.chunk(PERIOD as u64 - 1000, it.size);
        let mut pieces = Vec::new();
        let mut offset = PERIOD as u64 - 1000;
        while pieces.len() < 5000 {
            let piece = it.chunk(offset, offset + 77);
            pieces.extend_from_slice(&piece);
            offset += 77;
        }
        assert_eq!(pieces[..5000], whole[..5000]);
        assert_ne!(it.chunk(0, it.size), it.chunk(CHUNK as u64, it.size));
    }

    #[test]
    fn ends_where_the_file_ends() {
        let it = content("mock://h/a", 10);
        assert_eq!(it.chunk(4, 100).len(), 6);
        assert!(it.chunk(10, 100).is_empty());
        assert!(it.chunk(u64::MAX, u64::MAX).is_empty());
    }
}
