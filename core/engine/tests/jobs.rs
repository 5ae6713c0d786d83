//! Jobs of several transfers: a table of scenarios, cancellation, priorities.

mod support;

use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_model::ports::{FileCancel, JobControl};
use causeway_model::{FileId, FileState, JobId, JobState};
use support::{Bench, Shelf, change_rows, states};

const GOOD: (&str, &str) = ("mock://a/1?size=10", "mock://b/1?size_post=10&time=1");
const BAD: (&str, &str) = ("mock://a/2?errno=2", "mock://b/2?time=1");
const LONG: (&str, &str) = ("mock://a/3?size=10", "mock://b/3?size_post=10&time=600");

use FileState::{Canceled, Failed, Finished};

#[tokio::test(start_paused = true)]
async fn independent_transfers() {
    let bench = Bench::mock().await;
    let rows: [(&[(&str, &str)], JobState); 3] = [
        (&[GOOD, BAD], JobState::FinishedDirty),
        (&[BAD, BAD], JobState::Failed),
        (&[GOOD, GOOD], JobState::Finished),
    ];
    for (pairs, expected) in rows {
        let id = bench.submit(bench.job(pairs)).await;
        assert_eq!(bench.end(id).await.job.state, expected, "{pairs:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_finished_one_canceled() {
    let bench = Bench::mock().await;
    let id = bench.submit(bench.job(&[GOOD, LONG])).await;
    let view = bench
        .until(id, |view| view.files[0].state == Finished)
        .await;
    let answers = bench
        .engine
        .cancel_files(id, &[view.files[1].file_id])
        .await;
    assert_eq!(answers.unwrap().unwrap(), [FileCancel::Canceled]);
    let view = bench.end(id).await;
    assert_eq!(view.job.state, JobState::Canceled);
    assert!(view.job.cancel_job && view.job.job_finished.is_some());
}

#[tokio::test(start_paused = true)]
async fn finished_failed_and_canceled() {
    let bench = Bench::mock().await;
    let id = bench.submit(bench.job(&[GOOD, BAD, LONG])).await;
    let ids: Vec<_> = bench
        .view(id)
        .await
        .files
        .iter()
        .map(|it| it.file_id)
        .collect();
    bench.engine.cancel_files(id, &ids[2..]).await.unwrap();
    let view = bench.end(id).await;
    assert_eq!(states(&view), [Finished, Failed, Canceled]);
    assert_eq!(view.job.state, JobState::FinishedDirty);
}

#[tokio::test(start_paused = true)]
async fn cancel_of_a_running_job() {
    let bench = Bench::mock().await;
    let id = bench.submit(bench.job(&[LONG, LONG])).await;
    bench
        .until(id, |view| view.files.iter().all(|it| it.pid.is_some()))
        .await;
    let began = tokio::time::Instant::now();
    let cancel = bench.engine.cancel_job(id).await.unwrap().unwrap();
    assert!(!cancel.was_terminal);
    assert_eq!(cancel.job.state, JobState::Canceled);
    assert_eq!(
        cancel.job.reason.as_deref(),
        Some("Job canceled by the user")
    );
    assert!(cancel.job.cancel_job && cancel.job.job_finished.is_some());
    let view = bench
        .until(id, |view| {
            view.files.iter().all(|it| it.finish_time.is_some())
        })
        .await;
    assert!(began.elapsed() < Duration::from_secs(2));
    assert_eq!(states(&view), [Canceled, Canceled]);
    assert_eq!(
        view.files[0].reason.as_deref(),
        Some("Job canceled by the user")
    );
    // It stays as it is.
    let again = bench.engine.cancel_job(id).await.unwrap().unwrap();
    assert!(again.was_terminal);
    tokio::time::sleep(Duration::from_secs(1000)).await;
    assert_eq!(states(&bench.view(id).await), [Canceled, Canceled]);
}

#[tokio::test(start_paused = true)]
async fn cancel_frees_the_slot_for_others() {
    let config = EngineConfig {
        max_active: 1,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    let long = bench.submit(bench.job(&[LONG])).await;
    bench
        .until(long, |view| view.files[0].state == FileState::Active)
        .await;
    let queued = bench.submit(bench.job(&[GOOD])).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(states(&bench.view(queued).await), [FileState::Submitted]);
    bench.engine.cancel_job(long).await.unwrap().unwrap();
    assert_eq!(bench.end(queued).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn cancel_of_what_is_not_there() {
    let bench = Bench::mock().await;
    let nobody = JobId::random();
    assert!(bench.engine.cancel_job(nobody).await.unwrap().is_none());
    assert!(
        bench
            .engine
            .cancel_files(nobody, &[])
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        bench
            .engine
            .set_priority(nobody, 1)
            .await
            .unwrap()
            .is_none()
    );
    let id = bench.submit(bench.job(&[GOOD])).await;
    let file = bench.end(id).await.files[0].file_id;
    // The answer comes from the store once the engine has forgotten the job.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let answers = bench
        .engine
        .cancel_files(id, &[file, FileId(999_999)])
        .await;
    assert_eq!(
        answers.unwrap().unwrap(),
        [FileCancel::AlreadyTerminal(Finished), FileCancel::NotInJob]
    );
    assert!(
        bench
            .engine
            .cancel_job(id)
            .await
            .unwrap()
            .unwrap()
            .was_terminal
    );
    assert!(
        bench
            .engine
            .set_priority(id, 5)
            .await
            .unwrap()
            .unwrap()
            .was_terminal
    );
}

#[tokio::test(start_paused = true)]
async fn cancel_right_after_submission() {
    let bench = Bench::mock().await;
    for _ in 0..20 {
        let view = bench.job(&[LONG, GOOD]);
        let id = view.job.job_id;
        let (submitted, canceled) =
            tokio::join!(bench.engine.submit(view), bench.engine.cancel_job(id));
        submitted.unwrap();
        assert!(canceled.unwrap().is_some());
        let view = bench
            .until(id, |view| {
                view.files.iter().all(|it| it.finish_time.is_some())
            })
            .await;
        assert_eq!(states(&view), [Canceled, Canceled]);
    }
}

#[tokio::test(start_paused = true)]
async fn cancel_of_a_vo() {
    let bench = Bench::mock().await;
    let ours = bench.submit(bench.job(&[LONG, LONG])).await;
    let mut view = bench.job(&[LONG]);
    change_rows(&mut view, |job, file| {
        job.vo_name = "atlas".into();
        file.vo_name = "atlas".into();
    });
    let theirs = bench.submit(view).await;
    let counts = bench.engine.cancel_all(Some("atlas")).await.unwrap();
    assert_eq!((counts.files, counts.jobs, counts.deletions), (1, 1, 0));
    assert_eq!(bench.view(theirs).await.job.state, JobState::Canceled);
    assert!(!bench.view(ours).await.job.state.is_terminal());
    let counts = bench.engine.cancel_all(None).await.unwrap();
    assert_eq!((counts.files, counts.jobs), (2, 1));
    let counts = bench.engine.cancel_all(None).await.unwrap();
    assert_eq!((counts.files, counts.jobs), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn priorities_decide_the_order() {
    let config = EngineConfig {
        max_active: 1,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    let first = bench.submit(bench.job(&[LONG])).await;
    bench
        .until(first, |view| view.files[0].state == FileState::Active)
        .await;
    let mut ids = Vec::new();
    for priority in [1, 3, 5, 2] {
        let mut view = bench.job(&[GOOD]);
        change_rows(&mut view, |job, file| {
            job.priority = priority;
            file.priority = priority;
        });
        ids.push(bench.submit(view).await);
    }
    // The last overtakes all others.
    let changed = bench.engine.set_priority(ids[3], 9).await.unwrap().unwrap();
    assert_eq!((changed.job.priority, changed.was_terminal), (9, false));
    assert_eq!(bench.file(ids[3], 0).await.priority, 9);
    bench.engine.cancel_job(first).await.unwrap();
    let mut starts = Vec::new();
    for id in ids {
        starts.push(bench.end(id).await.files[0].start_time.unwrap());
    }
    assert!(starts[3] < starts[2] && starts[2] < starts[1] && starts[1] < starts[0]);
}
