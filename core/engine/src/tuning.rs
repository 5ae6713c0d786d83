//! The dispatcher's side of the optimizer: feeds it, asks it, and obeys it.
//!
//! A link gets its first value the moment something is queued on it; from then on it is looked at
//! in the interval of the configuration. What happens on it is told by `measuring`. Knows no rule of
//! the optimizer.
//!
//! # Invariants
//! - A tick costs by the links with activity, never by what is queued on them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_model::observe::Observation;
use causeway_model::ports::SettingsStore;
use causeway_model::settings::{ANY, StorageRow};
use causeway_model::{EvolutionRow, OptimizerRow, Settings};
use tokio::sync::mpsc;

use crate::alarm::{Alarm, Check};
use crate::dispatcher::Dispatcher;
use crate::introduced::Pair;
use crate::optimizer::range::{self, LinkRule, LinkSetup, StorageRule};
use crate::optimizer::{Decision, LinkInput, LinkWindow, Optimizer};
use crate::optimizer_config::OptimizerConfig;

/// Links are looked at this often, or in the interval of the configuration if that is shorter;
/// modes 0 to 3 still decide in theirs.
const LOOK: Duration = Duration::from_secs(10);

type Rows = (Vec<OptimizerRow>, Vec<EvolutionRow>);

/// What the dispatcher keeps for the optimizer.
pub(crate) struct Tuning {
    config: OptimizerConfig,
    optimizer: Optimizer,
    /// In order, so that sums and decisions come out the same every time.
    links: BTreeMap<Pair, Tuned>,
    /// The value of every link that ever had one.
    values: BTreeMap<Pair, OptimizerRow>,
    rows: mpsc::UnboundedSender<Rows>,
}

/// A link with activity.
struct Tuned {
    window: LinkWindow,
    setup: LinkSetup,
}

impl Tuning {
    /// With the values of a former life. Rows are written by a task of their own.
    pub(crate) fn new(
        config: OptimizerConfig,
        values: Vec<OptimizerRow>,
        store: Option<Arc<dyn SettingsStore>>,
    ) -> Self {
        let (rows, to_write) = mpsc::unbounded_channel();
        tokio::spawn(write(store, to_write));
        let key = |row: OptimizerRow| ((row.source_se.clone(), row.dest_se.clone()), row);
        Self {
            optimizer: Optimizer::new(config.constants()),
            config,
            links: BTreeMap::new(),
            values: values.into_iter().map(key).collect(),
            rows,
        }
    }

    /// Whether limits of links are the optimizer's.
    pub(crate) fn decides(&self) -> bool {
        self.config.enabled
    }

    /// Time between two looks.
    fn look(&self) -> Duration {
        LOOK.min(Duration::from_secs(self.config.interval_seconds.max(1)))
    }

    /// Parallel streams that were found best for a link.
    pub(crate) fn streams(&self, source: &Arc<str>, destination: &Arc<str>) -> Option<u32> {
        let key = (Arc::clone(source), Arc::clone(destination));
        self.values.get(&key).map(|it| it.nostreams)
    }

    /// Values of all links that ever had one.
    pub(crate) fn values(&self) -> impl Iterator<Item = &OptimizerRow> {
        self.values.values()
    }

    /// What happens on each link with activity.
    pub(crate) fn windows(&self) -> impl Iterator<Item = (&Pair, &LinkWindow)> {
        self.links.iter().map(|(pair, it)| (pair, &it.window))
    }

    /// What happens on one of them.
    pub(crate) fn window(&self, pair: &Pair) -> Option<&LinkWindow> {
        self.links.get(pair).map(|it| &it.window)
    }

    pub(crate) fn window_mut(&mut self, pair: &Pair) -> Option<&mut LinkWindow> {
        self.links.get_mut(pair).map(|it| &mut it.window)
    }
}

/// Writes rows until the engine is gone. A row that cannot be written is a loss for the history
/// only: the value is in memory and the next decision writes the link again.
async fn write(store: Option<Arc<dyn SettingsStore>>, mut rows: mpsc::UnboundedReceiver<Rows>) {
    while let Some((values, decisions)) = rows.recv().await {
        if let Some(store) = &store
            && let Err(error) = store.put_optimizer(values, decisions).await
        {
            tracing::error!(%error, "failed to write decisions of the optimizer");
        }
    }
}

/// Mode, range and limits of a link, from the rows that speak for it.
fn setup(settings: &Settings, (source, destination): &Pair) -> LinkSetup {
    let rule = settings.link(source, destination).map(|row| LinkRule {
        source: row.source_se.to_string(),
        destination: row.dest_se.to_string(),
        min_active: Some(i64::from(row.min_active)),
        max_active: Some(i64::from(row.max_active)),
        optimizer_mode: settings
            .link_value(source, destination, |it| it.optimizer_mode)
            .map(i64::from),
    });
    let names = [source.as_ref(), destination.as_ref(), ANY];
    let rows = names.into_iter().filter_map(|it| settings.storage(it));
    let storages: Vec<StorageRule> = rows.map(|row| storage_rule(row)).collect();
    range::resolve(rule.as_slice(), &storages, source, destination)
}

