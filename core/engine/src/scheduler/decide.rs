//! The decision: links take turns; a link that cannot start steps aside until it can.
//!
//! # Invariants
//! - While a storage has room and links wait for it, at least one of its links is in the round:
//!   every link that leaves the round without using a slot wakes the next.

use causeway_model::FileId;
use causeway_model::explain::Side;

use super::line::Turn;
use super::link::Standing;
use super::shares::{Share, draw};
use super::slab::{FlowId, LinkId, StorageId};
use super::{Lane, Scheduler};

impl Scheduler {
    /// The next transfer that may start; its slots are taken.
    pub fn start_next(&mut self) -> Option<FileId> {
        if self.closed.is_some() {
            return None;
        }
        while self.active < self.limits.total {
            if let Some(file) = self.start_forced() {
                return Some(file);
            }
            let id = self.round.pop()?;
            match self.obstacle(id) {
                None => match self.start_from(id) {
                    Some(file) => return Some(file),
                    None => self.stand(id, Standing::Barred),
                },
                Some(standing) => self.stand(id, standing),
            }
        }
        None
    }

    /// Gives the slots of a transfer back; false when it did not run.
    pub fn release(&mut self, file: FileId) -> bool {
        let Some(id) = self.running.remove(&file) else {
            return false;
        };
        self.active -= 1;
        let link = &mut self.links[id];
        link.active -= 1;
        let (source, destination) = (link.source, link.destination);
        self.storages[source].half_mut(Side::Outbound).end();
        self.storages[destination].half_mut(Side::Inbound).end();
        self.recheck_link_limit(id);
        self.wake(source, Side::Outbound);
        self.wake(destination, Side::Inbound);
        self.prune_link(id);
        true
    }

    /// What keeps a link from starting its next transfer.
    pub(super) fn obstacle(&self, id: LinkId) -> Option<Standing> {
        let link = &self.links[id];
        let room =
            |storage: StorageId, side| self.storages[storage].half(side).room(self.limits.of(side));
        if link.queued == 0 {
            Some(Standing::Idle)
        } else if !link.flows.iter().any(|it| self.may_start(*it)) {
            Some(Standing::Barred)
        } else if link.active >= link.limit(self.limits.link) {
            Some(Standing::AtLink)
        } else if room(link.source, Side::Outbound) == 0 {
            Some(Standing::AtSource)
        } else if room(link.destination, Side::Inbound) == 0 {
            Some(Standing::AtDestination)
        } else {
            None
        }
    }

    /// True when limits are all that could stop a flow.
    fn may_start(&self, id: FlowId) -> bool {
        let flow = &self.flows[id];
        (!flow.begun.is_empty() || flow.has_next(self.priorities)) && !self.is_held(id, false)
    }

    pub(super) fn is_held(&self, id: FlowId, is_forced: bool) -> bool {
        let flow = &self.flows[id];
        let link = &self.links[flow.link];
        let source = self.storages[link.source].half(Side::Outbound);
        let destination = self.storages[link.destination].half(Side::Inbound);
        source.is_held(&flow.vo, is_forced) || destination.is_held(&flow.vo, is_forced)
    }

    /// Starts what comes first on a link: what had begun, then by the share of its VO.
    fn start_from(&mut self, id: LinkId) -> Option<FileId> {
        let free: Vec<FlowId> = self.links[id]
            .flows
            .iter()
            .copied()
            .filter(|it| !self.is_held(*it, false))
            .collect();
        let file = self.pop_begun(&free).or_else(|| self.pop_normal(&free))?;
        self.run(id, file);
        self.join_round(id);
        Some(file)
    }

    fn pop_begun(&mut self, flows: &[FlowId]) -> Option<FileId> {
        let first = |id: &FlowId| Some((*self.flows[*id].begun.first()?, *id));
        let (file, flow) = flows.iter().filter_map(first).min()?;
        self.flows[flow].begun.remove(&file);
        Some(file)
    }

    fn pop_normal(&mut self, flows: &[FlowId]) -> Option<FileId> {
        let candidates = self.candidates(flows);
        let weights = weights(candidates.iter().map(|id| self.flows[*id].share));
        let index = draw(&mut self.dice, weights.iter().copied())?;
        self.flows[candidates[index]].pop(self.priorities, &mut self.dice)
    }

    /// The flows that take part in the draw of a link.
    pub(super) fn candidates(&self, flows: &[FlowId]) -> Vec<FlowId> {
        let takes_part = |id: &FlowId| self.flows[*id].has_next(self.priorities);
        flows.iter().copied().filter(takes_part).collect()
    }

    /// Starts a forced transfer: limits of links and storages do not bind it, a ban does.
    fn start_forced(&mut self) -> Option<FileId> {
        while let Some(id) = self.forced_round.pop() {
            self.links[id].forced_turn = None;
            let first = |flow: &FlowId| Some((*self.flows[*flow].forced.first()?, *flow));
            let flows = self.links[id].flows.iter();
            let free = flows.filter(|flow| !self.is_held(**flow, true));
            let Some((file, flow)) = free.filter_map(first).min() else {
                continue;
            };
            self.flows[flow].forced.remove(&file);
            self.run(id, file);
            self.join_forced_round(id);
            return Some(file);
        }
        None
    }

