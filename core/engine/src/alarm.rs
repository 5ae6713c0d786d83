//! What happens at a time, not at an event: a delay that ends, a check whose turn has come.
//!
//! One heap holds all of it. A check is an upper bound for noticing and never what starts work.

use std::cmp::Reverse;
use std::time::Duration;

use causeway_model::FileId;
use tokio::time::Instant;

use crate::archiving::GroupId;
use crate::dispatcher::Dispatcher;
use crate::staging::RequestId;
use crate::walk::Walk;

/// What comes due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Alarm {
    /// The delay before the next attempt at a transfer or deletion is over.
    Delay(FileId),
    /// The tokens of a transfer are asked for again.
    PrepareTokens(FileId),
    /// Groups of files that wait to be brought online have filled up long enough.
    Gather,
    /// A bring-online request is looked at.
    Look(RequestId),
    /// A storage is asked about tape copies.
    AskAboutTape(GroupId),
    /// The turn of a check has come.
    Check(Check),
}

/// What is looked at from time to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Check {
    /// Free memory.
    Memory,
    /// Rows against each other.
    Sanity,
    /// Chains that stand still.
    Chains,
    /// Links, by the optimizer.
    Optimizer,
    /// Storages that could not be reached.
    Breakers,
}

impl Dispatcher {
    /// Sets an alarm.
    pub(crate) fn set_alarm(&mut self, after: Duration, alarm: Alarm) {
        self.alarms.push(Reverse((Instant::now() + after, alarm)));
    }

    pub(crate) fn run_alarms(&mut self) {
        let now = Instant::now();
        while let Some(Reverse((due, alarm))) = self.alarms.peek().copied() {
            if due > now {
                return;
            }
            self.alarms.pop();
            match alarm {
                Alarm::Delay(file) => self.delay_is_over(file),
                Alarm::PrepareTokens(file) => self.prepare_tokens(file),
                Alarm::Gather => self.round_is_due(),
                Alarm::Look(request) => self.look(request),
                Alarm::AskAboutTape(group) => self.ask_about_tape(group),
                Alarm::Check(check) => self.check(check),
            }
        }
    }

    fn check(&mut self, check: Check) {
        match check {
            Check::Memory => self.check_memory(),
            Check::Sanity => self.begin_pass(check, Walk::Sanity(None)),
            Check::Chains => self.begin_pass(check, Walk::Chains(None)),
            Check::Optimizer => self.tune(),
            Check::Breakers => self.try_storages(),
        }
    }
}
