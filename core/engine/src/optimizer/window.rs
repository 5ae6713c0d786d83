//! What happens on one link, kept so that it can be asked at any time without a scan.
//!
//! Whoever runs transfers tells it what begins, moves and ends; it answers with a [`Sample`] over
//! the window of the reference and with running [`Totals`] for those who compare two moments.
//! Memory: a ring of 61 buckets, and one small entry for each transfer that runs.
//!
//! What the buckets cost in truth: bytes of finished transfers at the old end of the window are
//! taken in proportion to the bucket's share inside; things counted are taken with the bucket when
//! half of it lies inside, so an event counts up to 15 s too long or too short. Running transfers
//! are exact.
//!
//! # Invariants
//! - Agrees with a computation over every event within the tolerance above:
//!   `tests/optimizer_window.rs`.

use std::collections::BTreeMap;

use causeway_model::{FileId, Timestamp};

use super::ring::{Moments, Ring};
use super::sample::Sample;

const HALF_HOUR_MILLIS: i64 = 1_800_000;

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ended {
    /// The file is there.
    Finished {
        /// Its size.
        size: u64,
        /// Seconds the attempt took.
        seconds: f64,
    },
    /// It failed and will be tried again.
    Retried {
        /// Retries of the transfer, this one included.
        retry: u32,
    },
    /// It failed for good.
    Failed {
        /// The fault was one that another attempt might have cured.
        recoverable: bool,
    },
    /// It was stopped; says nothing about the link.
    Stopped,
}

/// A transfer that failed and waits for its next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// When it failed.
    pub since: Timestamp,
    /// Its retries.
    pub retry: u32,
}

/// Everything since the window was made; only differences mean something.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// Bytes that moved, as progress told it.
    pub bytes: f64,
    /// Transfers that ran, times the seconds they ran.
    pub active_seconds: f64,
    /// Attempts that finished.
    pub finished: u64,
    /// Attempts that failed recoverably.
    pub failed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    since: Timestamp,
    bytes: u64,
    size: u64,
}

/// One link.
#[derive(Clone, Debug)]
pub struct LinkWindow {
    /// In order, so that sums come out the same every time.
    running: BTreeMap<FileId, Running>,
    ring: Ring,
    totals: Totals,
    /// Until when `totals.active_seconds` is counted.
    counted: Timestamp,
    touched: Timestamp,
    born: Timestamp,
}

impl LinkWindow {
    /// A link of which nothing is known.
    pub fn new(now: Timestamp) -> Self {
        Self {
            running: BTreeMap::new(),
            ring: Ring::new(now.0),
            totals: Totals::default(),
            counted: now,
            touched: now,
            born: now,
        }
    }

    /// An attempt begins. `size` is 0 when it is not known; `waiting` says since when the transfer
    /// waited if this is not its first attempt.
    pub fn started(&mut self, now: Timestamp, id: FileId, size: u64, waiting: Option<Waiting>) {
        self.touch(now);
        if let Some(waiting) = waiting {
            self.waits_no_more(waiting);
        }
        let running = Running {
            since: now,
            bytes: 0,
            size,
        };
        self.running.insert(id, running);
    }

    /// An attempt has moved so many bytes in all, of a file of so many (0: not known).
    pub fn progressed(&mut self, now: Timestamp, id: FileId, bytes: u64, size: u64) {
        self.touch(now);
        if let Some(running) = self.running.get_mut(&id) {
            self.totals.bytes += bytes.saturating_sub(running.bytes) as f64;
            running.bytes = bytes.max(running.bytes);
            running.size = size.max(running.size);
        }
    }

    /// An attempt ended.
    pub fn ended(&mut self, now: Timestamp, id: FileId, how: Ended) {
        self.touch(now);
        let running = self.running.remove(&id);
        match how {
            Ended::Finished { size, seconds } => {
                let told = running.map_or(0, |it| it.bytes);
                self.totals.bytes += size.saturating_sub(told) as f64;
                self.totals.finished += 1;
                self.count_finished(now, size as f64, seconds);
            }
            Ended::Retried { retry } => {
                self.totals.failed += 1;
                if let Some(bucket) = self.ring.at(now.0) {
                    bucket.waiting += 1;
                    bucket.retries += u64::from(retry);
                }
            }
            Ended::Failed { recoverable: true } => {
                self.totals.failed += 1;
                if let Some(bucket) = self.ring.at(now.0) {
                    bucket.failed += 1;
                }
            }
            Ended::Failed { recoverable: false } | Ended::Stopped => {}
        }
    }

