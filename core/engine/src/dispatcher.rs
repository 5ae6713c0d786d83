//! Owns all running state, in one event loop.
//!
//! Commands, reports, notices and timers come in; transactions go to the journal, orders to the
//! workers. It never waits for any of them. What must not happen before a transaction is durable
//! (an attempt starting, a commit, an answer to a caller) is an [`Effect`] that waits with it.
//!
//! # Invariants
//! - One transaction is on its way at a time; what happens meanwhile goes into the next.
//! - A slot is given back when the worker says that the attempt ended, not when it was cancelled:
//!   `cancel_frees_the_slot_for_others`.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use causeway_model::oauth::TokenTrouble;
use causeway_model::observe::Watched;
use causeway_model::ports::{Clock, JobStore, StoreError, Transaction};
use causeway_model::settings::Operation;
use causeway_model::{FileId, JobId, Settings, Timestamp};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::alarm::Alarm;
use crate::archiving::{self, Archiving};
use crate::board::Board;
use crate::breaker::Breakers;
use crate::config::EngineConfig;
use crate::control::{Command, Reply};
use crate::credentials::{Credentials, Found, Holder};
use crate::crew::Crew;
use crate::deletions::Deletions;
use crate::introduced::Introduced;
use crate::messages::{AttemptId, Report};
use crate::scheduler::Scheduler;
use crate::session::Sessions;
use crate::staging::{self, RequestId, Staging};
use crate::time_limits::TimeLimits;
use crate::token_prep::TokenPrep;
use crate::transfer_log::TransferLog;
use crate::tuning::Tuning;
use crate::walk::Campaign;
use crate::ways::Ways;

/// Reports taken at once.
const REPORTS: usize = 1024;
/// Commands taken at once.
const COMMANDS: usize = 256;
/// What the engine's own tasks tell the dispatcher.
pub(crate) enum Notice {
    /// A transaction is durable, or will never be.
    Journalled(Result<(), StoreError>),
    /// The vault, or whoever keeps tokens, answered.
    CredentialRead(Holder, Found),
    /// The tokens of a transfer are ready, or not.
    TokensReady(FileId, Result<(), TokenTrouble>),
    /// A storage answered about bringing online.
    Staging(staging::News),
    /// A storage answered about tape copies.
    Archiving(archiving::News),
}

/// How many files of a VO may be under way at a storage with an operation; `None` for any number.
pub(crate) type OperationLimit = Box<dyn Fn(&str, &str, Operation) -> Option<usize> + Send>;

/// What happens once the transaction it belongs to is durable.
pub(crate) enum Effect {
    /// An attempt or a deletion is given to a worker.
    Start(AttemptId),
    /// An attempt may go on.
    Grant(AttemptId),
    /// A bring-online request is sent.
    Stage(RequestId),
    /// A caller gets an answer.
    Answer(Reply),
    /// A job that ended is forgotten.
    Forget(JobId),
}

/// What an attempt works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Transfer(FileId),
    Deletion(FileId),
    /// What a transfer that has ended left to be gone on with.
    Leavings(FileId),
}

/// An attempt that has not ended.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) subject: Subject,
    /// Workers know of it.
    pub(crate) handed_over: bool,
    /// Its rows stay as they are: the next start takes it up.
    pub(crate) left_for_restart: bool,
}

/// Where everything comes in.
pub(crate) struct Inlets {
    pub(crate) commands: mpsc::Receiver<Command>,
    pub(crate) reports: mpsc::Receiver<Report>,
    pub(crate) notices: mpsc::UnboundedReceiver<Notice>,
}

pub(crate) enum Stage {
    Open,
    /// Attempts may end until then.
    Draining(Instant),
    /// Attempts were cancelled and may clean up until then.
    Cleaning(Instant),
}

