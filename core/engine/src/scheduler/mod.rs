//! Which transfer may start now, and why the others may not.
//!
//! The dispatcher queues tickets, takes the next that may start, and gives their slots back; it
//! alone knows rows, jobs and time. A decision costs the same with ten or ten million transfers
//! queued: it grows with the VOs and activities that have work on a link, and with the logarithm
//! of what is queued. A link that cannot start waits at the limit that stops it, and is looked at
//! again when that limit gives way.
//!
//! | to learn about | read |
//! |---|---|
//! | coming and going of tickets, links and storages | `queueing` |
//! | the decision | `decide` |
//! | the order within a VO on a link | `flow` |
//! | shares of VOs, of activities | `shares`, `activities` |
//! | limits, holds, priorities, at any time | `settings` |
//! | reasons | `explain` |
//! | counting again, all at once or by and by | `recount`, `slice` |
//!
//! # Invariants
//! - No limit is exceeded by what it binds, nothing waits that could start, counters are true, and
//!   what is idle is forgotten: `tests::random`.
//! - The same calls with the same seed give the same decisions: `tests::random`.

mod activities;
mod decide;
mod explain;
mod flow;
mod line;
mod link;
mod names;
mod queueing;
mod recount;
mod settings;
mod shares;
mod slab;
mod slice;
mod storage;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use causeway_model::FileId;
use causeway_model::explain::{Closure, Side};
use rand::rngs::StdRng;

pub use activities::ActivityShares;
pub use shares::Shares;
pub use slice::Found;
pub use storage::{Hold, HoldKind};

use flow::Flow;
use line::Line;
use link::Link;
use names::Names;
use slab::{ActivityId, FlowId, LinkId, Slab, StorageId};
use storage::Storage;

/// How much may run at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// In all.
    pub total: usize,
    /// On one link that has no limit of its own.
    pub link: u32,
    /// Into one storage that has no limit of its own.
    pub inbound: u32,
    /// Out of one storage that has no limit of its own.
    pub outbound: u32,
}

impl Limits {
    fn of(&self, side: Side) -> u32 {
        match side {
            Side::Outbound => self.outbound,
            Side::Inbound => self.inbound,
        }
    }
}

/// What the priority of a transfer means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priorities {
    /// The highest goes first.
    #[default]
    Honoured,
    /// Nothing: the oldest goes first.
    Ignored,
    /// Only transfers of this one start.
    Fixed(i32),
}

/// How urgent a transfer is beside its priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Begun before a restart: goes first, within all limits.
    Begun,
    /// Ahead of the limits of links and storages.
    Forced,
    /// By shares, priority and age.
    Normal,
}

/// What is to be queued: a transfer, or several that run as one and take one slot.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The transfer; the first of several.
    pub file: FileId,
    /// Storage it comes from.
    pub source: &'a Arc<str>,
    /// Storage it goes to.
    pub destination: &'a Arc<str>,
    /// Whose it is.
    pub vo: &'a Arc<str>,
    /// Its activity, as the user wrote it.
    pub activity: &'a Arc<str>,
    /// Its priority. Beyond the bounds of 16 bits they are alike.
    pub priority: i32,
    /// How urgent it is.
    pub lane: Lane,
    /// How many transfers run as this one.
    pub files: u32,
}

/// What is queued.
#[derive(Clone, Copy, Debug)]
struct Ticket {
    flow: FlowId,
    activity: ActivityId,
    rank: i16,
    lane: Lane,
}

/// What a link has and does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkLoad {
    /// Where it begins.
    pub source: Arc<str>,
    /// Where it ends.
    pub destination: Arc<str>,
    /// Files queued.
    pub queued: u64,
    /// Slots taken.
    pub active: u32,
    /// Slots there are.
    pub limit: u32,
}

/// Queues, limits and counters.
#[derive(Debug)]
pub struct Scheduler {
    limits: Limits,
    priorities: Priorities,
    closed: Option<Closure>,
    dice: StdRng,
    active: usize,
    tickets: HashMap<FileId, Ticket>,
    running: HashMap<FileId, LinkId>,
    /// Files of the units that are queued, where there are several.
    units: HashMap<FileId, u32>,
    flows: Slab<FlowId, Flow>,
    links: Slab<LinkId, Link>,
    link_ids: HashMap<(StorageId, StorageId), LinkId>,
    storages: Slab<StorageId, Storage>,
    storage_ids: HashMap<Arc<str>, StorageId>,
    names: Names,
    activity_shares: HashMap<Arc<str>, Arc<ActivityShares>>,
    /// Links whose turn will come.
    round: Line,
    /// Links with forced transfers that may start.
    forced_round: Line,
    /// Flows of VOs without a share.
    unshared: BTreeSet<FlowId>,
    last_turn: u64,
}

impl Scheduler {
    /// Nothing queued, nothing running. All draws come from `dice`.
    pub fn new(limits: Limits, dice: StdRng) -> Self {
        Self {
            limits,
            priorities: Priorities::default(),
            closed: None,
            dice,
            active: 0,
            tickets: HashMap::new(),
            running: HashMap::new(),
            units: HashMap::new(),
            flows: Slab::default(),
            links: Slab::default(),
            link_ids: HashMap::new(),
            storages: Slab::default(),
            storage_ids: HashMap::new(),
            names: Names::default(),
            activity_shares: HashMap::new(),
            round: Line::default(),
            forced_round: Line::default(),
            unshared: BTreeSet::new(),
            last_turn: 0,
        }
    }

    /// Slots that are taken.
    pub fn active(&self) -> usize {
        self.active
    }

    /// Tickets that are queued.
    pub fn queued(&self) -> usize {
        self.tickets.len()
    }

    /// Files that are queued on a link.
    pub fn queued_on(&self, source: &str, destination: &str) -> u64 {
        self.find_link(source, destination)
            .map_or(0, |id| self.links[id].files)
    }

    /// Transfers of a VO that are queued on a link and wait for their turn.
    pub fn queued_by(&self, source: &str, destination: &str, vo: &str) -> usize {
        let Some(link) = self.find_link(source, destination) else {
            return 0;
        };
        let mut flows = self.links[link].flows.iter().map(|id| &self.flows[*id]);
        flows.find(|it| &*it.vo == vo).map_or(0, Flow::normal)
    }

    /// Slots of a link that are taken.
    pub fn active_on(&self, source: &str, destination: &str) -> u32 {
        self.find_link(source, destination)
            .map_or(0, |id| self.links[id].active)
    }

    /// Slots of a storage that are taken.
    pub fn active_at(&self, storage: &str, side: Side) -> u32 {
        let id = self.storage_ids.get(storage);
        id.map_or(0, |id| self.storages[*id].half(side).active)
    }

    /// All links that have anything queued, running or set.
    pub fn links(&self) -> impl Iterator<Item = LinkLoad> {
        self.links.iter().map(|(_, link)| LinkLoad {
            source: Arc::clone(&self.storages[link.source].name),
            destination: Arc::clone(&self.storages[link.destination].name),
            queued: link.files,
            active: link.active,
            limit: link.limit(self.limits.link),
        })
    }

    fn find_link(&self, source: &str, destination: &str) -> Option<LinkId> {
        let source = self.storage_ids.get(source)?;
        let destination = self.storage_ids.get(destination)?;
        self.link_ids.get(&(*source, *destination)).copied()
    }
}

/// The order that a priority gives.
fn rank(priority: i32) -> i16 {
    i16::try_from(priority).unwrap_or(if priority < 0 { i16::MIN } else { i16::MAX })
}
