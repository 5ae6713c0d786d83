//! Who is at work and with what: the book of all worker processes. No input or output here; the
//! tasks of the processes read and write it under a lock that nobody holds while waiting.
//!
//! # Invariants
//! - An attempt is with one worker, or waits, or has ended: `at` and the workers' `held` agree.
//! - Only the newest generation that works gets anything new.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use causeway_model::{Fault, Phase, Scope};
use causeway_sdk::{Error, Url};
use tokio::sync::{mpsc, oneshot};

use super::call::{Answer, Call};
use super::ledger::Ledger;
use super::loss::Loss;
use super::wire::{Table, ToWorker};
use crate::attempt::{EAGAIN, ECANCELED};
use crate::messages::{AttemptEvent, AttemptId, Order, Report};

/// What comes of a call: the plugin's answer, or the loss of the worker.
pub(super) type Outcome = Result<Result<Answer, Error>, Loss>;

/// What a worker has.
struct Held {
    /// Plugins it uses.
    plugins: Vec<Arc<str>>,
    /// Transfers fill a worker; deletions are light.
    is_transfer: bool,
}

struct Asked {
    plugin: Option<Arc<str>>,
    answer: oneshot::Sender<Outcome>,
}

/// A worker process.
pub(super) struct Line {
    pub(super) generation: u64,
    pub(super) pid: Option<u32>,
    /// It has said what it can do.
    pub(super) ready: bool,
    /// It was told to leave.
    pub(super) leaving: bool,
    pub(super) rss_bytes: u64,
    outbox: mpsc::UnboundedSender<ToWorker>,
    held: HashMap<AttemptId, Held>,
    transfers: usize,
    calls: HashMap<u64, Asked>,
}

impl Line {
    pub(super) fn attempts(&self) -> usize {
        self.held.len()
    }

    /// A worker whose end is seen when its pipe closes; until then orders to it are lost with it.
    fn send(&self, message: ToWorker) {
        if self.outbox.send(message).is_err() {
            tracing::debug!(worker.pid = self.pid, "worker is gone, message dropped");
        }
    }
}