fn storage_rule(row: &StorageRow) -> StorageRule {
    StorageRule {
        storage: row.storage.to_string(),
        inbound_max_active: row.inbound_max_active.map(i64::from),
        outbound_max_active: row.outbound_max_active.map(i64::from),
        inbound_max_throughput: row.inbound_max_throughput,
        outbound_max_throughput: row.outbound_max_throughput,
    }
}

impl Dispatcher {
    /// Something is queued on a link: a new one gets its first value.
    pub(crate) fn tune_new_link(&mut self, source: &Arc<str>, destination: &Arc<str>) {
        let tuning = &mut self.tuning;
        let key = (Arc::clone(source), Arc::clone(destination));
        if tuning.links.contains_key(&key) {
            return;
        }
        let tuned = Tuned {
            window: LinkWindow::new(self.now),
            setup: setup(&self.settings, &key),
        };
        let stored = tuning.values.get(&key).map(|it| it.active);
        let first = match stored {
            _ if !tuning.config.enabled => None,
            Some(_) => None,
            None => tuning.optimizer.begin(
                self.now,
                &LinkInput {
                    source_se: source,
                    dest_se: destination,
                    setup: &tuned.setup,
                    window: &tuned.window,
                    queue_size: 1,
                    stored: 0,
                },
            ),
        };
        let was_idle = tuning.links.is_empty();
        tuning.links.insert(key, tuned);
        if self.tuning.decides() {
            let start = self.config.link_start_active;
            let limit = stored.unwrap_or(start).max(1);
            self.scheduler
                .set_link_limit(source, destination, Some(limit));
        }
        self.obey(first.into_iter().collect());
        if was_idle {
            let look = self.tuning.look();
            self.set_alarm(look, Alarm::Check(Check::Optimizer));
        }
    }

    /// Settings changed.
    pub(crate) fn tune_again(&mut self) {
        for (key, tuned) in &mut self.tuning.links {
            tuned.setup = setup(&self.settings, key);
        }
    }

    /// An operator sets the value of a link; the optimizer goes on from there.
    pub(crate) fn set_link_value(&mut self, row: OptimizerRow) {
        let key = (Arc::clone(&row.source_se), Arc::clone(&row.dest_se));
        if self.tuning.decides() && self.tuning.links.contains_key(&key) {
            self.scheduler
                .set_link_limit(&key.0, &key.1, Some(row.active.max(1)));
        }
        let rows = (vec![row.clone()], Vec::new());
        self.tuning.values.insert(key, row);
        // The writer ends with the engine only.
        if self.tuning.rows.send(rows).is_err() {
            tracing::debug!("writer of the optimizer's rows is gone");
        }
    }

    /// Looks at all links with activity.
    pub(crate) fn tune(&mut self) {
        self.drop_idle_links();
        if self.tuning.decides() {
            self.decide();
        }
        self.report_throughput();
        if !self.tuning.links.is_empty() {
            let look = self.tuning.look();
            self.set_alarm(look, Alarm::Check(Check::Optimizer));
        }
    }

    fn decide(&mut self) {
        let now = self.now;
        let tuning = &mut self.tuning;
        let inputs: Vec<LinkInput<'_>> = tuning
            .links
            .iter()
            .map(|((source, destination), tuned)| LinkInput {
                source_se: source,
                dest_se: destination,
                setup: &tuned.setup,
                window: &tuned.window,
                queue_size: self.scheduler.queued_on(source, destination),
                stored: tuning
                    .values
                    .get(&(Arc::clone(source), Arc::clone(destination)))
                    .map_or(0, |it| it.active),
            })
            .collect();
        let decisions = tuning.optimizer.tick(now, &inputs);
        self.obey(decisions);
    }

    fn obey(&mut self, decisions: Vec<Decision>) {
        if decisions.is_empty() {
            return;
        }
        let mut values = Vec::with_capacity(decisions.len());
        let mut rows = Vec::with_capacity(decisions.len());
        for decision in decisions {
            let value = decision.value;
            let (source, destination) = (&value.source_se, &value.dest_se);
            self.scheduler
                .set_link_limit(source, destination, Some(value.active));
            tracing::debug!(
                link = %format_args!("{source} -> {destination}"),
                active = value.active,
                "{}",
                decision.evolution.rationale
            );
            let key = (Arc::clone(source), Arc::clone(destination));
            self.tuning.values.insert(key, value.clone());
            self.watched.observe(&Observation::Decided {
                source_se: source,
                dest_se: destination,
                active: value.active,
                diff: decision.evolution.diff,
                throughput: value.ema,
            });
            values.push(value);
            rows.push(decision.evolution);
        }
        // The writer ends with the engine only.
        if self.tuning.rows.send((values, rows)).is_err() {
            tracing::debug!("writer of the optimizer's rows is gone");
        }
    }

    fn drop_idle_links(&mut self) {
        let now = self.now;
        let decides = self.tuning.decides();
        let scheduler = &mut self.scheduler;
        self.tuning.links.retain(|(source, destination), tuned| {
            let keep = !tuned.window.is_idle(now) || scheduler.queued_on(source, destination) > 0;
            if !keep && decides {
                scheduler.set_link_limit(source, destination, None);
            }
            keep
        });
    }
}
