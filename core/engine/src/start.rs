//! Starting an engine: wiring its tasks, and taking up what the last one left.

use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use causeway_model::ports::{Clock, CredentialVault, JobStore, StoreError};
use causeway_sdk::Storages;
use tokio::sync::mpsc;

use crate::board::Board;
use crate::config::EngineConfig;
use crate::control::Engine;
use crate::credentials::Credentials;
use crate::dispatcher::{Dispatcher, Inlets, Stage, WorkerLine};
use crate::journal;
use crate::messages::Report;
use crate::scheduler::{Limits, Scheduler};
use crate::transfer_log::TransferLog;
use crate::worker::Worker;

/// Commands that may wait for the dispatcher.
const COMMANDS: usize = 1024;
/// Reports that may wait for it.
const REPORTS: usize = 8192;

/// What an engine works with.
#[derive(Clone)]
pub struct Parts {
    /// Jobs and transfers.
    pub store: Arc<dyn JobStore>,
    /// Delegated credentials; without it attempts run with none.
    pub vault: Option<Arc<dyn CredentialVault>>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Storages.
    pub storages: Arc<dyn Storages>,
    /// Name of this node.
    pub host: Arc<str>,
}

impl Engine {
    /// Starts an engine and takes up all jobs that have not ended.
    ///
    /// Transfers that were being started or ran go first: they are tried again under the same
    /// attempt number, and an attempt that had announced its commit looks whether it happened.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start(config: EngineConfig, parts: Parts) -> Result<Self, StoreError> {
        let (commands, command_inlet) = mpsc::channel(COMMANDS);
        let (reports, report_inlet) = mpsc::channel(REPORTS);
        let (notices, notice_inlet) = mpsc::unbounded_channel();
        let (journal, transactions) = mpsc::unbounded_channel();
        let mut dispatcher = Dispatcher {
            host: Arc::clone(&parts.host),
            clock: Arc::clone(&parts.clock),
            store: Arc::clone(&parts.store),
            now: parts.clock.now(),
            board: Board::default(),
            scheduler: Scheduler::new(limits(&config)),
            deletion_queue: VecDeque::new(),
            deletions_active: 0,
            timers: BinaryHeap::new(),
            attempts: HashMap::new(),
            last_attempt: 0,
            workers: Vec::new(),
            credentials: Credentials::new(parts.vault.clone(), notices.clone()),
            log: TransferLog::open(config.log_dir.clone()),
            inserting: HashMap::new(),
            journal,
            effects: Vec::new(),
            in_flight: None,
            stage: Stage::Open,
            stopped: Vec::new(),
            broken: false,
            config,
        };
        take_up(&mut dispatcher, &*parts.store).await?;
        dispatcher.workers = start_workers(dispatcher.config.workers, &parts, &reports);
        tokio::spawn(journal::keep(
            Arc::clone(&parts.store),
            transactions,
            notices,
        ));
        let inlets = Inlets {
            commands: command_inlet,
            reports: report_inlet,
            notices: notice_inlet,
        };
        tokio::spawn(dispatcher.run(inlets));
        Ok(Self {
            commands,
            store: parts.store,
        })
    }
}

fn limits(config: &EngineConfig) -> Limits {
    Limits {
        total: config.slots(),
        link: config.link_max_active.max(1),
        inbound: config.inbound_max_active.max(1),
        outbound: config.outbound_max_active.max(1),
    }
}

/// Takes up what a former engine left, oldest job first.
async fn take_up(dispatcher: &mut Dispatcher, store: &dyn JobStore) -> Result<(), StoreError> {
    for id in store.unfinished().await? {
        if let Some(view) = store.view(id).await? {
            dispatcher.adopt(view);
        }
    }
    Ok(())
}

fn start_workers(number: usize, parts: &Parts, reports: &mpsc::Sender<Report>) -> Vec<WorkerLine> {
    let start = |_| {
        let (orders, inlet) = mpsc::unbounded_channel();
        let storages = Arc::clone(&parts.storages);
        let worker = Worker::new(storages, Arc::clone(&parts.clock), reports.clone());
        tokio::spawn(worker.run(inlet));
        WorkerLine { orders, running: 0 }
    };
    (0..number.max(1)).map(start).collect()
}
