//! Why a transfer waits now, from what the scheduler itself goes by.

use std::sync::Arc;

use causeway_model::FileId;
use causeway_model::explain::{Side, Wait};

use super::decide::weights;
use super::flow::Flow;
use super::link::Link;
use super::shares::Share;
use super::storage::Trial;
use super::{Lane, Priorities, Scheduler, Ticket};

impl Scheduler {
    /// Why a queued transfer waits: what stops it first, then whom it lets go first. Nothing when
    /// it is not queued here. The cost does not grow with what is queued.
    pub fn explain(&self, file: FileId) -> Vec<Wait> {
        let Some(ticket) = self.tickets.get(&file).copied() else {
            return Vec::new();
        };
        let mut waits = Vec::new();
        self.explain_node(&mut waits);
        self.explain_holds(ticket, &mut waits);
        if !ticket.lane.is_forced() {
            self.explain_limits(ticket, &mut waits);
        }
        if ticket.lane == Lane::Normal {
            self.explain_share(ticket, &mut waits);
            self.explain_order(ticket, &mut waits);
        }
        let (ahead, exact) = self.ahead(ticket, file);
        if ahead > 0 {
            waits.push(Wait::Position { ahead, exact });
        }
        if waits.is_empty() {
            waits.push(Wait::Next);
        }
        waits
    }

    fn explain_node(&self, waits: &mut Vec<Wait>) {
        if let Some(why) = self.closed {
            waits.push(Wait::Closed { why });
        }
        if self.active >= self.limits.total {
            waits.push(Wait::Total {
                active: self.active as u64,
                limit: self.limits.total as u64,
            });
        }
    }

    fn explain_holds(&self, ticket: Ticket, waits: &mut Vec<Wait>) {
        let (link, flow) = self.place(ticket);
        for (id, side) in link.sides() {
            let storage = &self.storages[id];
            let holds = storage
                .half(side)
                .holds_of(&flow.vo, ticket.lane.is_forced());
            waits.extend(holds.map(|it| storage.explain(it)));
        }
    }

    fn explain_limits(&self, ticket: Ticket, waits: &mut Vec<Wait>) {
        let (link, _) = self.place(ticket);
        let limit = link.limit(self.limits.link);
        if link.active >= limit {
            waits.push(Wait::LinkLimit {
                source: Arc::clone(&self.storages[link.source].name),
                destination: Arc::clone(&self.storages[link.destination].name),
                active: link.active,
                limit,
            });
        }
        for (id, side) in link.sides() {
            let (storage, half) = (&self.storages[id].name, self.storages[id].half(side));
            let limit = half.limit(self.limits.of(side));
            if half.active >= limit {
                waits.push(Wait::StorageLimit {
                    storage: Arc::clone(storage),
                    side,
                    active: half.active,
                    limit,
                });
            }
            if half.trial == Some(Trial::Taken) {
                waits.push(Wait::Trial {
                    storage: Arc::clone(storage),
                });
            }
            if let Some(limit) = half.exceeded_throughput() {
                waits.push(Wait::Throughput {
                    storage: Arc::clone(storage),
                    side,
                    current: half.throughput,
                    limit,
                });
            }
        }
    }

    /// The part of its VO, when it is none or others take part.
    fn explain_share(&self, ticket: Ticket, waits: &mut Vec<Wait>) {
        let (link, flow) = self.place(ticket);
        let vo = Arc::clone(&flow.vo);
        if flow.share == Share::Nothing {
            waits.push(Wait::NoShare { vo });
            return;
        }
        let free = link.flows.iter().copied();
        let free: Vec<_> = free.filter(|it| !self.is_held(*it, false)).collect();
        let rivals = self.candidates(&free);
        let weights = weights(rivals.iter().map(|it| self.flows[*it].share));
        let own = rivals.iter().position(|it| *it == ticket.flow);
        if let Some(own) = own
            && rivals.len() > 1
        {
            let total: f64 = weights.iter().sum();
            waits.push(Wait::Share {
                vo,
                weight: weights[own],
                probability: weights[own] / total,
            });
        }
    }

    /// Priority first, then the share of its activity.
    fn explain_order(&self, ticket: Ticket, waits: &mut Vec<Wait>) {
        let (_, flow) = self.place(ticket);
        let rank = self.rank_of(ticket);
        let own = i32::from(rank);
        if let Priorities::Fixed(only) = self.priorities {
            if super::rank(only) != rank {
                waits.push(Wait::OnlyPriority { own, only });
                return;
            }
        } else if let Some(first) = flow.shelves().first()
            && first.rank > rank
        {
            waits.push(Wait::Priority {
                own,
                highest: i32::from(first.rank),
                ahead: flow.above(rank),
            });
            return;
        }
        self.explain_activity(ticket, flow, waits);
    }

    fn explain_activity(&self, ticket: Ticket, flow: &Flow, waits: &mut Vec<Wait>) {
        let level = flow.level(self.rank_of(ticket));
        let Some(shares) = &flow.activities else {
            return;
        };
        if level.len() > 1 {
            let weight = shares.weight(self.class(ticket));
            let total: f64 = flow.weights(level).sum();
            waits.push(Wait::Activity {
                activity: Arc::clone(&self.names.get(ticket.activity).given),
                weight,
                probability: if total > 0.0 { weight / total } else { 0.0 },
            });
        }
    }

    /// How many of the same VO, link, priority and activity share come before.
    fn ahead(&self, ticket: Ticket, file: FileId) -> (u64, bool) {
        let (rank, class) = (self.rank_of(ticket), self.class(ticket));
        self.flows[ticket.flow].ahead(ticket.lane, rank, class, file)
    }

    fn place(&self, ticket: Ticket) -> (&Link, &Flow) {
        let flow = &self.flows[ticket.flow];
        (&self.links[flow.link], flow)
    }
}

impl Link {
    /// Its storages, each with the side that it uses.
    fn sides(&self) -> [(super::StorageId, Side); 2] {
        [
            (self.source, Side::Outbound),
            (self.destination, Side::Inbound),
        ]
    }
}