/// The one that changes rows.
pub(crate) struct Dispatcher {
    pub(crate) config: EngineConfig,
    pub(crate) host: Arc<str>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Arc<dyn JobStore>,
    pub(crate) now: Timestamp,
    pub(crate) board: Board,
    pub(crate) tuning: Tuning,
    pub(crate) breakers: Breakers,
    /// Ways of copying that did not work.
    pub(crate) ways: Ways,
    pub(crate) scheduler: Scheduler,
    pub(crate) deletions: Deletions,
    pub(crate) alarms: BinaryHeap<Reverse<(Instant, Alarm)>>,
    pub(crate) attempts: HashMap<AttemptId, Work>,
    pub(crate) last_attempt: u64,
    pub(crate) crew: Arc<dyn Crew>,
    /// Transfers and deletions that were taken up again after the loss of a worker, and how often.
    pub(crate) taken_up: HashMap<FileId, u32>,
    pub(crate) credentials: Credentials,
    pub(crate) token_prep: TokenPrep,
    pub(crate) staging: Staging,
    pub(crate) archiving: Archiving,
    pub(crate) sessions: Sessions,
    pub(crate) operation_limit: OperationLimit,
    /// What operators set.
    pub(crate) settings: Settings,
    /// Links that the scheduler was told the settings of.
    pub(crate) introduced: Introduced,
    /// Walks through many rows that are not over.
    pub(crate) campaigns: VecDeque<Campaign>,
    pub(crate) time_limits: TimeLimits,
    /// There is too little free memory to take up work.
    pub(crate) low_memory: bool,
    /// Those who work beside the dispatcher end when this is dropped.
    pub(crate) _life: watch::Sender<()>,
    pub(crate) log: TransferLog,
    /// Jobs that are being written, and what was asked about them meanwhile.
    pub(crate) inserting: HashMap<JobId, Vec<Command>>,
    pub(crate) journal: mpsc::UnboundedSender<Transaction>,
    pub(crate) effects: Vec<Effect>,
    pub(crate) in_flight: Option<Vec<Effect>>,
    /// Transfers with a slot that a ban has ended since the last transaction was handed over.
    pub(crate) banned_on_the_way: usize,
    pub(crate) stage: Stage,
    pub(crate) stopped: Vec<oneshot::Sender<()>>,
    pub(crate) broken: bool,
    /// Is told what happens.
    pub(crate) watched: Watched,
}

impl Dispatcher {
    /// Runs until the engine is stopped.
    pub(crate) async fn run(mut self, mut inlets: Inlets) {
        let mut reports = Vec::with_capacity(REPORTS);
        let mut commands = Vec::with_capacity(COMMANDS);
        let mut reachable = true;
        self.turn();
        while !self.is_done() {
            let wake = self.next_wake();
            // Whatever comes first, all are served below, so the order keeps nobody waiting; it is
            // fixed so that a run can be repeated. Time is last: every turn looks at the clock.
            tokio::select! {
                biased;
                Some(notice) = inlets.notices.recv() => {
                    self.now = self.clock.now();
                    self.notice(notice);
                }
                taken = inlets.reports.recv_many(&mut reports, REPORTS) => {
                    if taken == 0 {
                        tracing::error!("all workers are gone, the engine stops");
                        self.broken = true;
                    }
                }
                taken = inlets.commands.recv_many(&mut commands, COMMANDS), if reachable => {
                    if taken == 0 {
                        // Every handle is gone: nobody can ask for anything any more.
                        reachable = false;
                        self.begin_stop(Duration::ZERO);
                    }
                }
                () = sleep_until(wake) => {}
            }
            self.now = self.clock.now();
            while let Ok(notice) = inlets.notices.try_recv() {
                self.notice(notice);
            }
            top_up(&mut inlets.reports, &mut reports, REPORTS);
            top_up(&mut inlets.commands, &mut commands, COMMANDS);
            for report in reports.drain(..) {
                self.report(report);
            }
            for command in commands.drain(..) {
                self.command(command);
            }
            self.turn();
        }
        for stopped in self.stopped.drain(..) {
            // Whoever asked may have gone; the engine is stopped all the same.
            if stopped.send(()).is_err() {
                tracing::debug!("nobody waits for the stop any more");
            }
        }
    }

