//! Measures one pipe at one setting: waits until the setting is in effect, then adds up.

use super::super::sample::Recent;

/// A new setting needs so long before it shows.
const SETTLE: f64 = 10.0;
/// Transfers cannot be taken back: wait for their end, but not for ever.
const LONGEST_SETTLE: f64 = 120.0;

/// Throughput at a number of transfers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Level {
    /// Transfers that ran, in the mean.
    pub(super) active: f64,
    /// Bytes per second.
    pub(super) throughput: f64,
}

impl Level {
    /// How much of a change in transfers came through as throughput: 1 is all, 0 nothing,
    /// below 0 it went the other way. `None` when the number hardly changed.
    pub(super) fn gain(&self, to: &Self) -> Option<f64> {
        let change = to.active / self.active - 1.0;
        let is_measurable = self.active > 0.0 && self.throughput > 0.0 && change.abs() > 0.04;
        is_measurable.then(|| (to.throughput / self.throughput - 1.0) / change)
    }

    /// So many transfers, each as fast as here, would carry the throughput of `other`.
    pub(super) fn needed_for(&self, other: &Self) -> f64 {
        self.active * (other.throughput / self.throughput).max(0.0)
    }
}

impl From<&Recent> for Level {
    fn from(recent: &Recent) -> Self {
        Self {
            active: recent.active,
            throughput: recent.throughput,
        }
    }
}

/// Adds up slices of time since the last change of the setting.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Meter {
    waited: f64,
    ran: f64,
    seconds: f64,
    bytes: f64,
    active_seconds: f64,
    finished: u32,
    failed: u32,
}

impl Meter {
    /// Takes a slice; false while the setting is not yet in effect.
    pub(super) fn feed(&mut self, slice: &Recent, cap: u32) -> bool {
        let cap = f64::from(cap);
        let near = (0.1 * cap).max(0.75);
        let is_draining = slice.active > cap + near;
        let is_filling = slice.active < cap - near && slice.active > self.ran + 0.03 * cap;
        let is_far = is_draining || is_filling;
        self.ran = slice.active;
        let is_waiting =
            self.seconds == 0.0 && (self.waited < SETTLE || is_far && self.waited < LONGEST_SETTLE);
        if is_waiting {
            self.waited += slice.seconds;
            return false;
        }
        self.seconds += slice.seconds;
        self.bytes += slice.throughput * slice.seconds;
        self.active_seconds += slice.active * slice.seconds;
        self.finished += slice.finished;
        self.failed += slice.failed;
        true
    }

    /// Seconds that were measured.
    pub(super) fn seconds(&self) -> f64 {
        self.seconds
    }

    /// What was measured; bytes of attempts that fail are no throughput.
    pub(super) fn level(&self) -> Level {
        let seconds = self.seconds.max(1e-3);
        let ended = self.finished + self.failed;
        let kept = 1.0 - f64::from(self.failed) / f64::from(ended.max(5));
        Level {
            active: self.active_seconds / seconds,
            throughput: kept * self.bytes / seconds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(active: f64, throughput: f64) -> Level {
        Level { active, throughput }
    }

    #[test]
    fn gain_is_relative() {
        assert_eq!(level(10.0, 100.0).gain(&level(20.0, 200.0)), Some(1.0));
        assert_eq!(level(10.0, 100.0).gain(&level(20.0, 100.0)), Some(0.0));
        assert_eq!(level(10.0, 100.0).gain(&level(5.0, 50.0)), Some(1.0));
        assert_eq!(level(10.0, 100.0).gain(&level(5.0, 100.0)), Some(0.0));
        assert_eq!(level(10.0, 100.0).gain(&level(10.1, 150.0)), None);
        assert_eq!(level(0.0, 0.0).gain(&level(10.0, 150.0)), None);
        assert_eq!(level(10.0, 100.0).needed_for(&level(32.0, 200.0)), 20.0);
    }

    #[test]
    fn measures_only_what_is_in_effect() {
        let mut meter = Meter::default();
        let slice = |active, throughput| Recent {
            seconds: 10.0,
            throughput,
            active,
            ..Recent::default()
        };
        assert!(!meter.feed(&slice(20.0, 99.0), 10));
        assert!(!meter.feed(&slice(15.0, 99.0), 10));
        assert!(meter.feed(&slice(10.5, 50.0), 10));
        assert!(meter.feed(&slice(9.5, 70.0), 10));
        assert_eq!((meter.seconds(), meter.level()), (20.0, level(10.0, 60.0)));
        let mut stubborn = Meter::default();
        let fed = (0..20)
            .filter(|_| stubborn.feed(&slice(15.0, 1.0), 10))
            .count();
        assert_eq!(fed, 8);
        // Fewer than allowed, and no more are coming: it will not get better.
        let mut short = Meter::default();
        let fed = (0..20).filter(|_| short.feed(&slice(5.0, 1.0), 10)).count();
        assert_eq!(fed, 19);
    }
}
