//! What randomised worlds found once, each as the smallest case that shows it.

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_engine::{EngineConfig, TestClock};
use causeway_model::ports::{Clock, JobControl, JobStore};
use causeway_model::{FileState, JobState};
use causeway_store::MemoryStore;
use support::{Bench, Shelf, change_rows, states};

const PAIR: (&str, &str) = ("mock://a/1?size=10", "mock://b/1?size_post=10&time=1");

/// A cancelled transfer whose attempt had not ended when its engine died.
async fn left(job_state: JobState) -> (Arc<MemoryStore>, causeway_model::JobId) {
    let store = Arc::new(MemoryStore::new());
    let now = TestClock::default().now();
    let mut view = support::job(&*store, now, &[PAIR, PAIR]);
    change_rows(&mut view, |job, file| {
        job.state = job_state;
        file.reason = Some("Job canceled by the user".into());
        file.state = FileState::Canceled;
        file.pid = Some(1);
    });
    if !job_state.is_terminal() {
        let other = Arc::make_mut(&mut view.files[1]);
        (other.state, other.reason) = (FileState::Active, None);
    }
    store.insert(view.clone()).await.unwrap();
    (store, view.job.job_id)
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_transfer_ends_with_the_engine_that_ran_it() {
    for state in [JobState::Canceled, JobState::Active] {
        let (store, id) = left(state).await;
        let clock = Arc::new(TestClock::default());
        let bench = Bench::on(store, EngineConfig::default(), Shelf::mock(), clock).await;
        let view = bench
            .until(id, |view| {
                view.files.iter().all(|it| it.finish_time.is_some())
            })
            .await;
        assert_eq!(view.files[0].state, FileState::Canceled);
        assert!(view.job.state.is_terminal());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let held = bench.engine.recount().await.unwrap().held();
        assert_eq!(held, [], "{state}");
        assert_eq!(bench.store.unfinished().await.unwrap(), []);
    }
}

#[tokio::test(start_paused = true)]
async fn files_of_one_question_come_to_tape_one_after_the_other() {
    let bench = Bench::mock().await;
    let pairs = [
        ("mock://a/1?size=10", "mock://b/1?size_post=10&time=1"),
        (
            "mock://a/2?size=10",
            "mock://b/2?size_post=10&time=1&archiving_time=1000",
        ),
        (
            "mock://a/3?size=10",
            "mock://b/3?size_post=10&time=1&archiving_time=2000",
        ),
    ];
    let mut view = bench.job(&pairs);
    change_rows(&mut view, |job, _| job.archive_timeout = 9000);
    let id = view.job.job_id;
    bench.engine.submit(view).await.unwrap();
    let view = bench.end_late(id).await;
    assert_eq!(states(&view), [FileState::Finished; 3]);
}