    /// What follows every batch of events.
    fn turn(&mut self) {
        self.run_alarms();
        if matches!(self.stage, Stage::Open) {
            self.run_time_limits();
            self.walk_on();
        }
        self.advance_stop();
        self.staging.send_returns();
        loop {
            if matches!(self.stage, Stage::Open) {
                self.clean_up_broken_off();
                self.schedule();
            }
            if !self.hand_over() {
                self.watch_slots();
                return;
            }
        }
    }

    fn notice(&mut self, notice: Notice) {
        match notice {
            Notice::Journalled(Ok(())) => {
                for effect in self.in_flight.take().unwrap_or_default() {
                    self.take_effect(effect);
                }
            }
            Notice::Journalled(Err(error)) => {
                tracing::error!(%error, "store is broken, the engine stops");
                // What was promised with the transaction never happens: the senders drop.
                self.in_flight = None;
                self.effects.clear();
                self.broken = true;
            }
            Notice::CredentialRead(holder, found) => {
                for attempt in self.credentials.answered(holder, found, self.now) {
                    self.start(attempt);
                }
            }
            Notice::TokensReady(file, outcome) => self.tokens_answered(file, outcome),
            Notice::Staging(news) => self.staging_news(news),
            Notice::Archiving(news) => self.tape_news(news),
        }
    }

    fn take_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Start(attempt) => self.start(attempt),
            Effect::Grant(attempt) => self.grant(attempt),
            Effect::Stage(request) => self.send_request(request),
            Effect::Answer(reply) => reply.send(),
            Effect::Forget(job) => {
                self.forget_losses_of(job);
                self.board.forget(job);
                if self.board.job(job).is_none() {
                    self.time_limits.forget_job(job);
                }
            }
        }
    }

    /// Hands the changes over, unless a transaction is on its way. True when effects that had
    /// nothing to wait for were taken: they may have made room for more.
    fn hand_over(&mut self) -> bool {
        if self.in_flight.is_some() || self.broken {
            return false;
        }
        let (transaction, leaving) = self.board.take(self.now);
        let mut effects = std::mem::take(&mut self.effects);
        effects.extend(leaving.into_iter().map(Effect::Forget));
        if transaction.is_empty() {
            let any = !effects.is_empty();
            for effect in effects {
                self.take_effect(effect);
            }
            return any;
        }
        self.in_flight = Some(effects);
        self.banned_on_the_way = 0;
        if self.journal.send(transaction).is_err() {
            tracing::error!("journal is gone, the engine stops");
            self.broken = true;
        }
        false
    }

    fn next_wake(&self) -> Option<Instant> {
        let timer = self.alarms.peek().map(|Reverse((due, _))| *due);
        match self.stage {
            Stage::Open if self.may_walk() => Some(Instant::now()),
            Stage::Open => timer.into_iter().chain(self.next_time_limit()).min(),
            Stage::Draining(until) | Stage::Cleaning(until) => Some(until),
        }
    }

    /// A number for a new attempt.
    pub(crate) fn open_attempt(&mut self, subject: Subject) -> AttemptId {
        self.last_attempt += 1;
        let id = AttemptId(self.last_attempt);
        let work = Work {
            subject,
            handed_over: false,
            left_for_restart: false,
        };
        self.attempts.insert(id, work);
        id
    }
}

/// Takes what has come already, up to so much in all.
fn top_up<T>(inlet: &mut mpsc::Receiver<T>, taken: &mut Vec<T>, most: usize) {
    while taken.len() < most
        && let Ok(one) = inlet.try_recv()
    {
        taken.push(one);
    }
}

async fn sleep_until(wake: Option<Instant>) {
    match wake {
        Some(wake) => tokio::time::sleep_until(wake).await,
        None => std::future::pending().await,
    }
}
