//! Workers that are lost: what their attempts become. A crew of the test's own loses them on
//! command, so nothing here depends on processes or time.

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use causeway_engine::crew::{Crew, Loss, Part};
use causeway_engine::messages::{AttemptEvent, AttemptId, Order, Report};
use causeway_engine::plan::PeerCopies;
use causeway_engine::{Engine, EngineConfig, Parts, TestClock, Worker};
use causeway_model::ports::{Clock, JobControl, JobStore, JobView};
use causeway_model::{DeletionState, FileState, JobId, JobState};
use causeway_sdk::Storages;
use causeway_store::MemoryStore;
use causeway_testkit::payload;
use parking_lot::Mutex;
use support::probe::Probe;
use support::{Shelf, change_rows, states};
use tokio::sync::mpsc;

const HOW: &str = "signal 11 (SIGSEGV)";
const TEXT: &str = "GENERAL_FAILURE [4] Transfer process died with: signal 11 (SIGSEGV)";

/// When a worker is lost by itself: at a report that nobody hears any more.
type Fate = Box<dyn Fn(&AttemptEvent) -> Option<Loss> + Send + Sync>;

/// One worker in this process, that can be lost.
struct Frail {
    storages: Arc<dyn Storages>,
    clock: Arc<dyn Clock>,
    fate: Fate,
    state: Mutex<State>,
    this: std::sync::Weak<Self>,
}

#[derive(Default)]
struct State {
    reports: Option<mpsc::Sender<Report>>,
    orders: Option<mpsc::UnboundedSender<Order>>,
    life: u64,
    held: HashMap<AttemptId, u64>,
    started: u32,
}

impl Frail {
    fn new(shelf: &Shelf, clock: &Arc<TestClock>, fate: Fate) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            storages: Arc::new(shelf.clone()),
            clock: clock.clone(),
            fate,
            state: Mutex::default(),
            this: this.clone(),
        })
    }

    fn hire(&self) {
        let (orders, inbox) = mpsc::unbounded_channel();
        let (outbox, mut reports) = mpsc::channel(64);
        let worker = Worker::new(self.storages.clone(), self.clock.clone(), outbox);
        tokio::spawn(worker.run(inbox));
        let life = {
            let mut state = self.state.lock();
            state.life += 1;
            state.orders = Some(orders);
            state.life
        };
        let crew = self.this.clone();
        tokio::spawn(async move {
            while let Some(report) = reports.recv().await {
                let Some(crew) = crew.upgrade() else { return };
                crew.hear(life, report).await;
            }
        });
    }

    async fn hear(&self, life: u64, report: Report) {
        let out = {
            let mut state = self.state.lock();
            if state.life != life {
                return;
            }
            let last = matches!(
                report.event,
                AttemptEvent::Finished(_) | AttemptEvent::Failed(_)
            );
            if (self.fate)(&report.event).is_none() && last {
                state.held.remove(&report.attempt);
            }
            state.reports.clone().unwrap()
        };
        match (self.fate)(&report.event) {
            None => out.send(report).await.unwrap(),
            Some(loss) => self.lose(&loss).await,
        }
    }

    /// Everything the worker has is lost; another takes its place.
    async fn lose(&self, loss: &Loss) {
        let (held, out) = {
            let mut state = self.state.lock();
            let held: Vec<_> = state.held.drain().map(|(id, _)| id).collect();
            (held, state.reports.clone().unwrap())
        };
        self.hire();
        for attempt in held {
            let event = AttemptEvent::Lost(loss.clone());
            out.send(Report { attempt, event }).await.unwrap();
        }
    }
}

impl Crew for Frail {
    fn report_to(&self, reports: mpsc::Sender<Report>) {
        self.state.lock().reports = Some(reports);
        self.hire();
    }

    fn order(&self, order: Order) {
        let mut state = self.state.lock();
        let attempt = match &order {
            Order::Start(spec) => Some(spec.attempt),
            Order::Delete(spec) => Some(spec.attempt),
            _ => None,
        };
        if let Some(attempt) = attempt {
            let life = state.life;
            state.held.insert(attempt, life);
            state.started += 1;
        }
        state.orders.as_ref().unwrap().send(order).unwrap();
    }
}

struct Bench {
    engine: Engine,
    store: Arc<MemoryStore>,
    clock: Arc<TestClock>,
    crew: Arc<Frail>,
}

impl Bench {
    async fn with(shelf: Shelf, fate: Fate) -> Self {
        let clock = Arc::new(TestClock::default());
        let store = Arc::new(MemoryStore::new());
        let crew = Frail::new(&shelf, &clock, fate);
        let parts = Parts {
            store: store.clone(),
            vault: None,
            clock: clock.clone(),
            storages: Arc::new(shelf),
            host: "node1".into(),
            observer: causeway_model::observe::Watched::default(),
            settings: None,
            history: None,
            tokens: None,
        };
        let config = EngineConfig {
            peer_copies: PeerCopies::Full,
            ..EngineConfig::default()
        };
        let engine = Engine::start_with(config, parts, crew.clone());
        Self {
            engine: engine.await.unwrap(),
            store,
            clock,
            crew,
        }
    }

