//! Workers that can be lost on command, and that tell the record what they have.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use causeway_engine::Worker;
use causeway_engine::crew::{Crew, Loss, Part};
use causeway_engine::messages::{AttemptEvent, AttemptId, Order, Report};
use causeway_model::ports::Clock;
use causeway_sdk::{Storages, Url};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::mpsc;

use crate::record::{Record, Run};

/// Workers at a time.
const DESKS: usize = 2;

/// The workers of one life of an engine.
pub struct Shift {
    storages: Arc<dyn Storages>,
    clock: Arc<dyn Clock>,
    record: Record,
    /// For the time that reports take.
    dice: Mutex<StdRng>,
    state: Mutex<State>,
    this: Weak<Self>,
}

#[derive(Default)]
struct State {
    reports: Option<mpsc::Sender<Report>>,
    /// Number of the worker at each desk, and its orders.
    desks: Vec<(u64, mpsc::UnboundedSender<Order>)>,
    last: u64,
    /// Who has what.
    held: BTreeMap<AttemptId, u64>,
    dead: bool,
}

impl Shift {
    pub fn new(
        storages: Arc<dyn Storages>,
        clock: Arc<dyn Clock>,
        record: Record,
        seed: u64,
    ) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            dice: Mutex::new(StdRng::seed_from_u64(seed)),
            storages,
            clock,
            record,
            state: Mutex::default(),
            this: this.clone(),
        })
    }

    fn hire(&self) -> (u64, mpsc::UnboundedSender<Order>) {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (outbox, mut reports) = mpsc::channel(64);
        let worker = Worker::new(Arc::clone(&self.storages), Arc::clone(&self.clock), outbox);
        tokio::spawn(worker.run(inbox));
        let number = {
            let mut state = self.state.lock();
            state.last += 1;
            state.last
        };
        let shift = self.this.clone();
        tokio::spawn(async move {
            while let Some(report) = reports.recv().await {
                let Some(shift) = shift.upgrade() else { return };
                if let Some(late) = shift.lateness(&report) {
                    tokio::time::sleep(late).await;
                }
                shift.hear(number, report).await;
            }
        });
        (number, orders)
    }

    /// Some reports are late, above all last ones, and so are those behind them.
    fn lateness(&self, report: &Report) -> Option<Duration> {
        let mut dice = self.dice.lock();
        let last = matches!(
            report.event,
            AttemptEvent::Finished(_) | AttemptEvent::Failed(_)
        );
        let late = dice.random_bool(if last { 0.3 } else { 0.05 });
        late.then(|| Duration::from_millis(dice.random_range(1..6000)))
    }

    async fn hear(&self, number: u64, report: Report) {
        let last = matches!(
            report.event,
            AttemptEvent::Finished(_) | AttemptEvent::Failed(_)
        );
        let out = {
            let mut state = self.state.lock();
            if state.dead || state.held.get(&report.attempt) != Some(&number) {
                return;
            }
            if last {
                state.held.remove(&report.attempt);
                let how = match &report.event {
                    AttemptEvent::Failed(failure) => failure.fault.to_string(),
                    _ => "finished".to_owned(),
                };
                let now = self.clock.now();
                self.record.with(|it| it.ended(now, report.attempt, &how));
            }
            state.reports.clone()
        };
        if let Some(out) = out {
            // An engine that has stopped does not hear it.
            drop(out.send(report).await);
        }
    }

    /// One of the workers is lost with all it has; another takes its place.
    pub async fn lose(&self, desk: usize, part: Part) {
        let fresh = self.hire();
        let (lost, out) = {
            let mut state = self.state.lock();
            if state.dead || state.desks.is_empty() {
                return;
            }
            let desk = desk % state.desks.len();
            let (gone, _) = std::mem::replace(&mut state.desks[desk], fresh);
            let mut lost: Vec<AttemptId> = Vec::new();
            state.held.retain(|attempt, by| {
                if *by == gone {
                    lost.push(*attempt);
                }
                *by != gone
            });
            (lost, state.reports.clone())
        };
        let Some(out) = out else { return };
        let how = "signal 11 (SIGSEGV)".to_owned();
        for attempt in lost {
            let now = self.clock.now();
            self.record.with(|it| it.ended(now, attempt, "lost"));
            let event = AttemptEvent::Lost(Loss {
                how: how.clone(),
                part,
            });
            // An engine that has stopped does not hear it.
            drop(out.send(Report { attempt, event }).await);
        }
    }

    /// They are gone, with the engine.
    pub fn die(&self) {
        let mut state = self.state.lock();
        state.dead = true;
        state.desks.clear();
        state.held.clear();
        state.reports = None;
    }

    fn take(&self, attempt: AttemptId, run: Run) {
        let now = self.clock.now();
        self.record.with(|it| it.started(now, attempt, run));
    }
}

impl Crew for Shift {
    fn report_to(&self, reports: mpsc::Sender<Report>) {
        let desks = (0..DESKS).map(|_| self.hire()).collect();
        let mut state = self.state.lock();
        state.reports = Some(reports);
        state.desks = desks;
    }

    fn order(&self, order: Order) {
        let mut state = self.state.lock();
        if state.dead {
            return;
        }
        let (attempt, run) = match &order {
            Order::Start(spec) => {
                let run = run(spec.file_id, &spec.source, &spec.destination, false);
                (spec.attempt, Some(run))
            }
            Order::Delete(spec) => (
                spec.attempt,
                Some(run(spec.file_id, &spec.url, &spec.url, true)),
            ),
            Order::Cancel(id) | Order::Leave(id) | Order::CommitGranted(id) => (*id, None),
        };
        if let Some(run) = run {
            let desk = usize::try_from(attempt.0).unwrap_or(0) % state.desks.len();
            let number = state.desks[desk].0;
            state.held.insert(attempt, number);
            self.take(attempt, run);
        }
        let holder = state.held.get(&attempt).copied();
        if let Some((_, orders)) = state.desks.iter().find(|it| Some(it.0) == holder) {
            // A worker ends with its orders, so there is one.
            drop(orders.send(order));
        }
    }
}

fn run(file: causeway_model::FileId, source: &Url, destination: &Url, deletes: bool) -> Run {
    Run {
        file,
        source: source.storage(),
        destination: destination.storage(),
        deletes,
        forced: false,
    }
}