/// What a worker had when it ended.
pub(super) struct Fallen {
    pub(super) line: Line,
    attempts: Vec<(AttemptId, Held)>,
    calls: Vec<Asked>,
}

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
    /// Workers in a row that lived shortly.
    pub(super) young_deaths: u32,
    pub(super) closing: bool,
    served_by: HashMap<String, Arc<str>>,
    at: HashMap<AttemptId, u64>,
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
            young_deaths: 0,
            closing: false,
            served_by: HashMap::new(),
            at: HashMap::new(),
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
        let line = Line {
            generation,
            pid,
            ready: false,
            leaving: false,
            rss_bytes: 0,
            outbox,
            held: HashMap::new(),
            transfers: 0,
            calls: HashMap::new(),
        };
        self.lines.insert(id, line);
    }

    /// A process can work. True when its generation takes over with it.
    pub(super) fn ready(&mut self, id: u64, table: Table) -> bool {
        let (newest, active) = (self.generation, self.active);
        let Some(line) = self.lines.get_mut(&id) else {
            return false;
        };
        line.ready = true;
        let takes_over = line.generation == newest && newest > active;
        if line.generation == newest {
            self.active = newest;
            let name =
                |(scheme, plugin): &(String, String)| (scheme.clone(), Arc::from(plugin.as_str()));
            self.served_by = table.serves.iter().map(name).collect();
            self.table = Some(Arc::new(table));
        }
        self.let_idle_leave();
        takes_over
    }

    /// Takes an order for a new attempt; gives the report of one that will not start.
    #[must_use]
    pub(super) fn start(&mut self, order: Order) -> Option<Report> {
        let (attempt, held, scope) = match &order {
            Order::Start(spec) => {
                let urls = [
                    (&spec.source, Scope::Source),
                    (&spec.destination, Scope::Destination),
                ];
                (
                    spec.attempt,
                    self.held(&urls, true),
                    self.out_of_service(&urls),
                )
            }
            Order::Delete(spec) => {
                let urls = [(&spec.url, Scope::Source)];
                (
                    spec.attempt,
                    self.held(&urls, false),
                    self.out_of_service(&urls),
                )
            }
            Order::Cancel(_) | Order::Leave(_) | Order::CommitGranted(_) => {
                return self.tell(order);
            }
        };
        if let Some(fault) = scope {
            return Some(failed(attempt, fault));
        }
        let Some((id, line)) = self.room(held.is_transfer) else {
            self.waiting.push_back(order);
            return None;
        };
        line.transfers += usize::from(held.is_transfer);
        line.held.insert(attempt, held);
        line.send(ToWorker::Order(order));
        self.at.insert(attempt, id);
        None
    }

    /// Passes an order on to the worker that has the attempt.
    #[must_use]
    pub(super) fn tell(&mut self, order: Order) -> Option<Report> {
        let (Order::Cancel(attempt) | Order::Leave(attempt) | Order::CommitGranted(attempt)) =
            order
        else {
            return self.start(order);
        };
        if let Some(line) = self.at.get(&attempt).and_then(|id| self.lines.get(id)) {
            line.send(ToWorker::Order(order));
            return None;
        }
        let is_it = |it: &Order| match it {
            Order::Start(spec) => spec.attempt == attempt,
            Order::Delete(spec) => spec.attempt == attempt,
            _ => false,
        };
        // Rare, and the queue is short: what does not start at once waits for a new worker.
        let place = self.waiting.iter().position(is_it)?;
        self.waiting.remove(place);
        let text = "Transfer canceled";
        let fault = Fault::new(Scope::Transfer, Phase::Transfer, ECANCELED, text);
        Some(failed(attempt, fault))
    }

    /// An attempt has ended in order. Gives what became of those that waited for its place.
    pub(super) fn ended(&mut self, attempt: AttemptId) -> Vec<Report> {
        let line = self
            .at
            .remove(&attempt)
            .and_then(|id| self.lines.get_mut(&id));
        if let Some(line) = line
            && let Some(held) = line.held.remove(&attempt)
        {
            line.transfers -= usize::from(held.is_transfer);
        }
        self.let_idle_leave();
        self.admit_waiting()
    }

    /// Starts what waits, as far as there is room.
    pub(super) fn admit_waiting(&mut self) -> Vec<Report> {
        let mut refused = Vec::new();
        while !self.waiting.is_empty() && self.room(true).is_some() {
            let Some(order) = self.waiting.pop_front() else {
                break;
            };
            refused.extend(self.start(order));
        }
        refused
    }

    /// Gives a call to the worker with the fewest; `None` when there is no worker now.
    pub(super) fn ask(&mut self, call: Call) -> Option<(u64, u64, oneshot::Receiver<Outcome>)> {
        let plugin = self.served_by.get(&call.scheme).cloned();
        let number = self.number();
        let active = self.active;
        let fit = |line: &&mut Line| line.ready && !line.leaving && line.generation == active;
        let lines = self.lines.iter_mut().map(|(id, line)| (*id, line));
        let (id, line) = lines
            .filter(|(_, line)| fit(line))
            .min_by_key(|(_, line)| line.calls.len())?;
        let (answer, answered) = oneshot::channel();
        line.calls.insert(number, Asked { plugin, answer });
        line.send(ToWorker::Call(number, Box::new(call)));
        Some((id, number, answered))
    }

    /// Nobody waits for a call any more.
    pub(super) fn forget(&mut self, id: u64, number: u64) {
        if let Some(line) = self.lines.get_mut(&id)
            && line.calls.remove(&number).is_some()
        {
            line.send(ToWorker::Forget(number));
            self.let_idle_leave();
        }
    }

    /// A call was answered.
    pub(super) fn answered(&mut self, id: u64, number: u64, answer: Result<Answer, Error>) {
        let line = self.lines.get_mut(&id);
        if let Some(asked) = line.and_then(|line| line.calls.remove(&number)) {
            // Whoever asked may have gone in this moment.
            drop(asked.answer.send(Ok(answer)));
            self.let_idle_leave();
        }
    }

    /// A process has ended.
    pub(super) fn bury(&mut self, id: u64) -> Option<Fallen> {
        let mut line = self.lines.remove(&id)?;
        let attempts: Vec<_> = line.held.drain().collect();
        for (attempt, _) in &attempts {
            self.at.remove(attempt);
        }
        let calls = line.calls.drain().map(|(_, asked)| asked).collect();
        Some(Fallen {
            line,
            attempts,
            calls,
        })
    }

    /// A new generation shall take over. Processes that were never needed leave.
    pub(super) fn renew(&mut self, config: Option<String>) -> u64 {
        if let Some(config) = config {
            self.config = config;
        }
        self.generation += 1;
        for line in self.lines.values_mut().filter(|line| !line.ready) {
            line.leaving = true;
            line.send(ToWorker::Leave);
        }
        self.generation
    }

    /// Looks at plugins that are out of service: those that the newest workers have loaded are
    /// back, and those whose file is another by now are called back.
    pub(super) fn look_after_plugins(&mut self) -> (Vec<String>, Vec<String>) {
        let Some(table) = self.table.clone() else {
            return Default::default();
        };
        let card = |name: &str| table.plugins.iter().find(|it| it.name == name);
        let is_loaded = |name: &str| card(name).is_some_and(|it| it.capabilities.is_some());
        let back = self.ledger.returned(is_loaded);
        let changed = |name: &&String| {
            let was = self.ledger.why_out(name).and_then(|it| it.sha256.as_ref());
            let is = card(name).and_then(|it| it.sha256.as_ref());
            matches!((was, is), (Some(was), Some(is)) if was != is)
        };
        let changed: Vec<String> = self.ledger.out().keys().filter(changed).cloned().collect();
        let called = changed.into_iter().filter(|it| self.ledger.call_back(it));
        (back, called.collect())
    }

    /// Everybody leaves.
    pub(super) fn close(&mut self) {
        self.closing = true;
        for line in self.lines.values_mut() {
            line.leaving = true;
            line.send(ToWorker::Leave);
        }
    }

    fn let_idle_leave(&mut self) {
        let active = self.active;
        for line in self.lines.values_mut() {
            let idle = line.held.is_empty() && line.calls.is_empty();
            if line.ready && line.generation < active && idle && !line.leaving {
                line.leaving = true;
                line.send(ToWorker::Leave);
            }
        }
    }

    fn room(&mut self, is_transfer: bool) -> Option<(u64, &mut Line)> {
        let (active, most) = (self.active, self.per_worker);
        let lines = self.lines.iter_mut().map(|(id, line)| (*id, line));
        lines
            .filter(|(_, line)| line.ready && !line.leaving && line.generation == active)
            .filter(|(_, line)| !is_transfer || line.transfers < most)
            .min_by_key(|(_, line)| line.held.len())
    }

    fn plugin_of(&self, url: &Url) -> Option<&Arc<str>> {
        match self.served_by.get(url.scheme()) {
            None => self.served_by.get(&url.scheme().to_ascii_lowercase()),
            some => some,
        }
    }

    fn held(&self, urls: &[(&Url, Scope)], is_transfer: bool) -> Held {
        let plugins = urls
            .iter()
            .filter_map(|(url, _)| self.plugin_of(url).cloned());
        Held {
            plugins: plugins.collect(),
            is_transfer,
        }
    }

    fn out_of_service(&self, urls: &[(&Url, Scope)]) -> Option<Fault> {
        urls.iter().find_map(|(url, scope)| {
            let text = self.refusal(url.scheme())?;
            Some(Fault::new(*scope, Phase::Preparation, EAGAIN, text))
        })
    }

    /// Why a scheme is not served now, if its plugin is out of service.
    pub(super) fn refusal(&self, scheme: &str) -> Option<String> {
        if self.ledger.out().is_empty() {
            return None;
        }
        let scheme = scheme.to_ascii_lowercase();
        let table = self.table.as_ref()?;
        let serves = |card: &&super::PluginCard| card.schemes.contains(&scheme);
        // Looked for by name and by what a plugin claims: one that was left out serves nothing.
        let by_table = self.served_by.get(&scheme).map(|it| it.as_ref());
        let claimed = table
            .plugins
            .iter()
            .filter(serves)
            .map(|it| it.name.as_str());
        let names = by_table.map_or_else(|| claimed.collect(), |name| vec![name]);
        names.into_iter().find_map(|name| {
            let out = self.ledger.why_out(name)?;
            Some(format!("plugin {name} is out of service: {}", out.reason))
        })
    }
}

