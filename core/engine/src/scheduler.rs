//! Which transfer may start now.
//!
//! Holds the queues of all links and counts what runs. A decision costs the same with ten or ten
//! million transfers queued: a link that cannot start waits at the limit that stops it, and is
//! looked at again when that limit gives way. Knows neither rows nor jobs nor time.
//!
//! Rooms for later: shares and activities choose inside `Queue`; an optimizer sets the limit of
//! a link; a ban takes a link out of the round.
//!
//! # Invariants
//! - No limit is ever exceeded, and nothing waits that could start: `random_rounds`.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use causeway_model::FileId;

/// A link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkId(u32);

/// A storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct StorageId(u32);

/// How much may run at the same time.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// In all.
    pub total: usize,
    /// On one link.
    pub link: u32,
    /// Into one storage.
    pub inbound: u32,
    /// Out of one storage.
    pub outbound: u32,
}

/// Where a link stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Nothing is queued.
    Idle,
    /// Its turn will come.
    InRound,
    /// At its own limit.
    AtLink,
    /// At the limit of its source.
    AtSource,
    /// At the limit of its destination.
    AtDestination,
}

/// Transfers of one link that could start, the highest priority first, then the oldest.
#[derive(Debug, Default)]
struct Queue(BTreeSet<(Reverse<i32>, FileId)>);

#[derive(Debug)]
struct Link {
    source: StorageId,
    destination: StorageId,
    queue: Queue,
    active: u32,
    standing: Standing,
}

/// What a storage is doing, and who waits for it.
#[derive(Debug, Default)]
struct Load {
    outbound: u32,
    inbound: u32,
    waiting_out: VecDeque<LinkId>,
    waiting_in: VecDeque<LinkId>,
}

/// Queues and counters.
#[derive(Debug)]
pub struct Scheduler {
    limits: Limits,
    active: usize,
    links: Vec<Link>,
    link_ids: HashMap<(StorageId, StorageId), LinkId>,
    loads: Vec<Load>,
    storage_ids: HashMap<Arc<str>, StorageId>,
    round: VecDeque<LinkId>,
}

