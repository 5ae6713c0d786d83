//! What an observer is told is enough to count by: live transfers, attempts, bytes, waits.

mod support;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_engine::{Engine, EngineConfig, Parts, TestClock};
use causeway_model::observe::{AttemptOutcome, Observation, Observer, Step, StepTimes, Watched};
use causeway_model::ports::{Clock as _, JobControl as _, JobStore as _, JobView};
use causeway_model::{DeletionState, FileId, FileState, JobId, JobState, JobType};
use causeway_store::MemoryStore;
use support::{Shelf, change_rows, deletion_job, job, set_type};

/// Counts what it is told.
#[derive(Default)]
struct Tally(Mutex<Counts>);

#[derive(Clone, Debug, Default)]
struct Counts {
    live: BTreeMap<FileState, i64>,
    states: BTreeMap<FileId, FileState>,
    job_ends: BTreeMap<JobState, u32>,
    jobs: usize,
    finished: u32,
    failed: u32,
    retried: u32,
    moved: u64,
    arrived: u64,
    waits: Vec<Duration>,
    steps: Vec<StepTimes>,
    deletions: Vec<DeletionState>,
    rows: usize,
    most_slots: usize,
    asked_for_traces: u32,
}

impl Counts {
    fn live(&mut self, state: FileState, by: i64) {
        if !state.is_terminal() {
            *self.live.entry(state).or_default() += by;
        }
    }
}

impl Observer for Tally {
    fn observe(&self, what: &Observation<'_>) {
        let mut it = self.0.lock().unwrap();
        match *what {
            Observation::FileTaken { state, .. } => it.live(state, 1),
            Observation::FileLeft { state, .. } => it.live(state, -1),
            Observation::FileMoved { file, from, to, .. } => {
                let before = it.states.insert(file, to);
                assert!(before.is_none_or(|it| it == from), "{file} was {before:?}");
                it.live(from, -1);
                it.live(to, 1);
            }
            Observation::JobTaken {
                files, deletions, ..
            } => {
                assert!(files + deletions > 0);
                it.jobs += 1;
            }
            Observation::JobMoved { to, .. } if to.is_terminal() => {
                *it.job_ends.entry(to).or_default() += 1;
            }
            Observation::Picked { waited, .. } => it.waits.push(waited),
            Observation::Moved { bytes, .. } => it.moved += bytes,
            Observation::AttemptEnded { outcome, steps, .. } => {
                it.steps.push(steps);
                match outcome {
                    AttemptOutcome::Finished { bytes } => {
                        it.finished += 1;
                        it.arrived += bytes.unwrap_or(0);
                    }
                    AttemptOutcome::Failed { retried, .. } => {
                        it.failed += 1;
                        it.retried += u32::from(retried);
                    }
                }
            }
            Observation::DeletionEnded { state, .. } => it.deletions.push(state),
            Observation::Slots { used, total } => {
                assert!(used <= total);
                it.most_slots = it.most_slots.max(used);
            }
            Observation::Journalled { rows, .. } => it.rows += rows,
            _ => {}
        }
    }

    fn trace(&self, _: JobId, _: FileId) -> Option<String> {
        self.0.lock().unwrap().asked_for_traces += 1;
        None
    }
}

struct World {
    engine: Engine,
    store: Arc<MemoryStore>,
    clock: Arc<TestClock>,
    tally: Arc<Tally>,
}

impl World {
    async fn new() -> Self {
        let store = Arc::new(MemoryStore::new());
        let clock = Arc::new(TestClock::default());
        let tally = Arc::new(Tally::default());
        let config = EngineConfig {
            retry_delay_seconds: 60,
            ..EngineConfig::default()
        };
        let parts = Parts {
            store: store.clone(),
            vault: None,
            clock: clock.clone(),
            storages: Arc::new(Shelf::mock()),
            host: "node1".into(),
            observer: Watched::by(tally.clone()),
            settings: Some(store.clone()),
            history: Some(store.clone()),
            tokens: None,
        };
        let engine = Engine::start(config, parts).await.unwrap();
        Self {
            engine,
            store,
            clock,
            tally,
        }
    }

    fn job(&self, pairs: &[(&str, &str)]) -> JobView {
        job(&*self.store, self.clock.now(), pairs)
    }

