//! What is particular to Google Cloud Storage; and its emulator, which somebody else wrote.

mod support;

use causeway_sdk::{
    Algorithm, Ctx, EntryKind, ErrorKind, Page, ProgressSink, ReadOptions, Storage,
};
use support::lab::Server;
use support::plot::{PART, Played};
use support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cloud_storage_copies_in_steps_and_keeps_what_is_there() {
    let lab = Played::gs().await;
    let (storage, cx) = lab.open();
    let (from, to) = (url("gs://lab/a"), url("gcloud://lab/b"));
    let data = pattern(2 << 20);
    write(&storage, &cx, &from, &data).await.unwrap();
    let told = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let sink = told.clone();
    let sink = ProgressSink::new(move |it| {
        sink.store(it.bytes, std::sync::atomic::Ordering::SeqCst);
    });
    let copied = storage
        .copy(&cx, copy(&from, &to, false), sink)
        .await
        .unwrap();
    assert_eq!(copied.bytes, Some(2 << 20));
    assert_eq!(told.load(std::sync::atomic::Ordering::SeqCst), 2 << 20);
    assert!(read(&storage, &cx, &to).await.unwrap() == data);
    let again = storage
        .copy(&cx, copy(&from, &to, false), ProgressSink::ignore())
        .await;
    assert_eq!(kind(again), ErrorKind::Exists);
    // Another service is not reached by this one.
    let away = copy(&from, &url("dropbox://dropbox.com/b"), true);
    let away = storage.copy(&cx, away, ProgressSink::ignore()).await;
    assert_eq!(kind(away), ErrorKind::Unsupported);
    // A resumable upload that somebody is quicker than.
    let late = url("gs://lab/late");
    let mut body = storage
        .open_write(&cx, &late, options(None, false))
        .await
        .unwrap();
    let chunk = pattern(PART);
    for n in 0..3 {
        use causeway_sdk::WriteBody;
        body.write(n * PART as u64, chunk.clone().into())
            .await
            .unwrap();
    }
    write(&storage, &cx, &late, b"first").await.unwrap();
    assert_eq!(
        kind(causeway_sdk::WriteBody::commit(body).await),
        ErrorKind::Exists
    );
    assert_eq!(read(&storage, &cx, &late).await.unwrap(), b"first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_emulator_of_cloud_storage() {
    let server = Server::start("gcs");
    // Named as Google's own tools name it.
    let get =
        |name: &str| (name == "STORAGE_EMULATOR_HOST").then(|| server.key("ENDPOINT").to_owned());
    let options_text = format!(r#"{{"ca_file":"{}","part_bytes":{PART}}}"#, any_ca());
    let (storage, cx) = (storage_in(&options_text, get), Ctx::new("t"));
    let at = server.url("/dir/a b");
    // One request, and several of a resumable upload. Of an empty file the emulator dies.
    for len in [10, 2 * PART + 77] {
        let data = pattern(len);
        let written = write(&storage, &cx, &at, &data).await.unwrap();
        assert_eq!(written.bytes, len as u64);
        assert!(
            written
                .checksums
                .iter()
                .any(|it| it.algorithm == Algorithm::Crc32c)
        );
        assert!(read(&storage, &cx, &at).await.unwrap() == data, "{len}");
    }
    let range = ReadOptions {
        offset: 100,
        len: Some(50),
        ..ReadOptions::default()
    };
    let mut body = storage.open_read(&cx, &at, range).await.unwrap();
    assert_eq!(read_all(&mut body).await.unwrap(), &pattern(150)[100..]);
    let stat = storage.stat(&cx, &at).await.unwrap();
    assert_eq!(stat.size, Some(2 * PART as u64 + 77));
    let page = storage
        .list(&cx, &server.url("/"), Page::default())
        .await
        .unwrap();
    let names: Vec<_> = page
        .entries
        .iter()
        .map(|it| (it.name.as_str(), it.stat.kind))
        .collect();
    assert_eq!(names, [("dir", EntryKind::Directory)]);
    storage
        .rename(&cx, &at, &server.url("/dir/c"), false)
        .await
        .unwrap();
    assert_eq!(kind(storage.stat(&cx, &at).await), ErrorKind::NotFound);
    storage.unlink(&cx, &server.url("/dir/c")).await.unwrap();
    assert_eq!(
        kind(storage.stat(&cx, &server.url("/dir")).await),
        ErrorKind::NotFound
    );
}
