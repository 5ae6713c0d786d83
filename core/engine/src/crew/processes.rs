//! Workers as processes: enough of them, replaced when they end, exchanged when their plugins are.
//!
//! A death that came soon after the start makes the next start wait, longer each time. A plugin
//! that ended too many workers is taken out of service until somebody puts it back or its file
//! has changed.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use causeway_model::observe::{Observation, Watched, WorkerChange};
use causeway_sdk::{Error, ErrorKind, Result, Retry, Storages};
use parking_lot::Mutex;
use serde::Serialize;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, timeout};

use super::Crew;
use super::call::{Answer, Call};
use super::ledger::{Ledger, OutOfService};
use super::loss::{Loss, Sentence};
use super::process::{self, End};
use super::remote::RemoteStorages;
use super::roster::Roster;
use super::wire::{PluginCard, Setup, Table};
use crate::attempt::EINTR;
use crate::messages::{Order, Report};

/// A process that lived so long was not born dying.
const YOUNG: Duration = Duration::from_secs(5);
/// The longest pause before a start.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Time until the first worker must be able to work.
const FIRST: Duration = Duration::from_secs(120);
/// Time that workers have to leave.
const LEAVE: Duration = Duration::from_secs(5);
/// Calls that are under way at the same time; others wait.
const CALLS: usize = 1024;
/// Workers that a call which only looks may lose.
const ASKED_AGAIN: u32 = 2;
/// The same while others were to blame.
const INNOCENT_AGAIN: u32 = 8;
/// Longest wait of a call for a worker.
const PATIENCE: Duration = Duration::from_secs(30);

/// How processes are kept.
#[derive(Clone, Debug)]
pub struct ProcessOptions {
    /// Processes.
    pub workers: usize,
    /// Transfers that run at the same time in one.
    pub transfers_per_worker: usize,
    /// Memory that one may take in bytes; 0 for no limit.
    pub memory_bytes: u64,
    /// One that gives no sign of life for so long is ended; zero is never.
    pub ping_timeout: Duration,
    /// Workers a plugin may end within the window before it is taken out of service; 0 is no limit.
    pub plugin_deaths_max: usize,
    /// The window.
    pub plugin_deaths_window: Duration,
}

/// What is shown of a worker process.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerInfo {
    /// Process id.
    pub pid: Option<u32>,
    /// Which set of plugins it has; the newest counts highest.
    pub generation: u64,
    /// Attempts it has.
    pub attempts: usize,
    /// Memory it takes, in bytes, at the last look.
    pub rss_bytes: u64,
    /// It gets no new work.
    pub retiring: bool,
}

/// Worker processes.
#[derive(Clone)]
pub struct Processes(Arc<Shared>);

/// What the tasks of the processes share.
pub(super) struct Shared {
    pub(super) options: ProcessOptions,
    pub(super) roster: Mutex<Roster>,
    reports: OnceLock<mpsc::Sender<Report>>,
    /// Reports of the crew's own, on their way to where reports go.
    own: mpsc::UnboundedSender<Report>,
    /// Raised whenever a worker becomes ready.
    changed: watch::Sender<u64>,
    calls: Semaphore,
    storages: RemoteStorages,
    /// Is told of workers that come and go.
    watched: OnceLock<Watched>,
}

