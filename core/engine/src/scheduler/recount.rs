//! Counts everything again and compares: for tests, and for a look into a running engine.

use std::collections::HashMap;
use std::fmt::Debug;

use causeway_model::explain::Side;

use super::link::{Link, Standing};
use super::slab::{LinkId, StorageId};
use super::{Lane, Scheduler};

/// What the tickets of a link add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Sums {
    queued: usize,
    begun: usize,
    forced: usize,
    files: u64,
    active: u32,
}

impl Scheduler {
    /// Compares every counter and index with what it stands for. The cost grows with what is
    /// queued.
    ///
    /// # Errors
    /// The first difference.
    pub fn recount(&self) -> Result<(), String> {
        same("running", self.active, self.running.len())?;
        let mut sums: HashMap<LinkId, Sums> = HashMap::new();
        for (file, ticket) in &self.tickets {
            let sum = sums.entry(self.flows[ticket.flow].link).or_default();
            sum.files += u64::from(self.units.get(file).copied().unwrap_or(1));
            sum.queued += usize::from(ticket.lane != Lane::Forced);
            sum.begun += usize::from(ticket.lane == Lane::Begun);
            sum.forced += usize::from(ticket.lane == Lane::Forced);
        }
        for link in self.running.values() {
            sums.entry(*link).or_default().active += 1;
        }
        for (id, link) in self.links.iter() {
            self.recount_link(id, link, sums.remove(&id).unwrap_or_default())?;
        }
        if !sums.is_empty() {
            return Err(format!("links are missing: {sums:?}"));
        }
        for (id, _) in self.storages.iter() {
            self.recount_storage(id)?;
        }
        self.recount_flows()?;
        self.recount_names()
    }

    fn recount_link(&self, id: LinkId, link: &Link, sums: Sums) -> Result<(), String> {
        let counted = Sums {
            queued: link.queued,
            begun: link.begun,
            forced: link.forced,
            files: link.files,
            active: link.active,
        };
        same("a link's counters", counted, sums)?;
        if link.is_idle() {
            return Err(format!("an idle link was kept: {link:?}"));
        }
        let key = (link.source, link.destination);
        same("the number of a link", self.link_ids.get(&key), Some(&id))?;
        let line = match link.standing {
            Standing::InRound => Some(&self.round),
            Standing::AtSource => Some(&self.storages[link.source].half(Side::Outbound).waiting),
            Standing::AtDestination => {
                Some(&self.storages[link.destination].half(Side::Inbound).waiting)
            }
            Standing::Idle | Standing::AtLink | Standing::Barred => None,
        };
        if line.is_some_and(|it| !it.contains(link.turn, id)) {
            return Err(format!("a link is not where it stands: {link:?}"));
        }
        match link.forced_turn {
            Some(turn) if !self.forced_round.contains(turn, id) => {
                Err(format!("a link lost its forced turn: {link:?}"))
            }
            _ => Ok(()),
        }
    }

    fn recount_storage(&self, id: StorageId) -> Result<(), String> {
        let storage = &self.storages[id];
        if storage.is_idle() {
            return Err(format!("an idle storage was kept: {storage:?}"));
        }
        let number = self.storage_ids.get(&storage.name);
        same("the number of a storage", number, Some(&id))?;
        for side in [Side::Outbound, Side::Inbound] {
            let end = |link: &Link| match side {
                Side::Outbound => link.source,
                Side::Inbound => link.destination,
            };
            let half = storage.half(side);
            let links = self.links.iter().filter(|(_, it)| end(it) == id);
            let active = links.clone().map(|(_, it)| it.active).sum();
            same("running at a storage", half.active, active)?;
            same("links of a storage", half.links.len(), links.count())?;
        }
        Ok(())
    }

    fn recount_flows(&self) -> Result<(), String> {
        let mut files = 0;
        let mut numbers = 0;
        for (id, flow) in self.flows.iter() {
            let shelved: usize = flow.shelves().iter().map(|it| it.files.len()).sum();
            same("tickets on shelves", flow.normal(), shelved)?;
            files += shelved + flow.begun.len() + flow.forced.len();
            numbers += 1;
            let is_listed = self.links[flow.link].flows.contains(&id);
            if flow.is_empty() || !is_listed || flow.shelves().iter().any(|it| it.files.is_empty())
            {
                return Err(format!("a flow is empty or lost: {flow:?}"));
            }
            let fails = flow.share == super::shares::Share::Nothing && flow.normal() > 0;
            same("without a share", self.unshared.contains(&id), fails)?;
        }
        let listed: usize = self.links.iter().map(|(_, it)| it.flows.len()).sum();
        same("flows", numbers, listed)?;
        same("tickets", self.tickets.len(), files)?;
        let lines: usize = self.lines();
        let standing = self.links.iter().filter(|(_, it)| {
            let places = [
                Standing::InRound,
                Standing::AtSource,
                Standing::AtDestination,
            ];
            places.contains(&it.standing)
        });
        same("links in lines", lines, standing.count())
    }

    /// Links that stand in any line but the forced one.
    fn lines(&self) -> usize {
        let halves = self.storages.iter().map(|(_, it)| {
            it.half(Side::Outbound).waiting.len() + it.half(Side::Inbound).waiting.len()
        });
        self.round.len() + halves.sum::<usize>()
    }

    fn recount_names(&self) -> Result<(), String> {
        let mut bearers = HashMap::new();
        for ticket in self.tickets.values() {
            *bearers.entry(ticket.activity).or_insert(0_u64) += 1;
        }
        same("names", self.names.len(), bearers.len())?;
        for (id, number) in bearers {
            same("bearers of a name", self.names.bearers(id), number)?;
        }
        let lost = self.units.keys().find(|it| !self.tickets.contains_key(it));
        same("a unit without a ticket", lost, None)
    }
}

fn same<T: PartialEq + Debug>(what: &str, counter: T, recount: T) -> Result<(), String> {
    match counter == recount {
        true => Ok(()),
        false => Err(format!("{what}: counted {counter:?}, found {recount:?}")),
    }
}
