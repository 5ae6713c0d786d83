//! What is particular to Google Cloud Storage; and its emulator, which somebody else wrote.

mod support;

use causeway_sdk::{Algorithm, Ctx, ErrorKind, ProgressSink, Storage};
use support::double::{How, Seen, google};
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
async fn who_may_only_make_objects_may_copy() {
    let lab = Played::gs().await;
    let (storage, cx) = lab.open();
    let (from, to) = (url("gs://lab/a"), url("gs://lab/b"));
    write(&storage, &cx, &from, b"content").await.unwrap();
    let looks = |seen: &Seen| seen.method == "GET" && seen.path.ends_with("/o/b");
    for (reason, status, expected) in [("forbidden", 403, None), ("backendError", 500, Some(()))] {
        let refusal = How::Answer(google(status, reason));
        lab.double.fail_at(looks, 3, refusal);
        let copied = storage.copy(&cx, copy(&from, &to, false), ProgressSink::ignore());
        assert_eq!(copied.await.err().map(drop), expected, "{reason}");
        lab.double.heal();
        assert_eq!(read(&storage, &cx, &to).await.unwrap(), b"content");
    }
    // What counts is the condition.
    lab.double
        .fail_at(looks, 1, How::Answer(google(403, "forbidden")));
    let again = storage.copy(&cx, copy(&from, &to, false), ProgressSink::ignore());
    assert_eq!(kind(again.await), ErrorKind::Exists);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_in_one_request_goes_with_its_checksum() {
    let lab = Played::gs().await;
    let ((storage, cx), at) = (lab.open(), lab.url("/file"));
    write(&storage, &cx, &at, b"123456789").await.unwrap();
    // The check value of the algorithm, as the catalogues of CRCs have it.
    let goes_with = |seen: &Seen| {
        let (described, content) = seen.related();
        described["crc32c"] == "4waSgw==" && content == b"123456789"
    };
    let is_whole = |seen: &Seen| seen.asked("uploadType") == "multipart";
    let sent = lab.double.count(|seen| is_whole(seen) && goes_with(seen));
    assert_eq!(sent, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_emulator_of_cloud_storage() {
    let server = Server::start("gcs");
    // Named as Google's own tools name it.
    let get =
        |name: &str| (name == "STORAGE_EMULATOR_HOST").then(|| server.key("ENDPOINT").to_owned());
    let options_text = format!(r#"{{{},"part_bytes":{PART}}}"#, server.trust());
    let (storage, cx) = (storage_in(&options_text, get), Ctx::new("t"));
    // Nothing, one request, a resumable upload whose last part is full, and one whose last is not.
    for len in [0, 10, 2 * PART, 2 * PART + 77] {
        let (at, data) = (server.url("/dir/a b"), pattern(len));
        let written = write(&storage, &cx, &at, &data).await.unwrap();
        assert_eq!(written.bytes, len as u64);
        let mut sum = Algorithm::Crc32c.hasher();
        sum.update(&data);
        assert!(written.checksums.contains(&sum.finish()), "{written:?}");
        assert!(read(&storage, &cx, &at).await.unwrap() == data, "{len}");
        // Others read the same.
        let (endpoint, ca) = (
            server.key("ENDPOINT"),
            format!("{}/ca.pem", server.key("PKI")),
        );
        let found = fetched(&format!("{endpoint}/lab-a/dir/a%20b"), Some(&ca)).await;
        assert!(found == data, "{len}");
    }
}