    /// A transfer that waited for its next attempt was taken away.
    pub fn waits_no_more(&mut self, waiting: Waiting) {
        if let Some(bucket) = self.ring.at(waiting.since.0) {
            bucket.waiting = bucket.waiting.saturating_sub(1);
            bucket.retries = bucket.retries.saturating_sub(u64::from(waiting.retry));
        }
    }

    /// True when nothing runs and nothing happened that a sample could still show.
    pub fn is_idle(&self, now: Timestamp) -> bool {
        self.running.is_empty() && now.0 - self.touched.0 > HALF_HOUR_MILLIS
    }

    /// Transfers that run.
    pub fn active(&self) -> u32 {
        u32::try_from(self.running.len()).unwrap_or(u32::MAX)
    }

    /// Bytes per second of all that runs, each at its mean since it began.
    pub fn active_throughput(&self, now: Timestamp) -> f64 {
        self.running.values().map(|it| rate(it, now)).sum()
    }

    /// Running totals.
    pub fn totals(&self, now: Timestamp) -> Totals {
        let uncounted = now.seconds_since(self.counted).max(0.0);
        Totals {
            active_seconds: self.totals.active_seconds + uncounted * self.running.len() as f64,
            ..self.totals
        }
    }

    /// Transfers that finished in a second, over the window or the life of the link if that is
    /// shorter; `None` when none did.
    pub fn finish_rate(&self, now: Timestamp) -> Option<f64> {
        let (window, life) = (self.window_seconds(now), now.seconds_since(self.born));
        let is_young = life < window;
        let window = window.min(life);
        let since = now.0 - (window * 1000.0) as i64;
        // Whatever a young link has done, it has done inside.
        let seen = self.ring.since(since);
        let seen = seen.filter(|(_, share)| is_young || *share >= 0.5);
        let finished: u64 = seen.map(|(it, _)| u64::from(it.finished)).sum();
        (finished > 0).then(|| finished as f64 / window.max(1.0))
    }

    /// Seconds of the window, by how long transfers take here.
    pub fn window_seconds(&self, now: Timestamp) -> f64 {
        let (mut seconds, mut timed) = (0.0, 0_u32);
        for (bucket, share) in self.ring.since(now.0 - HALF_HOUR_MILLIS) {
            if share >= 0.5 {
                seconds += bucket.seconds;
                timed += bucket.timed;
            }
        }
        window_for(seconds / f64::from(timed.max(1)))
    }

    /// The link over its window.
    pub fn sample(&self, now: Timestamp, queue_size: u64) -> Sample {
        let window = self.window_seconds(now);
        let since = now.0 - (window * 1000.0) as i64;
        let mut seen = Seen::default();
        for (bucket, share) in self.ring.since(since) {
            seen.bytes += bucket.bytes * share;
            if share >= 0.5 {
                seen.finished += u64::from(bucket.finished);
                seen.failed += u64::from(bucket.failed + bucket.waiting);
                seen.retries += bucket.retries;
                seen.sizes.merge(&bucket.sizes);
            }
        }
        for running in self.running.values() {
            let seconds = now.seconds_since(running.since).clamp(0.0, window);
            seen.bytes += rate(running, now) * seconds;
            if running.size > 0 {
                seen.sizes.merge(&Moments::of(running.size as f64));
            }
        }
        Sample {
            throughput: seen.bytes / window,
            filesize_avg: seen.sizes.mean,
            filesize_stddev: seen.sizes.deviation(),
            success_rate: success_rate(seen.finished, seen.failed),
            retry_count: seen.retries,
            active_count: self.active(),
            queue_size,
        }
    }

    fn count_finished(&mut self, now: Timestamp, size: f64, seconds: f64) {
        let seconds = seconds.max(0.0);
        let began = now.0 - (seconds * 1000.0) as i64;
        self.ring.spread(began, now.0, size);
        if let Some(bucket) = self.ring.at(now.0) {
            bucket.finished += 1;
            if size > 0.0 {
                bucket.sizes.merge(&Moments::of(size));
            }
            if seconds > 0.0 {
                bucket.seconds += seconds;
                bucket.timed += 1;
            }
        }
    }

    fn touch(&mut self, now: Timestamp) {
        self.totals = self.totals(now);
        self.counted = now.max(self.counted);
        self.touched = now;
        self.ring.advance(now.0);
    }
}

#[derive(Default)]
struct Seen {
    bytes: f64,
    finished: u64,
    failed: u64,
    retries: u64,
    sizes: Moments,
}

