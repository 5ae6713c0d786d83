//! Copies within one server that break at every stage: the right kind of failure, and nothing left
//! on the server.

mod support;

use causeway_sdk::{
    CopyRequest, Credential, Ctx, Direction, Error, ErrorKind, ProgressSink, Retry, Storage,
};
use support::double::{Reply, fault, reply};
use support::world::{Plot, SOURCE, Stage, World, plot};
use support::{kind, storage};

const WHOLE: &str = r#"{"directories":false}"#;
/// Three parts, one after the other.
const IN_PARTS: &str = r#"{"copy_whole_bytes":5242880,"copy_part_bytes":5242880,"parallel_parts":1,"directories":false}"#;
const STAGES: [Stage; 3] = [Stage::Begin, Stage::Part, Stage::Complete];

async fn copy(world: &World, config: &str) -> Result<(), Error> {
    let request = CopyRequest {
        direction: Direction::Pull,
        source: world.double.url(SOURCE),
        destination: world.double.url("/bucket/k"),
        peer_credential: Credential::None,
        overwrite: true,
        streams: 0,
        size: None,
        expect: None,
    };
    let (cx, progress) = (Ctx::new("t"), ProgressSink::ignore());
    let copied = storage(config).copy(&cx, request, progress).await;
    copied.map(drop)
}

/// What goes wrong ends the copy, and nothing is there afterwards.
async fn expect_failure(plot: Plot, config: &str, what: &str) -> Error {
    let world = World::start(plot).await;
    let error = copy(&world, config).await.unwrap_err();
    world.expect_clean(what).await;
    assert_eq!(world.object(), None, "{what}");
    error
}

/// What went wrong for a while is made good.
async fn expect_success(plot: Plot, what: &str) {
    let world = World::start(plot).await;
    copy(&world, IN_PARTS).await.unwrap();
    assert_eq!(world.object(), Some(vec![1, 2, 3]), "{what}");
    world.expect_clean(what).await;
    assert!(world.kept.lock().unwrap().failures > 0, "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_of_a_copy_that_are_cut_are_asked_for_again() {
    let cuts = [
        Reply::CutLate,
        Reply::CutWithin(b"HTTP/1.1 200 OK\r\n".to_vec()),
    ];
    for how in cuts {
        for is_done_before in [false, true] {
            let twice = plot(Stage::Part, 2, is_done_before, how.clone());
            expect_success(twice.after(1), "a part cut twice").await;
            let always = plot(Stage::Part, u32::MAX, is_done_before, how.clone());
            let error = expect_failure(always.after(1), IN_PARTS, "parts always cut").await;
            assert_eq!(error.kind(), ErrorKind::Network);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_cut_at_its_beginning_or_its_end_leaves_nothing() {
    for stage in [Stage::Begin, Stage::Complete] {
        let cut = plot(stage, u32::MAX, false, Reply::CutLate);
        let error = expect_failure(cut, IN_PARTS, "always cut").await;
        assert_eq!(error.kind(), ErrorKind::Network, "{stage:?}");
    }
    // It was begun all the same, and has no name for us.
    let cut = plot(Stage::Begin, 99, true, Reply::CutLate);
    let error = expect_failure(cut, IN_PARTS, "begun without an answer").await;
    assert_eq!(error.kind(), ErrorKind::Network);
    for is_done_before in [false, true] {
        let lost = plot(Stage::Complete, 1, is_done_before, Reply::CutLate);
        expect_success(lost, "a lost answer to the end").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_server_is_waited_for_and_in_the_end_told_with_its_hint() {
    for (code, expected) in [
        ("SlowDown", ErrorKind::Throttled),
        ("ServiceUnavailable", ErrorKind::Busy),
    ] {
        let busy = fault("503 Busy", code, &["Retry-After: 0"]);
        for stage in STAGES {
            expect_success(plot(stage, 2, false, busy.clone()), "busy for a while").await;
            let always = plot(stage, u32::MAX, false, busy.clone());
            let error = expect_failure(always, IN_PARTS, "always busy").await;
            assert_eq!(error.kind(), expected, "{stage:?}");
            assert_eq!(error.retry(), Retry::After(std::time::Duration::ZERO));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_success_with_an_error_in_it_is_a_failure() {
    let late = "<Error><Code>InternalError</Code><Message>sorry</Message></Error>";
    let late = reply("200 OK", &[], late);
    for stage in [Stage::Part, Stage::Complete] {
        expect_success(plot(stage, 1, false, late.clone()), "failed once with 200").await;
        let always = plot(stage, u32::MAX, false, late.clone());
        let error = expect_failure(always, IN_PARTS, "always failed with 200").await;
        assert_eq!(error.kind(), ErrorKind::Remote, "{stage:?}");
    }
    let whole = plot(Stage::Copy, u32::MAX, false, late);
    let error = expect_failure(whole, WHOLE, "failed with 200").await;
    assert_eq!(error.kind(), ErrorKind::Remote);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_expire_in_the_middle_of_a_copy_are_told_at_once() {
    let expired = fault("400 Bad Request", "ExpiredToken", &[]);
    for (stage, skip) in [
        (Stage::Begin, 0),
        (Stage::Part, 0),
        (Stage::Part, 2),
        (Stage::Complete, 0),
    ] {
        let plot = plot(stage, u32::MAX, false, expired.clone()).after(skip);
        let world = World::start(plot).await;
        let error = copy(&world, IN_PARTS).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AuthExpired, "{stage:?}");
        assert_eq!(error.retry(), Retry::Never);
        world.expect_clean("expired").await;
        assert_eq!(world.kept.lock().unwrap().failures, 1, "asked once only");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_changes_in_the_middle_is_a_conflict() {
    let changed = fault("412 Precondition Failed", "PreconditionFailed", &[]);
    let parts = plot(Stage::Part, u32::MAX, false, changed.clone()).after(1);
    let error = expect_failure(parts, IN_PARTS, "changed between parts").await;
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let whole = plot(Stage::Copy, u32::MAX, false, changed);
    assert_eq!(
        expect_failure(whole, WHOLE, "changed").await.kind(),
        ErrorKind::Conflict
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_in_one_request_fails_as_the_server_says() {
    let says = |status, code| fault(status, code, &[]);
    for (how, expected) in [
        (Reply::CutLate, ErrorKind::Network),
        (says("503 Slow Down", "SlowDown"), ErrorKind::Throttled),
        (
            says("400 Bad Request", "ExpiredToken"),
            ErrorKind::AuthExpired,
        ),
        (
            says("403 Forbidden", "AccessDenied"),
            ErrorKind::AuthRequired,
        ),
    ] {
        let world = World::start(plot(Stage::Copy, u32::MAX, false, how)).await;
        assert_eq!(kind(copy(&world, WHOLE).await), expected);
        assert_eq!(world.object(), None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fits_one_request_is_not_copied_in_parts() {
    // Three parts, if it went in parts.
    let large_enough = r#"{"copy_part_bytes":5242880,"directories":false}"#;
    let too_small = r#"{"copy_whole_bytes":10485760,"copy_part_bytes":5242880,"parallel_parts":1,"directories":false}"#;
    for (config, expected) in [(large_enough, vec![0]), (too_small, vec![1, 2, 3])] {
        let nothing_fails = plot(Stage::Copy, 0, false, Reply::CutLate);
        let world = World::start(nothing_fails).await;
        copy(&world, config).await.unwrap();
        assert_eq!(world.object(), Some(expected), "{config}");
        world.expect_clean(config).await;
    }
}
