//! Limits, holds, shares and priorities: all may change at any moment.
//!
//! What raises a limit wakes those who waited for it; what lowers one leaves running work alone.
//! What is set back to its default is forgotten.

use std::sync::Arc;

use causeway_model::explain::{Closure, Side};

use super::shares::Share;
use super::slab::{FlowId, LinkId, StorageId};
use super::storage::{Held, Trial};
use super::{ActivityShares, Hold, HoldKind, Limits, Priorities, Scheduler, Shares};

/// Both sides of a storage.
const SIDES: [Side; 2] = [Side::Outbound, Side::Inbound];

impl Scheduler {
    /// Starts nothing any more, forced or not, for this reason; with `None` it goes on.
    pub fn set_closed(&mut self, why: Option<Closure>) {
        self.closed = why;
    }

    /// The limits of all, and of those that have none of their own.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
        for id in self.links.ids() {
            self.recheck_link_limit(id);
        }
        for id in self.storages.ids() {
            for side in SIDES {
                self.wake_many(id, side);
            }
        }
    }

    /// The limit of one link; `None` is the default.
    pub fn set_link_limit(
        &mut self,
        source: &Arc<str>,
        destination: &Arc<str>,
        limit: Option<u32>,
    ) {
        let Some(id) = self.link_to_set(source, destination, limit.is_some()) else {
            return;
        };
        self.links[id].limit = limit;
        self.recheck_link_limit(id);
        self.prune_link(id);
    }

    /// The limits of one storage; `None` is the default.
    pub fn set_storage_limits(
        &mut self,
        storage: &Arc<str>,
        inbound: Option<u32>,
        outbound: Option<u32>,
    ) {
        let is_set = inbound.is_some() || outbound.is_some();
        let Some(id) = self.storage_to_set(storage, is_set) else {
            return;
        };
        self.storages[id].half_mut(Side::Inbound).limit = inbound;
        self.storages[id].half_mut(Side::Outbound).limit = outbound;
        for side in SIDES {
            self.wake_many(id, side);
        }
        self.prune_storage(id);
    }

    /// What a side of a storage may move, in MiB/s; `None` is no limit.
    pub fn set_throughput_limit(&mut self, storage: &Arc<str>, side: Side, limit: Option<f64>) {
        let Some(id) = self.storage_to_set(storage, limit.is_some()) else {
            return;
        };
        self.storages[id].half_mut(side).throughput_limit = limit;
        self.wake_many(id, side);
        self.prune_storage(id);
    }

    /// What a side of a storage moves now, in MiB/s. Above its limit nothing more starts there.
    pub fn report_throughput(&mut self, storage: &str, side: Side, current: f64) {
        // A storage that is not known has neither a limit nor a transfer.
        if let Some(id) = self.storage_ids.get(storage).copied() {
            self.storages[id].half_mut(side).throughput = current;
            self.wake_many(id, side);
        }
    }

    /// Nothing starts through a side of a storage, for one VO or for all. A second hold of the
    /// same kind takes the place of the first.
    pub fn hold(&mut self, storage: &Arc<str>, side: Side, vo: Option<&Arc<str>>, hold: Hold) {
        let id = self.storage(storage);
        let holds = &mut self.storages[id].half_mut(side).holds;
        holds.retain(|it| !(it.vo.as_ref() == vo && it.hold.kind() == hold.kind()));
        let vo = vo.cloned();
        holds.push(Held { vo, hold });
    }

    /// Takes a hold back; false when there was none.
    pub fn release_hold(
        &mut self,
        storage: &str,
        side: Side,
        vo: Option<&str>,
        kind: HoldKind,
    ) -> bool {
        let Some(id) = self.storage_ids.get(storage).copied() else {
            return false;
        };
        let half = self.storages[id].half_mut(side);
        let before = half.holds.len();
        half.holds
            .retain(|it| !(it.vo.as_deref() == vo && it.hold.kind() == kind));
        let is_released = half.holds.len() < before;
        if is_released {
            let links: Vec<LinkId> = half.links.iter().copied().collect();
            for link in links {
                self.move_up(link);
                self.consider(link);
                self.join_forced_round(link);
            }
            self.prune_storage(id);
        }
        is_released
    }

    /// One transfer at a time may use a side of a storage, to see whether it works again; or all
    /// may, as far as limits allow.
    pub fn set_trial(&mut self, storage: &Arc<str>, side: Side, is_on_trial: bool) {
        let Some(id) = self.storage_to_set(storage, is_on_trial) else {
            return;
        };
        self.storages[id].half_mut(side).trial = is_on_trial.then_some(Trial::Free);
        self.wake_many(id, side);
        self.prune_storage(id);
    }

    /// How a link is split between VOs; without rows all are alike.
    pub fn set_shares(&mut self, source: &Arc<str>, destination: &Arc<str>, shares: Shares) {
        let shares = Some(shares).filter(|it| !it.is_empty());
        let Some(id) = self.link_to_set(source, destination, shares.is_some()) else {
            return;
        };
        for flow in self.links[id].flows.clone() {
            self.flows[flow].share = Share::of(&self.flows[flow].vo, shares.as_ref());
            self.note_share(flow);
        }
        self.links[id].shares = shares;
        self.consider(id);
        self.prune_link(id);
    }

    /// How the slots of a VO are split between activities; `None` is not at all. What is queued of
    /// the VO is sorted again.
    pub fn set_activity_shares(&mut self, vo: &Arc<str>, shares: Option<ActivityShares>) {
        let shares = shares.map(Arc::new);
        match &shares {
            Some(shares) => drop(
                self.activity_shares
                    .insert(Arc::clone(vo), Arc::clone(shares)),
            ),
            None => drop(self.activity_shares.remove(vo)),
        }
        let of_vo = |(id, flow): (FlowId, &super::Flow)| (flow.vo == *vo).then_some(id);
        let flows: Vec<FlowId> = self.flows.iter().filter_map(of_vo).collect();
        for flow in flows {
            self.flows[flow].activities.clone_from(&shares);
            self.sort_again(flow);
        }
    }

    /// What priorities mean. When they begin or cease to count, all that is queued is sorted again.
    pub fn set_priorities(&mut self, priorities: Priorities) {
        let counted = self.priorities != Priorities::Ignored;
        self.priorities = priorities;
        if counted != (priorities != Priorities::Ignored) {
            for flow in self.flows.ids() {
                self.sort_again(flow);
            }
        }
        for link in self.links.ids() {
            self.consider(link);
        }
    }

    /// A link whose settings change: made if need be, but not to be told the default.
    fn link_to_set(
        &mut self,
        source: &Arc<str>,
        destination: &Arc<str>,
        is_set: bool,
    ) -> Option<LinkId> {
        match is_set {
            true => Some(self.link(source, destination)),
            false => self.find_link(source, destination),
        }
    }

    fn storage_to_set(&mut self, storage: &Arc<str>, is_set: bool) -> Option<StorageId> {
        match is_set {
            true => Some(self.storage(storage)),
            false => self.storage_ids.get(storage).copied(),
        }
    }
}
