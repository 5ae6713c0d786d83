//! A scheduler and its model, told the same by chance.

use causeway_model::explain::{Closure, Side};
use rand::Rng;

use super::model::Model;
use super::*;
use crate::scheduler::{ActivityShares, Hold, HoldKind, Priorities, Shares};

const SIDES: [Side; 2] = [Side::Outbound, Side::Inbound];

/// A scheduler and the model of it, told the same.
pub(super) struct Pair {
    pub(super) dice: StdRng,
    pub(super) it: Scheduler,
    pub(super) model: Model,
    next_file: u64,
    pub(super) started: Vec<u64>,
}

impl Pair {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = StdRng::seed_from_u64(seed);
        let limits = limits(&mut dice);
        Self {
            it: Scheduler::new(limits, StdRng::seed_from_u64(seed)),
            model: Model::new(limits),
            dice,
            next_file: 0,
            started: Vec::new(),
        }
    }

    fn any(&mut self, names: [&str; 4]) -> Arc<str> {
        names[self.dice.random_range(0..4)].into()
    }

    fn storage(&mut self) -> Arc<str> {
        self.any(["s0", "s1", "s2", "s3"])
    }

    fn vo(&mut self) -> Arc<str> {
        self.any(["atlas", "cms", "lhcb", "alice"])
    }

    fn maybe<T>(&mut self, value: T) -> Option<T> {
        self.dice.random_bool(0.5).then_some(value)
    }

    pub(super) fn queue(&mut self) {
        let ask = Ask {
            file: self.next_file,
            link: (self.storage(), self.storage()),
            vo: self.vo(),
            activity: self.any(["default", "Prod", "express", "mine"]),
            priority: self.dice.random_range(1..6),
            lane: match self.dice.random_range(0..20) {
                0 => Lane::Forced,
                1 | 2 => Lane::Begun,
                _ => Lane::Normal,
            },
            files: self.dice.random_range(1..4),
        };
        self.next_file += 1;
        assert!(ask.queue(&mut self.it));
        self.model.queued.push(ask);
    }

    pub(super) fn take_back(&mut self) {
        if self.next_file == 0 {
            return;
        }
        let file = self.dice.random_range(0..self.next_file);
        let index = self.model.queued.iter().position(|it| it.file == file);
        assert_eq!(self.it.remove(FileId(file)), index.is_some());
        if let Some(index) = index {
            let mut ask = self.model.queued.remove(index);
            if self.dice.random_bool(0.5) {
                ask.priority = self.dice.random_range(1..6);
                assert!(ask.queue(&mut self.it));
                self.model.queued.push(ask);
            }
        }
    }

    pub(super) fn release(&mut self) {
        if !self.model.running.is_empty() {
            let index = self.dice.random_range(0..self.model.running.len());
            let ask = self.model.running.swap_remove(index);
            assert!(self.it.release(FileId(ask.file)));
            self.model.note_trial(&ask, false);
        }
    }

    pub(super) fn change_limits(&mut self) {
        let (a, b) = (self.storage(), self.storage());
        let number = self.dice.random_range(0..6);
        match self.dice.random_range(0..4) {
            0 => {
                let limits = limits(&mut self.dice);
                self.it.set_limits(limits);
                self.model.limits = limits;
            }
            1 => {
                let limit = self.maybe(number);
                self.it.set_link_limit(&a, &b, limit);
                match limit {
                    Some(limit) => drop(self.model.link_limits.insert((a, b), limit)),
                    None => drop(self.model.link_limits.remove(&(a, b))),
                }
            }
            2 => {
                let (inbound, outbound) = (self.maybe(number), self.maybe(5 - number));
                self.it.set_storage_limits(&a, inbound, outbound);
                self.model.gate(&a, Side::Inbound).limit = inbound;
                self.model.gate(&a, Side::Outbound).limit = outbound;
            }
            _ => self.change_throughput(&a),
        }
    }

    fn change_throughput(&mut self, storage: &Arc<str>) {
        let side = SIDES[self.dice.random_range(0..2)];
        let number = f64::from(self.dice.random_range(1..10));
        if self.dice.random_bool(0.4) {
            let limit = self.maybe(number);
            self.it.set_throughput_limit(storage, side, limit);
            self.model.gate(storage, side).throughput_limit = limit;
        } else if self.model.gate(storage, side).throughput_limit.is_some() {
            self.it.report_throughput(storage, side, number);
            self.model.gate(storage, side).throughput = number;
        }
        // A storage that nobody needs is forgotten, and what it moved with it.
        if !self.it.storage_ids.contains_key(storage) {
            for side in SIDES {
                self.model.gate(storage, side).throughput = 0.0;
            }
        }
    }

    pub(super) fn change_holds(&mut self) {
        let (storage, vo) = (self.storage(), self.vo());
        if self.dice.random_bool(0.3) {
            let (side, on) = (
                SIDES[self.dice.random_range(0..2)],
                self.dice.random_bool(0.5),
            );
            self.it.set_trial(&storage, side, on);
            self.model.gate(&storage, side).trial = on.then_some(false);
            return;
        }
        let (side, vo) = (SIDES[self.dice.random_range(0..2)], self.maybe(vo));
        let (hold, kind) = match self.dice.random_bool(0.5) {
            true => (Hold::Ban { message: None }, HoldKind::Ban),
            false => (Hold::Breaker { until: None }, HoldKind::Breaker),
        };
        let holds = &mut self.model.gate(&storage, side).holds;
        let before = holds.len();
        holds.retain(|it| *it != (vo.clone(), kind));
        let was_held = holds.len() < before;
        if was_held || self.dice.random_bool(0.5) {
            let released = self.it.release_hold(&storage, side, vo.as_deref(), kind);
            assert_eq!(released, was_held);
        } else {
            holds.push((vo.clone(), kind));
            self.it.hold(&storage, side, vo.as_ref(), hold);
        }
    }

    pub(super) fn change_rules(&mut self) {
        match self.dice.random_range(0..4) {
            0 => {
                let why = self.maybe(Closure::Drained);
                self.it.set_closed(why);
                self.model.closed = why;
            }
            1 => {
                let priorities = match self.dice.random_range(0..4) {
                    0 => Priorities::Ignored,
                    1 => Priorities::Fixed(self.dice.random_range(1..6)),
                    _ => Priorities::Honoured,
                };
                self.it.set_priorities(priorities);
                self.model.priorities = priorities;
            }
            2 => self.change_shares(),
            _ => self.change_activities(),
        }
    }

    fn change_shares(&mut self) {
        let link = (self.storage(), self.storage());
        let rows: Vec<(Arc<str>, u32)> = (0..self.dice.random_range(0..4))
            .map(|_| {
                (
                    self.any(["atlas", "cms", "lhcb", "public"]),
                    self.dice.random_range(0..3),
                )
            })
            .collect();
        self.it
            .set_shares(&link.0, &link.1, Shares::new(rows.clone()));
        match rows.is_empty() {
            true => drop(self.model.shares.remove(&link)),
            false => drop(self.model.shares.insert(link, rows.into_iter().collect())),
        }
        if self.dice.random_bool(0.5) {
            return;
        }
        let most = self.dice.random_range(1..10);
        let taken = self.it.take_unshared(most);
        for file in &taken {
            let index = self.model.queued.iter().position(|it| it.file == file.0);
            let ask = self.model.queued.remove(index.unwrap());
            assert!(
                ask.lane == Lane::Normal && !self.model.has_share(&ask),
                "{ask:?}"
            );
        }
        let fails = |it: &&Ask| it.lane == Lane::Normal && !self.model.has_share(it);
        let left = self.model.queued.iter().filter(fails).count();
        assert!(left == 0 || taken.len() == most);
    }

    fn change_activities(&mut self) {
        let vo = self.vo();
        let names = ["default", "prod", "express", "other"];
        let rows: Vec<(Arc<str>, f64)> = (0..self.dice.random_range(0..4))
            .map(|_| {
                (
                    self.any(names),
                    f64::from(self.dice.random_range(0..3)) / 4.0,
                )
            })
            .collect();
        let by_name: std::collections::BTreeMap<String, f64> = rows
            .iter()
            .map(|(name, weight)| (name.to_string(), *weight))
            .collect();
        let rows = by_name
            .iter()
            .map(|(name, weight)| (name.as_str(), *weight));
        let shares = (!by_name.is_empty()).then(|| ActivityShares::new(rows));
        self.it.set_activity_shares(&vo, shares);
        match by_name.is_empty() {
            true => drop(self.model.activities.remove(&vo)),
            false => drop(self.model.activities.insert(vo, by_name)),
        }
    }
}

fn limits(dice: &mut StdRng) -> Limits {
    Limits {
        total: dice.random_range(1..12),
        link: dice.random_range(1..5),
        inbound: dice.random_range(1..6),
        outbound: dice.random_range(1..6),
    }
}
