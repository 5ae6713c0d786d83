//! Jobs whose files share one session: one slot, one after the other, together in trouble.

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_model::ports::{JobControl, JobView};
use causeway_model::{FileState, JobId, JobState, JobType};
use causeway_plugin_mock::MockStorage;
use causeway_sdk::{BoxFuture, Ctx, DynStorage, Erased, Host, Result, Stat, Storage, Url};
use causeway_testkit::{Layer, Layered};
use support::{Bench, Shelf, set_type, states};

use FileState::{Active, Canceled, Failed, Finished, Submitted};

const GOOD: (&str, &str) = ("mock://a/1?size=10", "mock://b/1?size_post=10&time=10");
const BAD: (&str, &str) = ("mock://a/2?errno=2", "mock://b/2?time=1");
const FLAKY: (&str, &str) = (
    "mock://a/3?size=10",
    "mock://b/3?size_post=10&time=5&transfer_errno=104",
);
const DEADLY: (&str, &str) = ("mock://a/deadly?size=10", "mock://b/4?size_post=10&time=1");

/// The mock, of which one file ends workers.
struct Deadly(Arc<dyn DynStorage>);

impl Layer for Deadly {
    fn inner(&self) -> &dyn DynStorage {
        &*self.0
    }

    fn stat<'a>(&'a self, cx: &'a Ctx, at: &'a Url) -> BoxFuture<'a, Result<Stat>> {
        assert!(!at.path().contains("deadly"), "killed by a file");
        self.0.stat(cx, at)
    }
}

fn shelf() -> Shelf {
    let mock = MockStorage::create("", Host::silent()).unwrap();
    let deadly = Layered(Deadly(Erased::shared(mock)));
    Shelf::default().with("mock", Arc::new(deadly))
}

async fn one_slot() -> Bench {
    let config = EngineConfig {
        max_active: 1,
        ..EngineConfig::default()
    };
    Bench::with(config, shelf()).await
}

fn session(bench: &Bench, pairs: &[(&str, &str)], retry: i32) -> JobView {
    let mut view = bench.job(pairs);
    set_type(&mut view, JobType::Reuse);
    Arc::make_mut(&mut view.job).retry = retry;
    view
}

async fn submit(bench: &Bench, pairs: &[(&str, &str)], retry: i32) -> JobId {
    bench.submit(session(bench, pairs, retry)).await
}

fn follow_each_other(view: &JobView) -> bool {
    view.files
        .windows(2)
        .all(|two| two[0].finish_time.unwrap() <= two[1].start_time.unwrap())
}

