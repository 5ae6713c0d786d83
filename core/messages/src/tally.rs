//! Counters of what was told, for metrics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use causeway_model::feed::Position;
use parking_lot::Mutex;

/// Counters of one receiver.
#[derive(Debug, Default)]
pub struct SinkTally {
    delivered: AtomicU64,
    failures: AtomicU64,
    dropped: AtomicU64,
    gaps: AtomicU64,
    oldest: AtomicU64,
    well: AtomicBool,
    /// Everything before is delivered, when nothing else was waiting.
    rests_at: Mutex<Position>,
}

impl SinkTally {
    /// Messages that the receiver took.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Times that it could not be reached or refused.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Messages that were dropped because they had become too old.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Times that events were gone before they could be told.
    pub fn gaps(&self) -> u64 {
        self.gaps.load(Ordering::Relaxed)
    }

    /// When the oldest message that waits for it came about, in milliseconds since 1970; 0 when
    /// none waits.
    pub fn oldest_waiting(&self) -> u64 {
        self.oldest.load(Ordering::Relaxed)
    }

    /// Whether the last try worked.
    pub fn is_well(&self) -> bool {
        self.well.load(Ordering::Relaxed)
    }

    pub(crate) fn add_delivered(&self, count: usize) {
        self.delivered.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_dropped(&self, count: usize) {
        self.dropped.fetch_add(count as u64, Ordering::Relaxed);
    }

    pub(crate) fn add_gap(&self) {
        self.gaps.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn set_oldest(&self, millis: i64) {
        let millis = u64::try_from(millis).unwrap_or(0);
        self.oldest.store(millis, Ordering::Relaxed);
    }

    /// Nothing waits: everything before a place is delivered.
    pub(crate) fn rest(&self, at: Position) {
        self.oldest.store(0, Ordering::Relaxed);
        *self.rests_at.lock() = at;
    }

    /// Nothing before a place is waiting, or waiting is of no use.
    pub(crate) fn is_done(&self, end: Position) -> bool {
        *self.rests_at.lock() >= end || (!self.is_well() && self.failures() > 0)
    }

    /// Notes how a try ended; true when that is news.
    pub(crate) fn set_well(&self, well: bool) -> bool {
        if !well {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
        self.well.swap(well, Ordering::Relaxed) != well
    }
}

/// Counters of all receivers, by name. The names come from the configuration.
#[derive(Clone, Debug, Default)]
pub struct Tally(Arc<Mutex<BTreeMap<String, Arc<SinkTally>>>>);

impl Tally {
    /// The counters of a receiver.
    pub fn of(&self, name: &str) -> Arc<SinkTally> {
        Arc::clone(self.0.lock().entry(name.to_owned()).or_default())
    }

    /// All of them.
    pub fn all(&self) -> Vec<(String, Arc<SinkTally>)> {
        let all = self.0.lock();
        all.iter()
            .map(|(name, it)| (name.clone(), it.clone()))
            .collect()
    }
}
