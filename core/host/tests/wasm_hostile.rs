//! Components that do what they must not: each is bounded by its limits, the reason is clear, and
//! others go on.
#![cfg(feature = "wasm")]

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_sdk::{
    Access, Algorithm, Credential, Ctx, Direction, Error, ErrorKind, Outcome, Page, ProgressSink,
    ReadOptions, Result, StageRequest, TransferUrl, TurlRequest, WriteOptions,
};
use support::hostile::{assert_stopped, at, cx, hostile, works};

#[tokio::test]
async fn an_endless_loop_ends_with_its_call_and_others_go_on() {
    let (storage, other) = (hostile(), hostile());
    works(&other).await;
    let looping = {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move {
            let short = Ctx::new("loop").with_timeout(Duration::from_millis(300));
            storage.stat(&short, &at("loop")).await
        })
    };
    for _ in 0..100 {
        works(&other).await;
    }
    let error = looping.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    // The loop is interrupted soon after; who came meanwhile hears of it, and it works again.
    if let Err(error) = storage.stat(&cx(), &at("file")).await {
        assert_stopped(&error, "it went on computing after its call was given up");
    }
    works(&storage).await;
}

#[tokio::test]
async fn memory_has_a_limit() {
    let storage = hostile();
    let error = storage.stat(&cx(), &at("memory")).await.unwrap_err();
    assert_stopped(&error, "it wanted more memory than its limit of 64 MiB");
    works(&storage).await;
}

/// Three times its limit in all. A file that is open stays with its instance to the end.
#[tokio::test]
async fn an_instance_that_loses_memory_is_replaced_before_its_end() {
    let storage = hostile();
    let (cx, file) = (cx(), at("file"));
    let opened = storage.open_read(&cx, &file, ReadOptions::default());
    let mut body = opened.await.unwrap();
    for number in 0..200 {
        let lost = storage.stat(&cx, &at("leak")).await;
        lost.unwrap_or_else(|error| panic!("call {number}: {error:?}"));
    }
    assert!(body.next().await.unwrap().is_some());
}

#[tokio::test]
async fn a_stack_has_an_end() {
    let storage = hostile();
    let error = storage.stat(&cx(), &at("deep")).await.unwrap_err();
    assert_stopped(&error, "its stack was too deep");
    works(&storage).await;
}

#[tokio::test]
async fn an_answer_may_not_weigh_more_than_an_instance() {
    let storage = hostile();
    let error = storage
        .list(&cx(), &at("giant"), Page::default())
        .await
        .unwrap_err();
    assert_stopped(&error, "more memory than its limit");
    works(&storage).await;
    // Names that are one and the same text weigh little there and much here.
    let heavy = storage.list(&cx(), &at("heavy"), Page::default()).await;
    assert_stopped(
        &heavy.unwrap_err(),
        "an answer of it weighs more than 64 MiB",
    );
    works(&storage).await;
}

type Attempt<'a> = (&'static str, causeway_sdk::BoxFuture<'a, Result<()>>);

