//! Counters a plugin adds to, and how many of its instances were stopped. There are as many names as fit; what
//! comes later is not counted.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

/// Names of one plugin.
const NAMES: usize = 64;
/// Longest name.
const LENGTH: usize = 64;

/// Counters of one plugin.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    named: Mutex<BTreeMap<String, u64>>,
    stopped: AtomicU64,
}

impl Counters {
    pub(super) fn add(&self, name: &str, value: u64) {
        let fits = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
        if name.is_empty() || name.len() > LENGTH || !name.bytes().all(fits) {
            return;
        }
        let mut all = self.named.lock();
        if let Some(sum) = all.get_mut(name) {
            *sum = sum.saturating_add(value);
        } else if all.len() < NAMES {
            all.insert(name.to_owned(), value);
        }
    }

    /// All of them.
    pub(crate) fn all(&self) -> BTreeMap<String, u64> {
        self.named.lock().clone()
    }

    /// An instance was stopped.
    pub(super) fn stop(&self) {
        self.stopped.fetch_add(1, Ordering::Relaxed);
    }

    /// Instances that were stopped.
    pub(crate) fn stopped(&self) -> u64 {
        self.stopped.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_in_number_and_looks() {
        let counters = Counters::default();
        for number in 0..1000 {
            counters.add(&format!("n{number}"), 1);
        }
        counters.add("n0", 2);
        counters.add("with space", 1);
        let all = counters.all();
        assert_eq!((all.len(), all["n0"]), (NAMES, 3));
    }
}
