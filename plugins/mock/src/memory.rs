//! What the mock remembers: which destinations were written, how often, and what is being archived.
//!
//! A mock stores nothing, but a destination must look different after a copy than before. Without a
//! journal only the request that wrote it sees the difference; with one the journal is the truth,
//! for every request and every process that shares it. Every map here is bounded; the oldest entry
//! gives way.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causeway_sdk::{Checksum, Result, Url};
use tokio::time::Instant;

use crate::content::Content;
use crate::journal::{Event, Journal};
use crate::script::{Script, hash};

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

impl Record {
    /// What an event leaves at a destination; nothing after its removal.
    fn of(event: &Event) -> Option<Self> {
        match event {
            Event::Copied { source, size } => Some(Self {
                content: Some(Content::of(source, *size)),
                named: Script::of(source).checksum,
                ..Self::default()
            }),
            Event::Committed { bytes, sum } => Some(Self {
                streamed: Some(*bytes),
                computed: sum.clone(),
                ..Self::default()
            }),
            Event::Unlinked => None,
        }
    }
}

/// All the mock remembers.
#[derive(Debug)]
pub(crate) struct Memory {
    journal: Option<Journal>,
    written: Mutex<Bounded<u64, Record>>,
    archiving: Mutex<Bounded<u64, Instant>>,
    staging: Mutex<Bounded<u64, Instant>>,
    commits: Commits,
}

impl Memory {
    pub(crate) fn new(journal: Option<Journal>) -> Self {
        Self {
            journal,
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

    /// True when what was written is remembered for everybody and beyond this process.
    pub(crate) fn lasts(&self) -> bool {
        self.journal.is_some()
    }

    /// Notes that a copy or a commit made a destination.
    pub(crate) fn wrote(&self, request_id: &str, at: &Url, event: &Event) -> Result<()> {
        self.happened(request_id, at, event)?;
        self.commits.add(at);
        Ok(())
    }

    pub(crate) fn written(&self, request_id: &str, at: &Url) -> Result<Option<Record>> {
        self.catch_up()?;
        let key = self.key(request_id, at);
        Ok(lock(&self.written).get(&key).cloned())
    }

    /// Forgets a destination; true when there was one.
    pub(crate) fn removed(&self, request_id: &str, at: &Url) -> Result<bool> {
        if self.written(request_id, at)?.is_none() {
            return Ok(false);
        }
        self.happened(request_id, at, &Event::Unlinked)?;
        Ok(true)
    }

    fn happened(&self, request_id: &str, at: &Url, event: &Event) -> Result<()> {
        match &self.journal {
            None => self.apply(request_id, at, event),
            Some(journal) => {
                journal.note(request_id, at, event)?;
                self.catch_up()?;
            }
        }
        Ok(())
    }

    fn catch_up(&self) -> Result<()> {
        let Some(journal) = &self.journal else {
            return Ok(());
        };
        journal.catch_up(|request_id, at, event| self.apply(request_id, at, &event))
    }

    fn apply(&self, request_id: &str, at: &Url, event: &Event) {
        let key = self.key(request_id, at);
        let mut written = lock(&self.written);
        match Record::of(event) {
            Some(record) => written.put(key, record),
            None => drop(written.remove(&key)),
        }
    }

    fn key(&self, request_id: &str, at: &Url) -> u64 {
        let request = if self.lasts() { "" } else { request_id };
        hash(hash(0, request), at.as_str())
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

    fn streamed() -> Event {
        Event::Committed {
            bytes: 1,
            sum: None,
        }
    }

    #[test]
    fn another_request_sees_nothing() {
        let memory = Memory::new(None);
        let at: Url = "mock://h/p?size_post=1".parse().unwrap();
        memory.wrote("1", &at, &streamed()).unwrap();
        assert!(memory.written("1", &at).unwrap().is_some());
        assert!(memory.written("2", &at).unwrap().is_none());
        assert_eq!((memory.commits().of(&at), memory.commits().total()), (1, 1));
        assert!(memory.removed("1", &at).unwrap());
        assert!(!memory.removed("1", &at).unwrap());
        assert_eq!(memory.commits().of(&at), 1);
    }

    #[test]
    fn with_a_journal_everybody_sees_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let open = || Memory::new(Some(Journal::open(&path).unwrap()));
        let (one, two) = (open(), open());
        let at: Url = "mock://h/p?size_post=1".parse().unwrap();
        one.wrote("1", &at, &streamed()).unwrap();
        assert!(two.written("2", &at).unwrap().is_some());
        assert!(two.removed("2", &at).unwrap());
        assert!(one.written("1", &at).unwrap().is_none());
        assert!(open().written("1", &at).unwrap().is_none());
    }
}
