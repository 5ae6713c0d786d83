//! One side of a storage that several links use: when is the storage itself what limits them?
//!
//! Watches the sum over its links. As long as more transfers bring more throughput, or only some
//! links have become slower, the links find their knees alone and the pool limits nothing. When
//! most transfers run clearly slower than their links have shown, for a while or just when more
//! were started, the storage is the bottleneck: the pool takes a capacity, searches its knee with a finder of its
//! own, and the capacity is shared among the links.

use super::super::sample::Recent;
use super::finder::{Finder, Tick};
use super::meter::Level;
use super::trouble::{Health, Trouble};

/// More transfers by this much, and less than that much of it as throughput, is saturation.
const MORE: f64 = 1.2;
const NOTHING_CAME: f64 = 0.25;
/// A link counts as slowed below this share of the best rate it has shown per transfer.
pub(super) const SLOWED: f64 = 0.75;
/// Most: this share of the transfers.
const MOST: f64 = 0.6;
/// Most are slowed for so many ticks, whether more were started or not.
const SLOW_TICKS: u32 = 4;
/// The links want clearly less than the capacity for so long: it limits nothing any more.
const SLACK_SECONDS: f64 = 120.0;

/// What a pool is told of its links.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Load {
    /// All links together.
    pub(super) slice: Recent,
    /// The same without the link that failed most.
    pub(super) without_worst: Recent,
    worst: Recent,
    /// Links that have work or run.
    pub(super) links: u32,
    /// Transfers of links that have shown a rate, and of those the slowed ones.
    pub(super) known: f64,
    pub(super) slowed: f64,
    /// Transfers that would do at the best rate their links have shown.
    pub(super) needed: f64,
    /// What the links would like.
    pub(super) wanted: u32,
    /// Some link has more to do than runs.
    pub(super) has_backlog: bool,
}

impl Load {
    /// Adds one link.
    pub(super) fn add(&mut self, slice: &Recent) {
        self.slice = self.slice.plus(slice);
        self.links += 1;
        let is_worse = slice.failed > self.worst.failed || self.links == 1;
        let other = if is_worse {
            std::mem::replace(&mut self.worst, *slice)
        } else {
            *slice
        };
        if self.links > 1 {
            self.without_worst = self.without_worst.plus(&other);
        }
    }
}

/// What the pool made of a tick.
#[derive(Clone, Debug, Default)]
pub(super) struct Finding {
    /// Transfers for its links together, when it limits them.
    pub(super) capacity: Option<u32>,
    /// In words.
    pub(super) said: String,
    /// It reacted to failures; the links shall not do so too.
    pub(super) reacted: bool,
}

/// The state of one side of a storage.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    anchor: Option<Level>,
    finder: Option<Finder>,
    trouble: Trouble,
    slow: u32,
    slack: f64,
}

impl Pool {
    /// Looks at a slice of time.
    pub(super) fn step(&mut self, load: &Load, limit: u32) -> Finding {
        if load.links < 2 {
            *self = Self::default();
            return Finding::default();
        }
        self.trouble.observe(&load.without_worst);
        if self.finder.is_some() {
            self.limit(load, limit)
        } else {
            self.watch(load)
        }
    }

    fn watch(&mut self, load: &Load) -> Finding {
        let running = load.slice.active.round() as u32;
        if matches!(
            self.trouble.health(),
            Health::Failing(..) | Health::Outage(..)
        ) {
            let finder = Finder::continuing_at(running).after_failures(running);
            return self.take_over(finder, load, "attempts fail on several links");
        }
        let is_slowed = load.known > 0.0 && load.slowed > MOST * load.known;
        self.slow = if is_slowed { self.slow + 1 } else { 0 };
        if self.slow >= SLOW_TICKS {
            let fewer = (1.2 * load.needed).ceil() as u32;
            let finder = Finder::continuing_at(running).trying_first(fewer.max(load.links));
            return self.take_over(finder, load, "most transfers are slowed");
        }
        let now = Level::from(&load.slice);
        let Some(anchor) = self.anchor else {
            self.anchor = Some(now);
            return Finding::default();
        };
        if now.active > anchor.active * MORE {
            let is_flat = anchor.gain(&now).is_some_and(|it| it < NOTHING_CAME);
            if is_flat && is_slowed {
                let knee = anchor.needed_for(&now).ceil() as u32;
                let finder = Finder::continuing_at(knee.max(load.links));
                return self.take_over(finder, load, "saturated");
            }
            if !is_flat {
                self.anchor = Some(now);
            }
        } else if now.active * MORE < anchor.active {
            self.anchor = Some(now);
        } else if let Some(anchor) = &mut self.anchor {
            anchor.active += 0.2 * (now.active - anchor.active);
            anchor.throughput += 0.2 * (now.throughput - anchor.throughput);
        }
        Finding::default()
    }

