//! Calls across the border: nothing is copied that need not be, nothing is lost, panics stay in,
//! and giving up reaches the other side.

mod support;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_host::{Host, PluginHandle, State};
use causeway_sdk::{
    Access, Algorithm, Bytes, CancelToken, Checksum, CopyRequest, Credential, Ctx, Direction,
    DynStorage, Error, ErrorKind, Outcome, ProgressSink, ReadOptions, Retry, Secret, StageRequest,
    StagingState, TurlRequest, WriteOptions,
};
use serde_json::Value;
use support::{cx, odd, url};

fn handle() -> PluginHandle {
    Host::load_file(odd(), &Value::Null).unwrap()
}

fn storage() -> Arc<dyn DynStorage> {
    handle().storage()
}

fn address(bytes: &Bytes) -> String {
    format!("{:p}", bytes.as_ptr())
}

#[tokio::test]
async fn a_chunk_arrives_at_the_address_it_had() {
    let storage = storage();
    let options = ReadOptions {
        chunk_hint: 1 << 20,
        ..ReadOptions::default()
    };
    let mut reader = storage
        .open_read(&cx(), &url("odd://h/f"), options)
        .await
        .unwrap();
    let there = reader.opened().etag.unwrap();
    let chunk = reader.next().await.unwrap().unwrap();
    assert_eq!(chunk.len(), 1 << 20);
    assert_eq!(address(&chunk), there);
    drop((reader, storage));
    assert!(
        chunk.iter().all(|it| *it == 42),
        "the chunk outlives its body"
    );
}

#[tokio::test]
async fn a_chunk_that_was_lent_comes_home_without_a_copy() {
    let storage = storage();
    let ours = Bytes::from(vec![7_u8; 64 << 10]);
    let at = url("odd://h/f");
    let mut writer = storage
        .open_write(&cx(), &at, WriteOptions::default())
        .await
        .unwrap();
    writer.write(0, ours.clone()).await.unwrap();
    let written = writer.commit().await.unwrap();
    assert_eq!(written.etag.unwrap(), address(&ours));
    let at = url("odd://h/kept");
    let mut reader = storage
        .open_read(&cx(), &at, ReadOptions::default())
        .await
        .unwrap();
    let home = reader.next().await.unwrap().unwrap();
    assert_eq!(address(&home), address(&ours));
}

