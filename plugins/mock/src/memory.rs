//! What the mock remembers: which destinations were written, how often, and what is being archived.
//!
//! A mock stores nothing, but a destination must look different after a copy than before. Every
//! map here is bounded; the oldest entry gives way.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causeway_sdk::{Checksum, Url};
use tokio::time::Instant;

use crate::content::Content;
use crate::script::hash;

/// Destinations remembered at the same time.
const RECORDS: usize = 1 << 16;
/// URLs whose commits are counted.
const COUNTED: usize = 1 << 17;

/// What arrived at a destination.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record {
    /// Bytes that were streamed; `None` after a third-party copy, which moves none.
    pub(crate) streamed: Option<u64>,
    /// Content that a third-party copy brought.
    pub(crate) content: Option<Content>,
    /// Checksum that the source of a copy names in its URL.
    pub(crate) named: Option<String>,
    /// Checksum that was computed while bytes were written.
    pub(crate) computed: Option<Checksum>,
}

/// All the mock remembers.
#[derive(Debug)]
pub(crate) struct Memory {
    written: Mutex<Bounded<u64, Record>>,
    archiving: Mutex<Bounded<u64, Instant>>,
    staging: Mutex<Bounded<u64, Instant>>,
    commits: Commits,
}

impl Memory {
    pub(crate) fn new() -> Self {
        Self {
            written: Mutex::new(Bounded::new(RECORDS)),
            archiving: Mutex::new(Bounded::new(RECORDS)),
            staging: Mutex::new(Bounded::new(RECORDS)),
            commits: Commits(Arc::new(Mutex::new(Counts {
                total: 0,
                by_url: Bounded::new(COUNTED),
            }))),
        }
    }

    pub(crate) fn commits(&self) -> Commits {
        self.commits.clone()
    }

    /// Notes that a copy or a commit made a destination.
    pub(crate) fn wrote(&self, request_id: &str, at: &Url, record: Record) {
        lock(&self.written).put(key(request_id, at), record);
        self.commits.add(at);
    }

    pub(crate) fn written(&self, request_id: &str, at: &Url) -> Option<Record> {
        lock(&self.written).get(&key(request_id, at)).cloned()
    }

    /// Forgets a destination; true when there was one.
    pub(crate) fn removed(&self, request_id: &str, at: &Url) -> bool {
        lock(&self.written).remove(&key(request_id, at)).is_some()
    }

    /// When somebody first asked whether a file is archived.
    pub(crate) fn archiving_since(&self, at: &Url) -> Instant {
        let mut map = lock(&self.archiving);
        let key = hash(0, at.as_str());
        if let Some(since) = map.get(&key) {
            return *since;
        }
        let now = Instant::now();
        map.put(key, now);
        now
    }

    pub(crate) fn staging_began(&self, token: &str) {
        lock(&self.staging).put(hash(0, token), Instant::now());
    }

    /// When this process issued a token; `None` when another one did.
    pub(crate) fn staging_since(&self, token: &str) -> Option<Instant> {
        lock(&self.staging).get(&hash(0, token)).copied()
    }
}

fn key(request_id: &str, at: &Url) -> u64 {
    hash(hash(0, request_id), at.as_str())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing in here panics half way through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often each URL was committed or copied to. A handle: clones count the same commits.
#[derive(Clone, Debug)]
pub struct Commits(Arc<Mutex<Counts>>);

#[derive(Debug)]
struct Counts {
    total: u64,
    by_url: Bounded<u64, u64>,
}

impl Commits {
    /// Commits of one URL.
    pub fn of(&self, at: &Url) -> u64 {
        let counts = lock(&self.0);
        counts
            .by_url
            .get(&hash(0, at.as_str()))
            .copied()
            .unwrap_or(0)
    }

    /// Commits of all URLs.
    pub fn total(&self) -> u64 {
        lock(&self.0).total
    }

    fn add(&self, at: &Url) {
        let mut counts = lock(&self.0);
        counts.total += 1;
        let key = hash(0, at.as_str());
        let before = counts.by_url.get(&key).copied().unwrap_or(0);
        counts.by_url.put(key, before + 1);
    }
}

/// A map that never holds more than `limit` entries.
#[derive(Debug)]
struct Bounded<K, V> {
    limit: usize,
    map: HashMap<K, V>,
    order: VecDeque<K>,
}

impl<K: Hash + Eq + Clone, V> Bounded<K, V> {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            map: HashMap::new(),
            order: VecDeque::new(),
        }
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.map.get(key)
    }

    fn put(&mut self, key: K, value: V) {
        if self.map.insert(key.clone(), value).is_some() {
            return;
        }
        self.order.push_back(key);
        // Removed keys stay in the queue until their turn, so the queue is bounded, too.
        while self.order.len() > self.limit {
            if let Some(oldest) = self.order.pop_front() {
                self.map.remove(&oldest);
            }
        }
    }

    fn remove(&mut self, key: &K) -> Option<V> {
        let value = self.map.remove(key)?;
        if self.order.back() == Some(key) {
            self.order.pop_back();
        } else if let Some(at) = self.order.iter().rposition(|it| it == key) {
            self.order.remove(at);
        }
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_gives_way() {
        let mut map = Bounded::new(2);
        for n in 0..5 {
            map.put(n, n);
            map.put(n, n * 10);
        }
        assert_eq!((map.map.len(), map.order.len()), (2, 2));
        assert_eq!((map.get(&2), map.get(&4)), (None, Some(&40)));
        assert_eq!((map.remove(&3), map.remove(&3)), (Some(30), None));
        assert_eq!((map.map.len(), map.order.len()), (1, 1));
    }

    #[test]
    fn another_request_sees_nothing() {
        let memory = Memory::new();
        let at: Url = "mock://h/p?size_post=1".parse().unwrap();
        memory.wrote("1", &at, Record::default());
        assert!(memory.written("1", &at).is_some());
        assert!(memory.written("2", &at).is_none());
        assert_eq!((memory.commits().of(&at), memory.commits().total()), (1, 1));
        assert!(memory.removed("1", &at));
        assert!(!memory.removed("1", &at));
        assert_eq!(memory.commits().of(&at), 1);
    }
}
