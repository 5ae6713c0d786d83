//! What a storage is doing, what it may, and who waits for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use causeway_model::Timestamp;
use causeway_model::explain::{Side, Wait};

use super::line::Line;
use super::slab::LinkId;

/// Why nothing starts from or to a storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hold {
    /// An operator banned it.
    Ban {
        /// What the operator said.
        message: Option<String>,
    },
    /// It keeps failing. A forced transfer starts all the same.
    Breaker {
        /// When it is tried again.
        until: Option<Timestamp>,
    },
}

/// The kinds of [`Hold`]; a storage has at most one of each for a side and a VO.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldKind {
    /// A ban.
    Ban,
    /// A circuit breaker.
    Breaker,
}

impl Hold {
    pub(super) fn kind(&self) -> HoldKind {
        match self {
            Self::Ban { .. } => HoldKind::Ban,
            Self::Breaker { .. } => HoldKind::Breaker,
        }
    }
}

/// A hold, and for whom.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) vo: Option<Arc<str>>,
    pub(super) hold: Hold,
}

/// A side of a storage that one transfer at a time may try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trial {
    /// Nobody tries.
    Free,
    /// Somebody does.
    Taken,
}

/// One side of a storage.
#[derive(Debug, Default)]
pub(super) struct Half {
    /// Links that begin or end here.
    pub(super) links: BTreeSet<LinkId>,
    pub(super) active: u32,
    /// Its own limit; the default when not set.
    pub(super) limit: Option<u32>,
    /// In MiB/s.
    pub(super) throughput: f64,
    /// In MiB/s.
    pub(super) throughput_limit: Option<f64>,
    pub(super) holds: Vec<Held>,
    pub(super) trial: Option<Trial>,
    /// Links that wait for room.
    pub(super) waiting: Line,
}

impl Half {
    /// The limit of the bytes it moves, when they exceed it. Without a transfer it moves nothing,
    /// whatever was reported last.
    pub(super) fn exceeded_throughput(&self) -> Option<f64> {
        let limit = self.throughput_limit?;
        (self.active > 0 && self.throughput > limit).then_some(limit)
    }

    /// How many more may start.
    pub(super) fn room(&self, default_limit: u32) -> u32 {
        let by_number = self.limit(default_limit).saturating_sub(self.active);
        match (self.exceeded_throughput(), self.trial) {
            (Some(_), _) | (_, Some(Trial::Taken)) => 0,
            (None, Some(Trial::Free)) => by_number.min(1),
            (None, None) => by_number,
        }
    }

    /// A transfer starts here.
    pub(super) fn start(&mut self) {
        self.active += 1;
        self.trial = self.trial.map(|_| Trial::Taken);
    }

    /// A transfer has ended here. Whichever it was, the next may try: a trial that ends without
    /// a verdict must not keep the storage shut.
    pub(super) fn end(&mut self) {
        self.active -= 1;
        self.trial = self.trial.map(|_| Trial::Free);
    }

    pub(super) fn limit(&self, default_limit: u32) -> u32 {
        self.limit.unwrap_or(default_limit)
    }

    /// True when a VO may not use it.
    pub(super) fn is_held(&self, vo: &str, is_forced: bool) -> bool {
        self.holds_of(vo, is_forced).next().is_some()
    }

    pub(super) fn holds_of(&self, vo: &str, is_forced: bool) -> impl Iterator<Item = &Held> {
        let concerns = move |it: &&Held| {
            it.vo.as_deref().is_none_or(|held| held == vo)
                && !(is_forced && it.hold.kind() == HoldKind::Breaker)
        };
        self.holds.iter().filter(concerns)
    }

    /// True when it has to be remembered without any link.
    fn is_special(&self) -> bool {
        self.limit.is_some()
            || self.throughput_limit.is_some()
            || self.trial.is_some()
            || !self.holds.is_empty()
    }
}

/// A storage.
#[derive(Debug)]
pub(super) struct Storage {
    pub(super) name: Arc<str>,
    outbound: Half,
    inbound: Half,
}

impl Storage {
    pub(super) fn new(name: Arc<str>) -> Self {
        Self {
            name,
            outbound: Half::default(),
            inbound: Half::default(),
        }
    }

    pub(super) fn half(&self, side: Side) -> &Half {
        match side {
            Side::Outbound => &self.outbound,
            Side::Inbound => &self.inbound,
        }
    }

    pub(super) fn half_mut(&mut self, side: Side) -> &mut Half {
        match side {
            Side::Outbound => &mut self.outbound,
            Side::Inbound => &mut self.inbound,
        }
    }

    /// True when nothing needs it any more.
    pub(super) fn is_idle(&self) -> bool {
        let idle = |it: &Half| it.links.is_empty() && !it.is_special();
        idle(&self.outbound) && idle(&self.inbound)
    }

    /// The reason that a hold is.
    pub(super) fn explain(&self, held: &Held) -> Wait {
        let storage = Arc::clone(&self.name);
        match &held.hold {
            Hold::Ban { message } => Wait::Ban {
                storage,
                vo: held.vo.clone(),
                message: message.clone(),
            },
            Hold::Breaker { until } => Wait::Breaker {
                storage,
                until: *until,
            },
        }
    }
}