#[tokio::test(start_paused = true)]
async fn one_after_the_other_in_one_slot() {
    let bench = one_slot().await;
    let blocker = bench.submit(bench.job(&[GOOD])).await;
    bench.until(blocker, |it| it.files[0].state == Active).await;
    let together = submit(&bench, &[GOOD, GOOD, GOOD], 0).await;
    bench.rest(Duration::from_secs(1)).await;
    let other = bench.submit(bench.job(&[GOOD])).await;
    let view = bench
        .until(together, |it| it.files[0].state == Finished)
        .await;
    assert_eq!(view.job.state, JobState::Active);
    assert_eq!(view.files[2].state, Submitted);
    let view = bench.end(together).await;
    assert_eq!(view.job.state, JobState::Finished);
    assert!(follow_each_other(&view));
    let last = bench.end(other).await;
    assert!(
        view.files[2].finish_time <= last.files[0].start_time,
        "nobody gets in between"
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_takes_one_slot_only() {
    let config = EngineConfig {
        max_active: 2,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, shelf()).await;
    let together = submit(&bench, &[GOOD, GOOD, GOOD], 0).await;
    let other = bench.submit(bench.job(&[GOOD])).await;
    let view = bench.end(other).await;
    let first = bench.view(together).await.files[0].clone();
    assert!(view.files[0].start_time.unwrap() < first.start_time.unwrap().plus_millis(1000));
    bench.end(together).await;
}

#[tokio::test(start_paused = true)]
async fn without_sessions_they_are_like_others() {
    let config = EngineConfig {
        allow_session_reuse: false,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, shelf()).await;
    let id = submit(&bench, &[GOOD, GOOD, GOOD], 0).await;
    bench
        .until(id, |it| {
            it.files.iter().filter(|it| it.state == Active).count() > 1
        })
        .await;
    assert_eq!(bench.end(id).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn a_failure_costs_its_own_file() {
    let bench = one_slot().await;
    let id = submit(&bench, &[GOOD, BAD, GOOD], 0).await;
    let view = bench.end(id).await;
    assert_eq!(states(&view), [Finished, Failed, Finished]);
    assert_eq!(view.job.state, JobState::FinishedDirty);
}

#[tokio::test(start_paused = true)]
async fn a_file_is_tried_again_when_its_time_has_come() {
    let bench = one_slot().await;
    let mut view = session(&bench, &[FLAKY, GOOD], 1);
    Arc::make_mut(&mut view.job).retry_delay = 30;
    let id = bench.submit(view).await;
    let view = bench.until(id, |it| it.files[1].state == Finished).await;
    assert_eq!((view.files[0].state, view.files[0].retry), (Submitted, 1));
    // Its session is over, the slot is free for others meanwhile.
    let other = bench.submit(bench.job(&[GOOD])).await;
    bench.end(other).await;
    let view = bench.end(id).await;
    assert_eq!(states(&view), [Failed, Finished]);
    assert_eq!(view.job.state, JobState::FinishedDirty);
    // All slots are free again.
    let last = bench.submit(bench.job(&[GOOD])).await;
    assert_eq!(bench.end(last).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn a_dead_worker_ends_the_session() {
    let bench = one_slot().await;
    let id = submit(&bench, &[GOOD, DEADLY, GOOD, GOOD], 0).await;
    let view = bench.end(id).await;
    assert_eq!(states(&view), [Finished, Failed, Failed, Failed]);
    for file in &view.files[1..] {
        let reason = file.reason.as_deref().unwrap();
        assert!(
            reason.starts_with("GENERAL_FAILURE [4] Transfer process died with: "),
            "{reason}"
        );
        assert!(file.finish_time.is_some() && file.dest_surl_uuid.is_none());
    }
    let last = bench.submit(bench.job(&[GOOD])).await;
    assert_eq!(bench.end(last).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn the_retry_comes_before_the_end_of_the_session() {
    let bench = one_slot().await;
    let id = submit(&bench, &[DEADLY, GOOD], 1).await;
    let view = bench.until(id, |it| it.files[0].retry == 1).await;
    assert_eq!(view.files[0].state, Submitted);
    let view = bench.end_late(id).await;
    assert_eq!(states(&view), [Failed, Finished]);
}

#[tokio::test(start_paused = true)]
async fn a_dead_worker_ends_a_chain() {
    let bench = Bench::with(EngineConfig::default(), shelf()).await;
    let mut view = bench.job(&[DEADLY, GOOD, GOOD]);
    set_type(&mut view, JobType::Multihop);
    for file in view.files.iter_mut().skip(1) {
        Arc::make_mut(file).state = FileState::NotUsed;
    }
    let id = bench.submit(view).await;
    let view = bench.end(id).await;
    assert_eq!(states(&view), [Failed; 3]);
    assert_eq!(view.files[2].reason, view.files[0].reason);
}

#[tokio::test(start_paused = true)]
async fn cancel_in_every_state() {
    let bench = one_slot().await;
    let running = submit(&bench, &[GOOD, GOOD, GOOD], 0).await;
    bench.until(running, |it| it.files[0].state == Active).await;
    let queued = submit(&bench, &[GOOD, GOOD], 0).await;
    bench.rest(Duration::from_secs(1)).await;
    for id in [queued, running] {
        bench.engine.cancel_job(id).await.unwrap().unwrap();
        let view = bench
            .until(id, |it| it.files.iter().all(|it| it.finish_time.is_some()))
            .await;
        assert!(view.files.iter().all(|it| it.state == Canceled));
    }
    let last = bench.submit(bench.job(&[GOOD])).await;
    assert_eq!(bench.end(last).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn when_the_first_is_cancelled_the_next_takes_its_place() {
    let bench = one_slot().await;
    let blocker = bench.submit(bench.job(&[GOOD])).await;
    bench.until(blocker, |it| it.files[0].state == Active).await;
    let id = submit(&bench, &[GOOD, GOOD, GOOD], 0).await;
    let files: Vec<_> = bench
        .view(id)
        .await
        .files
        .iter()
        .map(|it| it.file_id)
        .collect();
    bench.engine.cancel_files(id, &files[..1]).await.unwrap();
    let view = bench.end(id).await;
    assert_eq!(states(&view), [Canceled, Finished, Finished]);
    assert_eq!(view.job.state, JobState::Canceled);
}

#[tokio::test(start_paused = true)]
async fn a_priority_moves_the_session() {
    let bench = one_slot().await;
    let blocker = bench.submit(bench.job(&[GOOD])).await;
    bench.until(blocker, |it| it.files[0].state == Active).await;
    let first = bench.submit(bench.job(&[GOOD])).await;
    let id = submit(&bench, &[GOOD, GOOD], 0).await;
    bench.engine.set_priority(id, 5).await.unwrap().unwrap();
    let (ours, theirs) = (bench.end(id).await, bench.end(first).await);
    assert!(ours.files[1].finish_time <= theirs.files[0].start_time);
}

#[tokio::test(start_paused = true)]
async fn a_second_engine_goes_on_with_it() {
    let bench = one_slot().await;
    let id = submit(&bench, &[GOOD, GOOD, GOOD], 0).await;
    bench.until(id, |it| it.files[1].state == Active).await;
    bench.engine.shutdown(Duration::ZERO).await;
    let before = bench.view(id).await;
    assert_eq!(states(&before), [Finished, Active, Submitted]);
    let again = Bench::on(
        bench.store.clone(),
        bench.config.clone(),
        bench.shelf.clone(),
        bench.clock.clone(),
    )
    .await;
    let view = again.end(id).await;
    assert_eq!(states(&view), [Finished; 3]);
    assert!(follow_each_other(&view));
    assert_eq!(view.files[0].start_time, before.files[0].start_time);
}
