//! Keeping places filled: a worker is started, lives, ends, and what its end says of plugins is
//! noted before the next one is started.

use std::sync::Arc;

use causeway_model::observe::WorkerChange;
use tokio::time::Instant;

use super::Shared;
use crate::crew::loss::Sentence;
use crate::crew::process::{self, End};
use crate::crew::roster::{Fallen, Roster};
use crate::crew::wire::{Setup, Table};

impl Shared {
    /// A worker says what it can do.
    pub(in crate::crew) fn ready(self: &Arc<Self>, id: u64, table: Table) {
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

    pub(super) fn renew(self: &Arc<Self>, config: Option<String>) -> u64 {
        let generation = self.roster.lock().renew(config);
        tracing::info!(generation, "starting workers that will take over");
        self.staff(generation);
        generation
    }

    /// Starts the processes of a generation.
    pub(super) fn staff(self: &Arc<Self>, generation: u64) {
        for _ in 0..self.options.workers.max(1) {
            tokio::spawn(Arc::clone(self).keep(generation));
        }
    }

    /// Keeps one place filled as long as its generation is wanted.
    async fn keep(self: Arc<Self>, generation: u64) {
        loop {
            self.births.wait().await;
            let (id, setup) = {
                let mut roster = self.roster.lock();
                if roster.closing || roster.generation != generation {
                    return;
                }
                (roster.number(), self.setup(&roster))
            };
            let began = Instant::now();
            match process::live(&self, id, generation, setup).await {
                Ok(end) => {
                    // Before the next one is thought of: it may be forgiven at once.
                    self.births.died(began.elapsed());
                    self.after(id, end).await;
                }
                Err(error) => {
                    self.births.died(began.elapsed());
                    tracing::error!(%error, "failed to start a worker process");
                }
            }
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
        let culprits = culprits(&end, &fallen);
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
            self.count(culprit, &end);
        }
        for report in fallen.mourn(&end.how, &culprits) {
            self.report(report).await;
        }
    }

    /// Notes that a plugin ended a worker.
    fn count(&self, plugin: &str, end: &End) {
        let mut roster = self.roster.lock();
        // One that never could work was not told of: it may have been another version.
        let table = roster.table.as_ref().filter(|_| end.was_ready);
        let mut cards = table.iter().flat_map(|it| &it.plugins);
        let card = cards.find(|it| it.name == plugin);
        let sha256 = card.and_then(|it| it.sha256.clone());
        let now_out = roster.ledger.died(plugin, &end.how, sha256, Instant::now());
        let Some(out) = roster.ledger.why_out(plugin) else {
            return;
        };
        let reason = out.reason.clone();
        drop(roster);
        // Those who wait were not born dying: the next one will be born without it.
        self.births.forgive();
        if now_out {
            tracing::error!(
                plugin.name = plugin,
                reason,
                "ALERT: plugin is out of service"
            );
        }
    }
}

/// The plugins that ended a worker: those it named itself, or the only one it had to do with.
fn culprits(end: &End, fallen: &Fallen) -> Vec<String> {
    if !end.culprits.is_empty() || end.sentence != Some(Sentence::Memory) {
        return end.culprits.clone();
    }
    fallen
        .only_plugin()
        .map(str::to_owned)
        .into_iter()
        .collect()
}
