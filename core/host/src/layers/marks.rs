//! What is counted of a plugin's calls: how many, how many failed and how, and the time they took.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use causeway_sdk::ErrorKind;

/// Counted since the plugin was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// Calls; opening a file is one, what is read and written then belongs to it.
    pub calls: u64,
    /// Calls, reads and writes that failed for another reason than that something is not there, or is
    /// there already.
    pub failures: u64,
    /// Panics that were caught.
    pub panics: u64,
    /// Instances of a component that were stopped.
    pub traps: u64,
    /// Polls that held a thread of the gateway for too long.
    pub slow: u64,
    /// Time until calls, reads and writes were answered, in microseconds. Exact to a tick of the
    /// kernel for each of them.
    pub micros: u64,
    /// It works, but panicked often of late, or blocked a thread.
    pub is_degraded: bool,
}

/// Where it is counted.
#[derive(Debug, Default)]
pub(super) struct Counted {
    calls: AtomicU64,
    failures: AtomicU64,
    panics: AtomicU64,
    slow: AtomicU64,
    micros: AtomicU64,
}

impl Counted {
    pub(super) fn call(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn failure(&self, kind: ErrorKind) {
        // These are answers, and good ones.
        if !matches!(kind, ErrorKind::NotFound | ErrorKind::Exists) {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn panic(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn slow(&self) {
        self.slow.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn spent(&self, time: Duration) {
        // Nothing to add is what most reads and writes have.
        if !time.is_zero() {
            let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            self.micros.fetch_add(micros, Ordering::Relaxed);
        }
    }

    pub(super) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    pub(super) fn marks(&self, is_degraded: bool) -> Marks {
        let read = |it: &AtomicU64| it.load(Ordering::Relaxed);
        Marks {
            calls: read(&self.calls),
            failures: read(&self.failures),
            panics: read(&self.panics),
            // Only components have instances, and they count them.
            traps: 0,
            slow: read(&self.slow),
            micros: read(&self.micros),
            is_degraded,
        }
    }
}
