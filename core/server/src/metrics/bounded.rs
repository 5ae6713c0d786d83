//! A table that takes so many keys and no more; whoever comes later shares one value.
//!
//! Label values that come from jobs pass through here, so that no user can make the number of
//! series grow without end.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::RwLock;

/// Label value of everything beyond a limit.
pub const OTHER: &str = "other";

/// Values by key, for the first so many keys.
pub struct Bounded<K, V> {
    most: usize,
    known: RwLock<HashMap<K, Arc<V>>>,
    other: Arc<V>,
}

impl<K: Hash + Eq, V> Bounded<K, V> {
    /// Takes `most` keys; `other` is the value of all others.
    pub fn new(most: usize, other: V) -> Self {
        Self {
            most,
            known: RwLock::default(),
            other: Arc::new(other),
        }
    }

    /// The value of a key, made when it is new and there is room.
    pub fn get(&self, key: K, make: impl FnOnce(&K) -> V) -> Arc<V> {
        if let Some(found) = self.find(&key) {
            return found;
        }
        let mut known = self.known.write();
        if known.len() >= self.most && !known.contains_key(&key) {
            return Arc::clone(&self.other);
        }
        let value = make(&key);
        Arc::clone(known.entry(key).or_insert_with(|| Arc::new(value)))
    }

    /// The value of a key that was taken.
    pub fn find<Q>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.known.read().get(key).cloned()
    }

    /// The value of all keys beyond the limit.
    pub fn other(&self) -> &V {
        &self.other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_keep_their_own_and_the_rest_share_one() {
        let table: Bounded<&str, String> = Bounded::new(2, OTHER.to_owned());
        let get = |key| table.get(key, |it| (*it).to_owned()).as_str().to_owned();
        assert_eq!(
            ["a", "b", "c", "a", "d"].map(get),
            ["a", "b", "other", "a", "other"]
        );
        assert!(table.find("c").is_none());
    }

    #[test]
    fn a_limit_of_nothing_takes_nothing() {
        let table: Bounded<&str, &str> = Bounded::new(0, OTHER);
        assert_eq!(*table.get("a", |it| it), OTHER);
    }
}