impl Scheduler {
    /// Nothing queued, nothing running.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            active: 0,
            links: Vec::new(),
            link_ids: HashMap::new(),
            loads: Vec::new(),
            storage_ids: HashMap::new(),
            round: VecDeque::new(),
        }
    }

    /// The link between two storages.
    pub fn link(&mut self, source: &Arc<str>, destination: &Arc<str>) -> LinkId {
        let source = self.storage(source);
        let destination = self.storage(destination);
        if let Some(id) = self.link_ids.get(&(source, destination)) {
            return *id;
        }
        let id = LinkId(self.links.len() as u32);
        self.links.push(Link {
            source,
            destination,
            queue: Queue::default(),
            active: 0,
            standing: Standing::Idle,
        });
        self.link_ids.insert((source, destination), id);
        id
    }

    fn storage(&mut self, name: &Arc<str>) -> StorageId {
        if let Some(id) = self.storage_ids.get(name) {
            return *id;
        }
        let id = StorageId(self.loads.len() as u32);
        self.loads.push(Load::default());
        self.storage_ids.insert(Arc::clone(name), id);
        id
    }

    /// Puts a transfer into the queue of its link.
    pub fn enqueue(&mut self, link: LinkId, priority: i32, file: FileId) {
        let it = &mut self.links[link.0 as usize];
        it.queue.0.insert((Reverse(priority), file));
        if it.standing == Standing::Idle {
            self.join_round(link);
        }
    }

    /// Takes a transfer out of the queue; false when it was not there.
    pub fn remove(&mut self, link: LinkId, priority: i32, file: FileId) -> bool {
        let queue = &mut self.links[link.0 as usize].queue;
        queue.0.remove(&(Reverse(priority), file))
    }

    /// Transfers queued on a link.
    pub fn queued(&self, link: LinkId) -> usize {
        self.links[link.0 as usize].queue.0.len()
    }

    /// Transfers that run.
    pub fn active(&self) -> usize {
        self.active
    }

    /// The next transfer that may start; its slots are taken. Links take turns.
    pub fn start_next(&mut self) -> Option<(LinkId, FileId)> {
        while self.active < self.limits.total {
            let id = self.round.pop_front()?;
            match self.obstacle(id) {
                None => {
                    if let Some(file) = self.start(id) {
                        return Some((id, file));
                    }
                }
                Some(standing) => self.stand(id, standing),
            }
        }
        None
    }

    /// What keeps a link from starting its next transfer.
    fn obstacle(&self, id: LinkId) -> Option<Standing> {
        let link = &self.links[id.0 as usize];
        let limits = &self.limits;
        if link.queue.0.is_empty() {
            Some(Standing::Idle)
        } else if link.active >= limits.link {
            Some(Standing::AtLink)
        } else if self.loads[link.source.0 as usize].outbound >= limits.outbound {
            Some(Standing::AtSource)
        } else if self.loads[link.destination.0 as usize].inbound >= limits.inbound {
            Some(Standing::AtDestination)
        } else {
            None
        }
    }

    fn start(&mut self, id: LinkId) -> Option<FileId> {
        let link = &mut self.links[id.0 as usize];
        let (_, file) = link.queue.0.pop_first()?;
        link.active += 1;
        self.active += 1;
        self.loads[link.source.0 as usize].outbound += 1;
        self.loads[link.destination.0 as usize].inbound += 1;
        self.join_round(id);
        Some(file)
    }

    fn join_round(&mut self, id: LinkId) {
        self.links[id.0 as usize].standing = Standing::InRound;
        self.round.push_back(id);
    }

    /// Takes a link out of the round, to the place where it waits. A slot that woke it and that it
    /// does not use goes to the next that waits for it.
    fn stand(&mut self, id: LinkId, standing: Standing) {
        let link = &mut self.links[id.0 as usize];
        link.standing = standing;
        let (source, destination) = (link.source, link.destination);
        match standing {
            Standing::AtSource => self.loads[source.0 as usize].waiting_out.push_back(id),
            Standing::AtDestination => self.loads[destination.0 as usize].waiting_in.push_back(id),
            Standing::Idle | Standing::InRound | Standing::AtLink => {}
        }
        self.wake_one(source, destination);
    }

    fn wake_one(&mut self, source: StorageId, destination: StorageId) {
        let load = &mut self.loads[source.0 as usize];
        if load.outbound < self.limits.outbound
            && let Some(id) = load.waiting_out.pop_front()
        {
            self.join_round(id);
        }
        let load = &mut self.loads[destination.0 as usize];
        if load.inbound < self.limits.inbound
            && let Some(id) = load.waiting_in.pop_front()
        {
            self.join_round(id);
        }
    }

    /// Gives the slots of a transfer back.
    pub fn release(&mut self, id: LinkId) {
        let link = &mut self.links[id.0 as usize];
        debug_assert!(link.active > 0, "released more than was started");
        link.active = link.active.saturating_sub(1);
        let (source, destination) = (link.source, link.destination);
        let stands_at_link = link.standing == Standing::AtLink;
        self.active = self.active.saturating_sub(1);
        let out = &mut self.loads[source.0 as usize].outbound;
        *out = out.saturating_sub(1);
        let inbound = &mut self.loads[destination.0 as usize].inbound;
        *inbound = inbound.saturating_sub(1);
        if stands_at_link {
            self.join_round(id);
        }
        self.wake_one(source, destination);
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn scheduler(total: usize, link: u32, inbound: u32, outbound: u32) -> Scheduler {
        Scheduler::new(Limits {
            total,
            link,
            inbound,
            outbound,
        })
    }

    #[test]
    fn priority_first_then_age() {
        let mut it = scheduler(10, 10, 10, 10);
        let link = it.link(&"a".into(), &"b".into());
        for (priority, file) in [(3, 1), (5, 2), (3, 3), (5, 4)] {
            it.enqueue(link, priority, FileId(file));
        }
        let order: Vec<_> = std::iter::from_fn(|| it.start_next())
            .map(|(_, file)| file.0)
            .collect();
        assert_eq!(order, [2, 4, 1, 3]);
    }

    #[test]
    fn links_take_turns() {
        let mut it = scheduler(4, 10, 10, 10);
        let one = it.link(&"a".into(), &"b".into());
        let two = it.link(&"a".into(), &"c".into());
        for file in 0..10 {
            it.enqueue(one, 3, FileId(file));
        }
        for file in 10..20 {
            it.enqueue(two, 3, FileId(file));
        }
        let order: Vec<_> = std::iter::from_fn(|| it.start_next())
            .map(|(_, file)| file.0)
            .collect();
        assert_eq!(order, [0, 10, 1, 11]);
    }

    #[test]
    fn a_free_slot_goes_to_the_next_that_waits() {
        let mut it = scheduler(10, 10, 10, 1);
        let one = it.link(&"a".into(), &"b".into());
        let two = it.link(&"a".into(), &"c".into());
        it.enqueue(one, 3, FileId(1));
        it.enqueue(two, 3, FileId(2));
        assert_eq!(it.start_next(), Some((one, FileId(1))));
        assert_eq!(it.start_next(), None);
        it.release(one);
        assert_eq!(it.start_next(), Some((two, FileId(2))));
        assert!(!it.remove(two, 3, FileId(2)));
    }

    /// Counts everything again from what was started, and compares.
    fn check(it: &Scheduler, running: &[(LinkId, FileId)]) {
        assert_eq!(it.active, running.len());
        assert!(it.active <= it.limits.total);
        let mut out = HashMap::new();
        let mut inbound = HashMap::new();
        for (link, _) in running {
            let link = &it.links[link.0 as usize];
            *out.entry(link.source).or_insert(0) += 1;
            *inbound.entry(link.destination).or_insert(0) += 1;
        }
        assert!(out.values().all(|n| *n <= it.limits.outbound));
        assert!(inbound.values().all(|n| *n <= it.limits.inbound));
        for (index, link) in it.links.iter().enumerate() {
            let active = running
                .iter()
                .filter(|(id, _)| id.0 as usize == index)
                .count();
            assert_eq!(active as u32, link.active);
            assert!(link.active <= it.limits.link);
            // After a full round nothing waits that could start.
            let stuck = it.obstacle(LinkId(index as u32)).is_some() || it.active >= it.limits.total;
            assert!(stuck, "link {index} could start: {link:?}");
        }
    }

    #[test]
    fn random_rounds() {
        for seed in 0..200 {
            let mut dice = StdRng::seed_from_u64(seed);
            let mut it = scheduler(
                dice.random_range(1..12),
                dice.random_range(1..5),
                dice.random_range(1..6),
                dice.random_range(1..6),
            );
            let names: Vec<Arc<str>> = (0..4).map(|n| format!("s{n}").into()).collect();
            let mut running = Vec::new();
            let mut queued: Vec<(LinkId, i32, FileId)> = Vec::new();
            for file in 0..150 {
                let pair = (dice.random_range(0..4), dice.random_range(0..4));
                let link = it.link(&names[pair.0], &names[pair.1]);
                let priority = dice.random_range(1..6);
                it.enqueue(link, priority, FileId(file));
                queued.push((link, priority, FileId(file)));
                if dice.random_bool(0.2) {
                    let (link, priority, file) =
                        queued.swap_remove(dice.random_range(0..queued.len()));
                    let was_queued = !running.contains(&(link, file));
                    assert_eq!(it.remove(link, priority, file), was_queued);
                    if !was_queued {
                        queued.push((link, priority, file));
                    }
                }
                while dice.random_bool(0.4) && !running.is_empty() {
                    let (link, file) = running.swap_remove(dice.random_range(0..running.len()));
                    queued.retain(|it| it.2 != file);
                    it.release(link);
                }
                running.extend(std::iter::from_fn(|| it.start_next()));
                check(&it, &running);
            }
            while let Some((link, _)) = running.pop() {
                it.release(link);
                running.extend(std::iter::from_fn(|| it.start_next()));
                check(&it, &running);
            }
            assert!(
                it.links.iter().all(|link| link.queue.0.is_empty()),
                "seed {seed}"
            );
        }
    }
}
