//! Coming and going of tickets, and of the flows, links and storages that exist because of them.

use std::sync::Arc;

use causeway_model::FileId;
use causeway_model::explain::Side;

use super::activities;
use super::flow::Flow;
use super::line::Turn;
use super::link::Link;
use super::shares::Share;
use super::slab::{FlowId, LinkId, StorageId};
use super::storage::Storage;
use super::{Lane, Priorities, Request, Scheduler, Ticket, rank};

impl Scheduler {
    /// Queues a transfer, anew if it is queued already. False when it runs.
    pub fn enqueue(&mut self, request: Request<'_>) -> bool {
        if self.running.contains_key(&request.file) {
            return false;
        }
        self.remove(request.file);
        let link = self.link(request.source, request.destination);
        let flow = self.flow(link, request.vo);
        let ticket = Ticket {
            flow,
            activity: self.names.take(request.activity),
            rank: rank(request.priority),
            lane: request.lane,
        };
        self.tickets.insert(request.file, ticket);
        if request.files > 1 {
            self.units.insert(request.file, request.files);
        }
        self.links[link].files += u64::from(request.files.max(1));
        match request.lane {
            Lane::Forced => {
                self.flows[flow].forced.insert(request.file);
                self.links[link].forced += 1;
                self.join_forced_round(link);
            }
            Lane::Begun => {
                self.flows[flow].begun.insert(request.file);
                self.links[link].queued += 1;
                self.links[link].begun += 1;
                self.move_up(link);
                self.consider(link);
            }
            Lane::Normal => {
                self.shelve(request.file, ticket);
                self.links[link].queued += 1;
                self.note_share(flow);
                self.consider(link);
            }
        }
        true
    }

    /// Takes a transfer out of its queue; false when it was not there.
    pub fn remove(&mut self, file: FileId) -> bool {
        let Some(ticket) = self.tickets.get(&file).copied() else {
            return false;
        };
        let class = self.class(ticket);
        let rank = self.rank_of(ticket);
        let flow = &mut self.flows[ticket.flow];
        match ticket.lane {
            Lane::Forced => drop(flow.forced.remove(&file)),
            Lane::Begun => drop(flow.begun.remove(&file)),
            Lane::Normal => flow.take(rank, class, file),
        }
        let link = flow.link;
        if !self.forget_ticket(file) {
            self.note_share(ticket.flow);
        }
        self.prune_link(link);
        true
    }

    /// Takes transfers out of their queues that no share will ever start, at most so many at a
    /// time.
    pub fn take_unshared(&mut self, most: usize) -> Vec<FileId> {
        let mut files = Vec::new();
        while files.len() < most
            && let Some(id) = self.unshared.first().copied()
        {
            let link = self.flows[id].link;
            while files.len() < most
                && let Some(file) = self.flows[id].pop_any()
            {
                files.push(file);
                // The last one takes the flow along.
                if self.forget_ticket(file) {
                    break;
                }
                self.note_share(id);
            }
            self.prune_link(link);
        }
        files
    }

    /// Forgets a ticket that no flow holds any more. True when its flow is gone, too.
    pub(super) fn forget_ticket(&mut self, file: FileId) -> bool {
        let Some(ticket) = self.tickets.remove(&file) else {
            return false;
        };
        self.names.give_back(ticket.activity);
        let files = self.units.remove(&file).unwrap_or(1);
        let link = &mut self.links[self.flows[ticket.flow].link];
        link.files -= u64::from(files);
        match ticket.lane {
            Lane::Forced => link.forced -= 1,
            Lane::Begun => {
                link.begun -= 1;
                link.queued -= 1;
            }
            Lane::Normal => link.queued -= 1,
        }
        let is_gone = self.flows[ticket.flow].is_empty();
        if is_gone {
            link.flows.retain(|it| *it != ticket.flow);
            self.unshared.remove(&ticket.flow);
            self.flows.remove(ticket.flow);
        }
        is_gone
    }

    /// Puts a ticket of the normal lane onto its shelf.
    fn shelve(&mut self, file: FileId, ticket: Ticket) {
        let (class, rank) = (self.class(ticket), self.rank_of(ticket));
        self.flows[ticket.flow].put(rank, class, file);
    }