    async fn frail() -> Self {
        Self::with(Shelf::mock(), Box::new(|_| None)).await
    }

    async fn submit(&self, pairs: &[(&str, &str)], retry: i32) -> JobId {
        let mut view = support::job(&*self.store, self.clock.now(), pairs);
        change_rows(&mut view, |job, _| {
            job.retry = retry;
            job.retry_delay = 5;
        });
        let id = view.job.job_id;
        self.engine.submit(view).await.unwrap();
        id
    }

    async fn until(&self, id: JobId, holds: impl Fn(&JobView) -> bool) -> JobView {
        for _ in 0..60_000 {
            let view = self.store.view(id).await.unwrap().unwrap();
            if holds(&view) {
                return view;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("it never came: {:#?}", self.store.view(id).await);
    }

    async fn end(&self, id: JobId) -> JobView {
        self.until(id, |view| view.job.state.is_terminal()).await
    }

    async fn active(&self, id: JobId) {
        self.until(id, |view| {
            view.files.iter().all(|it| it.state == FileState::Active)
        })
        .await;
    }

    async fn lose(&self, innocent: bool) {
        self.crew.lose(&loss(innocent)).await;
    }
}

fn loss(innocent: bool) -> Loss {
    lost_as(match innocent {
        true => Part::Bystander,
        false => Part::Unknown,
    })
}

fn lost_as(part: Part) -> Loss {
    Loss {
        how: HOW.into(),
        part,
    }
}

const SLOW: (&str, &str) = ("mock://a/f?size=10", "mock://b/f?size_post=10&time=60");

#[tokio::test(start_paused = true)]
async fn without_retries_it_failed_with_the_text_users_know() {
    let bench = Bench::frail().await;
    let id = bench.submit(&[SLOW, SLOW], -1).await;
    bench.active(id).await;
    bench.lose(false).await;
    let view = bench.end(id).await;
    assert_eq!(states(&view), [FileState::Failed, FileState::Failed]);
    assert_eq!(view.files[0].reason.as_deref(), Some(TEXT));
    assert_eq!(view.files[0].recoverable, Some(true));
    // The slots are free again: another one runs.
    let next = ("mock://a/g?size=1", "mock://b/g?size_post=1&time=0");
    let id = bench.submit(&[next], -1).await;
    assert_eq!(bench.end(id).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn with_retries_it_is_tried_again_by_another_worker() {
    let bench = Bench::frail().await;
    let id = bench.submit(&[SLOW], 2).await;
    bench.active(id).await;
    bench.lose(false).await;
    let view = bench.end(id).await;
    assert_eq!(
        (view.job.state, view.files[0].retry),
        (JobState::Finished, 1)
    );
    let file = view.files[0].file_id;
    let retries = bench.store.retries(id, file).await.unwrap();
    assert_eq!(retries.len(), 1);
    assert_eq!(retries[0].reason, TEXT);
}

#[tokio::test(start_paused = true)]
async fn who_had_nothing_to_do_with_it_spends_no_retry() {
    let bench = Bench::frail().await;
    let id = bench.submit(&[SLOW], -1).await;
    for _ in 0..3 {
        bench.active(id).await;
        // Until the new attempt has it.
        tokio::time::sleep(Duration::from_secs(1)).await;
        bench.lose(true).await;
    }
    let view = bench.end(id).await;
    assert_eq!(
        (view.job.state, view.files[0].retry),
        (JobState::Finished, 0)
    );
    assert!(
        bench
            .store
            .retries(id, view.files[0].file_id)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(bench.crew.state.lock().started, 4);
}

#[tokio::test(start_paused = true)]
async fn even_the_innocent_is_not_taken_up_for_ever() {
    let fate =
        |event: &AttemptEvent| matches!(event, AttemptEvent::Parameters { .. }).then(|| loss(true));
    let bench = Bench::with(Shelf::mock(), Box::new(fate)).await;
    let id = bench.submit(&[SLOW], -1).await;
    let view = bench.end(id).await;
    assert_eq!(view.files[0].reason.as_deref(), Some(TEXT));
    assert_eq!(bench.crew.state.lock().started, 4);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_dies_of_every_attempt_costs_the_retries_and_no_more() {
    let fate = |event: &AttemptEvent| {
        matches!(event, AttemptEvent::Parameters { .. }).then(|| loss(false))
    };
    let bench = Bench::with(Shelf::mock(), Box::new(fate)).await;
    let id = bench.submit(&[SLOW], 2).await;
    let view = bench.end(id).await;
    assert_eq!((view.job.state, view.files[0].retry), (JobState::Failed, 2));
    assert_eq!(bench.crew.state.lock().started, 3);
}

#[tokio::test(start_paused = true)]
async fn who_ends_its_worker_at_once_spends_its_retries_although_nothing_was_heard_of_it() {
    // The report that it runs is lost with the worker.
    for (part, retries, started) in [
        (Part::Suspect, -1, 1),
        (Part::Suspect, 1, 2),
        (Part::Unknown, -1, 4),
        (Part::Bystander, -1, 4),
    ] {
        let fate = move |event: &AttemptEvent| {
            matches!(event, AttemptEvent::Started { .. }).then(|| lost_as(part))
        };
        let bench = Bench::with(Shelf::mock(), Box::new(fate)).await;
        let id = bench.submit(&[SLOW], retries).await;
        let view = bench.end(id).await;
        assert_eq!(view.files[0].reason.as_deref(), Some(TEXT), "{part:?}");
        assert_eq!(bench.crew.state.lock().started, started, "{part:?}");
    }
}

const SOURCE: &str = "memory://a/source";
const DESTINATION: &str = "memory://b/destination";

/// A storage that bytes stream through.
fn streamed() -> Probe {
    Probe::new().able(|it| {
        it.copy.pull_from.clear();
        it.copy.push_to.clear();
    })
}

#[tokio::test(start_paused = true)]
async fn what_was_committed_is_not_copied_twice() {
    for innocent in [true, false] {
        let bytes = payload(1, 5000);
        let (storage, seen) = streamed().shared();
        seen.put(SOURCE, &bytes).await;
        // It dies between the commit and the word of it.
        let left = Arc::new(Mutex::new(1));
        let fate = move |event: &AttemptEvent| {
            let mut left = left.lock();
            let dies = matches!(event, AttemptEvent::Finished(_)) && *left > 0;
            dies.then(|| *left -= 1).map(|()| loss(innocent))
        };
        // `hear` asks twice: the first question must not change the second answer.
        let fate = once_per_event(fate);
        let shelf = Shelf::mock().with("memory", storage);
        let bench = Bench::with(shelf, fate).await;
        let id = bench.submit(&[(SOURCE, DESTINATION)], -1).await;
        let view = bench.end(id).await;
        assert_eq!(
            view.files[0].state,
            FileState::Finished,
            "{:?}",
            view.files[0].reason
        );
        assert_eq!(view.files[0].retry, 0);
        assert!(view.files[0].commit_intent.is_none());
        assert_eq!((seen.count("open_read"), seen.count("commit")), (1, 1));
        assert_eq!(seen.get(DESTINATION).await.as_deref(), Some(&bytes[..]));
    }
}

/// Fates that change when asked are asked once for each pair of questions.
fn once_per_event(fate: impl Fn(&AttemptEvent) -> Option<Loss> + Send + Sync + 'static) -> Fate {
    let last: Mutex<Option<Option<Loss>>> = Mutex::new(None);
    Box::new(move |event| {
        let mut last = last.lock();
        match last.take() {
            Some(answer) => answer,
            None => {
                let answer = fate(event);
                *last = Some(answer.clone());
                answer
            }
        }
    })
}

#[tokio::test(start_paused = true)]
async fn a_lost_deletion_is_done_by_another_worker() {
    for innocent in [true, false] {
        let bench = Bench::frail().await;
        let view = support::deletion_job(
            &*bench.store,
            bench.clock.now(),
            &["mock://a/f?delay_ms=9000"],
        );
        let mut view = view;
        Arc::make_mut(&mut view.job).retry = 1;
        let id = view.job.job_id;
        bench.engine.submit(view).await.unwrap();
        bench
            .until(id, |view| view.deletions[0].state == DeletionState::Started)
            .await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        bench.lose(innocent).await;
        let view = bench.end(id).await;
        assert_eq!(view.deletions[0].state, DeletionState::Finished);
        assert_eq!(view.deletions[0].retry, u32::from(!innocent));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_cancelled_and_lost_stays_cancelled() {
    let bench = Bench::frail().await;
    let id = bench.submit(&[SLOW], 3).await;
    bench.active(id).await;
    bench.engine.cancel_job(id).await.unwrap();
    bench.lose(true).await;
    let view = bench
        .until(id, |view| view.files[0].finish_time.is_some())
        .await;
    assert_eq!(view.files[0].state, FileState::Canceled);
    assert_eq!(bench.crew.state.lock().started, 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_lost_while_the_engine_stops_is_left_for_the_next_start() {
    let bench = Bench::frail().await;
    let id = bench.submit(&[SLOW], 3).await;
    bench.active(id).await;
    let engine = bench.engine.clone();
    let stop = tokio::spawn(async move { engine.shutdown(Duration::from_secs(20)).await });
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.lose(true).await;
    stop.await.unwrap();
    let view = bench.store.view(id).await.unwrap().unwrap();
    assert_eq!(view.files[0].state, FileState::Active);
    assert_eq!(view.files[0].retry, 0);
}
