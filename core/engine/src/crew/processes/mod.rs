//! Workers as processes: enough of them, replaced when they end, exchanged when their plugins are.
//!
//! A plugin that ended too many workers is taken out of service until somebody puts it back or its
//! file has changed.
//!
//! | to learn about | read |
//! |---|---|
//! | starting, and what follows an end | `upkeep` |
//! | how long a start waits | `births` |
//! | calls that the server makes | `asking` |

mod asking;
mod births;
mod upkeep;

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use causeway_model::observe::{Observation, Watched, WorkerChange};
use causeway_model::workers::{
    OutOfService, PluginCounters, PluginMarks, PutBack, RunningVersion, WorkerRow, WorkerState,
};
use causeway_sdk::Storages;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;

use super::Crew;
use super::ledger::Ledger;
use super::remote::RemoteStorages;
use super::roster::Roster;
use super::wire::PluginCard;
use crate::messages::{Order, Report};
use births::Births;

/// Time until the first worker must be able to work.
const FIRST: Duration = Duration::from_secs(120);
/// Time that workers have to leave.
const LEAVE: Duration = Duration::from_secs(5);
/// Calls that are under way at the same time; others wait.
const CALLS: usize = 1024;

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

/// Worker processes.
#[derive(Clone)]
pub struct Processes(Arc<Shared>);

/// What the tasks of the processes share.
pub(super) struct Shared {
    pub(super) options: ProcessOptions,
    pub(super) roster: Mutex<Roster>,
    births: Births,
    reports: OnceLock<mpsc::Sender<Report>>,
    /// Reports of the crew's own, on their way to where reports go.
    own: mpsc::UnboundedSender<Report>,
    /// Raised whenever a worker becomes ready or ends.
    changed: watch::Sender<u64>,
    calls: Semaphore,
    storages: RemoteStorages,
    /// Is told of workers that come and go.
    watched: OnceLock<Watched>,
}

impl Processes {
    /// Starts the processes; returns as soon as one can work. `config` is what
    /// [`Setup::config`](super::Setup::config) brings to those who load plugins.
    ///
    /// # Errors
    /// When none can work after two minutes.
    pub async fn start(options: ProcessOptions, config: String) -> io::Result<Self> {
        let ledger = Ledger::new(options.plugin_deaths_max, options.plugin_deaths_window);
        let roster = Roster::new(config, options.transfers_per_worker, ledger);
        let (own, mut reports) = mpsc::unbounded_channel();
        let shared = Arc::new_cyclic(|shared| Shared {
            roster: Mutex::new(roster),
            births: Births::default(),
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
        let workers = self.workers();
        if self.0.watched.set(watched).is_ok() {
            // Those that are not there yet tell it themselves.
            let there = workers
                .iter()
                .filter(|it| it.state != WorkerState::Starting);
            there.for_each(|_| self.0.watch_worker(WorkerChange::Up));
        }
    }

    /// The storages, asked through workers.
    pub fn storages(&self) -> Arc<dyn Storages> {
        Arc::new(self.0.storages.clone())
    }

    /// Lets workers with this configuration of plugins take over. What runs goes on where it is. Gives
    /// the number of their generation.
    pub fn renew(&self, config: String) -> u64 {
        self.0.renew(Some(config))
    }

    /// Gives this configuration to workers that are started from now on. Those that are there keep what
    /// they have, which must be the same to whoever uses it.
    pub fn instruct(&self, config: String) {
        self.0.roster.lock().config = config;
    }

    /// Waits until a generation, or a later one, gets whatever is new. False when it does not come to that
    /// in time.
    pub async fn takes_over(&self, generation: u64, within: Duration) -> bool {
        let mut changed = self.0.changed.subscribe();
        let active = async {
            while self.0.roster.lock().active < generation {
                if changed.changed().await.is_err() {
                    return false;
                }
            }
            true
        };
        timeout(within, active).await.unwrap_or(false)
    }

    /// Puts a plugin back that was taken out of service, as soon as workers have loaded it.
    pub fn put_back(&self, plugin: &str) -> PutBack {
        let (begins, answer) = {
            let mut roster = self.0.roster.lock();
            let begins = roster.ledger.call_back(plugin);
            let is_out = roster.ledger.why_out(plugin).is_some();
            let known = roster.table.as_ref();
            let is_known = known.is_some_and(|it| it.plugins.iter().any(|it| it.name == plugin));
            let answer = match (is_out, is_known) {
                (true, _) => PutBack::Begun,
                (false, true) => PutBack::InService,
                (false, false) => PutBack::Unknown,
            };
            (begins, answer)
        };
        if begins {
            self.0.renew(None);
        }
        answer
    }

    /// Plugins out of service, by name.
    pub fn out_of_service(&self) -> BTreeMap<String, OutOfService> {
        self.0.roster.lock().ledger.shown()
    }

    /// Every plugin of the newest workers.
    pub fn plugins(&self) -> Vec<PluginCard> {
        self.0.roster.lock().cards()
    }

    /// Versions of plugins that workers have loaded, by name.
    pub fn versions(&self) -> BTreeMap<String, Vec<RunningVersion>> {
        self.0.roster.lock().versions()
    }

    /// What workers have counted of plugins, by name. What one had not told when it was lost is missing.
    pub fn marks(&self) -> BTreeMap<String, PluginMarks> {
        self.0.roster.lock().marks().clone()
    }

    /// What plugins counted themselves, by plugin. The same holds.
    pub fn counters(&self) -> BTreeMap<String, PluginCounters> {
        self.0.roster.lock().counters().clone()
    }

    /// Workers that a plugin ended.
    pub fn ended_by(&self, plugin: &str) -> u64 {
        self.0.roster.lock().ledger.ended(plugin)
    }

    /// Every worker.
    pub fn workers(&self) -> Vec<WorkerRow> {
        let roster = self.0.roster.lock();
        let lines = roster.lines.values().map(|line| WorkerRow {
            pid: line.pid,
            generation: line.generation,
            state: match line.ready {
                _ if line.leaving || line.generation < roster.active => WorkerState::Retiring,
                true => WorkerState::Working,
                false => WorkerState::Starting,
            },
            attempts: line.attempts(),
            calls: line.calls(),
            rss_bytes: line.rss_bytes,
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

    /// The same without waiting.
    pub(super) fn tell(&self, reports: impl IntoIterator<Item = Report>) {
        for report in reports {
            if self.own.send(report).is_err() {
                tracing::debug!("engine is gone, report dropped");
            }
        }
    }

    fn watch_worker(&self, change: WorkerChange) {
        if let Some(watched) = self.watched.get() {
            watched.observe(&Observation::Worker { change });
        }
    }
}
