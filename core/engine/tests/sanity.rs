//! What cannot be, and yet is in the store, is put right: at the start, or by a pass.

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_engine::{EngineConfig, TestClock};
use causeway_model::ports::{Clock, JobStore, JobView};
use causeway_model::{FileState as S, JobState, JobType};
use causeway_store::MemoryStore;
use support::{Bench, Shelf, set_type, states};

fn pair(n: u32) -> (String, String) {
    (
        format!("mock://a/{n}?size=1"),
        format!("mock://b/{n}?size_post=1&time=1"),
    )
}

fn job(store: &MemoryStore, clock: &TestClock, rows: &[S]) -> JobView {
    let pairs: Vec<_> = (0..rows.len() as u32).map(pair).collect();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let mut view = support::job(store, clock.now(), &pairs);
    for (file, state) in view.files.iter_mut().zip(rows) {
        Arc::make_mut(file).state = *state;
    }
    view
}

/// An engine that finds these jobs when it starts.
async fn found(
    make: impl FnOnce(&MemoryStore, &TestClock) -> Vec<JobView>,
) -> (Bench, Vec<causeway_model::JobId>) {
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(TestClock::default()));
    let mut ids = Vec::new();
    for view in make(&store, &clock) {
        ids.push(view.job.job_id);
        store.insert(view).await.unwrap();
    }
    let bench = Bench::on(store, EngineConfig::default(), Shelf::mock(), clock).await;
    (bench, ids)
}

#[tokio::test(start_paused = true)]
async fn a_job_without_files_is_cancelled() {
    let (bench, ids) = found(|store, clock| vec![job(store, clock, &[])]).await;
    let submitted = bench.submit(bench.job(&[])).await;
    for id in [ids[0], submitted] {
        let view = bench.end(id).await;
        assert_eq!(view.job.state, JobState::Canceled);
        assert_eq!(view.job.reason.as_deref(), Some("The job was empty"));
        assert!(view.job.job_finished.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_files_have_all_ended_ends() {
    let (bench, ids) =
        found(|store, clock| vec![job(store, clock, &[S::Finished, S::Failed])]).await;
    assert_eq!(bench.end(ids[0]).await.job.state, JobState::FinishedDirty);
}

#[tokio::test(start_paused = true)]
async fn an_ended_job_has_no_live_files() {
    let rows = [S::Finished, S::Active, S::Submitted, S::Staging, S::NotUsed];
    let (bench, ids) = found(|store, clock| {
        let mut view = job(store, clock, &rows);
        Arc::make_mut(&mut view.job).state = JobState::Canceled;
        vec![view]
    })
    .await;
    let settled = |view: &JobView| states(view)[1] == S::Failed;
    let view = bench.until(ids[0], settled).await;
    let expected = [S::Finished, S::Failed, S::Failed, S::Failed, S::NotUsed];
    assert_eq!(states(&view), expected);
    for file in &view.files[1..4] {
        let text = "Force failure due to file state inconsistency";
        assert_eq!(file.reason.as_deref(), Some(text));
    }
    assert_eq!(view.job.state, JobState::Canceled);
}

#[tokio::test(start_paused = true)]
async fn a_chain_that_stands_still_goes_on() {
    let (bench, ids) = found(|store, clock| {
        // The order of numbers is the order of hops, whatever the order of ids of jobs.
        let chains = (0..5).map(|_| {
            let mut view = job(store, clock, &[S::Finished, S::NotUsed, S::NotUsed]);
            set_type(&mut view, JobType::Multihop);
            view
        });
        chains.collect()
    })
    .await;
    tokio::time::sleep(Duration::from_secs(590)).await;
    assert_eq!(
        states(&bench.view(ids[0]).await),
        [S::Finished, S::NotUsed, S::NotUsed]
    );
    for id in ids {
        let view = bench.end(id).await;
        assert_eq!(view.job.state, JobState::Finished);
        assert_eq!(states(&view), [S::Finished; 3]);
    }
}

/// A pass meets thousands of jobs and changes none that is in order.
#[tokio::test(start_paused = true)]
async fn what_is_in_order_is_left_alone() {
    let (bench, ids) = found(|store, clock| {
        let jobs =
            (0..1500).map(|_| job(store, clock, &[S::OnHold, S::OnHoldStaging, S::Submitted]));
        jobs.collect()
    })
    .await;
    for id in ids {
        let view = bench
            .until_late(id, |view| view.files[2].state == S::Finished)
            .await;
        // Nothing is banned, so what was held is free; bringing online is not this test's matter.
        assert_eq!(view.files[0].state, S::Finished);
    }
    tokio::time::sleep(Duration::from_secs(3700)).await;
}
