//! Limits of time: what stays queued too long, and attempts that nobody hears of.

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_engine::crew::Crew;
use causeway_engine::messages::{AttemptEvent, AttemptId, Order, Report};
use causeway_engine::{Engine, Parts, TestClock};
use causeway_model::ports::{Clock, EngineControl, ForceStart, JobControl, JobStore, JobView};
use causeway_model::settings::{Change, LinkRow, StorageRow, VoRow};
use causeway_model::{FileState as S, JobId, JobState, JobType};
use causeway_store::MemoryStore;
use parking_lot::Mutex;
use support::{Bench, Shelf, change_rows, set_type, states};
use tokio::sync::mpsc;

const ADMIN: &str = "/CN=admin";
const OWN: &str = "Job has been canceled because it stayed in the queue for too long \
                   (max-time-in-queue timeout)";
const GLOBAL: &str = "Job has been canceled because it stayed in the queue for too long \
                      (global timeout)";

async fn narrow() -> Bench {
    let config = EngineConfig {
        link_max_active: 1,
        ..EngineConfig::default()
    };
    Bench::with(config, Shelf::mock()).await
}

/// Three transfers over one link, each of this many seconds.
fn three(bench: &Bench, seconds: u64) -> JobView {
    let destination = format!("mock://b/1?size_post=1&time={seconds}");
    let pair = ("mock://a/1?size=1", destination.as_str());
    let mut view = bench.job(&[pair, pair, pair]);
    change_rows(&mut view, |job, _| {
        job.copy_params.timeout_seconds = Some(100_000)
    });
    view
}

async fn end(bench: &Bench, id: JobId) -> JobView {
    bench
        .until_late(id, |view| view.job.state.is_terminal())
        .await
}

