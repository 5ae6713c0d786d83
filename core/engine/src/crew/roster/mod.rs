//! Who is at work and with what: the book of all worker processes. No input or output here; the
//! tasks of the processes read and write it under a lock that nobody holds while waiting.
//!
//! This module has who comes and goes; orders are in `placing`, calls in `calls`, what is lost with
//! a worker in `fallen`, what is known of plugins in `plugins`.
//!
//! # Invariants
//! - An attempt is with one worker, or waits, or has ended: `at` and what the workers hold agree.
//! - Only the newest generation that works gets anything new.
//! - The files of a session go to one worker as long as it lives:
//!   `the_next_file_of_a_session_goes_where_the_last_was`.

mod calls;
mod fallen;
mod line;
mod placing;
mod plugins;
mod sessions;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use causeway_model::workers::{PluginCounters, PluginMarks};
use causeway_sdk::Error;
use tokio::sync::mpsc;

use super::call::Answer;
use super::ledger::Ledger;
use super::loss::Loss;
use super::wire::{Table, ToWorker};
use crate::messages::{AttemptId, Order};

pub(super) use fallen::Fallen;
use line::Line;
pub(super) use placing::failed;
use sessions::Sessions;

/// What comes of a call: the plugin's answer, or the loss of the worker.
pub(super) type Outcome = Result<Result<Answer, Error>, Loss>;

/// The book.
pub(super) struct Roster {
    pub(super) config: String,
    /// The newest generation.
    pub(super) generation: u64,
    /// The one that gets orders.
    pub(super) active: u64,
    pub(super) lines: BTreeMap<u64, Line>,
    pub(super) table: Option<Arc<Table>>,
    pub(super) ledger: Ledger,
    pub(super) closing: bool,
    /// Counted by all workers there were, by plugin.
    marks: BTreeMap<String, PluginMarks>,
    /// The same for what plugins count themselves.
    counters: BTreeMap<String, PluginCounters>,
    served_by: HashMap<String, Arc<str>>,
    at: HashMap<AttemptId, u64>,
    sessions: Sessions,
    waiting: VecDeque<Order>,
    per_worker: usize,
    last: u64,
}

impl Roster {
    pub(super) fn new(config: String, per_worker: usize, ledger: Ledger) -> Self {
        Self {
            config,
            generation: 1,
            active: 0,
            lines: BTreeMap::new(),
            table: None,
            ledger,
            closing: false,
            marks: BTreeMap::new(),
            counters: BTreeMap::new(),
            served_by: HashMap::new(),
            at: HashMap::new(),
            sessions: Sessions::default(),
            waiting: VecDeque::new(),
            per_worker: per_worker.max(1),
            last: 0,
        }
    }

    /// A number that was never used.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// A process was started.
    pub(super) fn enlist(
        &mut self,
        id: u64,
        generation: u64,
        pid: Option<u32>,
        outbox: mpsc::UnboundedSender<ToWorker>,
    ) {
        self.lines.insert(id, Line::new(generation, pid, outbox));
    }

    /// A process can work. True when its generation takes over with it.
    pub(super) fn ready(&mut self, id: u64, table: Table) -> bool {
        let (newest, active) = (self.generation, self.active);
        let Some(line) = self.lines.get_mut(&id) else {
            return false;
        };
        line.ready = true;
        let takes_over = line.generation == newest && newest > active;
        let is_newest = line.generation == newest;
        let table = Arc::new(table);
        line.table = Some(Arc::clone(&table));
        if is_newest {
            self.active = newest;
            let name =
                |(scheme, plugin): &(String, String)| (scheme.clone(), Arc::from(plugin.as_str()));
            self.served_by = table.serves.iter().map(name).collect();
            self.table = Some(table);
        }
        self.let_idle_leave();
        takes_over
    }

    /// A process has ended.
    pub(super) fn bury(&mut self, id: u64) -> Option<Fallen> {
        let fallen = Fallen::new(self.lines.remove(&id)?);
        for attempt in fallen.lost() {
            self.at.remove(&attempt);
        }
        Some(fallen)
    }

    /// A new generation shall take over. Processes that were never needed leave.
    pub(super) fn renew(&mut self, config: Option<String>) -> u64 {
        if let Some(config) = config {
            self.config = config;
        }
        self.generation += 1;
        for line in self.lines.values_mut().filter(|line| !line.ready) {
            line.leave();
        }
        self.generation
    }

    /// Everybody leaves.
    pub(super) fn close(&mut self) {
        self.closing = true;
        self.lines.values_mut().for_each(Line::leave);
    }

    fn let_idle_leave(&mut self) {
        let active = self.active;
        for line in self.lines.values_mut() {
            if line.ready && line.generation < active && line.is_idle() {
                line.leave();
            }
        }
    }
}
