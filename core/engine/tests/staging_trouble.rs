//! Bringing online when storages fail, are slow or silent, and when the gateway starts anew.

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_model::ports::{Clock, JobStore};
use causeway_model::{FileState, JobState, Timestamp};
use causeway_sdk::{Error, ErrorKind};
use support::tape::{Call, on_tape, staged, with_tape};
use support::{Bench, change_rows, states};

use FileState::{Failed, Started};

const TO: &str = "mock://b/1?size_post=10&time=1";

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.seconds_since(from)
}

async fn again(bench: &Bench) -> Bench {
    bench.engine.shutdown(Duration::ZERO).await;
    Bench::on(
        bench.store.clone(),
        bench.config.clone(),
        bench.shelf.clone(),
        bench.clock.clone(),
    )
    .await
}

#[tokio::test(start_paused = true)]
async fn errors_of_staging() {
    let bench = Bench::mock().await;
    let rows = [
        ("staging_errno=5", "STAGING [5] Input/output error", false),
        (
            "staging_errno=16",
            "STAGING [16] Device or resource busy",
            true,
        ),
        (
            "staging_time=50&staging_errno=2",
            "STAGING [2] No such file or directory",
            false,
        ),
    ];
    for (query, reason, recoverable) in rows {
        let at = format!("mock://a/1?{query}");
        let id = bench.submit(staged(&bench, &[(&at, TO)], 600)).await;
        let view = bench.end_late(id).await;
        let file = &view.files[0];
        assert_eq!((file.state, file.reason.as_deref()), (Failed, Some(reason)));
        assert_eq!(file.recoverable, Some(recoverable));
        assert_eq!(view.job.state, JobState::Failed);
        assert!(file.finish_time.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn recoverable_errors_are_tried_again() {
    let bench = Bench::mock().await;
    let rows = [("staging_errno=16", 2), ("staging_errno=5", 0)];
    for (query, retries) in rows {
        let mut view = staged(&bench, &[(&format!("mock://a/1?{query}"), TO)], 600);
        change_rows(&mut view, |job, _| job.retry = 2);
        let id = bench.submit(view).await;
        let view = bench.end_late(id).await;
        assert_eq!(
            (view.files[0].state, view.files[0].retry),
            (Failed, retries)
        );
        assert_eq!(bench.retries(id, 0).await.len(), retries as usize);
    }
}

#[tokio::test(start_paused = true)]
async fn time_out() {
    let (bench, tape) = on_tape().await;
    let at = "mock://a/1?staging_time=100000";
    let mut view = staged(&bench, &[(at, TO)], 1000);
    change_rows(&mut view, |job, _| job.retry = 3);
    let id = bench.submit(view).await;
    let view = bench.end_late(id).await;
    let file = &view.files[0];
    assert_eq!(
        file.reason.as_deref(),
        Some("STAGING [110] bring-online timeout has been exceeded")
    );
    assert_eq!(file.retry, 0, "what was too late is not tried again");
    let took = seconds(file.staging_start.unwrap(), file.finish_time.unwrap());
    assert!((1000.0..1010.0).contains(&took), "{took}");
    bench.rest(Duration::from_secs(1)).await;
    assert_eq!(tape.calls().last(), Some(&Call::Release(vec![at.into()])));
}

#[tokio::test(start_paused = true)]
async fn what_came_just_in_time_is_not_lost() {
    // The last look is at the end of the time, not at the interval before.
    let bench = Bench::mock().await;
    let id = bench
        .submit(staged(
            &bench,
            &[("mock://a/1?size=10&staging_time=999", TO)],
            1000,
        ))
        .await;
    let view = bench.end_late(id).await;
    assert_eq!(view.job.state, JobState::Finished);
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_never_answers_is_given_up() {
    let config = EngineConfig {
        operation_timeout_seconds: 0,
        ..EngineConfig::default()
    };
    let (bench, tape) = with_tape(config).await;
    tape.hang_polls();
    let at = "mock://a/1?staging_time=100000";
    let id = bench.submit(staged(&bench, &[(at, TO)], 1000)).await;
    let view = bench.end_late(id).await;
    let file = &view.files[0];
    assert_eq!(
        file.reason.as_deref(),
        Some("STAGING [110] bring-online timeout has been exceeded")
    );
    let took = seconds(file.staging_start.unwrap(), file.finish_time.unwrap());
    assert!((1800.0..2500.0).contains(&took), "{took}");
}

#[tokio::test(start_paused = true)]
async fn polls_that_fail_are_forgiven_three_times() {
    for (failures, expected) in [(3, JobState::Finished), (4, JobState::Failed)] {
        let (bench, tape) = on_tape().await;
        tape.fail_polls(failures, Error::new(ErrorKind::Network, "connection lost"));
        let at = "mock://a/1?size=10&staging_time=300";
        let id = bench.submit(staged(&bench, &[(at, TO)], 100_000)).await;
        let view = bench.end_late(id).await;
        assert_eq!(view.job.state, expected, "{failures}");
        if expected == JobState::Failed {
            let reason = view.files[0].reason.as_deref();
            assert_eq!(reason, Some("STAGING [70] connection lost"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_timed_out_stages_again() {
    let (bench, tape) = on_tape().await;
    let to = "mock://b/1?size_post=10&time=5&transfer_errno=110";
    let mut view = staged(&bench, &[("mock://a/1?size=10", to)], 600);
    change_rows(&mut view, |job, _| job.retry = 1);
    let id = bench.submit(view).await;
    let view = bench.end_late(id).await;
    assert_eq!((states(&view), view.files[0].retry), (vec![Failed], 1));
    assert_eq!(tape.requests().len(), 2);
    bench.rest(Duration::from_secs(1)).await;
    assert_eq!(
        tape.calls().last(),
        Some(&Call::Release(vec!["mock://a/1?size=10".into()])),
        "a pin that nobody needs is given back"
    );
}

#[tokio::test(start_paused = true)]
async fn a_second_engine_goes_on_asking() {
    let (bench, tape) = on_tape().await;
    let urls: Vec<String> = (0..3)
        .map(|n| format!("mock://a/{n}?size=10&staging_time=5000"))
        .collect();
    let pairs: Vec<_> = urls.iter().map(|it| (it.as_str(), TO)).collect();
    let id = bench.submit(staged(&bench, &pairs, 100_000)).await;
    let before = bench
        .until(id, |it| it.files[0].bringonline_token.is_some())
        .await;
    bench.rest(Duration::from_secs(4000)).await;
    let bench = again(&bench).await;
    let view = bench.end_late(id).await;
    assert_eq!(view.job.state, JobState::Finished);
    assert_eq!(tape.requests().len(), 1, "nothing is asked for twice");
    for (file, before) in view.files.iter().zip(&before.files) {
        assert_eq!(file.bringonline_token, before.bringonline_token);
        assert_eq!(file.staging_start, before.staging_start);
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_goes_on_while_the_engine_is_down() {
    let (bench, tape) = on_tape().await;
    let at = "mock://a/1?staging_time=100000";
    let id = bench.submit(staged(&bench, &[(at, TO)], 1000)).await;
    bench
        .until(id, |it| it.files[0].bringonline_token.is_some())
        .await;
    bench.engine.shutdown(Duration::ZERO).await;
    bench.rest(Duration::from_secs(2000)).await;
    let bench = again(&bench).await;
    let view = bench.end(id).await;
    assert_eq!(
        view.files[0].reason.as_deref(),
        Some("STAGING [110] bring-online timeout has been exceeded")
    );
    bench.rest(Duration::from_secs(1)).await;
    assert_eq!(tape.calls().last(), Some(&Call::Release(vec![at.into()])));
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_token_is_made_again() {
    let (bench, tape) = on_tape().await;
    let mut view = staged(
        &bench,
        &[("mock://a/1?size=10", TO), ("mock://a/2?size=10", TO)],
        600,
    );
    let file = Arc::make_mut(&mut view.files[0]);
    file.state = Started;
    file.staging_start = Some(bench.clock.now());
    let id = view.job.job_id;
    bench.engine.shutdown(Duration::ZERO).await;
    bench.store.insert(view).await.unwrap();
    let bench = again(&bench).await;
    let view = bench.end(id).await;
    assert_eq!(view.job.state, JobState::Finished);
    assert_eq!(tape.requests().len(), 1);
    assert_eq!(tape.requests()[0].files.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_engine_that_stops_waits_for_the_token() {
    let (bench, tape) = on_tape().await;
    let at = "mock://a/1?size=10&delay_ms=20000&staging_time=50";
    let id = bench.submit(staged(&bench, &[(at, TO)], 200_000)).await;
    bench.until(id, |it| it.files[0].state == Started).await;
    let bench = again(&bench).await;
    assert!(bench.file(id, 0).await.bringonline_token.is_some());
    let view = bench.end_late(id).await;
    assert_eq!(view.job.state, JobState::Finished);
    assert_eq!(tape.requests().len(), 1);
}