#[tokio::test]
async fn a_trap_in_any_operation_ends_that_call_alone() {
    let storage = hostile();
    let (cx, bad) = (cx(), at("trap"));
    let s = &storage;
    macro_rules! attempt {
        ($name:literal, $call:expr) => {
            ($name, Box::pin(async { $call.await.map(drop) }) as _)
        };
    }
    let copy = causeway_sdk::CopyRequest {
        direction: Direction::Pull,
        source: bad.clone(),
        destination: at("file"),
        peer_credential: Credential::None,
        overwrite: false,
        streams: 0,
        size: None,
        expect: None,
    };
    let stage = StageRequest {
        files: vec![bad.clone()],
        pin: Duration::ZERO,
        timeout: Duration::ZERO,
        metadata: Vec::new(),
    };
    let turl = TurlRequest {
        access: Access::Read,
        schemes: Vec::new(),
        size: None,
        overwrite: false,
    };
    let back = TransferUrl {
        url: bad.clone(),
        token: String::new(),
        access: Access::Read,
    };
    let files = [bad.clone()];
    let attempts: Vec<Attempt<'_>> = vec![
        attempt!("stat", s.stat(&cx, &bad)),
        attempt!("exists", s.exists(&cx, &bad)),
        attempt!("list", s.list(&cx, &bad, Page::default())),
        attempt!("mkdir", s.mkdir(&cx, &bad, false)),
        attempt!("rmdir", s.rmdir(&cx, &bad)),
        attempt!("unlink", s.unlink(&cx, &bad)),
        attempt!("rename", s.rename(&cx, &bad, &bad, false)),
        attempt!("checksum", s.checksum(&cx, &bad, Algorithm::Adler32)),
        attempt!("space", s.space(&cx, &bad)),
        attempt!("open_read", s.open_read(&cx, &bad, ReadOptions::default())),
        attempt!(
            "open_write",
            s.open_write(&cx, &bad, WriteOptions::default())
        ),
        attempt!("copy", s.copy(&cx, copy, ProgressSink::ignore())),
        attempt!("bring_online", s.bring_online(&cx, stage)),
        attempt!("poll_online", s.poll_online(&cx, "t", &files)),
        attempt!("release", s.release(&cx, "t", &files)),
        attempt!("poll_archived", s.poll_archived(&cx, &files)),
        attempt!("resolve", s.resolve(&cx, &bad, turl)),
        attempt!("finish", s.finish(&cx, &bad, &back, Outcome::Done)),
    ];
    for (name, attempt) in attempts {
        let error = attempt.await.expect_err(name);
        assert_stopped(&error, "it panicked");
        works(&storage).await;
    }
    assert_stopped(&storage.admit(&at("admit")).unwrap_err(), "it panicked");
    works(&storage).await;
}

#[tokio::test]
async fn a_trap_in_an_open_file_ends_it() {
    let storage = hostile();
    let options = ReadOptions::default();
    // The guest may come to its bytes before anybody asked for them.
    let opened = storage.open_read(&cx(), &at("body-trap"), options).await;
    let error = match opened {
        Ok(mut body) => body.next().await.unwrap_err(),
        Err(error) => error,
    };
    assert_stopped(&error, "it panicked");
    let options = WriteOptions::default();
    let mut sink = storage
        .open_write(&cx(), &at("late/trap"), options.clone())
        .await
        .unwrap();
    assert_stopped(&sink.write(0, "x".into()).await.unwrap_err(), "it panicked");
    drop(sink);
    let sink = storage
        .open_write(&cx(), &at("late/trap"), options)
        .await
        .unwrap();
    assert_stopped(&sink.commit().await.unwrap_err(), "it panicked");
    works(&storage).await;
}

#[tokio::test]
async fn the_calls_beside_a_trap_hear_why_they_ended() {
    let storage = hostile();
    works(&storage).await;
    let waiting = {
        let storage = Arc::clone(&storage);
        tokio::spawn(async move { storage.stat(&cx(), &at("stay")).await })
    };
    tokio::time::sleep(Duration::from_millis(50)).await;
    let error = storage.stat(&cx(), &at("trap")).await.unwrap_err();
    assert_stopped(&error, "it panicked");
    assert_stopped(&waiting.await.unwrap().unwrap_err(), "it panicked");
}

#[tokio::test]
async fn a_length_that_is_a_lie_is_noticed() {
    let storage = hostile();
    let read = |how: &'static str, len| {
        let storage = Arc::clone(&storage);
        async move {
            let options = ReadOptions {
                len,
                ..ReadOptions::default()
            };
            let mut body = storage.open_read(&cx(), &at(how), options).await?;
            let mut bytes = 0;
            while let Some(chunk) = body.next().await? {
                bytes += chunk.len();
                assert!(bytes < 1 << 24, "it goes on");
            }
            Ok::<_, Error>(bytes)
        }
    };
    assert_eq!(read("file", None).await.unwrap(), 10);
    let error = read("short", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    assert!(error.message().contains("after 3 of 10 bytes"), "{error}");
    for (how, len) in [
        ("long", Some(4)),
        ("long", None),
        ("endless", Some(4)),
        ("endless", None),
    ] {
        let error = read(how, len).await.unwrap_err();
        assert!(error.message().contains("more than"), "{how}: {error}");
    }
}

#[tokio::test]
async fn who_leaves_is_not_waited_for() {
    let storage = hostile();
    for _ in 0..100 {
        let gone = Ctx::new("gone").with_timeout(Duration::from_millis(1));
        let error = storage.stat(&gone, &at("stay")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Timeout);
    }
    // More than an instance takes at once, so those before have ended.
    works(&storage).await;
}
