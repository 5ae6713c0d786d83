//! Reasons end to end: what a transfer waits for, what a plan foretells, what the engine learns
//! about storages and links, and that asking changes nothing.

mod support;

use std::sync::Arc;

use causeway_engine::{EngineConfig, OptimizerConfig};
use causeway_model::explain::{Closure, Explanation, Sibling, Side, Wait};
use causeway_model::ports::{Clock, EngineControl, EngineInsight, JobControl, JobView};
use causeway_model::settings::{BanStatus, StorageBanRow};
use causeway_model::{FileState, Job, JobId, JobState, JobType, OptimizerRow, Rung, Timestamp};
use support::tape::staged;
use support::{Bench, Shelf, change_rows, set_type, states};

const ADMIN: &str = "/CN=admin";

/// One transfer at a time on a link, so that the others are queued.
fn narrow() -> EngineConfig {
    EngineConfig {
        link_max_active: 1,
        ..EngineConfig::default()
    }
}

async fn bench() -> Bench {
    Bench::with(narrow(), Shelf::mock()).await
}

fn urls(source: &str, destination: &str, n: u32) -> (String, String) {
    (
        format!("mock://{source}/{n}?size=1"),
        format!("mock://{destination}/{n}?size_post=1&time=50"),
    )
}

fn job(bench: &Bench, source: &str, destination: &str, files: u32) -> JobView {
    let urls: Vec<_> = (0..files).map(|n| urls(source, destination, n)).collect();
    let pairs: Vec<_> = urls.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    bench.job(&pairs)
}

/// A job whose first transfer runs.
async fn running(bench: &Bench, files: u32) -> JobId {
    let id = bench.submit(job(bench, "a", "b", files)).await;
    let runs = |view: &JobView| states(view).contains(&FileState::Active);
    bench.until(id, runs).await;
    id
}

async fn explain(bench: &Bench, id: JobId, index: usize) -> Explanation {
    let file = bench.file(id, index).await.file_id;
    bench.engine.explain(id, file).await.unwrap().unwrap()
}