    fn run(&mut self, id: LinkId, file: FileId) {
        self.forget_ticket(file);
        self.running.insert(file, id);
        self.active += 1;
        let link = &mut self.links[id];
        link.active += 1;
        let (source, destination) = (link.source, link.destination);
        self.storages[source].half_mut(Side::Outbound).start();
        self.storages[destination].half_mut(Side::Inbound).start();
    }

    /// Puts a link where it waits, and passes on a slot that woke it and that it does not use.
    fn stand(&mut self, id: LinkId, standing: Standing) {
        let turn = self.next_turn(id);
        self.join_line(id, standing, turn);
        let link = &self.links[id];
        let (source, destination) = (link.source, link.destination);
        self.wake(source, Side::Outbound);
        self.wake(destination, Side::Inbound);
        self.prune_link(id);
    }

    /// Brings the next link into the round that waits for a side of a storage, if there is room.
    pub(super) fn wake(&mut self, storage: StorageId, side: Side) {
        let default = self.limits.of(side);
        let half = self.storages[storage].half_mut(side);
        if half.room(default) > 0
            && let Some(id) = half.waiting.pop()
        {
            self.join_round(id);
        }
    }

    /// Brings as many links into the round as there is room for.
    pub(super) fn wake_many(&mut self, storage: StorageId, side: Side) {
        let half = self.storages[storage].half(side);
        let room = half.room(self.limits.of(side)) as usize;
        for _ in 0..room.min(half.waiting.len()) {
            self.wake(storage, side);
        }
    }

    /// A link whose queue or settings changed may have something to start now.
    pub(super) fn consider(&mut self, id: LinkId) {
        let rests = matches!(self.links[id].standing, Standing::Idle | Standing::Barred);
        if rests && self.links[id].flows.iter().any(|it| self.may_start(*it)) {
            self.join_round(id);
        } else if rests && self.links[id].queued > 0 {
            self.links[id].standing = Standing::Barred;
        }
    }

    /// A link at its limit comes back into the round when it has room.
    pub(super) fn recheck_link_limit(&mut self, id: LinkId) {
        let link = &self.links[id];
        if link.standing == Standing::AtLink && link.active < link.limit(self.limits.link) {
            self.join_round(id);
        }
    }

    pub(super) fn join_round(&mut self, id: LinkId) {
        self.leave_line(id);
        let turn = self.next_turn(id);
        self.join_line(id, Standing::InRound, turn);
    }

    pub(super) fn join_forced_round(&mut self, id: LinkId) {
        if self.links[id].forced > 0 && self.links[id].forced_turn.is_none() {
            let turn = self.next_turn(id);
            self.links[id].forced_turn = Some(turn);
            self.forced_round.join(turn, id);
        }
    }

    pub(super) fn leave_forced_round(&mut self, id: LinkId) {
        if let Some(turn) = self.links[id].forced_turn.take() {
            self.forced_round.leave(turn);
        }
    }

    fn next_turn(&mut self, id: LinkId) -> Turn {
        self.last_turn += 1;
        Turn {
            is_new_work: !self.has_begun(id),
            number: self.last_turn,
        }
    }

    /// True when a link has work that had begun and that is not held: held work gives no
    /// precedence to what else the link has.
    pub(super) fn has_begun(&self, id: LinkId) -> bool {
        let link = &self.links[id];
        let waits = |it: &FlowId| !self.flows[*it].begun.is_empty() && !self.is_held(*it, false);
        link.begun > 0 && link.flows.iter().any(waits)
    }

    pub(super) fn join_line(&mut self, id: LinkId, standing: Standing, turn: Turn) {
        let link = &mut self.links[id];
        link.standing = standing;
        link.turn = turn;
        let (source, destination) = (link.source, link.destination);
        match standing {
            Standing::InRound => self.round.join(turn, id),
            Standing::AtSource => {
                let half = self.storages[source].half_mut(Side::Outbound);
                half.waiting.join(turn, id);
            }
            Standing::AtDestination => {
                let half = self.storages[destination].half_mut(Side::Inbound);
                half.waiting.join(turn, id);
            }
            Standing::Idle | Standing::AtLink | Standing::Barred => {}
        }
    }

    /// Takes a link out of the line it stands in, if it has not been called.
    pub(super) fn leave_line(&mut self, id: LinkId) {
        let link = &self.links[id];
        let (turn, source, destination) = (link.turn, link.source, link.destination);
        match link.standing {
            Standing::InRound => drop(self.round.leave(turn)),
            Standing::AtSource => {
                let half = self.storages[source].half_mut(Side::Outbound);
                half.waiting.leave(turn);
            }
            Standing::AtDestination => {
                let half = self.storages[destination].half_mut(Side::Inbound);
                half.waiting.leave(turn);
            }
            Standing::Idle | Standing::AtLink | Standing::Barred => {}
        }
    }
}

/// Weights of a draw between VOs: the public weight is split between those that have no own.
pub(super) fn weights(shares: impl Iterator<Item = Share> + Clone) -> Vec<f64> {
    let sharers = shares.clone();
    let sharers = sharers.filter(|it| matches!(it, Share::Public(_))).count();
    shares.map(|it| it.weight(sharers)).collect()
}

impl Lane {
    /// True when the limits of links and storages do not bind it.
    pub(super) fn is_forced(self) -> bool {
        self == Self::Forced
    }
}
