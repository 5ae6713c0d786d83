//! Uploads that break at every stage: the right kind of failure, and nothing left on the server.

mod support;

use std::time::Duration;

use causeway_sdk::{Ctx, ErrorKind, Retry, Storage, WriteBody, WriteOptions};
use support::double::{Double, Reply, fault, reply};
use support::world::{MIB, SMALL_PARTS, Stage, World, cuts, plot};
use support::{kind, pattern, storage, write, write_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_cut_at_the_beginning_leaves_nothing() {
    for how in cuts() {
        for is_done_before in [true, false] {
            let world = World::start(plot(Stage::Begin, 99, is_done_before, how.clone())).await;
            let outcome = world.upload(&Ctx::new("t")).await;
            assert_eq!(kind(outcome), ErrorKind::Network);
            world.expect_clean("cut at the beginning").await;
            assert_eq!(world.object(), None);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_is_cut_is_sent_again() {
    for how in [Reply::CutEarly, Reply::CutLate] {
        let world = World::start(plot(Stage::Part, 2, false, how)).await;
        world.upload(&Ctx::new("t")).await.unwrap();
        assert_eq!(world.object(), Some(vec![1, 2, 3]));
        world.expect_clean("a part cut twice").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_that_are_always_cut_end_the_upload() {
    let world = World::start(plot(Stage::Part, u32::MAX, true, Reply::CutLate)).await;
    let outcome = world.upload(&Ctx::new("t")).await;
    assert_eq!(kind(outcome), ErrorKind::Network);
    world.expect_clean("parts always cut").await;
    assert_eq!(world.object(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_to_the_end_is_asked_for_again() {
    for is_done_before in [false, true] {
        let world = World::start(plot(Stage::Complete, 1, is_done_before, Reply::CutLate)).await;
        world.upload(&Ctx::new("t")).await.unwrap();
        assert_eq!(world.object(), Some(vec![1, 2, 3]));
        world.expect_clean("cut at the end").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_end_that_is_always_cut_leaves_nothing() {
    let world = World::start(plot(Stage::Complete, u32::MAX, false, Reply::CutLate)).await;
    let outcome = world.upload(&Ctx::new("t")).await;
    assert_eq!(kind(outcome), ErrorKind::Network);
    world.expect_clean("cut at the end").await;
    assert_eq!(world.object(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_success_that_turns_out_a_failure_is_one() {
    let late = "<Error><Code>InternalError</Code><Message>sorry</Message></Error>";
    let late = reply("200 OK", &[], late);
    let world = World::start(plot(Stage::Complete, 1, false, late.clone())).await;
    world.upload(&Ctx::new("t")).await.unwrap();
    assert_eq!(world.object(), Some(vec![1, 2, 3]));
    let world = World::start(plot(Stage::Complete, u32::MAX, false, late)).await;
    assert_eq!(kind(world.upload(&Ctx::new("t")).await), ErrorKind::Remote);
    world.expect_clean("failed with 200").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttling_is_waited_for_and_in_the_end_told_with_its_hint() {
    let slow = fault("503 Slow Down", "SlowDown", &["Retry-After: 0"]);
    for stage in [Stage::Begin, Stage::Part, Stage::Complete] {
        let world = World::start(plot(stage, 2, false, slow.clone())).await;
        world.upload(&Ctx::new("t")).await.unwrap();
        assert_eq!(world.object(), Some(vec![1, 2, 3]), "{stage:?}");
        let world = World::start(plot(stage, u32::MAX, false, slow.clone())).await;
        let error = world.upload(&Ctx::new("t")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Throttled, "{stage:?}");
        assert_eq!(error.retry(), Retry::After(Duration::ZERO));
        world.expect_clean("throttled").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_expire_in_the_middle_are_told_at_once() {
    let expired = fault("400 Bad Request", "ExpiredToken", &[]);
    for stage in [Stage::Begin, Stage::Part, Stage::Complete] {
        let world = World::start(plot(stage, u32::MAX, false, expired.clone())).await;
        let error = world.upload(&Ctx::new("t")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AuthExpired, "{stage:?}");
        assert_eq!(error.retry(), Retry::Never);
        world.expect_clean("expired").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_abort_that_is_refused_for_a_while_is_tried_again() {
    let busy = fault("503 Service Unavailable", "ServiceUnavailable", &[]);
    for how in [busy, Reply::CutLate] {
        let world = World::start(plot(Stage::Abort, 2, false, how)).await;
        let mut body = half_written(&world).await;
        body.write(6 * MIB as u64, pattern(100).into())
            .await
            .unwrap();
        body.abort().await;
        world.expect_clean("a refused abort").await;
    }
}

async fn half_written(world: &World) -> impl WriteBody {
    let at = world.double.url("/bucket/k");
    let options = WriteOptions {
        size: Some(12 * MIB as u64),
        ..WriteOptions::default()
    };
    let storage = storage(SMALL_PARTS);
    let cx = Ctx::new("t");
    let mut body = storage.open_write(&cx, &at, options).await.unwrap();
    body.write(0, pattern(6 * MIB).into()).await.unwrap();
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_write_is_aborted_in_the_background() {
    let world = World::start(plot(Stage::Other, 0, false, Reply::CutLate)).await;
    let body = half_written(&world).await;
    assert_eq!(world.kept.lock().unwrap().uploads.len(), 1);
    drop(body);
    world.expect_clean("dropped").await;
    assert_eq!(world.object(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_dropped_at_any_moment_leaves_no_parts() {
    for wait in 0..12 {
        let world = World::start(plot(Stage::Other, 0, false, Reply::CutLate)).await;
        let cx = Ctx::new("t");
        let limit = Duration::from_millis(wait * 6);
        // In time or not: nothing may stay either way.
        drop(tokio::time::timeout(limit, world.upload(&cx)).await);
        // A beginning that was on its way reaches the server later.
        tokio::time::sleep(Duration::from_millis(50)).await;
        world.expect_clean("dropped at some moment").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn living_uploads_and_old_ones_stay() {
    let world = World::start(plot(Stage::Begin, 2, true, Reply::CutLate)).await;
    let storage = storage(SMALL_PARTS);
    let (cx, at) = (Ctx::new("t"), world.double.url("/bucket/k"));
    // Let one through first: it goes on while another one fails at its beginning.
    world.kept.lock().unwrap().failures = 2;
    let mut living = storage
        .open_write(&cx, &at, WriteOptions::default())
        .await
        .unwrap();
    living.write(0, pattern(6 * MIB).into()).await.unwrap();
    world.kept.lock().unwrap().failures = 1;
    let data = pattern(12 * MIB);
    assert_eq!(
        kind(write(&storage, &cx, &at, &data).await),
        ErrorKind::Network
    );
    let left: Vec<String> = world.kept.lock().unwrap().uploads.keys().cloned().collect();
    assert_eq!(left, ["u1"]);
    living.commit().await.unwrap();
    world.expect_clean("both ended").await;
    assert_eq!(world.object(), Some(vec![1, 2]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_part_that_arrived_as_something_else_is_found() {
    for (config, header) in [
        (
            r#"{"part_bytes":5242880,"directories":false}"#,
            "x-amz-checksum-crc32c: AAAAAA==",
        ),
        (
            r#"{"part_bytes":5242880,"directories":false,"upload_checksum":"md5"}"#,
            "x-none: 1",
        ),
    ] {
        let etag = "ETag: \"00000000000000000000000000000000\"";
        let wrong = reply("200 OK", &[etag, header], "");
        for size in [100, 12 * MIB] {
            let answer = wrong.clone();
            let world = World::start(plot(Stage::Part, u32::MAX, true, answer.clone())).await;
            let double = Double::start(move |_| answer.clone()).await;
            let at = if size == 100 {
                double.url("/bucket/k")
            } else {
                world.double.url("/bucket/k")
            };
            let data = pattern(size);
            let options = WriteOptions::default();
            let cx = Ctx::new("t");
            let outcome = write_with(&storage(config), &cx, &at, &data, options).await;
            assert_eq!(kind(outcome), ErrorKind::Integrity, "{header} {size}");
            world.expect_clean("wrong checksum").await;
        }
    }
}
