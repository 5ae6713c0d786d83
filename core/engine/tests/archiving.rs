//! Files that wait for their tape copy.

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_model::ports::{JobControl, JobView};
use causeway_model::{FileState, JobState, JobType};
use causeway_sdk::{Error, ErrorKind};
use support::tape::Tape;
use support::{Bench, Shelf, change_rows, set_type, states};

use FileState::{Archiving, Canceled, Failed, Finished, NotUsed};

const FROM: &str = "mock://a/1?size=10";

fn archived(bench: &Bench, pairs: &[(&str, &str)], timeout: i64) -> JobView {
    let mut view = bench.job(pairs);
    change_rows(&mut view, |job, _| job.archive_timeout = timeout);
    view
}

async fn with_tape(tape: &Tape, config: EngineConfig) -> Bench {
    let shelf = Shelf::mock().with("mock", tape.storage());
    Bench::with(config, shelf).await
}

fn to(query: &str) -> String {
    format!("mock://b/1?size_post=10&time=1&{query}")
}

#[tokio::test(start_paused = true)]
async fn copied_then_archived() {
    let bench = Bench::mock().await;
    let id = bench
        .submit(archived(
            &bench,
            &[(FROM, &to("archiving_time=2000"))],
            9000,
        ))
        .await;
    let view = bench.until(id, |it| it.files[0].state == Archiving).await;
    assert_eq!(view.job.state, JobState::Archiving);
    assert!(view.files[0].archive_start_time.is_none());
    assert_eq!(view.files[0].filesize, Some(10));
    let copied = view.files[0].finish_time.unwrap();
    let view = bench.end_late(id).await;
    let file = &view.files[0];
    assert_eq!((file.state, view.job.state), (Finished, JobState::Finished));
    let start = file.archive_start_time.unwrap();
    assert_eq!(start.seconds_since(copied), 300.0, "the first question");
    let took = file.archive_finish_time.unwrap().seconds_since(start);
    assert!((2000.0..=2401.0).contains(&took), "{took}");
    assert_eq!(file.finish_time, file.archive_finish_time);
}