async fn pass(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn a_jobs_own_time_in_the_queue() {
    let bench = narrow().await;
    let mut view = three(&bench, 500);
    let until = bench.clock.now().seconds() + 300;
    change_rows(&mut view, |job, _| job.max_time_in_queue = Some(until));
    let id = bench.submit(view).await;
    pass(300).await;
    assert_eq!(
        states(&bench.view(id).await),
        [S::Active, S::Submitted, S::Submitted]
    );
    pass(2).await;
    let view = bench.view(id).await;
    // What runs goes on.
    assert_eq!(states(&view), [S::Active, S::Canceled, S::Canceled]);
    assert_eq!(view.files[2].reason.as_deref(), Some(OWN));
    let view = end(&bench, id).await;
    assert_eq!(view.files[0].state, S::Finished);
    assert_eq!(view.job.state, JobState::Canceled);
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_the_time_is_not_queued_again() {
    let bench = Bench::mock().await;
    let mut view = bench.job(&[(
        "mock://a/1?size=1",
        "mock://b/1?size_post=1&time=400&errno=110",
    )]);
    let until = bench.clock.now().seconds() + 300;
    change_rows(&mut view, |job, _| {
        job.max_time_in_queue = Some(until);
        job.retry = 5;
    });
    let id = bench.submit(view).await;
    let view = end(&bench, id).await;
    assert_eq!((view.files[0].state, view.files[0].retry), (S::Canceled, 1));
    assert_eq!(view.files[0].reason.as_deref(), Some(OWN));
    assert_eq!(view.job.reason.as_deref(), Some(OWN));
}

#[tokio::test(start_paused = true)]
async fn hops_that_were_not_reached_stay_as_they_are() {
    let bench = narrow().await;
    let mut view = three(&bench, 500);
    set_type(&mut view, JobType::Multihop);
    for file in view.files.iter_mut().skip(1) {
        Arc::make_mut(file).state = S::NotUsed;
    }
    let until = bench.clock.now().seconds() + 300;
    change_rows(&mut view, |job, _| job.max_time_in_queue = Some(until));
    let id = bench.submit(view).await;
    pass(302).await;
    assert_eq!(
        states(&bench.view(id).await),
        [S::Active, S::NotUsed, S::NotUsed]
    );
    // The next one comes into the queue too late.
    let view = end(&bench, id).await;
    assert_eq!(states(&view), [S::Finished, S::Canceled, S::NotUsed]);
}

#[tokio::test(start_paused = true)]
async fn a_servers_time_in_the_queue_counts_for_jobs_that_are_there() {
    let bench = narrow().await;
    let id = bench.submit(three(&bench, 20_000)).await;
    pass(3000).await;
    let row = |hours| {
        Change::PutVo(VoRow {
            max_time_queue: Some(hours),
            ..VoRow::new("dteam")
        })
    };
    bench
        .engine
        .change_settings(ADMIN, vec![row(1)])
        .await
        .unwrap();
    pass(500).await;
    assert_eq!(
        states(&bench.view(id).await),
        [S::Active, S::Submitted, S::Submitted]
    );
    pass(101).await;
    let view = bench.view(id).await;
    assert_eq!(states(&view), [S::Active, S::Canceled, S::Canceled]);
    assert_eq!(view.files[1].reason.as_deref(), Some(GLOBAL));
    // 0 lifts it again, also for jobs that were watched.
    let other = bench.submit(three(&bench, 20_000)).await;
    bench
        .engine
        .change_settings(ADMIN, vec![row(0)])
        .await
        .unwrap();
    pass(7200).await;
    let kept = states(&bench.view(other).await);
    assert!(!kept.contains(&S::Canceled), "{kept:?}");
}

#[tokio::test(start_paused = true)]
async fn drained_nothing_starts_and_what_runs_ends() {
    let bench = narrow().await;
    let id = bench.submit(three(&bench, 50)).await;
    bench.until(id, |view| states(view)[0] == S::Active).await;
    let drain = |on| bench.engine.set_drain(ADMIN, "node1", on);
    assert!(
        !bench
            .engine
            .set_drain(ADMIN, "elsewhere", true)
            .await
            .unwrap()
    );
    assert!(drain(true).await.unwrap());
    let mut view = support::deletion_job(&*bench.store, bench.clock.now(), &["mock://a/1?size=1"]);
    Arc::make_mut(&mut view.job).retry = 0;
    let deletion = bench.submit(view).await;
    pass(1000).await;
    assert_eq!(
        states(&bench.view(id).await),
        [S::Finished, S::Submitted, S::Submitted]
    );
    assert!(!bench.view(deletion).await.job.state.is_terminal());
    assert!(drain(false).await.unwrap());
    assert_eq!(end(&bench, id).await.job.state, JobState::Finished);
    end(&bench, deletion).await;
}

#[tokio::test(start_paused = true)]
async fn a_drained_node_is_drained_after_a_restart() {
    let bench = narrow().await;
    bench.engine.set_drain(ADMIN, "node1", true).await.unwrap();
    bench.engine.shutdown(Duration::ZERO).await;
    let again = Bench::on(bench.store, bench.config, bench.shelf, bench.clock).await;
    let id = again.submit(three(&again, 1)).await;
    pass(1000).await;
    assert_eq!(states(&again.view(id).await), [S::Submitted; 3]);
}

#[tokio::test(start_paused = true)]
async fn too_little_memory_starts_nothing() {
    let config = EngineConfig {
        min_required_free_ram_bytes: u64::MAX,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    let id = bench.submit(three(&bench, 1)).await;
    pass(1000).await;
    assert_eq!(states(&bench.view(id).await), [S::Submitted; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_forced_start_goes_ahead_of_all_limits() {
    let bench = narrow().await;
    let id = bench.submit(three(&bench, 500)).await;
    bench.until(id, |view| states(view)[0] == S::Active).await;
    let files: Vec<_> = bench
        .view(id)
        .await
        .files
        .iter()
        .map(|it| it.file_id)
        .collect();
    let strange = causeway_model::FileId(99_999);
    let asked = [files[0], files[2], strange];
    let forced = bench.engine.force_start(ADMIN, &asked).await.unwrap();
    let expected = [
        ForceStart::NotQueued(S::Active),
        ForceStart::Forced,
        ForceStart::Unknown,
    ];
    assert_eq!(forced, expected);
    let both = |view: &JobView| states(view) == [S::Active, S::Submitted, S::Active];
    bench.until(id, both).await;
    assert_eq!(end(&bench, id).await.job.state, JobState::Finished);
    // What has ended is not the engine's any more.
    let late = bench.engine.force_start(ADMIN, &files[..1]).await.unwrap();
    assert_eq!(late, [ForceStart::Unknown]);
}

#[tokio::test(start_paused = true)]
async fn limits_follow_their_settings() {
    let bench = Bench::mock().await;
    let link = |max| {
        Change::PutLink(LinkRow {
            min_active: 1,
            max_active: max,
            ..LinkRow::new("l", "mock://a", "*")
        })
    };
    let set = |changes| bench.engine.change_settings(ADMIN, changes);
    set(vec![link(2)]).await.unwrap();
    let id = bench.submit(three(&bench, 500)).await;
    pass(1).await;
    let active = async || {
        let view = bench.view(id).await;
        states(&view).iter().filter(|it| **it == S::Active).count()
    };
    assert_eq!(active().await, 2);
    set(vec![link(3)]).await.unwrap();
    pass(1).await;
    assert_eq!(active().await, 3);
    end(&bench, id).await;
    let storage = Change::PutStorage(StorageRow {
        inbound_max_active: Some(1),
        ..StorageRow::new("mock://b")
    });
    set(vec![storage]).await.unwrap();
    let id = bench.submit(three(&bench, 500)).await;
    pass(1).await;
    let view = bench.view(id).await;
    assert_eq!(
        states(&view).iter().filter(|it| **it == S::Active).count(),
        1
    );
    set(vec![Change::DeleteStorage("mock://b".into())])
        .await
        .unwrap();
    pass(1).await;
    let view = bench.view(id).await;
    assert_eq!(states(&view), [S::Active; 3]);
    // Nonsense is refused, and the rest of the change with it.
    let nonsense = Change::PutLink(LinkRow {
        min_active: 9,
        max_active: 1,
        ..LinkRow::new("x", "mock://a", "mock://b")
    });
    assert!(set(vec![link(1), nonsense]).await.is_err());
    assert_eq!(
        bench.engine.settings().link_named("l").unwrap().max_active,
        3
    );
    let audit = bench.engine.audit(10).await.unwrap();
    let actions: Vec<_> = audit.iter().map(|it| it.action.as_str()).collect();
    assert_eq!(actions, ["set-se-config", "set-se-config", "link", "link"]);
    assert_eq!(&*audit[0].dn, ADMIN);
}

#[tokio::test(start_paused = true)]
async fn retries_of_a_vo() {
    let bench = Bench::mock().await;
    let row = Change::PutVo(VoRow {
        retry: Some(2),
        ..VoRow::new("*")
    });
    bench
        .engine
        .change_settings(ADMIN, vec![row])
        .await
        .unwrap();
    let destination = "mock://b/1?size_post=1&time=1&errno=110";
    let unset = |job: &mut causeway_model::Job, _: &mut causeway_model::Transfer| job.retry = 0;
    let file = bench
        .run_with("mock://a/1?size=1", destination, unset)
        .await;
    assert_eq!((file.state, file.retry), (S::Failed, 2));
}

/// A crew whose workers begin and are then only heard of when the test says so.
#[derive(Default)]
struct Silent {
    reports: Mutex<Option<mpsc::Sender<Report>>>,
    orders: Mutex<Vec<Order>>,
}

impl Silent {
    fn say(&self, attempt: AttemptId, event: AttemptEvent) {
        let reports = self.reports.lock();
        let sent = reports
            .as_ref()
            .unwrap()
            .try_send(Report { attempt, event });
        sent.unwrap();
    }

    fn canceled(&self) -> usize {
        let orders = self.orders.lock();
        orders
            .iter()
            .filter(|it| matches!(it, Order::Cancel(_)))
            .count()
    }
}

impl Crew for Silent {
    fn report_to(&self, reports: mpsc::Sender<Report>) {
        *self.reports.lock() = Some(reports);
    }

    fn order(&self, order: Order) {
        if let Order::Start(spec) = &order {
            self.say(spec.attempt, AttemptEvent::Started { pid: 1 });
        }
        self.orders.lock().push(order);
    }
}

async fn silent(config: EngineConfig) -> (Engine, Arc<MemoryStore>, Arc<Silent>, JobId) {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(TestClock::default()));
    let parts = Parts {
        store: store.clone(),
        vault: None,
        clock: clock.clone(),
        storages: Arc::new(Shelf::mock()),
        host: "node1".into(),
        observer: causeway_model::observe::Watched::default(),
        settings: None,
        history: None,
        tokens: None,
    };
    let crew = Arc::new(Silent::default());
    let engine = Engine::start_with(config, parts, crew.clone())
        .await
        .unwrap();
    let view = support::job(&*store, clock.now(), &[("mock://a/1", "mock://b/1")]);
    let id = view.job.job_id;
    engine.submit(view).await.unwrap();
    pass(1).await;
    (engine, store, crew, id)
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_says_nothing_is_given_up() {
    let (_engine, store, crew, id) = silent(EngineConfig::default()).await;
    let file = async || store.view(id).await.unwrap().unwrap().files[0].clone();
    pass(800).await;
    // A sign of life puts it off.
    crew.say(AttemptId(1), AttemptEvent::Alive);
    pass(890).await;
    assert_eq!(file().await.state, S::Active);
    pass(20).await;
    let row = file().await;
    assert_eq!(row.state, S::Failed);
    let text =
        "No FTS server has updated the transfer status the last 900 seconds. Probably stalled";
    assert_eq!(row.reason.as_deref(), Some(text));
    assert_eq!(crew.canceled(), 1);
    assert!(row.finish_time.is_some());
    let job = store.job(id).await.unwrap().unwrap();
    assert_eq!(job.state, JobState::Failed);
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_is_given_up() {
    let (_engine, store, crew, id) = silent(EngineConfig::default()).await;
    let params = "nostreams:1,timeout:600,buffersize:0".to_owned();
    let parameters = AttemptEvent::Parameters { params, size: None };
    crew.say(AttemptId(1), parameters);
    let state = async || store.view(id).await.unwrap().unwrap().files[0].state;
    for _ in 0..41 {
        assert_eq!(state().await, S::Active);
        pass(100).await;
        crew.say(AttemptId(1), AttemptEvent::Alive);
    }
    pass(200).await;
    let row = store.view(id).await.unwrap().unwrap().files[0].clone();
    assert_eq!(row.state, S::Failed);
    let text = "Transfer has been forced-killed because it was stalled";
    assert_eq!(row.reason.as_deref(), Some(text));
}

#[tokio::test(start_paused = true)]
async fn without_a_known_time_two_hours_are_too_long() {
    let config = EngineConfig {
        check_stalled_transfers: false,
        ..EngineConfig::default()
    };
    let (_engine, store, _crew, id) = silent(config).await;
    let state = async || store.view(id).await.unwrap().unwrap().files[0].state;
    pass(7190).await;
    assert_eq!(state().await, S::Active);
    pass(20).await;
    assert_eq!(state().await, S::Failed);
}
