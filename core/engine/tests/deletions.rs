//! Deletion jobs.

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_model::ports::{Clock, JobControl, JobStore, JobView};
use causeway_model::{DeletionState, JobId, JobState};
use support::{Bench, Shelf, deletion_job};

use DeletionState::{Canceled, Delete, Failed, Finished, Started};

const THERE: &str = "mock://a/1?size=1";
const SLOW: &str = "mock://a/2?size=1&delay_ms=60000";
const GONE: &str = "mock://a/3?errno=2";
const LATE: &str = "mock://a/4?errno=110";

async fn submit(bench: &Bench, urls: &[&str], retry: i32) -> JobId {
    let mut view = deletion_job(&*bench.store, bench.clock.now(), urls);
    Arc::make_mut(&mut view.job).retry = retry;
    bench.submit(view).await
}

fn states(view: &JobView) -> Vec<DeletionState> {
    view.deletions.iter().map(|it| it.state).collect()
}

#[tokio::test(start_paused = true)]
async fn how_a_job_ends() {
    let bench = Bench::mock().await;
    let rows: [(&[&str], &[DeletionState], JobState); 3] = [
        (&[THERE, THERE], &[Finished, Finished], JobState::Finished),
        (&[THERE, GONE], &[Finished, Failed], JobState::FinishedDirty),
        (&[GONE, GONE], &[Failed, Failed], JobState::Failed),
    ];
    for (urls, expected, job) in rows {
        let id = submit(&bench, urls, -1).await;
        let view = bench.end(id).await;
        assert_eq!((states(&view).as_slice(), view.job.state), (expected, job));
        assert!(view.job.job_finished.is_some());
        for row in &view.deletions {
            assert_eq!(row.job_finished, view.job.job_finished);
            assert!(row.start_time.is_some() && row.finish_time.is_some());
            assert_eq!(row.host.as_deref(), Some("node1"));
            let reason = (row.state == Failed).then_some("SOURCE [2] No such file or directory");
            assert_eq!(row.reason.as_deref(), reason);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_job_shows_delete_until_all_is_done() {
    let bench = Bench::mock().await;
    let id = submit(&bench, &[THERE, SLOW], -1).await;
    let view = bench
        .until(id, |it| it.deletions[0].state == Finished)
        .await;
    assert_eq!(
        (view.deletions[1].state, view.job.state),
        (Started, JobState::Delete)
    );
    assert_eq!(bench.end_late(id).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn recoverable_failures_are_tried_again() {
    let bench = Bench::mock().await;
    let begun = bench.clock.now();
    let id = submit(&bench, &[LATE, GONE], 2).await;
    let view = bench.end_late(id).await;
    assert_eq!((view.deletions[0].retry, view.deletions[1].retry), (2, 0));
    assert_eq!(view.job.state, JobState::Failed);
    let took = view.deletions[0].finish_time.unwrap().seconds_since(begun);
    assert!((240.0..250.0).contains(&took), "two minutes each: {took}");
}

#[tokio::test(start_paused = true)]
async fn only_so_many_run_at_once_and_users_take_turns() {
    let config = EngineConfig {
        deletion_max_active: 2,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    let many = submit(&bench, &[SLOW; 20], -1).await;
    let mut view = deletion_job(&*bench.store, bench.clock.now(), &[THERE]);
    Arc::make_mut(&mut view.job).user_dn = "/CN=other".into();
    let other = bench.submit(view).await;
    bench.rest(Duration::from_secs(10)).await;
    let started = |view: &JobView| states(view).iter().filter(|it| **it == Started).count();
    assert_eq!(started(&bench.view(many).await), 2);
    let other = bench.end_late(other).await;
    let waited = other.deletions[0].start_time.unwrap();
    let waited = waited.seconds_since(other.job.submit_time);
    assert!(
        waited < 65.0,
        "its turn comes with the first slot: {waited}"
    );
    assert_eq!(bench.end_late(many).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn cancel_in_every_state() {
    let config = EngineConfig {
        deletion_max_active: 1,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    let retried = submit(&bench, &[LATE], 5).await;
    bench.until(retried, |it| it.deletions[0].retry == 1).await;
    let running = submit(&bench, &[SLOW], -1).await;
    bench
        .until(running, |it| it.deletions[0].state == Started)
        .await;
    let queued = submit(&bench, &[THERE], -1).await;
    bench.rest(Duration::from_secs(5)).await;
    assert_eq!(states(&bench.view(queued).await), [Delete]);
    for id in [queued, running, retried] {
        bench.engine.cancel_job(id).await.unwrap().unwrap();
        let view = bench.view(id).await;
        assert_eq!(
            (states(&view), view.job.state),
            (vec![Canceled], JobState::Canceled)
        );
    }
    bench.rest(Duration::from_secs(1000)).await;
    assert_eq!(states(&bench.view(running).await), [Canceled]);
    // Its slot is free again.
    let last = submit(&bench, &[THERE], -1).await;
    assert_eq!(bench.end(last).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn what_is_done_stays_done_when_the_rest_is_cancelled() {
    let bench = Bench::mock().await;
    let id = submit(&bench, &[THERE, LATE], 2).await;
    bench.until(id, |it| it.deletions[1].retry == 1).await;
    let counts = bench.engine.cancel_all(None).await.unwrap();
    assert_eq!((counts.files, counts.deletions, counts.jobs), (0, 1, 1));
    let view = bench.view(id).await;
    assert_eq!(states(&view), [Finished, Canceled]);
    assert_eq!(view.job.state, JobState::Canceled);
}

#[tokio::test(start_paused = true)]
async fn a_second_engine_goes_on() {
    let config = EngineConfig {
        deletion_max_active: 1,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    let id = submit(&bench, &[THERE, SLOW, THERE], -1).await;
    bench.until(id, |it| it.deletions[1].state == Started).await;
    bench.engine.shutdown(Duration::ZERO).await;
    let before = bench.store.view(id).await.unwrap().unwrap();
    assert_eq!(states(&before), [Finished, Started, Delete]);
    let again = Bench::on(
        bench.store.clone(),
        bench.config.clone(),
        bench.shelf.clone(),
        bench.clock.clone(),
    )
    .await;
    let view = again.end_late(id).await;
    assert_eq!(
        (states(&view), view.job.state),
        (vec![Finished; 3], JobState::Finished)
    );
}
