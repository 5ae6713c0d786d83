//! What speaks against a plugin: panics, and polls that blocked a thread of the gateway.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use causeway_sdk::native::PANIC_KEY;
use causeway_sdk::{Error, Operation};
use parking_lot::Mutex;

use super::marks::{Counted, Marks};
use crate::culprit::Name;

/// What a component's end is marked with, beside [`PANIC_KEY`].
const TRAPPED: &str = "trapped";
/// So many panics within [`WINDOW`] make a plugin degraded.
const LIMIT: usize = 5;
/// How long a panic or a blocked thread counts.
const WINDOW: Duration = Duration::from_secs(60);
/// A poll may take so long. Others wait for the thread meanwhile.
const SLOW: Duration = Duration::from_millis(50);
/// One such poll makes a plugin degraded.
const STUCK: Duration = Duration::from_secs(1);
/// At most one line about slow polls in this time.
const QUIET: Duration = Duration::from_secs(10);

/// What is known of a plugin's misdeeds.
pub(crate) struct Health {
    plugin: String,
    /// The same for the end of the process.
    pub(super) name: &'static Name,
    pub(super) counted: Counted,
    recent: Mutex<VecDeque<Instant>>,
    slow: Mutex<Slow>,
}

/// Polls that took too long.
#[derive(Default)]
struct Slow {
    stuck: Option<Instant>,
    told: Option<Instant>,
    untold: u64,
}

impl Health {
    pub(crate) fn new(plugin: &str) -> Self {
        Self {
            plugin: plugin.to_owned(),
            name: Name::leaked(plugin),
            counted: Counted::default(),
            recent: Mutex::new(VecDeque::new()),
            slow: Mutex::new(Slow::default()),
        }
    }

    pub(crate) fn panics(&self) -> u64 {
        self.counted.panics()
    }

    pub(crate) fn marks(&self) -> Marks {
        self.counted.marks(self.is_degraded())
    }

    pub(crate) fn is_degraded(&self) -> bool {
        let counts = |at: &Instant| at.elapsed() < WINDOW;
        let panicked = {
            let recent = self.recent.lock();
            recent.len() >= LIMIT && recent.front().is_some_and(counts)
        };
        panicked || self.slow.lock().stuck.as_ref().is_some_and(counts)
    }

    /// A call, a read or a write failed.
    pub(super) fn failed(&self, error: &Error) {
        self.counted.failure(error.kind());
        self.noticed(error);
    }

    /// Looks whether an error is a mark against the plugin.
    pub(super) fn noticed(&self, error: &Error) {
        let mut marks = error.context().iter().filter(|(key, _)| key == PANIC_KEY);
        match marks.next().map(|(_, how)| how.as_str()) {
            // Counted where instances end: many calls may hear of one end, or none.
            Some(TRAPPED) => {}
            Some(_) => self.counted.panic(),
            None => return,
        }
        self.panicked(error);
    }

    fn panicked(&self, error: &Error) {
        let mut recent = self.recent.lock();
        if recent.len() == LIMIT {
            recent.pop_front();
        }
        recent.push_back(Instant::now());
        tracing::error!(plugin.name = %self.plugin, operation = error.operation(), "{error}");
    }

    /// Notes how long a poll of an operation took.
    pub(super) fn polled(&self, operation: Operation, took: Duration) {
        if took >= SLOW {
            self.blocked(operation, took);
        }
    }

    #[cold]
    fn blocked(&self, operation: Operation, took: Duration) {
        self.counted.slow();
        let now = Instant::now();
        let mut slow = self.slow.lock();
        if took >= STUCK {
            slow.stuck = Some(now);
        }
        if slow.told.is_some_and(|at| now - at < QUIET) {
            slow.untold += 1;
            return;
        }
        slow.told = Some(now);
        let more = std::mem::take(&mut slow.untold);
        drop(slow);
        let milliseconds = took.as_millis();
        tracing::warn!(
            plugin.name = %self.plugin,
            operation = operation.name(),
            milliseconds,
            more,
            "a plugin blocked a thread of the gateway: work that takes long belongs on a thread of its own"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_poll_is_told_and_a_stuck_one_degrades() {
        let health = Health::new("p");
        health.polled(Operation::Stat, Duration::from_millis(49));
        assert!(health.slow.lock().told.is_none());
        health.polled(Operation::Stat, Duration::from_millis(50));
        health.polled(Operation::Read, Duration::from_millis(999));
        {
            let slow = health.slow.lock();
            assert!(slow.told.is_some() && slow.untold == 1);
        }
        assert!(!health.is_degraded());
        health.polled(Operation::Read, Duration::from_secs(1));
        assert!(health.is_degraded());
    }
}
