//! A line of links, first come, first served; links with work that had begun stand before others.
//!
//! A link stands in one line at most and remembers its turn, so that it can leave from anywhere.

use std::collections::BTreeMap;

use super::slab::LinkId;

/// A place in a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Turn {
    /// Nothing that had begun before a restart is queued on the link.
    pub(super) is_new_work: bool,
    pub(super) number: u64,
}

/// Links by their turn.
#[derive(Debug, Default)]
pub(super) struct Line(BTreeMap<Turn, LinkId>);

impl Line {
    pub(super) fn join(&mut self, turn: Turn, link: LinkId) {
        self.0.insert(turn, link);
    }

    pub(super) fn leave(&mut self, turn: Turn) -> bool {
        self.0.remove(&turn).is_some()
    }

    pub(super) fn pop(&mut self) -> Option<LinkId> {
        self.0.pop_first().map(|(_, link)| link)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn contains(&self, turn: Turn, link: LinkId) -> bool {
        self.0.get(&turn) == Some(&link)
    }
}
