//! Links that the scheduler was told the settings of.
//!
//! The list lives as long as the engine, links do not: from time to time those that nothing is
//! queued on, runs on or is measured on are taken off it, and told again when they come back. The
//! list grows to twice what was left of it before the next look, so a look costs little for each
//! link that came. Knows no settings.

use std::collections::BTreeSet;
use std::sync::Arc;

/// Links below this number are not worth a look.
const FEW: usize = 1024;

/// Source and destination storage.
pub(crate) type Pair = (Arc<str>, Arc<str>);

/// The list. In order, so that links are told again in the same order every time.
#[derive(Debug)]
pub(crate) struct Introduced {
    links: BTreeSet<Pair>,
    /// So many are too many.
    most: usize,
}

impl Default for Introduced {
    fn default() -> Self {
        Self {
            links: BTreeSet::new(),
            most: FEW,
        }
    }
}

impl Introduced {
    pub(crate) fn contains(&self, pair: &Pair) -> bool {
        self.links.contains(pair)
    }

    pub(crate) fn insert(&mut self, pair: Pair) {
        self.links.insert(pair);
    }

    pub(crate) fn remove(&mut self, pair: &Pair) {
        self.links.remove(pair);
    }

    /// All of them, as a list that stays valid while they are told.
    pub(crate) fn all(&self) -> Vec<Pair> {
        self.links.iter().cloned().collect()
    }

    /// Takes those off the list that are of no use any more, if there are too many; gives them, and
    /// the storages that are on it no more.
    pub(crate) fn prune(&mut self, is_used: impl Fn(&Pair) -> bool) -> (Vec<Pair>, Vec<Arc<str>>) {
        if self.links.len() < self.most {
            return Default::default();
        }
        let gone: Vec<Pair> = self.links.extract_if(.., |it| !is_used(it)).collect();
        self.most = FEW.max(self.links.len() * 2);
        let sides = |it: &Pair| [Arc::clone(&it.0), Arc::clone(&it.1)];
        let left: BTreeSet<Arc<str>> = self.links.iter().flat_map(sides).collect();
        let storages: BTreeSet<Arc<str>> = gone.iter().flat_map(sides).collect();
        (gone, storages.difference(&left).cloned().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(number: usize) -> Pair {
        (
            format!("a{number}").into(),
            format!("b{}", number / 2).into(),
        )
    }

    #[test]
    fn it_never_holds_more_than_twice_what_is_used() {
        let mut list = Introduced::default();
        let is_used = |it: &Pair| it.0.len() < 3;
        for number in 0..100_000 {
            let (gone, storages) = list.prune(is_used);
            assert!(gone.iter().all(|it| !is_used(it)));
            assert!(storages.len() <= gone.len() * 2);
            list.insert(pair(number));
            assert!(list.links.len() <= FEW, "{}", list.links.len());
        }
        assert!((0..10).all(|number| list.contains(&pair(number))));
    }

    #[test]
    fn a_storage_stays_as_long_as_one_of_its_links() {
        let mut list = Introduced::default();
        (0..FEW).for_each(|number| list.insert(pair(number)));
        let (gone, storages) = list.prune(|it| *it == pair(7));
        assert_eq!((gone.len(), list.all()), (FEW - 1, vec![pair(7)]));
        assert!(!storages.contains(&"b3".into()) && storages.contains(&"b4".into()));
    }
}
