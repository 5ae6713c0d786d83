//! Files on tape: gathered into requests, brought online, copied.

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_model::ports::Clock;
use causeway_model::{FileState, JobState, JobType, Timestamp};
use causeway_sdk::Error;
use support::tape::{Call, Tape, on_tape, staged};
use support::{Bench, Shelf, change_rows, set_type, states};

use FileState::{Failed, Finished, NotUsed, Started};

const TO: &str = "mock://b/1?size_post=10&time=1";

fn seconds(from: Timestamp, to: Timestamp) -> f64 {
    to.seconds_since(from)
}

#[tokio::test(start_paused = true)]
async fn staged_then_copied() {
    let bench = Bench::mock().await;
    let from = "mock://a/1?size=10&staging_time=10000";
    let view = staged(&bench, &[(from, TO)], 20_000);
    let id = bench.submit(view).await;
    let view = bench
        .until_late(id, |view| view.files[0].state == Started)
        .await;
    assert_eq!(view.job.state, JobState::Staging);
    let file = &view.files[0];
    assert_eq!(file.staging_host.as_deref(), Some("node1"));
    assert!(file.staging_start.is_some() && file.staging_finished.is_none());
    let view = bench.end_late(id).await;
    assert_eq!(view.job.state, JobState::Finished);
    let file = &view.files[0];
    let took = seconds(file.staging_start.unwrap(), file.staging_finished.unwrap());
    assert!((10_000.0..10_600.1).contains(&took), "{took}");
    assert!(file.bringonline_token.is_some());
    assert_eq!(file.filesize, Some(10));
}

#[tokio::test(start_paused = true)]
async fn what_is_online_is_copied_at_once() {
    let bench = Bench::mock().await;
    let view = staged(&bench, &[("mock://a/1?size=10", TO)], 600);
    let began = bench.clock.now();
    let id = bench.submit(view).await;
    let view = bench.end(id).await;
    assert_eq!(view.job.state, JobState::Finished);
    assert!(seconds(began, view.job.job_finished.unwrap()) < 5.0);
}

#[tokio::test(start_paused = true)]
async fn a_pin_alone_asks_for_staging_too() {
    let (bench, tape) = on_tape().await;
    let mut view = staged(&bench, &[("mock://a/1?size=10", TO)], -1);
    change_rows(&mut view, |job, _| job.copy_pin_lifetime = 3600);
    let id = bench.submit(view).await;
    assert_eq!(bench.end(id).await.job.state, JobState::Finished);
    let request = tape.requests().remove(0);
    assert_eq!(request.pin, Duration::from_secs(3600));
    assert_eq!(request.timeout, Duration::from_secs(604_800));
    // The pin is given back after the copy.
    assert!(
        tape.calls()
            .contains(&Call::Release(vec!["mock://a/1?size=10".into()]))
    );
}

#[tokio::test(start_paused = true)]
async fn staging_alone() {
    let bench = Bench::mock().await;
    let at = "mock://a/1?size=10&staging_time=1000";
    let view = staged(&bench, &[(at, at)], 20_000);
    let id = bench.submit(view).await;
    let view = bench.end_late(id).await;
    assert_eq!(view.job.state, JobState::Finished);
    let file = &view.files[0];
    assert_eq!(file.state, Finished);
    assert!(
        file.start_time.is_none() && file.pid.is_none(),
        "it never ran"
    );
    assert_eq!(file.finish_time, file.staging_finished);
}

#[tokio::test(start_paused = true)]
async fn files_of_one_user_share_requests() {
    let (bench, tape) = on_tape().await;
    let urls: Vec<String> = (0..450)
        .map(|n| format!("mock://a/{n}?staging_time=100"))
        .collect();
    let pairs: Vec<_> = urls.iter().map(|it| (it.as_str(), it.as_str())).collect();
    let view = staged(&bench, &pairs, 10_000);
    let id = bench.submit(view).await;
    bench.end_late(id).await;
    let mut sizes: Vec<_> = tape.requests().iter().map(|it| it.files.len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [50, 200, 200]);
}

