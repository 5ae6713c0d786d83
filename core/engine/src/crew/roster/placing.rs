//! Orders in the book: which worker gets an attempt, who waits for a place, and who has one.

use causeway_model::{Fault, Phase, Scope};
use causeway_sdk::Url;

use super::Roster;
use super::line::{Held, Line};
use crate::attempt::{EAGAIN, ECANCELED};
use crate::messages::{AttemptEvent, AttemptId, Order, Report};

/// URLs of an attempt, with the side that each of them is.
type Sides<'a> = Vec<(&'a Url, Scope)>;

/// What an order for a new attempt says about it.
struct New<'a> {
    attempt: AttemptId,
    sides: Sides<'a>,
    is_transfer: bool,
    session: Option<causeway_model::JobId>,
}

impl<'a> New<'a> {
    fn of(order: &'a Order) -> Option<Self> {
        match order {
            Order::Start(spec) => Some(Self {
                attempt: spec.attempt,
                sides: vec![
                    (&spec.source, Scope::Source),
                    (&spec.destination, Scope::Destination),
                ],
                is_transfer: true,
                session: spec.session,
            }),
            Order::Delete(spec) => Some(Self {
                attempt: spec.attempt,
                sides: vec![(&spec.url, Scope::Source)],
                is_transfer: false,
                session: None,
            }),
            Order::Cancel(_) | Order::Leave(_) | Order::CommitGranted(_) => None,
        }
    }
}

impl Roster {
    /// Takes an order for a new attempt; gives the report of one that will not start.
    #[must_use]
    pub(in crate::crew) fn start(&mut self, order: Order) -> Option<Report> {
        let Some(new) = New::of(&order) else {
            return self.tell(order);
        };
        let attempt = new.attempt;
        if let Some(fault) = self.out_of_service(&new.sides) {
            return Some(failed(attempt, fault));
        }
        let held = Held {
            plugins: self.plugins_of(&new.sides),
            is_transfer: new.is_transfer,
            session: new.session,
        };
        let Some(id) = self.place_for(&held) else {
            self.waiting.push_back(order);
            return None;
        };
        if let Some(line) = self.lines.get_mut(&id) {
            line.hold(attempt, held);
            line.send(order.into());
            self.at.insert(attempt, id);
        }
        None
    }

    /// Passes an order on to the worker that has the attempt.
    #[must_use]
    fn tell(&mut self, order: Order) -> Option<Report> {
        let (Order::Cancel(attempt) | Order::Leave(attempt) | Order::CommitGranted(attempt)) =
            order
        else {
            return self.start(order);
        };
        if let Some(line) = self.at.get(&attempt).and_then(|id| self.lines.get(id)) {
            line.send(order.into());
            return None;
        }
        let is_it = |it: &Order| New::of(it).is_some_and(|new| new.attempt == attempt);
        // Rare, and the queue is short: what does not start at once waits for a new worker.
        let place = self.waiting.iter().position(is_it)?;
        self.waiting.remove(place);
        let text = "Transfer canceled";
        let fault = Fault::new(Scope::Transfer, Phase::Transfer, ECANCELED, text);
        Some(failed(attempt, fault))
    }

    /// An attempt has ended in order. Gives what became of those that waited for its place.
    pub(in crate::crew) fn ended(&mut self, attempt: AttemptId) -> Vec<Report> {
        if let Some(id) = self.at.remove(&attempt)
            && let Some(line) = self.lines.get_mut(&id)
            && let Some(held) = line.let_go(attempt)
            && let Some(session) = held.session
        {
            self.sessions.leave(session, id);
        }
        self.let_idle_leave();
        self.admit_waiting()
    }

    /// Starts what waits, as far as there is room.
    pub(in crate::crew) fn admit_waiting(&mut self) -> Vec<Report> {
        let mut refused = Vec::new();
        while !self.waiting.is_empty() && self.room(true).is_some() {
            let Some(order) = self.waiting.pop_front() else {
                break;
            };
            refused.extend(self.start(order));
        }
        refused
    }

    /// The worker that gets an attempt: the one that has its session, else the one with the fewest.
    fn place_for(&mut self, held: &Held) -> Option<u64> {
        let serves = |line: &Line| line.serves(self.active);
        if let Some(session) = held.session
            && let Some(id) = self.sessions.take(session)
            // Its place there may have been taken meanwhile: then it is one more than usual.
            && self.lines.get(&id).is_some_and(serves)
        {
            return Some(id);
        }
        self.room(held.is_transfer)
    }

    fn room(&self, is_transfer: bool) -> Option<u64> {
        let fits = |line: &Line| {
            line.serves(self.active) && (!is_transfer || line.transfers() < self.per_worker)
        };
        let lines = self.lines.iter().filter(|(_, line)| fits(line));
        let fewest = lines.min_by_key(|(_, line)| line.attempts());
        fewest.map(|(id, _)| *id)
    }

    fn out_of_service(&self, sides: &Sides<'_>) -> Option<Fault> {
        sides.iter().find_map(|(url, scope)| {
            let text = self.refusal(url.scheme())?;
            Some(Fault::new(*scope, Phase::Preparation, EAGAIN, text))
        })
    }

    fn plugins_of(&self, sides: &Sides<'_>) -> Vec<std::sync::Arc<str>> {
        let plugin = |(url, _): &(&Url, Scope)| match self.served_by.get(url.scheme()) {
            None => self
                .served_by
                .get(&url.scheme().to_ascii_lowercase())
                .cloned(),
            some => some.cloned(),
        };
        sides.iter().filter_map(plugin).collect()
    }
}

/// The last report of an attempt that never ran.
pub(in crate::crew) fn failed(attempt: AttemptId, fault: Fault) -> Report {
    Report {
        attempt,
        event: AttemptEvent::Failed(Box::new(fault.into())),
    }
}
