//! Numbers for transfers, given out of memory and never twice.
//!
//! A mark in the journal says up to where numbers may have been given out. It is kept so far ahead
//! that giving out is an addition; a start goes on at the mark and skips what was left.

use std::ops::Range;

use parking_lot::{Condvar, Mutex};

/// Numbers by which the mark moves.
pub(crate) const BLOCK: u64 = 1 << 16;

struct State {
    /// The next number to give out.
    next: u64,
    /// Numbers below this may be given out.
    durable: u64,
    /// A mark that is on its way to the journal.
    asked: u64,
    /// The journal does not take the mark now.
    broken: bool,
}

/// Gives numbers out.
pub(crate) struct Marks {
    state: Mutex<State>,
    moved: Condvar,
}

impl Marks {
    /// Goes on after a start. The caller makes the first mark durable.
    pub(crate) fn new(next: u64) -> Self {
        Self {
            state: Mutex::new(State {
                next,
                durable: next,
                asked: next,
                broken: false,
            }),
            moved: Condvar::new(),
        }
    }

    /// Sets numbers aside. `ask` has the mark written and says whether somebody will; it is called
    /// early enough that only a caller who takes more than a block within one sync waits for it.
    pub(crate) fn reserve(&self, count: u64, ask: impl FnOnce() -> bool) -> Range<u64> {
        let mut state = self.state.lock();
        let range = state.next..state.next + count;
        state.next = range.end;
        if state.asked < range.end + BLOCK / 2 {
            state.asked = range.end + BLOCK;
            state.broken |= !ask();
        }
        // While the journal takes no mark it takes no rows either: a frame with rows carries the
        // mark that is wanted. So a number given out now cannot be in the store twice.
        while state.durable < range.end && !state.broken {
            self.moved.wait(&mut state);
        }
        range
    }

    /// The mark that must be in the journal now.
    pub(crate) fn wanted(&self) -> u64 {
        self.state.lock().asked
    }

    /// Number that a clean end may leave as the mark.
    pub(crate) fn next(&self) -> u64 {
        self.state.lock().next
    }

    /// A mark is on the disk.
    pub(crate) fn is_durable(&self, mark: u64) {
        let mut state = self.state.lock();
        state.durable = state.durable.max(mark);
        state.asked = state.asked.max(mark);
        state.broken = false;
        drop(state);
        self.moved.notify_all();
    }

    /// The journal did not take the mark; whoever waits for it shall go on.
    pub(crate) fn give_up(&self) {
        self.state.lock().broken = true;
        self.moved.notify_all();
    }
}
