//! What a write asks of a server, and what it makes of odd answers.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use causeway_sdk::{Ctx, ErrorKind, Storage, WriteOptions};
use support::double::{Double, Reply, fault, reply};
use support::{kind, pattern, storage, write, write_with};

const PLAIN: &str = r#"{"directories":false}"#;

fn cx() -> Ctx {
    Ctx::new("test")
}

/// Loses the answer to the first PUT; the next finds something there.
async fn forgetful(content: &'static [u8]) -> Double {
    let puts = AtomicUsize::new(0);
    Double::start(move |seen| match seen.method.as_str() {
        "PUT" if puts.fetch_add(1, Ordering::SeqCst) == 0 => Reply::CutLate,
        "PUT" => fault("412 Precondition Failed", "PreconditionFailed", &[]),
        "HEAD" => {
            let mut hasher = causeway_sdk::Algorithm::Md5.hasher();
            hasher.update(content);
            let etag = format!("ETag: \"{}\"", hasher.finish().hex);
            let len = format!("Content-Length: {}", content.len());
            reply("200 OK", &[&etag, &len], "")
        }
        _ => reply("200 OK", &[], "<ListBucketResult/>"),
    })
    .await
}

#[tokio::test]
async fn a_write_whose_answer_was_lost_is_recognised_by_its_bytes() {
    let double = forgetful(b"mine").await;
    let at = double.url("/bucket/k");
    let written = write(&storage(PLAIN), &cx(), &at, b"mine").await.unwrap();
    assert_eq!(written.bytes, 4);
    let double = forgetful(b"else").await;
    let outcome = write(&storage(PLAIN), &cx(), &double.url("/bucket/k"), b"mine").await;
    assert_eq!(kind(outcome), ErrorKind::Exists);
}

#[tokio::test]
async fn what_is_there_already_stays() {
    let double = Double::start(|_| fault("412 Precondition Failed", "PreconditionFailed", &[]));
    let double = double.await;
    let outcome = write(&storage(PLAIN), &cx(), &double.url("/bucket/k"), b"x").await;
    assert_eq!(kind(outcome), ErrorKind::Exists);
    assert_eq!(double.seen("PUT")[0].header("if-none-match"), Some("*"));
    let overwrite = WriteOptions {
        overwrite: true,
        ..WriteOptions::default()
    };
    let at = double.url("/bucket/k");
    drop(write_with(&storage(PLAIN), &cx(), &at, b"x", overwrite).await);
    assert_eq!(double.seen("PUT")[1].header("if-none-match"), None);
}

#[tokio::test]
async fn a_small_object_is_one_request_on_one_connection() {
    let double = Double::start(|_| reply("200 OK", &["ETag: \"e\""], "")).await;
    let storage = storage(PLAIN);
    for n in 0..50 {
        let at = double.url(&format!("/bucket/{n}"));
        write(&storage, &cx(), &at, &pattern(10_000)).await.unwrap();
    }
    let all = double.all();
    assert_eq!(all.len(), 50);
    assert!(all.iter().all(|it| it.connection == 0), "one connection");
    assert!(all.iter().all(|it| it.body == pattern(10_000)));
    let sum = all[0].header("x-amz-checksum-crc32c");
    assert!(sum.is_some_and(|it| it.len() == 8), "{sum:?}");
}

