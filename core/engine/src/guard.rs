//! The dispatcher's side of the circuit breakers: a storage that cannot be reached is held back,
//! then tried with one transfer, then free again.

use std::sync::Arc;
use std::time::Duration;

use causeway_model::explain::Side;
use causeway_model::observe::Observation;
use causeway_model::{Fault, Scope, Timestamp, Transfer};

use crate::alarm::{Alarm, Check};
use crate::breaker::{Stand, Turn};
use crate::dispatcher::Dispatcher;
use crate::scheduler::{Hold, HoldKind};

/// Both sides of a storage.
const SIDES: [Side; 2] = [Side::Outbound, Side::Inbound];

impl Dispatcher {
    /// A transfer worked, so both its storages do.
    pub(crate) fn guard_worked(&mut self, row: &Transfer) {
        for storage in [&row.source_se, &row.dest_se] {
            if self.breakers.worked(storage) == Turn::Close {
                self.close_breaker(storage);
            }
        }
    }

    /// A transfer failed; whether its storage can be reached is seen from the fault.
    pub(crate) fn guard_failed(&mut self, row: &Transfer, fault: &Fault) {
        let storage = match fault.scope {
            Scope::Source => &row.source_se,
            Scope::Destination => &row.dest_se,
            // Between the two nobody knows whose failure it was.
            _ => return,
        };
        match self.breakers.failed(storage, fault, self.now) {
            Turn::Stay => {}
            Turn::Close => self.close_breaker(storage),
            Turn::Open(until) => self.open_breaker(storage, until),
        }
    }

    fn open_breaker(&mut self, storage: &Arc<str>, until: Timestamp) {
        tracing::warn!(%storage, "storage cannot be reached, nothing starts there for a while");
        for side in SIDES {
            self.scheduler.set_trial(storage, side, false);
            let hold = Hold::Breaker { until: Some(until) };
            self.scheduler.hold(storage, side, None, hold);
        }
        self.tell_breaker(storage, true);
        let wait = u64::try_from(until.0 - self.now.0).unwrap_or(0);
        self.set_alarm(Duration::from_millis(wait), Alarm::Check(Check::Breakers));
    }

    fn close_breaker(&mut self, storage: &Arc<str>) {
        tracing::info!(%storage, "storage can be reached again");
        for side in SIDES {
            self.scheduler.set_trial(storage, side, false);
            self.scheduler
                .release_hold(storage, side, None, HoldKind::Breaker);
        }
        self.tell_breaker(storage, false);
    }

    /// An operator wants a storage to be used again; false when it was.
    pub(crate) fn reset_breaker(&mut self, storage: &Arc<str>) -> bool {
        let was_tripped = self.breakers.close(storage) == Turn::Close;
        if was_tripped {
            self.close_breaker(storage);
        }
        was_tripped
    }

    fn tell_breaker(&self, se: &Arc<str>, open: bool) {
        self.watched.observe(&Observation::Breaker { se, open });
    }

    /// Pauses may be over: one transfer tries each of those storages.
    pub(crate) fn try_storages(&mut self) {
        let open = self.breakers.tripped();
        let open = open.filter(|(_, stand)| matches!(stand, Stand::Open { .. }));
        let names: Vec<Arc<str>> = open.map(|(name, _)| Arc::clone(name)).collect();
        for storage in names {
            if !self.breakers.pause_is_over(&storage, self.now) {
                continue;
            }
            for side in SIDES {
                self.scheduler.set_trial(&storage, side, true);
                self.scheduler
                    .release_hold(&storage, side, None, HoldKind::Breaker);
            }
        }
    }
}