#[tokio::test]
async fn the_context_arrives_whole() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let cx = Ctx::new("id-1")
        .with_trace_parent("00-trace")
        .with_timeout(Duration::from_secs(60))
        .with_option("ipv6", "true")
        .with_credential(Credential::Keys {
            access: "key".into(),
            secret: Secret::new("hidden"),
            token: None,
            region: Some("cern".into()),
        })
        .with_log({
            let lines = Arc::clone(&lines);
            move |level, text| lines.lock().unwrap().push(format!("{level:?} {text}"))
        });
    let seen = storage().stat(&cx, &url("odd://h/context")).await.unwrap();
    assert!(seen.is_directory());
    let seen = seen.etag.unwrap();
    assert!(seen.starts_with("id-1|00-trace|Keys"), "{seen}");
    assert!(seen.contains("cern") && !seen.contains("hidden"), "{seen}");
    assert!(seen.ends_with(r#"{"ipv6": "true"}|true"#), "{seen}");
    assert_eq!(*lines.lock().unwrap(), ["Warn from the plugin"]);
}

#[tokio::test]
async fn an_error_arrives_whole() {
    let error = storage()
        .stat(&cx(), &url("odd://h/other?x=1"))
        .await
        .unwrap_err();
    let expected = Error::new(ErrorKind::Throttled, "look at odd://h/other?<redacted>")
        .with_retry(Retry::After(Duration::from_secs(7)))
        .with_errno(4711)
        .with_remote_status(429)
        .with("host", "h")
        .during("stat");
    assert_eq!(error, expected);
}

#[tokio::test]
async fn every_operation_crosses() {
    let (storage, cx, at) = (storage(), cx(), url("odd://h/f"));
    let other = url("odd://h/g?q=1");
    let files = [at.clone(), other.clone(), url("odd://h/i")];

    storage.admit(&at).unwrap();
    let refused = storage.admit(&url("odd://h/refused")).unwrap_err();
    assert_eq!(
        (refused.kind(), refused.message()),
        (ErrorKind::Denied, "not this one")
    );
    storage.unlink(&cx, &at).await.unwrap();
    storage.mkdir(&cx, &at, true).await.unwrap();
    assert_eq!(
        storage.mkdir(&cx, &at, false).await.unwrap_err().kind(),
        ErrorKind::Exists
    );
    let renamed = storage.rename(&cx, &at, &other, true).await.unwrap_err();
    assert_eq!(renamed.message(), "odd://h/f odd://h/g?<redacted> true");
    let sum = storage.checksum(&cx, &at, Algorithm::Md5).await.unwrap();
    assert_eq!((sum.algorithm, sum.hex.as_str()), (Algorithm::Md5, "0042"));
    let space = storage.space(&cx, &at).await.unwrap();
    assert_eq!(
        (space.total, space.used, space.free),
        (Some(10), Some(3), None)
    );

    let total = Arc::new(AtomicU64::new(0));
    let progress = ProgressSink::new({
        let total = Arc::clone(&total);
        move |it| {
            total.fetch_add(it.bytes, Ordering::SeqCst);
        }
    });
    let request = CopyRequest {
        direction: Direction::Push,
        source: at.clone(),
        destination: other.clone(),
        peer_credential: Credential::Bearer(Secret::new("t")),
        overwrite: true,
        streams: 3,
        size: Some(99),
        expect: Some(Checksum::new(Algorithm::Adler32, "1")),
    };
    let copied = storage.copy(&cx, request, progress).await.unwrap();
    assert_eq!(copied.bytes, Some(99));
    assert_eq!(
        copied.checksum,
        Some(Checksum::new(Algorithm::Adler32, "1"))
    );
    assert_eq!(total.load(Ordering::SeqCst), 6);

    let request = StageRequest {
        files: files.to_vec(),
        pin: Duration::from_secs(2),
        timeout: Duration::from_millis(3),
        metadata: vec!["{}".into()],
    };
    let staged = storage.bring_online(&cx, request).await.unwrap();
    assert_eq!(staged.token, r#"2s 3ms ["{}"]"#);
    let states = staged.files;
    assert_eq!(states[1].url, other);
    assert!(
        matches!(&states[2].state, StagingState::Failed(it) if it.kind() == ErrorKind::NoSpace)
    );
    assert_eq!(
        storage.poll_online(&cx, "token", &files).await.unwrap(),
        states
    );
    assert_eq!(storage.release(&cx, "token", &files).await.unwrap(), states);
    assert_eq!(storage.poll_archived(&cx, &files).await.unwrap(), states);

    let request = TurlRequest {
        access: Access::Write,
        schemes: vec!["best".into(), "next".into()],
        size: Some(5),
        overwrite: false,
    };
    let turl = storage.resolve(&cx, &at, request).await.unwrap();
    assert_eq!(
        (turl.url.as_str(), turl.token.as_str()),
        ("best://h/f", "Some(5)")
    );
    storage
        .finish(&cx, &at, &turl, Outcome::Done)
        .await
        .unwrap();

    let mut writer = storage
        .open_write(&cx, &at, WriteOptions::default())
        .await
        .unwrap();
    writer.write(0, "abc".into()).await.unwrap();
    assert_eq!(
        writer.write(9, "abc".into()).await.unwrap_err().message(),
        "a gap"
    );
    writer.abort().await;
}

#[tokio::test]
async fn panics_become_errors_and_marks() {
    let handle = handle();
    let storage = handle.storage();
    let error = storage
        .stat(&cx(), &url("odd://h/panic"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert_eq!(error.message(), "plugin panicked: as asked in stat");
    assert_eq!(error.operation(), "stat");

    let error = storage.admit(&url("odd://h/panic")).unwrap_err();
    assert_eq!(error.message(), "plugin panicked: as asked in admit");

    let at = url("odd://h/panic-opened");
    let opened = storage.open_read(&cx(), &at, ReadOptions::default()).await;
    assert_eq!(
        opened.err().unwrap().message(),
        "plugin panicked: as asked in opened"
    );

    let at = url("odd://h/panic-next");
    let mut reader = storage
        .open_read(&cx(), &at, ReadOptions::default())
        .await
        .unwrap();
    let error = reader.next().await.unwrap_err();
    assert_eq!(error.message(), "plugin panicked: as asked in next");

    assert_eq!(handle.state(), State::Ready);
    let at = url("odd://h/panic-commit");
    let writer = storage
        .open_write(&cx(), &at, WriteOptions::default())
        .await
        .unwrap();
    let error = writer.commit().await.unwrap_err();
    assert_eq!(error.message(), "plugin panicked: as asked in commit");
    assert_eq!((handle.panics(), handle.state()), (5, State::Degraded));

    let at = url("odd://h/panic-abort");
    storage
        .open_write(&cx(), &at, WriteOptions::default())
        .await
        .unwrap()
        .abort()
        .await;
    storage.unlink(&cx(), &at).await.unwrap();
}

#[tokio::test]
async fn panics_in_drops_end_in_the_plugin() {
    let storage = storage();
    let at = url("odd://h/panic-drop");
    drop(
        storage
            .open_read(&cx(), &at, ReadOptions::default())
            .await
            .unwrap(),
    );
    let call_cx = cx();
    let call = storage.stat(&call_cx, &at);
    assert!(
        tokio::time::timeout(Duration::from_millis(20), call)
            .await
            .is_err()
    );
    storage.unlink(&cx(), &at).await.unwrap();
}

#[tokio::test]
async fn giving_up_raises_the_token_on_the_other_side() {
    let storage = storage();
    let (call_cx, at) = (cx(), url("odd://h/wait"));
    let before = cancelled(&*storage).await;
    let call = storage.stat(&call_cx, &at);
    assert!(
        tokio::time::timeout(Duration::from_millis(20), call)
            .await
            .is_err()
    );
    wait_for(&*storage, before + 1).await;
    assert!(
        !call_cx.cancel().is_cancelled(),
        "the caller's own token is the caller's"
    );
}

#[tokio::test]
async fn the_callers_token_is_seen_on_the_other_side() {
    let storage = storage();
    let token = CancelToken::default();
    let (call_cx, at) = (cx().with_cancel(token.clone()), url("odd://h/wait"));
    let before = cancelled(&*storage).await;
    let mut call = storage.stat(&call_cx, &at);
    assert!(
        tokio::time::timeout(Duration::from_millis(20), &mut call)
            .await
            .is_err()
    );
    token.cancel();
    wait_for(&*storage, before + 1).await;
    drop(call);
}

async fn cancelled(storage: &dyn DynStorage) -> u64 {
    let at = url("odd://h/cancelled");
    storage.stat(&cx(), &at).await.unwrap().size.unwrap()
}

/// The count grows in a task of the plugin's runtime, so it is asked for until it is there. Tests
/// of one program share the count, so it may be more.
async fn wait_for(storage: &dyn DynStorage, count: u64) {
    for _ in 0..2000 {
        if cancelled(storage).await >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the token was not raised");
}

#[tokio::test]
async fn the_deadline_is_kept_by_the_host() {
    let call_cx = cx().with_timeout(Duration::from_millis(30));
    let error = storage()
        .stat(&call_cx, &url("odd://h/sleep/3600000"))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Timeout, 110));
}

#[tokio::test]
async fn thousands_of_calls_wait_without_a_thread_each() {
    let storage = storage();
    storage.stat(&cx(), &url("odd://h/sleep/1")).await.unwrap();
    let before = threads();
    let calls: Vec<_> = (0..2000)
        .map(|_| {
            let storage = Arc::clone(&storage);
            tokio::spawn(async move { storage.stat(&cx(), &url("odd://h/sleep/500")).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let during = threads();
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().size, Some(500));
    }
    // Other tests of this program come and go with some threads of their own.
    assert!(during < before + 50, "{before} threads became {during}");
}

fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}