fn ban(se: &str, status: BanStatus) -> StorageBanRow {
    StorageBanRow {
        se: se.into(),
        message: "maintenance".into(),
        addition_time: Timestamp(0),
        admin_dn: ADMIN.into(),
        vo: None,
        status,
        wait_timeout: 0,
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_queued_waits_for_its_link() {
    // What a link finishes is measured whether an optimizer decides or not.
    for optimizer in [OptimizerConfig::default(), OptimizerConfig::off()] {
        queued(optimizer).await;
    }
}

async fn queued(optimizer: OptimizerConfig) {
    let config = EngineConfig {
        optimizer,
        ..narrow()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    let id = running(&bench, 3).await;
    assert_eq!(explain(&bench, id, 0).await.waits, []);
    let full = Wait::LinkLimit {
        source: "mock://a".into(),
        destination: "mock://b".into(),
        active: 1,
        limit: 1,
    };
    let it = explain(&bench, id, 1).await;
    assert_eq!(
        (it.state, &it.waits[..]),
        (FileState::Submitted, &[full.clone()][..])
    );
    // Nothing has finished on the link: nobody can say.
    assert_eq!(it.predicted_start, None);
    assert_eq!(it.copy_seconds, 600);
    let ahead = Wait::Position {
        ahead: 1,
        exact: true,
    };
    assert_eq!(explain(&bench, id, 2).await.waits, [full, ahead]);
    // Of another job, or of none.
    let file = bench.file(id, 1).await.file_id;
    let other = bench.engine.explain(JobId::random(), file).await.unwrap();
    assert_eq!(other, None);
    // With one finished there is a rate: the third starts about when the second is done.
    let one = |view: &JobView| states(view)[1] == FileState::Active;
    bench.until_late(id, one).await;
    let it = explain(&bench, id, 2).await;
    let wait = it.predicted_start.unwrap().seconds_since(bench.clock.now());
    assert!((30.0..80.0).contains(&wait), "{wait}");
}

#[tokio::test(start_paused = true)]
async fn what_is_held_waits_for_its_ban() {
    let bench = bench().await;
    let id = running(&bench, 2).await;
    let ban = ban("mock://b", BanStatus::Wait);
    bench.engine.ban_storage(ban).await.unwrap();
    let it = explain(&bench, id, 1).await;
    assert_eq!(it.state, FileState::OnHold);
    let expected = Wait::Ban {
        storage: "mock://b".into(),
        vo: None,
        message: Some("maintenance".into()),
    };
    assert_eq!(it.waits, [expected]);
    assert_eq!(it.predicted_start, None);
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_waits_for_its_time() {
    let bench = bench().await;
    let mut view = bench.job(&[("mock://a/f?errno=5", "mock://b/f")]);
    let row: &mut Job = Arc::make_mut(&mut view.job);
    (row.retry, row.retry_delay) = (3, 600);
    let id = bench.submit(view).await;
    bench.until(id, |view| view.files[0].retry == 1).await;
    let it = explain(&bench, id, 0).await;
    let at = bench.file(id, 0).await.retry_timestamp.unwrap();
    assert_eq!(it.waits, [Wait::RetryAt { at }]);
    assert_eq!(it.predicted_start, Some(at));
}

#[tokio::test(start_paused = true)]
async fn hops_and_replicas_wait_for_each_other() {
    let bench = bench().await;
    for (kind, sibling) in [
        (JobType::Multihop, Sibling::Hop),
        (JobType::MultiReplica, Sibling::Replica),
    ] {
        let mut view = job(&bench, "a", "b", 3);
        set_type(&mut view, kind);
        for (index, file) in view.files.iter_mut().enumerate() {
            let file = Arc::make_mut(file);
            file.file_index = 0;
            if index > 0 {
                file.state = FileState::NotUsed;
            }
        }
        let id = bench.submit(view).await;
        let before = bench
            .file(id, if sibling == Sibling::Hop { 1 } else { 0 })
            .await;
        let expected = Wait::NotEnabled {
            waits_for: before.file_id,
            sibling,
        };
        assert_eq!(explain(&bench, id, 2).await.waits, [expected]);
        bench.engine.cancel_job(id).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn files_of_a_session_wait_for_their_turn() {
    let bench = bench().await;
    let mut view = job(&bench, "a", "b", 4);
    set_type(&mut view, JobType::Reuse);
    let id = bench.submit(view).await;
    let runs = |view: &JobView| states(view).contains(&FileState::Active);
    bench.until(id, runs).await;
    for (index, ahead) in [(1, 1), (3, 3)] {
        let position = Wait::Position { ahead, exact: true };
        assert_eq!(explain(&bench, id, index).await.waits, [position]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_on_tape_is_brought_online_first() {
    let bench = bench().await;
    let from = "mock://a/1?size=10&staging_time=10000";
    let id = bench
        .submit(staged(&bench, &[(from, "mock://b/1")], 20_000))
        .await;
    let started = |view: &JobView| view.files[0].state == FileState::Started;
    let view = bench.until_late(id, started).await;
    let since = view.files[0].staging_start;
    assert!(since.is_some());
    assert_eq!(
        explain(&bench, id, 0).await.waits,
        [Wait::Staging { since }]
    );
}

#[tokio::test(start_paused = true)]
async fn a_drained_node_says_so() {
    let bench = bench().await;
    bench.engine.set_drain(ADMIN, "node1", true).await.unwrap();
    let id = bench.submit(job(&bench, "a", "b", 1)).await;
    let why = Closure::Drained;
    assert_eq!(explain(&bench, id, 0).await.waits, [Wait::Closed { why }]);
    assert_eq!(bench.engine.conditions().await.unwrap().closed, Some(why));
}

#[tokio::test(start_paused = true)]
async fn a_plan_foretells_what_a_submission_gets() {
    let bench = bench().await;
    running(&bench, 3).await;
    let planned = job(&bench, "a", "b", 2);
    let foretold = bench.engine.forecast(planned.clone()).await.unwrap();
    let id = bench.submit(planned).await;
    for (index, forecast) in foretold.iter().enumerate() {
        let it = explain(&bench, id, index).await;
        assert_eq!(forecast.waits, it.waits);
        assert_eq!(forecast.file_id, it.file_id);
        assert_eq!(forecast.copy_seconds, it.copy_seconds);
    }
    let ahead = |ahead| Wait::Position { ahead, exact: true };
    assert_eq!(foretold[0].waits[1..], [ahead(2)]);
    assert_eq!(foretold[1].waits[1..], [ahead(3)]);
    assert_eq!(foretold[0].ways, [Rung::Pull, Rung::Push, Rung::Stream]);
}

#[tokio::test(start_paused = true)]
async fn a_plan_leaves_no_trace() {
    let bench = bench().await;
    let free = bench
        .engine
        .forecast(job(&bench, "x", "y", 2))
        .await
        .unwrap();
    assert_eq!(free[0].waits, [Wait::Next]);
    assert_eq!(free[0].predicted_start, Some(bench.clock.now()));
    // Nor does one plan stand in the way of the next, where nothing starts.
    bench.engine.set_drain(ADMIN, "node1", true).await.unwrap();
    let why = Closure::Drained;
    for _ in 0..2 {
        let plan = bench.engine.forecast(job(&bench, "x", "y", 1)).await;
        assert_eq!(plan.unwrap()[0].waits, [Wait::Closed { why }]);
        // What is queued after it would let it go first, were it still there.
        let mut other = job(&bench, "x", "y", 1);
        change_rows(&mut other, |job, row| (job.priority, row.priority) = (1, 1));
        let other = bench.submit(other).await;
        let waits = explain(&bench, other, 0).await.waits;
        assert_eq!(waits, [Wait::Closed { why }]);
        bench.engine.cancel_job(other).await.unwrap();
    }
    bench.engine.set_drain(ADMIN, "node1", false).await.unwrap();
    let nobody = bench.job(&[("void://a/f", "mock://b/f")]);
    let forecast = bench.engine.forecast(nobody).await.unwrap();
    assert_eq!(forecast[0].unserved, [Side::Outbound]);
    assert!(forecast[0].ways.is_empty());
    let conditions = bench.engine.conditions().await.unwrap();
    assert_eq!(conditions, causeway_model::Conditions::default());
    // What comes later finds the link as if nobody had asked.
    let id = bench.submit(job(&bench, "x", "y", 1)).await;
    assert_eq!(bench.end_late(id).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_cannot_be_reached_can_be_used_again() {
    let config = EngineConfig {
        breaker_failures: 1,
        breaker_pause_seconds: 1000,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    let file = bench
        .run_with("mock://a/f?errno=111", "mock://b/f", |job, _| {
            job.retry = -1
        })
        .await;
    assert_eq!(file.state, FileState::Failed);
    let tripped = bench.engine.conditions().await.unwrap().breakers;
    assert_eq!(&*tripped[0].storage, "mock://a");
    let until = tripped[0].until;
    let id = bench.submit(job(&bench, "a", "b", 1)).await;
    let it = explain(&bench, id, 0).await;
    let storage = "mock://a".into();
    assert_eq!(it.waits, [Wait::Breaker { storage, until }]);
    assert_eq!(it.predicted_start, until);
    let engine = &bench.engine;
    assert!(engine.reset_breaker(ADMIN, "mock://a").await.unwrap());
    assert!(!engine.reset_breaker(ADMIN, "mock://a").await.unwrap());
    let begun = bench.clock.now();
    assert_eq!(bench.end_late(id).await.job.state, JobState::Finished);
    let took = bench.clock.now().seconds_since(begun);
    assert!(took < 500.0, "{took}");
    let audit = engine.audit(10).await.unwrap();
    assert_eq!(audit[0].action, "reset-breaker");
}

#[tokio::test(start_paused = true)]
async fn the_value_of_a_link_can_be_set() {
    let config = EngineConfig {
        optimizer: OptimizerConfig::default(),
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    let value = OptimizerRow {
        source_se: "mock://a".into(),
        dest_se: "mock://b".into(),
        datetime: Timestamp(0),
        ema: 0.0,
        active: 1,
        nostreams: 4,
    };
    let engine = &bench.engine;
    engine.set_link_value(ADMIN, value.clone()).await.unwrap();
    assert_eq!(engine.conditions().await.unwrap().links, [value]);
    let id = running(&bench, 2).await;
    let it = explain(&bench, id, 1).await;
    assert!(
        matches!(it.waits[0], Wait::LinkLimit { limit: 1, .. }),
        "{it:?}"
    );
    // The streams are the optimizer's, as nobody said anything else.
    let params = |view: &JobView| view.files[0].internal_file_params.clone();
    let view = bench.until(id, |view| params(view).is_some()).await;
    assert!(params(&view).unwrap().starts_with("nostreams:4,"));
}