impl Fallen {
    /// Nothing was lost.
    pub(super) fn is_empty(&self) -> bool {
        self.attempts.is_empty() && self.calls.is_empty()
    }

    /// Number of attempts that were lost.
    pub(super) fn attempts(&self) -> usize {
        self.attempts.len()
    }

    /// The one plugin that everything in this worker used, if there is one.
    pub(super) fn only_plugin(&self) -> Option<&str> {
        let of_attempts = self.attempts.iter().flat_map(|(_, held)| &held.plugins);
        let of_calls = self.calls.iter().filter_map(|it| it.plugin.as_ref());
        let mut all = of_attempts.chain(of_calls);
        let first = all.next()?;
        all.all(|it| it == first).then_some(first.as_ref())
    }

    /// Tells everybody who waited; gives the last reports of the attempts.
    pub(super) fn mourn(self, how: &str, culprits: &[String]) -> Vec<Report> {
        let innocent = |plugins: &[Arc<str>]| {
            let used = |name: &String| plugins.iter().any(|it| **it == **name);
            !culprits.is_empty() && !culprits.iter().any(used)
        };
        for asked in self.calls {
            let plugin = asked.plugin.as_slice();
            let loss = Loss {
                how: how.to_owned(),
                innocent: innocent(plugin),
            };
            // Whoever asked may have gone.
            drop(asked.answer.send(Err(loss)));
        }
        let report = |(attempt, held): (AttemptId, Held)| Report {
            attempt,
            event: AttemptEvent::Lost(Loss {
                how: how.to_owned(),
                innocent: innocent(&held.plugins),
            }),
        };
        self.attempts.into_iter().map(report).collect()
    }
}

fn failed(attempt: AttemptId, fault: Fault) -> Report {
    Report {
        attempt,
        event: AttemptEvent::Failed(Box::new(fault.into())),
    }
}
