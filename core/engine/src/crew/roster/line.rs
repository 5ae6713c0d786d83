//! One worker process as the book sees it: what it was given and has not given back.

use std::collections::HashMap;
use std::sync::Arc;

use causeway_model::JobId;
use causeway_sdk::Error;
use tokio::sync::{mpsc, oneshot};

use super::Outcome;
use crate::crew::call::Answer;
use crate::crew::wire::{PluginNews, Table, ToWorker};
use crate::messages::AttemptId;

/// What a worker has of an attempt.
pub(super) struct Held {
    /// Plugins it uses.
    pub(super) plugins: Vec<Arc<str>>,
    /// Transfers fill a worker; deletions are light.
    pub(super) is_transfer: bool,
    /// The session it belongs to.
    pub(super) session: Option<JobId>,
}

/// What a worker has of a call.
pub(super) struct Asked {
    pub(super) plugin: Option<Arc<str>>,
    pub(super) answer: oneshot::Sender<Outcome>,
}

/// A worker process.
pub(in crate::crew) struct Line {
    pub(in crate::crew) generation: u64,
    pub(in crate::crew) pid: Option<u32>,
    /// It has said what it can do.
    pub(in crate::crew) ready: bool,
    /// It was told to leave.
    pub(in crate::crew) leaving: bool,
    pub(in crate::crew) rss_bytes: u64,
    /// What it said it can do.
    pub(super) table: Option<Arc<Table>>,
    /// What it told of its plugins last.
    pub(super) news: HashMap<String, PluginNews>,
    outbox: mpsc::UnboundedSender<ToWorker>,
    held: HashMap<AttemptId, Held>,
    transfers: usize,
    pub(super) calls: HashMap<u64, Asked>,
}

impl Line {
    pub(super) fn new(
        generation: u64,
        pid: Option<u32>,
        outbox: mpsc::UnboundedSender<ToWorker>,
    ) -> Self {
        Self {
            generation,
            pid,
            ready: false,
            leaving: false,
            rss_bytes: 0,
            table: None,
            news: HashMap::new(),
            outbox,
            held: HashMap::new(),
            transfers: 0,
            calls: HashMap::new(),
        }
    }

    /// Attempts it has.
    pub(in crate::crew) fn attempts(&self) -> usize {
        self.held.len()
    }

    /// Attempts it has that use a plugin.
    pub(super) fn attempts_with(&self, plugin: &str) -> usize {
        let uses = |held: &&Held| held.plugins.iter().any(|it| it.as_ref() == plugin);
        self.held.values().filter(uses).count()
    }

    /// Calls it has.
    pub(in crate::crew) fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Attempts of the kind that fills it.
    pub(super) fn transfers(&self) -> usize {
        self.transfers
    }

    /// It works, and may get something new.
    pub(super) fn serves(&self, generation: u64) -> bool {
        self.ready && !self.leaving && self.generation == generation
    }

    /// It has nothing to do.
    pub(super) fn is_idle(&self) -> bool {
        self.held.is_empty() && self.calls.is_empty()
    }

    /// It gets an attempt.
    pub(super) fn hold(&mut self, attempt: AttemptId, held: Held) {
        self.transfers += usize::from(held.is_transfer);
        self.held.insert(attempt, held);
    }

    /// It has ended an attempt.
    pub(super) fn let_go(&mut self, attempt: AttemptId) -> Option<Held> {
        let held = self.held.remove(&attempt)?;
        self.transfers -= usize::from(held.is_transfer);
        Some(held)
    }

    /// Everything it has.
    pub(super) fn drain(&mut self) -> (Vec<(AttemptId, Held)>, Vec<Asked>) {
        self.transfers = 0;
        let calls = self.calls.drain().map(|(_, asked)| asked);
        (self.held.drain().collect(), calls.collect())
    }

    /// It is told to leave.
    pub(super) fn leave(&mut self) {
        if !self.leaving {
            self.leaving = true;
            self.send(ToWorker::Leave);
        }
    }

    /// A worker whose end is seen when its pipe closes; until then orders to it are lost with it.
    pub(super) fn send(&self, message: ToWorker) {
        if self.outbox.send(message).is_err() {
            tracing::debug!(worker.pid = self.pid, "worker is gone, message dropped");
        }
    }
}

impl Asked {
    /// Gives the answer to whoever asked, who may have gone in this moment.
    pub(super) fn answer(self, answer: Result<Answer, Error>) {
        drop(self.answer.send(Ok(answer)));
    }
}
