//! What one VO has queued on one link, in the order in which it starts.
//!
//! Shelves stand by priority, then by class of activity; on a shelf the oldest comes first. Which
//! shelf is next depends on the shelves of one priority, never on the files that lie on them.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use causeway_model::FileId;
use rand::rngs::StdRng;

use super::activities::{ActivityShares, Class};
use super::shares::{Share, draw};
use super::slab::LinkId;
use super::{Lane, Priorities};

/// As many are counted exactly when a position is asked for; beyond that it is estimated.
const COUNTED: usize = 1000;

/// Transfers of one priority and one class of activity.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) rank: i16,
    pub(super) class: Class,
    pub(super) files: BTreeSet<FileId>,
}

#[derive(Debug)]
pub(super) struct Flow {
    pub(super) link: LinkId,
    pub(super) vo: Arc<str>,
    pub(super) share: Share,
    pub(super) activities: Option<Arc<ActivityShares>>,
    pub(super) begun: BTreeSet<FileId>,
    pub(super) forced: BTreeSet<FileId>,
    shelves: Vec<Shelf>,
    normal: usize,
}

impl Flow {
    pub(super) fn new(
        link: LinkId,
        vo: Arc<str>,
        share: Share,
        activities: Option<Arc<ActivityShares>>,
    ) -> Self {
        Self {
            link,
            vo,
            share,
            activities,
            begun: BTreeSet::new(),
            forced: BTreeSet::new(),
            shelves: Vec::new(),
            normal: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.normal == 0 && self.begun.is_empty() && self.forced.is_empty()
    }

    /// Transfers that are neither forced nor had begun.
    pub(super) fn normal(&self) -> usize {
        self.normal
    }

    /// Counts what lies on the shelves again; gives what had been counted if that was wrong.
    pub(super) fn recount(&mut self) -> Option<usize> {
        let found = self.shelves.iter().map(|it| it.files.len()).sum();
        let counted = std::mem::replace(&mut self.normal, found);
        (counted != found).then_some(counted)
    }

    pub(super) fn shelves(&self) -> &[Shelf] {
        &self.shelves
    }

    /// Puts a transfer onto its shelf.
    pub(super) fn put(&mut self, rank: i16, class: Class, file: FileId) {
        let key = (Reverse(rank), class);
        let found = self.shelves.binary_search_by_key(&key, Shelf::key);
        let index = found.unwrap_or_else(|index| {
            let shelf = Shelf {
                rank,
                class,
                files: BTreeSet::new(),
            };
            self.shelves.insert(index, shelf);
            index
        });
        self.normal += usize::from(self.shelves[index].files.insert(file));
    }

    /// Takes a transfer from its shelf.
    pub(super) fn take(&mut self, rank: i16, class: Class, file: FileId) {
        let key = (Reverse(rank), class);
        if let Ok(index) = self.shelves.binary_search_by_key(&key, Shelf::key) {
            self.normal -= usize::from(self.shelves[index].files.remove(&file));
            self.clear_shelf(index);
        }
    }

    /// Takes all transfers from all shelves.
    pub(super) fn take_all(&mut self) -> Vec<Shelf> {
        self.normal = 0;
        std::mem::take(&mut self.shelves)
    }

    fn clear_shelf(&mut self, index: usize) {
        if self.shelves[index].files.is_empty() {
            self.shelves.remove(index);
        }
    }

    /// The shelves from which the next transfer is taken: all of one priority.
    pub(super) fn head(&self, priorities: Priorities) -> Range<usize> {
        match priorities {
            Priorities::Fixed(only) => self.level(super::rank(only)),
            Priorities::Honoured | Priorities::Ignored => {
                self.shelves.first().map_or(0..0, |it| self.level(it.rank))
            }
        }
    }

    /// The shelves of one rank.
    pub(super) fn level(&self, rank: i16) -> Range<usize> {
        let begin = self.shelves.partition_point(|it| it.rank > rank);
        begin..self.shelves.partition_point(|it| it.rank >= rank)
    }

    /// True when the shelves have something to start.
    pub(super) fn has_next(&self, priorities: Priorities) -> bool {
        self.share != Share::Nothing && !self.head(priorities).is_empty()
    }

    /// Weights of the activities whose shelves are given.
    pub(super) fn weights(&self, level: Range<usize>) -> impl Iterator<Item = f64> + Clone {
        let weight = |it: &Shelf| match &self.activities {
            Some(shares) => shares.weight(it.class),
            None => 1.0,
        };
        self.shelves[level].iter().map(weight)
    }

    /// Takes the transfer that starts next: the activity is drawn, then the oldest goes.
    pub(super) fn pop(&mut self, priorities: Priorities, dice: &mut StdRng) -> Option<FileId> {
        let head = self.head(priorities);
        let oldest = || {
            let first = |index: &usize| self.shelves[*index].files.first();
            head.clone().min_by_key(first)
        };
        let drawn = draw(dice, self.weights(head.clone())).map(|it| head.start + it);
        let index = drawn.or_else(oldest)?;
        self.pop_from(index)
    }

    /// Takes any transfer from the shelves.
    pub(super) fn pop_any(&mut self) -> Option<FileId> {
        let last = self.shelves.len().checked_sub(1)?;
        self.pop_from(last)
    }

    fn pop_from(&mut self, index: usize) -> Option<FileId> {
        let file = self.shelves.get_mut(index)?.files.pop_first()?;
        self.normal -= 1;
        self.clear_shelf(index);
        Some(file)
    }

    /// How many come before a transfer, and whether that is exact.
    pub(super) fn ahead(&self, lane: Lane, rank: i16, class: Class, file: FileId) -> (u64, bool) {
        let shelf = match lane {
            Lane::Forced => return position(&self.forced, file),
            Lane::Begun => return position(&self.begun, file),
            Lane::Normal => self
                .shelves
                .binary_search_by_key(&(Reverse(rank), class), Shelf::key),
        };
        let own = shelf.map_or((0, true), |it| position(&self.shelves[it].files, file));
        (own.0 + self.begun.len() as u64, own.1)
    }

    /// Transfers on shelves above a rank.
    pub(super) fn above(&self, rank: i16) -> u64 {
        let above = self.shelves.iter().take_while(|it| it.rank > rank);
        above.map(|it| it.files.len() as u64).sum()
    }
}

impl Shelf {
    fn key(&self) -> (Reverse<i16>, Class) {
        (Reverse(self.rank), self.class)
    }
}

/// How many stand before a file. Beyond [`COUNTED`] it is estimated from the numbers of the first
/// and the last, because numbers are given out in order.
fn position(files: &BTreeSet<FileId>, file: FileId) -> (u64, bool) {
    let counted = files.range(..file).take(COUNTED + 1).count();
    if counted <= COUNTED {
        return (counted as u64, true);
    }
    let number = |it: Option<&FileId>| it.map_or(file.0, |it| it.0);
    let (first, last) = (number(files.first()), number(files.last()));
    let part = (file.0 - first) as f64 / (last - first).max(1) as f64;
    let estimate = (part * (files.len() - 1) as f64) as u64;
    (estimate.max(counted as u64), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_exact_near_the_head_and_close_behind() {
        let files: BTreeSet<FileId> = (0..100_000).map(|it| FileId(it * 3)).collect();
        assert_eq!(position(&files, FileId(0)), (0, true));
        assert_eq!(position(&files, FileId(3000)), (1000, true));
        let (far, exact) = position(&files, FileId(150_000));
        assert!(!exact && far.abs_diff(50_000) < 100, "{far}");
    }
}