#[tokio::test(start_paused = true)]
async fn errors_of_archiving() {
    let bench = Bench::mock().await;
    let rows = [
        (
            "archiving_errno=5",
            Some("ARCHIVING [5] Input/output error"),
        ),
        (
            "archiving_time=900&archiving_errno=2",
            Some("ARCHIVING [2] No such file or directory"),
        ),
        (
            "archiving_time=100000",
            Some("ARCHIVING [110] archiving timeout has been exceeded"),
        ),
        ("archiving_time=999", None),
    ];
    for (query, reason) in rows {
        let mut view = archived(&bench, &[(FROM, &to(query))], 1000);
        change_rows(&mut view, |job, file| {
            job.retry = 3;
            file.dest_surl_uuid = Some(uuid::Uuid::nil());
        });
        let id = bench.submit(view).await;
        let view = bench
            .until_late(id, |it| it.files[0].state == Archiving)
            .await;
        assert!(view.files[0].dest_surl_uuid.is_some(), "it has not ended");
        let view = bench.end_late(id).await;
        let file = &view.files[0];
        assert_eq!(file.reason.as_deref(), reason, "{query}");
        assert_eq!(file.state, if reason.is_some() { Failed } else { Finished });
        assert_eq!(file.retry, 0);
        assert!(file.dest_surl_uuid.is_none());
        let start = file.archive_start_time.unwrap();
        let took = file.archive_finish_time.unwrap().seconds_since(start);
        assert!((0.0..=1001.0).contains(&took), "{query}: {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all() {
    let bench = Bench::mock().await;
    for (query, state) in [("archiving_time=60", Failed), ("a=b", Finished)] {
        let id = bench
            .submit(archived(&bench, &[(FROM, &to(query))], 0))
            .await;
        let view = bench.end_late(id).await;
        assert_eq!(view.files[0].state, state);
    }
}

#[tokio::test(start_paused = true)]
async fn questions_that_fail_are_forgiven_three_times() {
    for (failures, state) in [(3, Finished), (4, Failed)] {
        let tape = Tape::new();
        let bench = with_tape(&tape, EngineConfig::default()).await;
        tape.fail_polls(failures, Error::new(ErrorKind::Network, "connection lost"));
        let id = bench
            .submit(archived(&bench, &[(FROM, &to("a=b"))], 100_000))
            .await;
        let view = bench.end_late(id).await;
        assert_eq!(view.files[0].state, state);
        if state == Failed {
            let reason = view.files[0].reason.as_deref();
            assert_eq!(reason, Some("ARCHIVING [70] connection lost"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_never_answers_is_given_up() {
    let tape = Tape::new();
    let config = EngineConfig {
        operation_timeout_seconds: 0,
        ..EngineConfig::default()
    };
    let bench = with_tape(&tape, config).await;
    tape.hang_polls();
    let id = bench
        .submit(archived(&bench, &[(FROM, &to("a=b"))], 1000))
        .await;
    let view = bench.end_late(id).await;
    let file = &view.files[0];
    assert_eq!(
        file.reason.as_deref(),
        Some("ARCHIVING [110] archiving timeout has been exceeded")
    );
    let start = file.archive_start_time.unwrap();
    let took = file.archive_finish_time.unwrap().seconds_since(start);
    assert!((1800.0..=2500.0).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_knows_no_tape_cannot_say() {
    let tape = Tape::new().unlisted();
    let bench = with_tape(&tape, EngineConfig::default()).await;
    // The host answers like this for what a plugin does not list.
    tape.fail_polls(1, Error::unsupported("archive"));
    let id = bench
        .submit(archived(&bench, &[(FROM, &to("a=b"))], 1000))
        .await;
    let view = bench.end_late(id).await;
    assert_eq!(
        view.files[0].reason.as_deref(),
        Some("ARCHIVING [95] archive is not supported by this storage")
    );
}

#[tokio::test(start_paused = true)]
async fn many_files_share_questions() {
    let tape = Tape::new();
    let config = EngineConfig {
        max_active: 1000,
        link_max_active: 1000,
        inbound_max_active: 1000,
        outbound_max_active: 1000,
        ..EngineConfig::default()
    };
    let bench = with_tape(&tape, config).await;
    let urls: Vec<String> = (0..450)
        .map(|n| format!("mock://b/{n}?size_post=10&time=1"))
        .collect();
    let pairs: Vec<_> = urls.iter().map(|it| (FROM, it.as_str())).collect();
    let id = bench.submit(archived(&bench, &pairs, 9000)).await;
    let view = bench.end_late(id).await;
    assert_eq!(view.job.state, JobState::Finished);
    let mut sizes = tape.archive_polls();
    sizes.sort_unstable();
    assert_eq!(sizes, [50, 200, 200]);
}

#[tokio::test(start_paused = true)]
async fn a_storage_gets_a_few_questions_at_a_time() {
    let tape = Tape::new();
    let config = EngineConfig {
        archive_poll_bulk_size: 10,
        operation_timeout_seconds: 0,
        ..EngineConfig::default()
    };
    let bench = with_tape(&tape, config).await;
    tape.slow_polls(Duration::from_secs(20));
    let urls: Vec<String> = (0..95)
        .map(|n| format!("mock://b/{n}?size_post=10&time=1"))
        .collect();
    let pairs: Vec<_> = urls.iter().map(|it| (FROM, it.as_str())).collect();
    let id = bench.submit(archived(&bench, &pairs, 9000)).await;
    let view = bench.end_late(id).await;
    assert_eq!(view.job.state, JobState::Finished);
    assert_eq!((tape.archive_polls().len(), tape.most_polls()), (10, 4));
}

#[tokio::test(start_paused = true)]
async fn cancel_while_it_waits() {
    let tape = Tape::new();
    let bench = with_tape(&tape, EngineConfig::default()).await;
    let id = bench
        .submit(archived(
            &bench,
            &[(FROM, &to("archiving_time=2000"))],
            9000,
        ))
        .await;
    bench.until(id, |it| it.files[0].state == Archiving).await;
    bench.engine.cancel_job(id).await.unwrap().unwrap();
    bench.rest(Duration::from_secs(10_000)).await;
    let view = bench.view(id).await;
    assert_eq!(states(&view), [Canceled]);
    assert!(tape.archive_polls().is_empty());
}

#[tokio::test(start_paused = true)]
async fn only_the_last_hop_waits() {
    let bench = Bench::mock().await;
    let mut view = archived(
        &bench,
        &[
            (FROM, "mock://b/1?size_post=10&time=1&archiving_errno=5"),
            ("mock://b/1?size=10", "mock://c/1?size_post=10&time=1"),
        ],
        9000,
    );
    set_type(&mut view, JobType::Multihop);
    Arc::make_mut(&mut view.files[1]).state = NotUsed;
    let id = bench.submit(view).await;
    let view = bench
        .until_late(id, |it| it.files[1].state == Archiving)
        .await;
    assert_eq!(
        (view.files[0].state, view.job.state),
        (Finished, JobState::Archiving)
    );
    assert_eq!(bench.end_late(id).await.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn a_replica_whose_tape_copy_fails_ends_the_job() {
    let bench = Bench::mock().await;
    let bad = to("archiving_errno=5");
    let mut view = archived(&bench, &[(FROM, &bad), ("mock://c/1?size=10", &bad)], 9000);
    set_type(&mut view, JobType::MultiReplica);
    for (index, file) in view.files.iter_mut().enumerate() {
        let file = Arc::make_mut(file);
        file.file_index = 0;
        if index > 0 {
            file.state = NotUsed;
        }
    }
    let id = bench.submit(view).await;
    let view = bench
        .until_late(id, |it| it.files[0].state == Archiving)
        .await;
    assert_eq!(view.job.state, JobState::Archiving);
    let view = bench.end_late(id).await;
    assert_eq!(states(&view), [Failed, NotUsed]);
    assert_eq!(view.job.state, JobState::Failed);
    assert_eq!(
        view.job.reason.as_deref(),
        Some("Archive monitoring failed in a multiple replica job")
    );
    assert!(view.job.job_finished.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_second_engine_goes_on_waiting() {
    let bench = Bench::mock().await;
    let id = bench
        .submit(archived(
            &bench,
            &[(FROM, &to("archiving_time=3000"))],
            20_000,
        ))
        .await;
    let view = bench
        .until_late(id, |it| it.files[0].archive_start_time.is_some())
        .await;
    let start = view.files[0].archive_start_time;
    bench.engine.shutdown(Duration::ZERO).await;
    let again = Bench::on(
        bench.store.clone(),
        bench.config.clone(),
        bench.shelf.clone(),
        bench.clock.clone(),
    )
    .await;
    let view = again.end_late(id).await;
    assert_eq!(view.files[0].state, Finished);
    assert_eq!(view.files[0].archive_start_time, start);
}

#[tokio::test(start_paused = true)]
async fn quality_of_service_is_refused() {
    let bench = Bench::mock().await;
    let mut view = bench.job(&[(FROM, &to("a=b"))]);
    change_rows(&mut view, |job, file| {
        job.state = JobState::QosTransition;
        job.target_qos = Some("fast".into());
        file.state = FileState::QosTransition;
    });
    let id = bench.submit(view).await;
    let view = bench.end(id).await;
    assert_eq!(
        (states(&view), view.job.state),
        (vec![Failed], JobState::Failed)
    );
    let reason = view.files[0].reason.as_deref().unwrap();
    assert!(reason.starts_with("QOS [95] "), "{reason}");
}
