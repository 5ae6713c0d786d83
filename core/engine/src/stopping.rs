//! How the engine stops: no new work, grace for what runs, then cancellation without a trace in the
//! rows, so that the next start takes it up.

use std::time::Duration;

use causeway_model::ports::StoreError;
use tokio::time::Instant;

use crate::dispatcher::{Dispatcher, Stage};
use crate::messages::Order;

/// Time that cancelled attempts get for cleaning up when the engine stops.
const CLEANUP: Duration = Duration::from_secs(30);

impl Dispatcher {
    /// Takes no new work and lets what runs end within a time.
    pub(crate) fn begin_stop(&mut self, grace: Duration) {
        if matches!(self.stage, Stage::Open) {
            tracing::info!(running = self.attempts.len(), "engine stops");
            self.stage = Stage::Draining(Instant::now() + grace);
        }
    }

    /// Whether work is taken.
    pub(crate) fn readiness(&self) -> Result<(), StoreError> {
        match self.stage {
            Stage::Open if !self.broken => Ok(()),
            _ => Err(StoreError::Busy("engine stops".into())),
        }
    }

    pub(crate) fn advance_stop(&mut self) {
        let now = Instant::now();
        match self.stage {
            Stage::Draining(until) if now >= until => {
                self.leave_for_restart();
                self.stage = Stage::Cleaning(now + CLEANUP);
            }
            Stage::Cleaning(until) if now >= until && !self.attempts.is_empty() => {
                tracing::warn!(
                    running = self.attempts.len(),
                    "attempts did not end in time"
                );
                self.attempts.clear();
            }
            Stage::Cleaning(until) if now >= until && self.staging.is_sending() => {
                tracing::warn!("storages did not take bring-online requests in time");
                self.staging.forget_sending();
            }
            _ => {}
        }
    }

    fn leave_for_restart(&mut self) {
        let mut never_started = Vec::new();
        let mut attempts: Vec<_> = self.attempts.iter_mut().collect();
        // In an order, so that a run can be repeated.
        attempts.sort_by_key(|it| *it.0);
        for (id, work) in attempts {
            work.left_for_restart = true;
            match work.handed_over {
                true => self.crew.order(Order::Leave(*id)),
                false => never_started.push(*id),
            }
        }
        for id in never_started {
            self.attempts.remove(&id);
        }
    }

    pub(crate) fn is_done(&self) -> bool {
        let stopping = !matches!(self.stage, Stage::Open);
        let idle = self.attempts.is_empty()
            && self.in_flight.is_none()
            && self.effects.is_empty()
            && !self.board.has_changes()
            && self.inserting.is_empty()
            && !self.staging.is_sending();
        self.broken || (stopping && idle)
    }
}