#[tokio::test(start_paused = true)]
async fn users_storages_and_space_tokens_do_not_mix() {
    let (bench, tape) = on_tape().await;
    for (owner, storage, token) in [
        ("1", "a", ""),
        ("2", "a", ""),
        ("1", "c", ""),
        ("1", "a", "t"),
    ] {
        let at = format!("mock://{storage}/{owner}{token}");
        let mut view = staged(&bench, &[(&at, &at)], 600);
        change_rows(&mut view, |job, _| {
            job.cred_id = owner.into();
            job.source_space_token = token.into();
        });
        bench.submit(view).await;
    }
    bench.rest(Duration::from_secs(2)).await;
    assert_eq!(tape.requests().len(), 4);
    assert!(tape.requests().iter().all(|it| it.files.len() == 1));
}

#[tokio::test(start_paused = true)]
async fn a_storage_without_tape_has_everything_online() {
    for says_so in [true, false] {
        let tape = Tape::new();
        let tape = match says_so {
            true => tape.unlisted(),
            false => tape.refuses(Error::unsupported("staging")),
        };
        let shelf = Shelf::mock().with("mock", tape.storage());
        let bench = Bench::with(EngineConfig::default(), shelf).await;
        let id = bench
            .submit(staged(&bench, &[("mock://a/1?size=10", TO)], 600))
            .await;
        let view = bench.end(id).await;
        assert_eq!(view.job.state, JobState::Finished);
        assert!(view.files[0].bringonline_token.is_none());
        assert!(!tape.calls().iter().any(|it| matches!(it, Call::Release(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_first_hop_is_staged() {
    let (bench, tape) = on_tape().await;
    let mut view = staged(
        &bench,
        &[
            (
                "mock://a/1?size=10&staging_time=1000",
                "mock://b/1?size_post=10&time=1",
            ),
            ("mock://b/1?size=10", "mock://c/1?size_post=10&time=1"),
        ],
        10_000,
    );
    set_type(&mut view, JobType::Multihop);
    for file in &mut view.files {
        Arc::make_mut(file).hashed_id = 77;
    }
    Arc::make_mut(&mut view.files[1]).state = NotUsed;
    let id = bench.submit(view).await;
    let view = bench.end_late(id).await;
    assert_eq!(view.job.state, JobState::Finished);
    assert_eq!(tape.requests().len(), 1);
    assert!(view.files.iter().all(|it| it.hashed_id == 77));
}

#[tokio::test(start_paused = true)]
async fn the_next_replica_is_staged_too() {
    let bench = Bench::mock().await;
    let mut view = staged(
        &bench,
        &[
            ("mock://a/1?staging_errno=5", TO),
            ("mock://c/1?size=10&staging_time=500", TO),
        ],
        10_000,
    );
    set_type(&mut view, JobType::MultiReplica);
    for (index, file) in view.files.iter_mut().enumerate() {
        let file = Arc::make_mut(file);
        file.file_index = 0;
        if index > 0 {
            file.state = NotUsed;
        }
    }
    let id = bench.submit(view).await;
    let view = bench.end_late(id).await;
    assert_eq!(states(&view), [Failed, Finished]);
    assert!(view.files[1].staging_finished.is_some());
    assert_eq!(view.job.source_se.as_deref(), Some("mock://c"));
}

#[tokio::test(start_paused = true)]
async fn the_job_shows_staging_until_something_runs() {
    let bench = Bench::mock().await;
    let view = staged(
        &bench,
        &[
            ("mock://a/1?size=10", "mock://b/1?size_post=10&time=50"),
            ("mock://a/2?size=10&staging_time=3000", TO),
        ],
        10_000,
    );
    let id = bench.submit(view).await;
    let view = bench.until(id, |it| it.job.state == JobState::Active).await;
    assert_eq!(view.files[1].state, Started);
    let view = bench.end_late(id).await;
    assert_eq!(view.job.state, JobState::Finished);
}
