//! A clock for tests that runs with the runtime's timers.
//!
//! With the runtime's time paused, hours of transfers pass in seconds and every stamp fits.

use causeway_model::Timestamp;
use causeway_model::ports::Clock;
use tokio::time::Instant;

/// Wall time that starts where it is told and moves with [`tokio::time`].
#[derive(Clone, Copy, Debug)]
pub struct TestClock {
    origin: Timestamp,
    start: Instant,
}

impl TestClock {
    /// A clock that shows `origin` now. Needs a running runtime when its time is paused.
    pub fn starting_at(origin: Timestamp) -> Self {
        Self {
            origin,
            start: Instant::now(),
        }
    }
}

impl Default for TestClock {
    /// Starts at the 1st of January 2026.
    fn default() -> Self {
        Self::starting_at(Timestamp::from_seconds(1_767_225_600))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.start.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.origin.plus_millis(passed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn moves_with_the_runtime() {
        let clock = TestClock::default();
        let start = clock.now();
        tokio::time::sleep(std::time::Duration::from_secs(3600)).await;
        assert_eq!(clock.now().seconds_since(start), 3600.0);
    }
}
