//! Counts some links again, and what hangs on them, in a running engine.
//!
//! The full recount of `recount` looks at every ticket. This one goes by sizes of sets, so a slice
//! costs by its links, the links of their storages and what runs, however much is queued. What it
//! finds wrong it puts right: a counter that is too high would keep slots from being used for ever.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Debug;

use causeway_model::explain::Side;

use super::Scheduler;
use super::link::Standing;
use super::slab::{LinkId, StorageId};

/// What a slice found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Where the next slice begins; nothing when this was the last.
    pub next: Option<u32>,
    /// What was wrong and is right now.
    pub wrong: Vec<String>,
}

impl Scheduler {
    /// Counts some links again, from a number on.
    pub fn recount_slice(&mut self, from: u32, most: usize) -> Found {
        let (links, next) = self.links.slice(from, most);
        let mut wrong = Vec::new();
        set(&mut self.active, self.running.len(), "running", &mut wrong);
        let mut active: HashMap<LinkId, u32> = HashMap::new();
        for link in self.running.values() {
            *active.entry(*link).or_default() += 1;
        }
        let mut storages = BTreeSet::new();
        for id in &links {
            let before = wrong.len();
            self.recount_queue(*id, &mut wrong);
            let link = &mut self.links[*id];
            let found = active.get(id).copied().unwrap_or(0);
            set(&mut link.active, found, "running on a link", &mut wrong);
            storages.extend([link.source, link.destination]);
            if wrong.len() > before || self.is_lost(*id) {
                wrong.push(format!("a link was stuck: {:?}", self.links[*id].standing));
                self.join_round(*id);
            }
        }
        for id in storages {
            self.recount_sides(id, &mut wrong);
        }
        Found { next, wrong }
    }

    fn recount_queue(&mut self, id: LinkId, wrong: &mut Vec<String>) {
        let (mut queued, mut begun, mut forced) = (0, 0, 0);
        for flow in self.links[id].flows.clone() {
            let flow = &mut self.flows[flow];
            if let Some(counted) = flow.recount() {
                wrong.push(format!("tickets on shelves: counted {counted}"));
            }
            queued += flow.normal() + flow.begun.len();
            begun += flow.begun.len();
            forced += flow.forced.len();
        }
        let link = &mut self.links[id];
        set(&mut link.queued, queued, "queued on a link", wrong);
        set(&mut link.begun, begun, "begun on a link", wrong);
        set(&mut link.forced, forced, "forced on a link", wrong);
    }

    /// True for a link that is not in the line in which it believes itself.
    fn is_lost(&self, id: LinkId) -> bool {
        let link = &self.links[id];
        let line = match link.standing {
            Standing::InRound => &self.round,
            Standing::AtSource => &self.storages[link.source].half(Side::Outbound).waiting,
            Standing::AtDestination => &self.storages[link.destination].half(Side::Inbound).waiting,
            Standing::Idle | Standing::AtLink | Standing::Barred => return false,
        };
        !line.contains(link.turn, id)
    }

    fn recount_sides(&mut self, id: StorageId, wrong: &mut Vec<String>) {
        for side in [Side::Outbound, Side::Inbound] {
            let links = &self.storages[id].half(side).links;
            let found = links.iter().map(|it| self.links[*it].active).sum();
            let before = wrong.len();
            let half = self.storages[id].half_mut(side);
            set(&mut half.active, found, "running at a storage", wrong);
            if wrong.len() > before {
                self.wake_many(id, side);
            }
        }
    }
}

/// Puts a counter right.
fn set<T: PartialEq + Debug>(counter: &mut T, found: T, what: &str, wrong: &mut Vec<String>) {
    if *counter != found {
        wrong.push(format!("{what}: counted {counter:?}, found {found:?}"));
        *counter = found;
    }
}
