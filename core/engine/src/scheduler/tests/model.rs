//! The rules of the scheduler, spelt out on plain lists: slow, and obviously right.

use std::collections::BTreeMap;

use causeway_model::explain::{Closure, Side};

use super::*;
use crate::scheduler::{HoldKind, Priorities};

/// What one side of one storage is told.
#[derive(Clone, Debug, Default)]
pub(super) struct Gate {
    pub(super) limit: Option<u32>,
    pub(super) throughput: f64,
    pub(super) throughput_limit: Option<f64>,
    pub(super) holds: Vec<(Option<Arc<str>>, HoldKind)>,
    /// One at a time, and whether it does.
    pub(super) trial: Option<bool>,
}

type Pair = (Arc<str>, Arc<str>);

#[derive(Debug)]
pub(super) struct Model {
    pub(super) limits: Limits,
    pub(super) closed: Option<Closure>,
    pub(super) priorities: Priorities,
    pub(super) queued: Vec<Ask>,
    pub(super) running: Vec<Ask>,
    pub(super) link_limits: BTreeMap<Pair, u32>,
    pub(super) gates: BTreeMap<(Arc<str>, Side), Gate>,
    pub(super) shares: BTreeMap<Pair, BTreeMap<Arc<str>, u32>>,
    pub(super) activities: BTreeMap<Arc<str>, BTreeMap<String, f64>>,
}

impl Model {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            closed: None,
            priorities: Priorities::Honoured,
            queued: Vec::new(),
            running: Vec::new(),
            link_limits: BTreeMap::new(),
            gates: BTreeMap::new(),
            shares: BTreeMap::new(),
            activities: BTreeMap::new(),
        }
    }

    pub(super) fn gate(&mut self, storage: &Arc<str>, side: Side) -> &mut Gate {
        self.gates.entry((Arc::clone(storage), side)).or_default()
    }

    /// A transfer starts or ends.
    pub(super) fn note_trial(&mut self, ask: &Ask, starts: bool) {
        for (storage, side) in [(&ask.link.0, Side::Outbound), (&ask.link.1, Side::Inbound)] {
            let gate = self.gate(storage, side);
            gate.trial = gate.trial.map(|_| starts);
        }
    }

    fn is_open(&self, ask: &Ask, storage: &Arc<str>, side: Side) -> bool {
        let no_gate = Gate::default();
        let gate = self.gates.get(&(Arc::clone(storage), side));
        let gate = gate.unwrap_or(&no_gate);
        let is_forced = ask.lane == Lane::Forced;
        let is_held = gate.holds.iter().any(|(vo, kind)| {
            vo.as_ref().is_none_or(|it| *it == ask.vo) && !(is_forced && *kind == HoldKind::Breaker)
        });
        let here = self.running.iter().filter(|it| match side {
            Side::Outbound => it.link.0 == *storage,
            Side::Inbound => it.link.1 == *storage,
        });
        let active = here.count() as u32;
        let limit = gate.limit.unwrap_or(self.limits.of(side));
        let is_slow = gate.throughput_limit.is_some_and(|it| gate.throughput > it) && active > 0;
        let is_tried = gate.trial == Some(true);
        !is_held && (is_forced || (active < limit && !is_slow && !is_tried))
    }

    /// The weight of a VO on a link, as far as it is 0 or not.
    pub(super) fn has_share(&self, ask: &Ask) -> bool {
        let Some(rows) = self.shares.get(&ask.link) else {
            return true;
        };
        let row = rows.get(&ask.vo).or_else(|| rows.get("public"));
        row.is_some_and(|it| *it > 0)
    }

    /// True when nothing but the order among those like it keeps a ticket.
    pub(super) fn could_start(&self, ask: &Ask) -> bool {
        let on_link = self.running.iter().filter(|it| it.link == ask.link);
        let limit = self.link_limits.get(&ask.link).copied();
        let has_room = (on_link.count() as u32) < limit.unwrap_or(self.limits.link);
        let only = match self.priorities {
            Priorities::Fixed(only) => ask.priority == only,
            _ => true,
        };
        self.closed.is_none()
            && self.running.len() < self.limits.total
            && self.is_open(ask, &ask.link.0, Side::Outbound)
            && self.is_open(ask, &ask.link.1, Side::Inbound)
            && (ask.lane == Lane::Forced || has_room)
            && (ask.lane != Lane::Normal || (self.has_share(ask) && only))
    }

    /// True when a ticket that could start is the one whose turn it is, as far as chance has no
    /// say.
    pub(super) fn is_next(&self, ask: &Ask) -> bool {
        let like = |it: &&Ask| it.lane == ask.lane && it.link == ask.link && self.could_start(it);
        let mut like_it = self.queued.iter().filter(like);
        let mut others = self.queued.iter().filter(|it| self.could_start(it));
        let goes_before = |it: &Ask| match it.lane {
            Lane::Forced => ask.lane != Lane::Forced,
            Lane::Begun => ask.lane == Lane::Normal && it.link == ask.link,
            Lane::Normal => false,
        };
        if others.any(goes_before) {
            return false;
        }
        match ask.lane {
            Lane::Forced | Lane::Begun => like_it.all(|it| it.file >= ask.file),
            Lane::Normal => {
                let of_vo: Vec<&Ask> = like_it.filter(|it| it.vo == ask.vo).collect();
                self.is_next_of_vo(ask, &of_vo)
            }
        }
    }

    fn is_next_of_vo(&self, ask: &Ask, all: &[&Ask]) -> bool {
        let rank = |it: &Ask| match self.priorities {
            Priorities::Ignored => 0,
            _ => it.priority,
        };
        let highest = all.iter().map(|it| rank(it)).max();
        let level = all.iter().filter(|it| Some(rank(it)) == highest);
        let weighted: Vec<_> = level.map(|it| (self.activity(it), it.file)).collect();
        let (class, weight) = self.activity(ask);
        let any_weight = weighted.iter().any(|((_, weight), _)| *weight > 0.0);
        let mut own = weighted.iter().filter(|it| it.0.0 == class || !any_weight);
        Some(rank(ask)) == highest
            && own.all(|(_, file)| *file >= ask.file)
            && (weight > 0.0 || !any_weight)
    }

    /// The class of an activity, and its weight.
    fn activity(&self, ask: &Ask) -> (String, f64) {
        let Some(rows) = self.activities.get(&ask.vo) else {
            return (String::new(), 1.0);
        };
        let name = ask.activity.to_lowercase();
        match rows.get(&name) {
            Some(weight) => (name, *weight),
            None => {
                let rest = 1.0 - rows.values().sum::<f64>();
                let weight = rows.get("default").copied().unwrap_or(rest.max(0.0));
                ("default".to_owned(), weight)
            }
        }
    }
}
