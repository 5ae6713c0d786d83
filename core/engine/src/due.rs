//! Keys by the time they come due: the first is found without looking at the others.
//!
//! A key has one time at most, and leaves no trace when it is removed, so what has ended takes no
//! room until its time.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use causeway_model::Timestamp;

/// The keys. See the module.
#[derive(Debug)]
pub(crate) struct Due<K> {
    by_time: BTreeSet<(Timestamp, K)>,
    times: HashMap<K, Timestamp>,
}

impl<K> Default for Due<K> {
    fn default() -> Self {
        Self {
            by_time: BTreeSet::new(),
            times: HashMap::new(),
        }
    }
}

impl<K: Copy + Ord + Hash> Due<K> {
    /// Gives a key a time, in place of the one it had.
    pub(crate) fn set(&mut self, key: K, time: Timestamp) {
        if let Some(before) = self.times.insert(key, time) {
            self.by_time.remove(&(before, key));
        }
        self.by_time.insert((time, key));
    }

    /// Forgets a key.
    pub(crate) fn remove(&mut self, key: K) {
        if let Some(time) = self.times.remove(&key) {
            self.by_time.remove(&(time, key));
        }
    }

    /// Keys that have a time.
    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether a key has a time.
    pub(crate) fn contains(&self, key: K) -> bool {
        self.times.contains_key(&key)
    }

    /// When the first key comes due.
    pub(crate) fn first(&self) -> Option<Timestamp> {
        self.by_time.first().map(|it| it.0)
    }

    /// Takes a key out that is due.
    pub(crate) fn pop(&mut self, now: Timestamp) -> Option<K> {
        let (time, key) = self.by_time.first().copied()?;
        if time > now {
            return None;
        }
        self.remove(key);
        Some(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_comes_first_and_nothing_stays_behind() {
        let mut due = Due::default();
        due.set(1, Timestamp(30));
        due.set(2, Timestamp(20));
        due.set(3, Timestamp(25));
        due.set(1, Timestamp(10));
        due.remove(2);
        assert!(due.contains(1) && !due.contains(2));
        assert_eq!(due.first(), Some(Timestamp(10)));
        assert_eq!(due.pop(Timestamp(9)), None);
        assert_eq!(due.pop(Timestamp(30)), Some(1));
        assert_eq!(due.pop(Timestamp(30)), Some(3));
        assert_eq!(due.pop(Timestamp(30)), None);
        assert!(due.times.is_empty() && due.by_time.is_empty());
    }
}
