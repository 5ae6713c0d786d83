//! Work that waits for the few who do it, by whom it is for.
//!
//! # Invariants
//! - A queue is there as long as somebody serves it, and nobody serves one in which nothing waits.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;

/// One queue for each key.
pub(crate) struct Queues<K, T>(Arc<Mutex<HashMap<K, Queue<T>>>>);

struct Queue<T> {
    waiting: VecDeque<T>,
    /// How many serve it.
    serving: usize,
}

impl<K: Clone + Eq + Hash, T> Queues<K, T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Puts work in. True when one more is to serve it, which `is_short` says of how much waits and how many serve.
    pub(crate) fn put(
        &self,
        key: &K,
        work: T,
        is_short: impl FnOnce(usize, usize) -> bool,
    ) -> bool {
        let mut queues = self.0.lock();
        let queue = queues.entry(key.clone()).or_insert_with(|| Queue {
            waiting: VecDeque::new(),
            serving: 0,
        });
        queue.waiting.push_back(work);
        let is_wanted = is_short(queue.waiting.len(), queue.serving);
        queue.serving += usize::from(is_wanted);
        is_wanted
    }

    /// A share of what waits and is still wanted, as large as `share` says of how much that is. When there is none,
    /// whoever asks is to serve no longer.
    pub(crate) fn take(
        &self,
        key: &K,
        is_wanted: impl Fn(&T) -> bool,
        share: impl FnOnce(usize) -> usize,
    ) -> Vec<T> {
        let mut queues = self.0.lock();
        let Some(queue) = queues.get_mut(key) else {
            return Vec::new();
        };
        queue.waiting.retain(is_wanted);
        let share = share(queue.waiting.len());
        let taken: Vec<T> = queue.waiting.drain(..share).collect();
        if taken.is_empty() {
            queue.serving = queue.serving.saturating_sub(1);
            if queue.serving == 0 {
                queues.remove(key);
            }
        }
        taken
    }
}

impl<K, T> Clone for Queues<K, T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_lives_as_long_as_it_is_served() {
        let queues = Queues::new();
        let one = |_, serving| serving < 1;
        assert!(queues.put(&"a", 1, one));
        for work in 2..6 {
            assert!(!queues.put(&"a", work, one));
        }
        assert!(queues.put(&"b", 9, one));
        assert_eq!(
            queues.take(&"a", |it| *it != 2, |waiting| waiting / 2),
            [1, 3]
        );
        assert_eq!(queues.take(&"a", |_| true, |waiting| waiting), [4, 5]);
        assert_eq!(queues.take(&"a", |_| true, |waiting| waiting), [0; 0]);
        assert_eq!(queues.0.lock().len(), 1);
        assert!(queues.put(&"a", 6, one));
        // More may wait than one serves.
        assert!(queues.put(&"a", 7, |waiting, serving| waiting > serving));
        assert_eq!(queues.take(&"a", |_| true, |_| 1), [6]);
    }
}