    /// Sorts the shelves of a flow again. The one thing that costs by what is queued; it follows
    /// a change of settings.
    pub(super) fn sort_again(&mut self, flow: FlowId) {
        for shelf in self.flows[flow].take_all() {
            for file in shelf.files {
                let ticket = self.tickets[&file];
                self.shelve(file, ticket);
            }
        }
    }

    pub(super) fn class(&self, ticket: Ticket) -> activities::Class {
        let shares = self.flows[ticket.flow].activities.as_ref();
        activities::class(shares, &self.names.get(ticket.activity).lower)
    }

    pub(super) fn rank_of(&self, ticket: Ticket) -> i16 {
        match self.priorities {
            Priorities::Ignored => 0,
            Priorities::Honoured | Priorities::Fixed(_) => ticket.rank,
        }
    }

    /// Keeps the list of flows whose transfers have to fail.
    pub(super) fn note_share(&mut self, id: FlowId) {
        let flow = &self.flows[id];
        if flow.share == Share::Nothing && flow.normal() > 0 {
            self.unshared.insert(id);
        } else {
            self.unshared.remove(&id);
        }
    }

    /// What a VO has on a link.
    fn flow(&mut self, link: LinkId, vo: &Arc<str>) -> FlowId {
        let flows = &self.links[link].flows;
        if let Some(id) = flows.iter().find(|id| self.flows[**id].vo == *vo) {
            return *id;
        }
        let share = Share::of(vo, self.links[link].shares.as_ref());
        let activities = self.activity_shares.get(vo).cloned();
        let flow = Flow::new(link, Arc::clone(vo), share, activities);
        let id = self.flows.insert(flow);
        self.links[link].flows.push(id);
        id
    }

    /// The link between two storages.
    pub(super) fn link(&mut self, source: &Arc<str>, destination: &Arc<str>) -> LinkId {
        let source = self.storage(source);
        let destination = self.storage(destination);
        if let Some(id) = self.link_ids.get(&(source, destination)) {
            return *id;
        }
        let id = self.links.insert(Link::new(source, destination));
        self.link_ids.insert((source, destination), id);
        let outbound = self.storages[source].half_mut(Side::Outbound);
        outbound.links.insert(id);
        let inbound = self.storages[destination].half_mut(Side::Inbound);
        inbound.links.insert(id);
        id
    }

    pub(super) fn storage(&mut self, name: &Arc<str>) -> StorageId {
        if let Some(id) = self.storage_ids.get(name) {
            return *id;
        }
        let id = self.storages.insert(Storage::new(Arc::clone(name)));
        self.storage_ids.insert(Arc::clone(name), id);
        id
    }

    /// Forgets a link that nothing needs.
    pub(super) fn prune_link(&mut self, id: LinkId) {
        let link = &self.links[id];
        if !link.is_idle() {
            return;
        }
        let (source, destination) = (link.source, link.destination);
        self.leave_line(id);
        self.leave_forced_round(id);
        self.links.remove(id);
        self.link_ids.remove(&(source, destination));
        self.storages[source]
            .half_mut(Side::Outbound)
            .links
            .remove(&id);
        self.storages[destination]
            .half_mut(Side::Inbound)
            .links
            .remove(&id);
        // It may have been woken for a slot that it will not use.
        self.wake(source, Side::Outbound);
        self.wake(destination, Side::Inbound);
        self.prune_storage(source);
        if destination != source {
            self.prune_storage(destination);
        }
    }

    /// Forgets a storage that nothing needs.
    pub(super) fn prune_storage(&mut self, id: StorageId) {
        if self.storages[id].is_idle()
            && let Some(storage) = self.storages.remove(id)
        {
            self.storage_ids.remove(&storage.name);
        }
    }

    /// A link that got work which had begun goes to the front of the line it stands in.
    pub(super) fn move_up(&mut self, id: LinkId) {
        let link = &self.links[id];
        let (turn, standing) = (link.turn, link.standing);
        if turn.is_new_work && self.has_begun(id) {
            self.leave_line(id);
            let turn = Turn {
                is_new_work: false,
                ..turn
            };
            self.join_line(id, standing, turn);
        }
    }
}
