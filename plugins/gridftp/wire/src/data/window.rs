//! [`Window`]: puts pieces of a file into order, in bounded memory.
//!
//! The piece that comes next always goes straight through and needs no room. One that comes early
//! is held if it lies within the window; otherwise the window admits nothing of it, and who reads the
//! connection leaves it in the socket, which in time stops the sender. As senders give each
//! connection its blocks in ascending order, the next piece is then never behind one that waits: it
//! is at the head of some connection, or on none yet.
//!
//! # Invariants
//! - Held are at most the window's bytes in at most [`MAX_HELD`] pieces, and none of them keeps more
//!   than four times its size alive.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::buffers::BUFFER_LEN;
use super::ranges::Ranges;

/// Most pieces that are held.
const MAX_HELD: usize = 4096;

#[derive(Debug)]
pub(crate) struct Window {
    next: u64,
    size: u64,
    held: BTreeMap<u64, Bytes>,
    /// Bytes that will not come, because the caller has them.
    skipped: Ranges,
}

impl Window {
    /// Begins with the first byte that is not in `skipped`.
    pub(crate) fn new(size: u64, skipped: Ranges) -> Self {
        let mut window = Self {
            next: 0,
            size,
            held: BTreeMap::new(),
            skipped,
        };
        window.skip();
        window
    }

    /// How many bytes of a piece at `offset` may be put in now.
    pub(crate) fn admits(&self, offset: u64) -> u64 {
        if offset == self.next {
            return u64::MAX;
        }
        if self.held.len() >= MAX_HELD {
            return 0;
        }
        self.next.saturating_add(self.size).saturating_sub(offset)
    }

    /// Takes an admitted piece, and gives it back when it is the next one.
    pub(crate) fn put(&mut self, offset: u64, data: Bytes) -> Option<(u64, Bytes)> {
        if offset == self.next {
            self.advance(data.len());
            return Some((offset, data));
        }
        // A small piece of a large buffer would keep all of it.
        let own = match data.len() < BUFFER_LEN / 4 {
            true => Bytes::copy_from_slice(&data),
            false => data,
        };
        self.held.insert(offset, own);
        None
    }

    /// The next piece, when it is held.
    pub(crate) fn pop(&mut self) -> Option<(u64, Bytes)> {
        let data = self.held.remove(&self.next)?;
        let offset = self.next;
        self.advance(data.len());
        Some((offset, data))
    }

    fn advance(&mut self, bytes: usize) {
        self.next += bytes as u64;
        self.skip();
    }

    fn skip(&mut self) {
        let next = self.next;
        let inside = self.skipped.iter().find(|it| it.contains(&next));
        if let Some(range) = inside {
            self.next = range.end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn piece(byte: u8, len: usize) -> Bytes {
        vec![byte; len].into()
    }

    #[test]
    fn the_next_piece_needs_no_room() {
        let mut window = Window::new(0, Ranges::new());
        assert_eq!(window.admits(1), 0);
        assert_eq!(window.admits(0), u64::MAX);
        assert_eq!(window.put(0, piece(1, 9)).unwrap().0, 0);
        assert_eq!(window.admits(9), u64::MAX);
    }

    #[test]
    fn holds_no_more_than_its_size() {
        let mut window = Window::new(10, Ranges::new());
        assert_eq!(window.admits(9), 1);
        assert_eq!(window.admits(10), 0);
        assert!(window.put(4, piece(1, 6)).is_none());
        assert!(window.pop().is_none());
        assert!(window.put(0, piece(0, 4)).is_some());
        assert_eq!(window.pop().unwrap(), (4, piece(1, 6)));
    }

    #[test]
    fn holds_no_more_than_so_many_pieces() {
        let mut window = Window::new(1 << 30, Ranges::new());
        for number in 0..MAX_HELD as u64 {
            assert!(window.put(1 + number, piece(0, 1)).is_none());
        }
        assert_eq!(window.admits(MAX_HELD as u64 + 1), 0);
        assert_eq!(window.admits(0), u64::MAX);
    }

    #[test]
    fn a_small_piece_lets_its_buffer_go() {
        let mut window = Window::new(100, Ranges::new());
        let buffer = piece(0, BUFFER_LEN);
        window.put(5, buffer.slice(0..1));
        assert!(buffer.is_unique());
    }

    #[test]
    fn jumps_over_what_is_there() {
        let mut window = Window::new(100, Ranges::parse("0-5,7-9").unwrap());
        assert_eq!(window.put(5, piece(0, 2)).unwrap().0, 5);
        assert_eq!(window.put(9, piece(0, 1)).unwrap().0, 9);
    }

    proptest! {
        /// Connections that each ascend never get stuck, however small the window.
        #[test]
        fn ascending_connections_always_finish(owners in prop::collection::vec(0_usize..5, 1..60), size in 0_u64..20, turns in any::<u64>()) {
            let mut lanes = vec![Vec::new(); 5];
            for (block, owner) in owners.iter().enumerate() {
                lanes[*owner].insert(0, block as u64 * 3);
            }
            let mut window = Window::new(size, Ranges::new());
            let (mut got, mut turn) = (0, turns as usize);
            while got < owners.len() as u64 * 3 {
                let mut has_moved = false;
                for step in 0..lanes.len() {
                    let lane = &mut lanes[(turn + step) % 5];
                    let Some(&offset) = lane.last() else { continue };
                    if window.admits(offset) < 3 { continue }
                    lane.pop();
                    has_moved = true;
                    let mut out = window.put(offset, piece(0, 3));
                    while let Some((at, data)) = out {
                        prop_assert_eq!(at, got);
                        got += data.len() as u64;
                        out = window.pop();
                    }
                    break;
                }
                prop_assert!(has_moved);
                turn = turn.wrapping_mul(31).wrapping_add(7);
            }
        }
    }
}