fn rate(running: &Running, now: Timestamp) -> f64 {
    let seconds = now.seconds_since(running.since);
    if seconds > 0.0 {
        running.bytes as f64 / seconds
    } else {
        0.0
    }
}

/// Seconds of the window for transfers that take so many seconds in the mean.
pub fn window_for(mean_seconds: f64) -> f64 {
    if mean_seconds > 0.0 && mean_seconds < 30.0 {
        300.0
    } else if mean_seconds > 30.0 && mean_seconds < 900.0 {
        900.0
    } else {
        1800.0
    }
}

/// Percent of attempts that succeeded, rounded up; 100 when there are none.
pub fn success_rate(finished: u64, failed: u64) -> f64 {
    let all = finished + failed;
    if all == 0 {
        100.0
    } else {
        (100 * finished).div_ceil(all) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn windows_by_mean_duration() {
        let windows = [0.0, 0.1, 29.9, 30.0, 30.1, 899.0, 900.0].map(window_for);
        assert_eq!(
            windows,
            [1800.0, 300.0, 300.0, 1800.0, 900.0, 900.0, 1800.0]
        );
    }

    #[test]
    fn success_is_rounded_up() {
        assert_eq!(success_rate(0, 0), 100.0);
        assert_eq!(success_rate(0, 3), 0.0);
        assert_eq!(success_rate(2, 1), 67.0);
        assert_eq!(success_rate(999, 1), 100.0);
    }

    #[test]
    fn the_rate_is_over_the_life_of_a_young_link() {
        let mut window = LinkWindow::new(at(0));
        assert_eq!(window.finish_rate(at(10)), None);
        let (size, seconds) = (100, 10.0);
        for id in 0..5 {
            window.started(at(0), FileId(id), 0, None);
            window.ended(at(10), FileId(id), Ended::Finished { size, seconds });
        }
        let rate = window.finish_rate(at(50)).unwrap();
        assert!((rate - 0.1).abs() < 1e-9, "{rate}");
        assert_eq!(window.finish_rate(at(5000)), None);
    }

    #[test]
    fn a_retry_counts_while_it_waits() {
        let mut window = LinkWindow::new(at(0));
        window.started(at(0), FileId(1), 0, None);
        window.started(at(0), FileId(2), 0, None);
        window.ended(at(10), FileId(1), Ended::Retried { retry: 2 });
        let finished = Ended::Finished {
            size: 100,
            seconds: 10.0,
        };
        window.ended(at(10), FileId(2), finished);
        let sample = window.sample(at(20), 1);
        assert_eq!((sample.success_rate, sample.retry_count), (50.0, 2));
        let waiting = Waiting {
            since: at(10),
            retry: 2,
        };
        window.started(at(130), FileId(1), 100, Some(waiting));
        let sample = window.sample(at(140), 0);
        assert_eq!((sample.success_rate, sample.retry_count), (100.0, 0));
        assert_eq!((sample.active_count, sample.filesize_avg), (1, 100.0));
        assert_eq!(window.totals(at(140)).failed, 1);
    }

    #[test]
    fn running_transfers_count_by_their_progress() {
        let mut window = LinkWindow::new(at(0));
        window.started(at(0), FileId(1), 0, None);
        window.progressed(at(50), FileId(1), 500, 1000);
        assert_eq!(window.active_throughput(at(50)), 10.0);
        // A window of 1800 s: nothing has finished.
        let sample = window.sample(at(50), 0);
        assert!((sample.throughput - 500.0 / 1800.0).abs() < 1e-9);
        let totals = window.totals(at(50));
        assert_eq!((totals.bytes, totals.active_seconds), (500.0, 50.0));
        let finished = Ended::Finished {
            size: 1000,
            seconds: 60.0,
        };
        window.ended(at(60), FileId(1), finished);
        let totals = window.totals(at(100));
        assert_eq!((totals.bytes, totals.active_seconds), (1000.0, 60.0));
        assert!(!window.is_idle(at(1800)));
        assert!(window.is_idle(at(1861)));
    }

    #[test]
    fn a_failure_that_cannot_be_cured_says_nothing_about_the_link() {
        let mut window = LinkWindow::new(at(0));
        for (id, how) in [
            (1, Ended::Failed { recoverable: false }),
            (2, Ended::Stopped),
        ] {
            window.started(at(0), FileId(id), 0, None);
            window.ended(at(1), FileId(id), how);
        }
        assert_eq!(window.sample(at(2), 0).success_rate, 100.0);
        window.ended(at(3), FileId(3), Ended::Failed { recoverable: true });
        assert_eq!(window.sample(at(4), 0).success_rate, 0.0);
    }
}