#[tokio::test]
async fn a_free_name_is_looked_at_once_before_it_is_written() {
    let double = Double::start(|seen| match seen.method.as_str() {
        "HEAD" => reply("404 Not Found", &[], ""),
        "PUT" => reply("200 OK", &["ETag: \"e\""], ""),
        _ => reply("200 OK", &[], "<ListBucketResult/>"),
    });
    let (double, storage) = (double.await, storage("{}"));
    let at = double.url("/bucket/k");
    let methods = || {
        double
            .all()
            .iter()
            .map(|it| it.method.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(kind(storage.stat(&cx(), &at).await), ErrorKind::NotFound);
    write(&storage, &cx(), &at, b"x").await.unwrap();
    assert_eq!(methods(), ["HEAD", "GET", "PUT"]);
    write(&storage, &cx(), &at, b"x").await.unwrap();
    assert_eq!(
        methods()[3..],
        ["GET", "PUT"],
        "a sight is good for one write"
    );
}

#[tokio::test]
async fn many_files_of_one_directory_cost_one_listing() {
    let double = Double::start(|seen| match seen.method.as_str() {
        "HEAD" => reply("404 Not Found", &[], ""),
        "PUT" => reply("200 OK", &["ETag: \"e\""], ""),
        _ if seen.query("prefix").is_some_and(|it| it == "d%2F") => reply(
            "200 OK",
            &[],
            "<ListBucketResult><CommonPrefixes><Prefix>d/sub/</Prefix></CommonPrefixes>\
             </ListBucketResult>",
        ),
        _ if seen.query("prefix").is_some_and(|it| it == "d%2Fsub%2F") => reply(
            "200 OK",
            &[],
            "<ListBucketResult><Contents><Key>d/sub/x</Key></Contents></ListBucketResult>",
        ),
        _ => reply("200 OK", &[], "<ListBucketResult/>"),
    });
    let (double, storage) = (double.await, storage("{}"));
    for number in 0..50 {
        let at = double.url(&format!("/bucket/d/{number}"));
        assert!(!storage.exists(&cx(), &at).await.unwrap());
        write(&storage, &cx(), &at, b"x").await.unwrap();
    }
    let count = |method: &str| double.seen(method).len();
    assert_eq!((count("HEAD"), count("PUT")), (50, 50));
    assert_eq!(count("GET"), 5, "four questions, then a listing");
    // What it showed is still seen, and what was made since.
    let exists = |path: &str| {
        let at = double.url(path);
        let storage = &storage;
        async move { storage.exists(&cx(), &at).await.unwrap() }
    };
    assert!(exists("/bucket/d/sub").await);
    assert!(!exists("/bucket/d/other").await);
    let at = double.url("/bucket/d/other/x");
    write(&storage, &cx(), &at, b"x").await.unwrap();
    let asked = count("GET");
    exists("/bucket/d/other").await;
    assert_eq!(count("GET"), asked + 1, "it may be a directory now");
}

#[tokio::test]
async fn an_md5_that_the_server_tells_is_compared_where_that_is_cheap() {
    let told = |content: Vec<u8>, md5_of: &'static [u8]| async move {
        let mut hasher = causeway_sdk::Algorithm::Md5.hasher();
        hasher.update(md5_of);
        let etag = format!("ETag: \"{}\"", hasher.finish().hex);
        let double = Double::start(move |_| reply("200 OK", &[&etag], "")).await;
        write(&storage(PLAIN), &cx(), &double.url("/bucket/k"), &content).await
    };
    let written = told(b"mine".into(), b"mine").await.unwrap();
    assert_eq!(written.checksums.len(), 1, "the storage has it");
    let outcome = told(b"mine".into(), b"else").await;
    assert_eq!(kind(outcome), ErrorKind::Integrity);
    let written = told(pattern(2 << 20), b"whatever").await.unwrap();
    assert!(written.checksums.is_empty(), "nothing was compared");
}

#[tokio::test]
async fn who_may_not_list_still_writes_and_learns_what_is_missing() {
    let double = Double::start(|seen| match seen.method.as_str() {
        "HEAD" => reply("404 Not Found", &[], ""),
        "PUT" => reply("200 OK", &["ETag: \"e\""], ""),
        _ => fault("403 Forbidden", "AccessDenied", &[]),
    });
    let (double, storage) = (double.await, storage("{}"));
    let at = double.url("/bucket/k");
    assert_eq!(kind(storage.stat(&cx(), &at).await), ErrorKind::NotFound);
    write(&storage, &cx(), &double.url("/bucket/l"), b"x")
        .await
        .unwrap();
    assert_eq!(double.seen("GET").len(), 2, "both looked");
}

#[tokio::test]
async fn a_part_too_large_to_hold_is_streamed() {
    // A part of the smallest buffer: 5 MiB of buffer, and an object that needs larger parts.
    let config = r#"{"directories":false,"part_bytes":5242880,"upload_buffer_bytes":5242880}"#;
    let double = Double::start(|seen| match seen.method.as_str() {
        "POST" if seen.query("uploads").is_some() => {
            reply("200 OK", &[], "<R><UploadId>u</UploadId></R>")
        }
        "DELETE" => reply("404 Not Found", &[], ""),
        _ => reply("200 OK", &["ETag: \"e\""], ""),
    })
    .await;
    let storage = storage(config);
    let size = 60_000 << 20;
    let options = WriteOptions {
        size: Some(size),
        overwrite: true,
        ..WriteOptions::default()
    };
    let at = double.url("/bucket/k");
    let mut body = storage.open_write(&cx(), &at, options).await.unwrap();
    let chunk = pattern(1 << 20);
    for n in 0..13_u64 {
        use causeway_sdk::WriteBody as _;
        body.write(n << 20, chunk.clone().into()).await.unwrap();
    }
    let parts = || double.seen("PUT");
    for _ in 0..200 {
        if parts().len() >= 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let parts = parts();
    assert_eq!(parts.len(), 2, "the third is open");
    for (part, number) in parts.iter().zip(["1", "2"]) {
        assert_eq!(part.query("partNumber"), Some(number));
        assert_eq!(part.body, chunk.repeat(6), "parts of 6 MiB");
    }
    causeway_sdk::WriteBody::abort(body).await;
    assert_eq!(double.seen("DELETE").len(), 1);
}