impl Processes {
    /// Starts the processes; returns as soon as one can work. `config` is what [`Setup::config`]
    /// brings to those who load plugins.
    ///
    /// # Errors
    /// When none can work after two minutes.
    pub async fn start(options: ProcessOptions, config: String) -> io::Result<Self> {
        let ledger = Ledger::new(options.plugin_deaths_max, options.plugin_deaths_window);
        let roster = Roster::new(config, options.transfers_per_worker, ledger);
        let (own, mut reports) = mpsc::unbounded_channel();
        let shared = Arc::new_cyclic(|shared| Shared {
            roster: Mutex::new(roster),
            reports: OnceLock::new(),
            own,
            changed: watch::Sender::new(0),
            calls: Semaphore::new(CALLS),
            storages: RemoteStorages::new(shared.clone()),
            watched: OnceLock::new(),
            options,
        });
        let teller = Arc::downgrade(&shared);
        tokio::spawn(async move {
            while let Some(report) = reports.recv().await {
                let Some(shared) = teller.upgrade() else {
                    return;
                };
                shared.report(report).await;
            }
        });
        shared.staff(1);
        let crew = Self(Arc::clone(&shared));
        let mut changed = shared.changed.subscribe();
        // A death raises it, too.
        let one_works =
            async { while !shared.storages.are_known() && changed.changed().await.is_ok() {} };
        if timeout(FIRST, one_works).await.is_err() {
            let text = "no worker process could start; the log says why";
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
        Ok(crew)
    }

    /// Tells somebody of workers that come and go, first of those that are there.
    pub fn watch(&self, watched: Watched) {
        let ready = self.workers().len();
        if self.0.watched.set(watched).is_ok() {
            (0..ready).for_each(|_| self.0.watch_worker(WorkerChange::Up));
        }
    }

    /// The storages, asked through workers.
    pub fn storages(&self) -> Arc<dyn Storages> {
        Arc::new(self.0.storages.clone())
    }

    /// Lets workers with this configuration of plugins take over. What runs goes on where it is.
    pub fn renew(&self, config: String) {
        self.0.renew(Some(config));
    }

    /// Puts a plugin back that was taken out of service, as soon as workers have loaded it; false
    /// when it was not out.
    pub fn put_back(&self, plugin: &str) -> bool {
        let called = self.0.roster.lock().ledger.call_back(plugin);
        if called {
            self.0.renew(None);
        }
        called
    }

    /// Plugins out of service, by name.
    pub fn out_of_service(&self) -> BTreeMap<String, OutOfService> {
        self.0.roster.lock().ledger.out().clone()
    }

    /// Every plugin of the newest workers.
    pub fn plugins(&self) -> Vec<PluginCard> {
        let roster = self.0.roster.lock();
        let mut cards = roster
            .table
            .as_ref()
            .map_or_else(Vec::new, |it| it.plugins.clone());
        for card in &mut cards {
            if let Some(out) = roster.ledger.why_out(&card.name) {
                card.state = format!("out of service: {}", out.reason);
            }
        }
        cards
    }

    /// Every worker.
    pub fn workers(&self) -> Vec<WorkerInfo> {
        let roster = self.0.roster.lock();
        let lines = roster.lines.values().map(|line| WorkerInfo {
            pid: line.pid,
            generation: line.generation,
            attempts: line.attempts(),
            rss_bytes: line.rss_bytes,
            retiring: line.leaving || line.generation < roster.active,
        });
        lines.collect()
    }

    /// Sends everybody away. Returns when they have gone, which they do not always do by themselves.
    pub async fn dismiss(&self) {
        let mut changed = self.0.changed.subscribe();
        self.0.roster.lock().close();
        let all_gone = async {
            while !self.0.roster.lock().lines.is_empty() {
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        if timeout(LEAVE, all_gone).await.is_err() {
            tracing::warn!("worker processes did not leave; they end with the gateway");
        }
    }
}

impl Crew for Processes {
    fn report_to(&self, reports: mpsc::Sender<Report>) {
        if self.0.reports.set(reports).is_err() {
            tracing::error!("reports go to somebody already");
        }
    }

    fn order(&self, order: Order) {
        let refused = self.0.roster.lock().start(order);
        self.0.tell(refused);
    }
}

impl Shared {
    /// Gives a report to the dispatcher.
    pub(super) async fn report(&self, report: Report) {
        let Some(reports) = self.reports.get() else {
            return;
        };
        if reports.send(report).await.is_err() {
            tracing::debug!("engine is gone, report dropped");
        }
    }

    fn tell(&self, reports: impl IntoIterator<Item = Report>) {
        for report in reports {
            if self.own.send(report).is_err() {
                tracing::debug!("engine is gone, report dropped");
            }
        }
    }

    /// A worker says what it can do.
    pub(super) fn ready(self: &Arc<Self>, id: u64, table: Table) {
        let (refused, takes_over, (back, called)) = {
            let mut roster = self.roster.lock();
            let takes_over = roster.ready(id, table);
            let plugins = roster.look_after_plugins();
            (roster.admit_waiting(), takes_over, plugins)
        };
        self.tell(refused);
        self.storages.refresh();
        self.watch_worker(WorkerChange::Up);
        self.changed.send_modify(|it| *it += 1);
        if takes_over {
            tracing::info!("workers with the newest plugins take over");
        }
        for plugin in &back {
            tracing::warn!(plugin.name = plugin.as_str(), "plugin is back in service");
        }
        for plugin in &called {
            tracing::warn!(
                plugin.name = plugin.as_str(),
                "plugin has changed, it is loaded again"
            );
        }
        if !called.is_empty() {
            self.renew(None);
        }
    }

    fn renew(self: &Arc<Self>, config: Option<String>) {
        let generation = self.roster.lock().renew(config);
        tracing::info!(generation, "starting workers that will take over");
        self.staff(generation);
    }

    /// Starts the processes of a generation.
    fn staff(self: &Arc<Self>, generation: u64) {
        for _ in 0..self.options.workers.max(1) {
            tokio::spawn(Arc::clone(self).keep(generation));
        }
    }

    /// Keeps one place filled as long as its generation is wanted.
    async fn keep(self: Arc<Self>, generation: u64) {
        loop {
            let pause = pause(self.roster.lock().young_deaths);
            tokio::time::sleep(pause).await;
            let (id, setup) = {
                let mut roster = self.roster.lock();
                if roster.closing || roster.generation != generation {
                    return;
                }
                (roster.number(), self.setup(&roster))
            };
            let began = Instant::now();
            match process::live(&self, id, generation, setup).await {
                Ok(end) => self.after(id, end).await,
                Err(error) => tracing::error!(%error, "failed to start a worker process"),
            }
            let mut roster = self.roster.lock();
            match began.elapsed() < YOUNG {
                true => roster.young_deaths = roster.young_deaths.saturating_add(1),
                false => roster.young_deaths = 0,
            }
        }
    }

    fn watch_worker(&self, change: WorkerChange) {
        if let Some(watched) = self.watched.get() {
            watched.observe(&Observation::Worker { change });
        }
    }

    fn setup(&self, roster: &Roster) -> Setup {
        Setup {
            config: roster.config.clone(),
            excluded: roster.ledger.excluded(),
            memory_bytes: self.options.memory_bytes,
            stuck_after_seconds: self.options.ping_timeout.as_secs(),
        }
    }

    /// A process has ended: everybody who waited for it hears so.
    async fn after(self: &Arc<Self>, id: u64, end: End) {
        let Some(fallen) = self.roster.lock().bury(id) else {
            return;
        };
        let pid = fallen.line.pid;
        let expected = fallen.line.leaving;
        self.changed.send_modify(|it| *it += 1);
        self.watch_worker(match expected {
            true => WorkerChange::Ended,
            false => WorkerChange::Lost,
        });
        if expected && fallen.is_empty() {
            tracing::debug!(worker.pid = pid, how = end.how, "worker has left");
            return;
        }
        let mut culprits = end.culprits;
        if culprits.is_empty()
            && end.sentence == Some(Sentence::Memory)
            && let Some(only) = fallen.only_plugin()
        {
            culprits.push(only.to_owned());
        }
        tracing::error!(
            worker.pid = pid,
            how = end.how,
            plugins = culprits.join(", "),
            attempts = fallen.attempts(),
            ready = end.was_ready,
            "worker process ended"
        );
        // With several at work nobody knows which one it was.
        if let ([culprit], false) = (culprits.as_slice(), expected) {
            self.count(culprit, &end.how);
        }
        for report in fallen.mourn(&end.how, &culprits) {
            self.report(report).await;
        }
    }

    /// Notes that a plugin ended a worker.
    fn count(&self, plugin: &str, how: &str) {
        let mut roster = self.roster.lock();
        let cards = roster.table.as_ref().map(|it| &it.plugins);
        let card = cards.and_then(|it| it.iter().find(|it| it.name == plugin));
        let sha256 = card.and_then(|it| it.sha256.clone());
        if roster.ledger.died(plugin, how, sha256, Instant::now()) {
            // It was not born dying: the next one will be born without it.
            roster.young_deaths = 0;
            let reason = roster.ledger.why_out(plugin).map(|it| it.reason.clone());
            let reason = reason.unwrap_or_default();
            tracing::error!(
                plugin.name = plugin,
                reason,
                "ALERT: plugin is out of service"
            );
        }
    }

    /// Makes a call, by whatever worker there is.
    pub(super) async fn call(self: &Arc<Self>, call: Call) -> Result<Answer> {
        let patience = call.left.unwrap_or(PATIENCE);
        let turn = timeout(patience, self.calls.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err(Error::new(ErrorKind::Busy, "ask a worker: all are busy"));
        };
        let mut lost = 0;
        loop {
            if let Some(text) = self.roster.lock().refusal(&call.scheme) {
                return Err(Error::new(ErrorKind::Busy, text));
            }
            match self.ask(call.clone(), patience).await? {
                Ok(answer) => return answer,
                Err(loss)
                    if call.ask.only_looks()
                        && (lost < ASKED_AGAIN || (loss.innocent && lost < INNOCENT_AGAIN)) =>
                {
                    lost += 1;
                    tracing::debug!(how = loss.how, "worker was lost, another one is asked");
                }
                Err(loss) => return Err(died(&loss)),
            }
        }
    }

    async fn ask(
        self: &Arc<Self>,
        call: Call,
        patience: Duration,
    ) -> Result<super::roster::Outcome> {
        let until = Instant::now() + patience.min(PATIENCE);
        let mut changed = self.changed.subscribe();
        let (id, number, answered) = loop {
            // Seen before the look, so that a worker that comes in between is not missed.
            changed.mark_unchanged();
            if let Some(asked) = self.roster.lock().ask(call.clone()) {
                break asked;
            }
            let news = tokio::time::timeout_at(until, changed.changed()).await;
            if !matches!(news, Ok(Ok(()))) {
                let text = "ask a worker: none can work now";
                return Err(Error::new(ErrorKind::Busy, text));
            }
        };
        let _asked = InFlight {
            shared: self,
            id,
            number,
        };
        match answered.await {
            Ok(outcome) => Ok(outcome),
            Err(_) => Err(Error::new(
                ErrorKind::Canceled,
                "ask a worker: the gateway stops",
            )),
        }
    }
}

/// A call that somebody waits for; when nobody does any more the worker hears so.
struct InFlight<'a> {
    shared: &'a Arc<Shared>,
    id: u64,
    number: u64,
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        // Does nothing once the answer has come.
        self.shared.roster.lock().forget(self.id, self.number);
    }
}

fn died(loss: &Loss) -> Error {
    let text = format!(
        "ask the storage: the process of the plugin died with: {}",
        loss.how
    );
    Error::new(ErrorKind::Internal, text)
        .with_errno(EINTR)
        .with_retry(Retry::Soon)
}

/// Pause before the next start, after so many short lives in a row.
fn pause(young_deaths: u32) -> Duration {
    match young_deaths {
        0 | 1 => Duration::ZERO,
        many => {
            let doubled = Duration::from_millis(100) * 2_u32.saturating_pow(many.min(20) - 2);
            doubled.min(LONGEST_PAUSE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let millis = |deaths| pause(deaths).as_millis();
        assert_eq!(
            [0, 1, 2, 3, 4, 30, u32::MAX].map(millis),
            [0, 0, 100, 200, 400, 30_000, 30_000]
        );
    }
}
