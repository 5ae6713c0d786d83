//! Starting an engine: wiring its tasks, and taking up what the last one left.

use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;

use causeway_model::oauth::TokenSource;
use causeway_model::observe::Watched;
use causeway_model::ports::{
    Clock, CredentialVault, HistoryStore, JobStore, SettingsStore, StoreError,
};
use causeway_sdk::Storages;
use rand::SeedableRng;
use rand::rngs::StdRng;
use tokio::sync::{mpsc, watch};

use crate::archiving::Archiving;
use crate::board::Board;
use crate::breaker::Breakers;
use crate::broken_off::BrokenOff;
use crate::config::EngineConfig;
use crate::control::Engine;
use crate::credentials::Credentials;
use crate::crew::{Crew, Inside};
use crate::deletions::Deletions;
use crate::dispatcher::{Dispatcher, Inlets, OperationLimit, Stage};
use crate::introduced::Introduced;
use crate::journal;
use crate::resume;
use crate::retention::Past;
use crate::scheduler::{Limits, Priorities, Scheduler};
use crate::session::Sessions;
use crate::settings::Room;
use crate::staging::Staging;
use crate::staging::caller::Caller;
use crate::time_limits::TimeLimits;
use crate::token_prep::TokenPrep;
use crate::transfer_log::TransferLog;
use crate::tuning::Tuning;
use crate::ways::Ways;

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
    /// Tokens that transfers brought; without it those that did fail.
    pub tokens: Option<Arc<dyn TokenSource>>,
    /// Wall time.
    pub clock: Arc<dyn Clock>,
    /// Storages.
    pub storages: Arc<dyn Storages>,
    /// Name of this node.
    pub host: Arc<str>,
    /// Who is told what happens.
    pub observer: Watched,
    /// What operators set; without it that is forgotten at the end.
    pub settings: Option<Arc<dyn SettingsStore>>,
    /// Jobs that ended long ago; without it they stay where they are.
    pub history: Option<Arc<dyn HistoryStore>>,
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
        let crew = Inside::new(Arc::clone(&parts.storages), Arc::clone(&parts.clock));
        Self::start_with(config, parts, Arc::new(crew)).await
    }

    /// The same with workers from elsewhere. Attempts find their storages there; those of the
    /// parts are for what the engine asks itself.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn start_with(
        config: EngineConfig,
        parts: Parts,
        crew: Arc<dyn Crew>,
    ) -> Result<Self, StoreError> {
        let (commands, command_inlet) = mpsc::channel(COMMANDS);
        let (reports, report_inlet) = mpsc::channel(REPORTS);
        let (notices, notice_inlet) = mpsc::unbounded_channel();
        let (journal, transactions) = mpsc::unbounded_channel();
        let room = Room::open(
            &config,
            parts.settings.clone(),
            Arc::clone(&parts.clock),
            Arc::clone(&parts.host),
        );
        let room = Arc::new(room.await?);
        let values = match &parts.settings {
            Some(store) => store.optimizer().await?,
            None => Vec::new(),
        };
        let tuning = Tuning::new(config.optimizer.clone(), values, parts.settings.clone());
        let (life, alive) = watch::channel(());
        let past = Past::new(&config, &parts);
        let mut dispatcher = Dispatcher {
            settings: room.now(),
            introduced: Introduced::default(),
            campaigns: VecDeque::new(),
            time_limits: TimeLimits::default(),
            low_memory: false,
            _life: life,
            host: Arc::clone(&parts.host),
            clock: Arc::clone(&parts.clock),
            store: Arc::clone(&parts.store),
            now: parts.clock.now(),
            board: Board::watched_by(parts.observer.clone()),
            scheduler: scheduler(&config),
            deletions: Deletions::default(),
            tuning,
            breakers: Breakers::new(config.breaker_failures, config.breaker_pause_seconds),
            ways: Ways::default(),
            alarms: BinaryHeap::new(),
            attempts: HashMap::new(),
            last_attempt: 0,
            crew,
            taken_up: HashMap::new(),
            credentials: Credentials::new(
                parts.vault.clone(),
                parts.tokens.clone(),
                Arc::clone(&parts.storages),
                notices.clone(),
            ),
            token_prep: TokenPrep::new(parts.tokens.clone(), notices.clone()),
            staging: Staging::new(
                Caller::new(
                    Arc::clone(&parts.storages),
                    parts.vault.clone(),
                    Arc::clone(&parts.clock),
                    notices.clone(),
                    config.operation_timeout_seconds,
                ),
                dice(&config),
            ),
            archiving: Archiving::default(),
            sessions: Sessions::default(),
            operation_limit: operation_limit(Arc::clone(&room)),
            log: TransferLog::open(config.log_dir.clone()),
            inserting: HashMap::new(),
            journal,
            effects: Vec::new(),
            in_flight: None,
            banned_on_the_way: 0,
            stage: Stage::Open,
            stopped: Vec::new(),
            broken: false,
            watched: parts.observer.clone(),
            config,
        };
        dispatcher.take_settings();
        dispatcher.begin_checks();
        let broken_off = BrokenOff::found(dispatcher.config.resume_dir.clone()).await;
        dispatcher.board.broken_off = broken_off;
        take_up(&mut dispatcher, &*parts.store).await?;
        tokio::spawn(past.keep(alive));
        if let Some(dir) = dispatcher.config.resume_dir.clone() {
            // Nobody waits for it, and a failure leaves small files a while longer.
            drop(tokio::task::spawn_blocking(move || resume::sweep(&dir)));
        }
        dispatcher.crew.report_to(reports);
        tokio::spawn(journal::keep(
            Arc::clone(&parts.store),
            transactions,
            notices,
            parts.observer.clone(),
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
            storages: parts.storages,
            room,
        })
    }
}

fn scheduler(config: &EngineConfig) -> Scheduler {
    let mut scheduler = Scheduler::new(limits(config), dice(config));
    scheduler.set_priorities(match config.use_fixed_job_priority {
        0 if config.allow_job_priority => Priorities::Honoured,
        0 => Priorities::Ignored,
        only => Priorities::Fixed(only),
    });
    scheduler
}

/// Where draws come from: the seed of the configuration, or chance.
fn dice(config: &EngineConfig) -> StdRng {
    StdRng::seed_from_u64(config.random_seed.unwrap_or_else(rand::random))
}

fn limits(config: &EngineConfig) -> Limits {
    Limits {
        total: config.slots(),
        link: config.link_max_active.max(1),
        inbound: config.inbound_max_active.max(1),
        outbound: config.outbound_max_active.max(1),
    }
}

fn operation_limit(room: Arc<Room>) -> OperationLimit {
    Box::new(move |vo, storage, operation| {
        let limit = room.ask(|it| it.operation_limit(vo, storage, operation))?;
        usize::try_from(limit).ok()
    })
}

/// Takes up what a former engine left, oldest job first.
async fn take_up(dispatcher: &mut Dispatcher, store: &dyn JobStore) -> Result<(), StoreError> {
    for id in store.unfinished().await? {
        if let Some(view) = store.view(id).await? {
            dispatcher.adopt(view);
        }
    }
    let Board {
        broken_off, files, ..
    } = &mut dispatcher.board;
    broken_off.retain(|file| files.contains_key(&file));
    Ok(())
}