    fn take_over(&mut self, finder: Finder, load: &Load, why: &str) -> Finding {
        self.trouble = Trouble::default();
        self.slow = 0;
        self.slack = 0.0;
        let finding = Finding {
            capacity: Some(finder.cap().max(load.links)),
            said: format!("{why} at {} transfers", load.slice.active.round()),
            reacted: true,
        };
        self.finder = Some(finder);
        finding
    }

    fn limit(&mut self, load: &Load, limit: u32) -> Finding {
        let Some(finder) = &mut self.finder else {
            return Finding::default();
        };
        let slice = Recent {
            finished: load.without_worst.finished,
            failed: load.without_worst.failed,
            ..load.slice
        };
        let before = finder.cap();
        let said = finder.step(&Tick {
            slice: &slice,
            min: load.links.min(limit).max(1),
            max: limit.max(1),
            has_backlog: load.has_backlog,
            is_held: false,
        });
        let is_slack = f64::from(load.wanted) < 0.9 * f64::from(finder.cap());
        self.slack = if is_slack {
            self.slack + slice.seconds
        } else {
            0.0
        };
        let finding = Finding {
            capacity: Some(finder.cap()),
            said,
            reacted: finder.cap() < before && load.without_worst.failed > 0,
        };
        if self.slack > SLACK_SECONDS || finder.cap() >= limit {
            *self = Self::default();
            return Finding::default();
        }
        finding
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slice(active: f64, throughput: f64, failed: u32) -> Recent {
        Recent {
            seconds: 10.0,
            throughput,
            active,
            finished: 5,
            failed,
        }
    }

    fn load(links: &[Recent], slowed: bool) -> Load {
        let mut load = Load {
            has_backlog: true,
            ..Load::default()
        };
        links.iter().for_each(|it| load.add(it));
        load.known = load.slice.active;
        load.slowed = if slowed { load.known } else { 0.0 };
        load.wanted = load.slice.active as u32;
        load
    }

    #[test]
    fn one_failing_link_is_not_the_storages_fault() {
        let bad = slice(10.0, 0.0, 9);
        let good = slice(10.0, 100.0, 0);
        for order in [[bad, good, good], [good, bad, good], [good, good, bad]] {
            let load = load(&order, false);
            assert_eq!(load.slice.failed, 9);
            assert_eq!((load.without_worst.failed, load.links), (0, 3));
            let mut pool = Pool::default();
            (0..10).for_each(|_| assert_eq!(pool.step(&load, 200).capacity, None));
        }
    }

    #[test]
    fn failures_everywhere_are() {
        let bad = slice(20.0, 50.0, 3);
        let mut pool = Pool::default();
        let finding = pool.step(&load(&[bad, bad, bad], false), 200);
        assert!(finding.reacted);
        assert!(finding.capacity.unwrap() < 60, "{finding:?}");
    }

    #[test]
    fn more_without_throughput_is_saturation_only_when_most_are_slowed() {
        for slowed in [false, true] {
            let mut pool = Pool::default();
            pool.step(&load(&[slice(20.0, 100.0, 0); 2], false), 200);
            let finding = pool.step(&load(&[slice(30.0, 101.0, 0); 2], slowed), 200);
            assert_eq!(finding.capacity.is_some(), slowed);
        }
        let mut pool = Pool::default();
        pool.step(&load(&[slice(20.0, 100.0, 0); 2], false), 200);
        let finding = pool.step(&load(&[slice(30.0, 150.0, 0); 2], true), 200);
        assert_eq!(finding.capacity, None);
    }

    #[test]
    fn one_link_alone_is_no_pool() {
        let mut pool = Pool::default();
        let load = load(&[slice(20.0, 100.0, 9)], true);
        assert_eq!(pool.step(&load, 200).capacity, None);
    }
}