    async fn submit(&self, view: JobView) -> JobId {
        let id = view.job.job_id;
        self.engine.submit(view).await.unwrap();
        id
    }

    /// What was told once these jobs have ended and are forgotten.
    async fn ended(&self, jobs: &[JobId]) -> Counts {
        for _ in 0..20_000 {
            tokio::time::sleep(Duration::from_millis(500)).await;
            let mut all = true;
            for id in jobs {
                let job = self.store.job(*id).await.unwrap().unwrap();
                all &= job.state.is_terminal();
            }
            let counts = self.tally.0.lock().unwrap().clone();
            if all && counts.live.values().all(|it| *it == 0) {
                return counts;
            }
        }
        panic!("still live: {:?}", self.tally.0.lock().unwrap());
    }
}

const TO: &str = "mock://b/1?size_post=10&time=1";

#[tokio::test(start_paused = true)]
async fn everything_that_was_taken_is_accounted_for() {
    let world = World::new().await;
    let good = world
        .submit(world.job(&[("mock://a/1?size=10", TO); 3]))
        .await;
    // Three attempts, a minute between them.
    let mut view = world.job(&[("mock://a/2?errno=110", TO)]);
    change_rows(&mut view, |job, _| job.retry = 2);
    let bad = world.submit(view).await;
    // The second replica is never needed.
    let mut view = world.job(&[("mock://a/3?size=10", TO), ("mock://c/3?size=10", TO)]);
    set_type(&mut view, JobType::MultiReplica);
    change_rows(&mut view, |_, file| {
        if file.file_index > 0 {
            file.state = FileState::NotUsed;
        }
        file.file_index = 0;
    });
    let replicas = world.submit(view).await;
    let view = deletion_job(&*world.store, world.clock.now(), &["mock://a/4?size_pre=1"]);
    let deletion = world.submit(view).await;
    let long = world.job(&[("mock://a/5?size=10", "mock://b/5?size_post=10&time=9999")]);
    let long = world.submit(long).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    world.engine.cancel_job(long).await.unwrap();

    let counts = world.ended(&[good, bad, replicas, deletion, long]).await;
    assert_eq!(counts.jobs, 5);
    let ends = [
        (JobState::Finished, 3),
        (JobState::Failed, 1),
        (JobState::Canceled, 1),
    ];
    assert_eq!(counts.job_ends, BTreeMap::from(ends));
    assert_eq!((counts.finished, counts.failed, counts.retried), (4, 4, 2));
    assert_eq!(counts.arrived, 40);
    assert!(counts.moved >= 40, "{}", counts.moved);
    assert_eq!(counts.deletions, [DeletionState::Finished]);
    assert_eq!(counts.waits.len(), 8);
    assert!(
        counts.waits.iter().all(|it| *it < Duration::from_secs(60)),
        "{:?}",
        counts.waits
    );
    assert!(counts.rows > 20 && counts.most_slots >= 5, "{counts:?}");
    assert_eq!(counts.asked_for_traces, 8);
    let copied = |it: &&StepTimes| it.seconds().any(|(step, _)| step == Step::Copy);
    assert_eq!(counts.steps.iter().filter(copied).count(), 5);
    let cleaned = |it: &&StepTimes| it.seconds().any(|(step, _)| step == Step::CleanUp);
    assert_eq!(counts.steps.iter().filter(cleaned).count(), 4);
}

#[tokio::test(start_paused = true)]
async fn bytes_are_told_while_they_move() {
    let world = World::new().await;
    let source = "mock://a/1?size=1000";
    let slow = "mock://b/1?size_post=1000&throughput=10";
    let id = world.submit(world.job(&[(source, slow)])).await;
    let mut before = Vec::new();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        before.push(world.tally.0.lock().unwrap().moved);
        if world
            .store
            .job(id)
            .await
            .unwrap()
            .unwrap()
            .state
            .is_terminal()
        {
            break;
        }
    }
    let counts = world.ended(&[id]).await;
    assert_eq!(counts.moved, 1000);
    let on_the_way = before.iter().filter(|it| (1..1000).contains(*it)).count();
    assert!(on_the_way > 0, "{before:?}");
}
