//! A real server: large objects, copies, signed URLs, who may do what, many names.

mod access;
#[path = "../support/mod.rs"]
mod support;

use std::process::Command;
use std::sync::{Arc, Mutex};

use causeway_plugin_s3::S3Storage;
use causeway_sdk::{
    Algorithm, CopyRequest, Direction, ErrorKind, Page, ProgressSink, ReadOptions, Storage, Url,
    WriteBody, WriteOptions,
};
use support::lab::Server;
use support::{kind, pattern, read, read_all, storage, write, write_with};

const MIB: usize = 1 << 20;
const SMALL: &str = r#","part_bytes":5242880,"copy_whole_bytes":5242880,"copy_part_bytes":5242880"#;

/// Keys of multipart uploads that were neither completed nor aborted, as another client sees them.
fn uploads(server: &Server) -> String {
    let user = format!("{}:{}", server.key("ACCESS"), server.key("SECRET"));
    let url = format!(
        "{}/{}?uploads=",
        server.key("ENDPOINT"),
        server.key("BUCKET")
    );
    let asked = Command::new("curl")
        .args([
            "-sf",
            "--aws-sigv4",
            "aws:amz:us-east-1:s3",
            "--user",
            &user,
        ])
        .args(["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", &url])
        .output()
        .unwrap();
    assert!(asked.status.success(), "{asked:?}");
    let text = String::from_utf8(asked.stdout).unwrap();
    assert!(text.contains("ListMultipartUploadsResult"), "{text}");
    let uploads = text.split("<Upload>").skip(1);
    uploads.collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_at_once() {
    // One server for all of it: it takes half a minute to start.
    let server = Server::start("radosgw");
    let storage = storage(&server.config(SMALL));
    large_objects(&server, &storage).await;
    nothing_is_left(&server, &storage).await;
    access::signed_urls(&server, &storage).await;
    access::who_may_do_what(&server, &storage).await;
    many_names(&server, &storage).await;
    buckets(&server, &storage).await;
}

async fn large_objects(server: &Server, storage: &S3Storage) {
    let (cx, at) = (server.cx(), server.url("/large/object"));
    let data = pattern(23 * MIB + 17);
    let written = write(storage, &cx, &at, &data).await.unwrap();
    assert_eq!(written.bytes, data.len() as u64);
    let stat = storage.stat(&cx, &at).await.unwrap();
    assert!(stat.etag.as_deref().unwrap().ends_with("-5\""), "{stat:?}");
    assert_eq!(stat.size, Some(data.len() as u64));
    assert_eq!(written.etag, stat.etag);
    assert_eq!(read(storage, &cx, &at).await.unwrap(), data);
    let options = ReadOptions {
        offset: 7 * MIB as u64 - 3,
        len: Some(9),
        ..ReadOptions::default()
    };
    let mut body = storage.open_read(&cx, &at, options).await.unwrap();
    assert_eq!(
        read_all(&mut body).await.unwrap(),
        data[7 * MIB - 3..7 * MIB + 6]
    );

    let outcome = write(storage, &cx, &at, &data).await;
    assert_eq!(
        kind(outcome),
        ErrorKind::Exists,
        "parts do not replace either"
    );
    let sum = storage
        .checksum(&cx, &at, Algorithm::Adler32)
        .await
        .unwrap();
    let mut hasher = Algorithm::Adler32.hasher();
    hasher.update(&data);
    assert_eq!(sum, hasher.finish());
    copies(server, storage, &at, &data).await;
}

async fn copies(server: &Server, storage: &S3Storage, from: &Url, data: &[u8]) {
    let (cx, to) = (server.cx(), server.url("/large/copy"));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let reported = Arc::clone(&seen);
    let request = CopyRequest {
        direction: Direction::Pull,
        source: from.clone(),
        destination: to.clone(),
        peer_credential: server.credential(),
        overwrite: false,
        streams: 0,
        size: Some(data.len() as u64),
        expect: None,
    };
    let progress = ProgressSink::new(move |it| reported.lock().unwrap().push(it.bytes));
    let copied = storage.copy(&cx, request.clone(), progress).await.unwrap();
    assert_eq!(copied.bytes, Some(data.len() as u64));
    assert_eq!(read(storage, &cx, &to).await.unwrap(), data);
    let seen = seen.lock().unwrap().clone();
    assert!(seen.len() >= 3 && seen.is_sorted(), "{seen:?}");
    assert_eq!(seen.last(), Some(&(data.len() as u64)));

    let again = storage
        .copy(&cx, request.clone(), ProgressSink::ignore())
        .await;
    assert_eq!(kind(again), ErrorKind::Exists);
    let elsewhere = CopyRequest {
        destination: "s3://127.0.0.1:1/bucket/k".parse().unwrap(),
        ..request
    };
    let refused = storage.copy(&cx, elsewhere, ProgressSink::ignore()).await;
    assert_eq!(kind(refused), ErrorKind::Unsupported);
    let renamed = server.url("/large/renamed");
    storage.rename(&cx, &to, &renamed, false).await.unwrap();
    assert_eq!(read(storage, &cx, &renamed).await.unwrap(), data);
    assert_eq!(kind(storage.stat(&cx, &to).await), ErrorKind::NotFound);
}

async fn nothing_is_left(server: &Server, storage: &S3Storage) {
    let cx = server.cx();
    for (n, is_dropped) in [(1, false), (2, true)] {
        let at = server.url(&format!("/left/{n}"));
        let options = WriteOptions::default();
        let mut body = storage.open_write(&cx, &at, options).await.unwrap();
        for n in 0..12 {
            let chunk = pattern(MIB);
            body.write((n * MIB) as u64, chunk.into()).await.unwrap();
        }
        if is_dropped {
            drop(body);
        } else {
            body.abort().await;
            assert_eq!(uploads(server), "", "after an abort");
        }
        assert_eq!(kind(storage.stat(&cx, &at).await), ErrorKind::NotFound);
    }
    for _ in 0..200 {
        if uploads(server).is_empty() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("left: {}", uploads(server));
}

async fn many_names(server: &Server, storage: &S3Storage) {
    const COUNT: usize = 1050;
    use futures_util::StreamExt as _;
    let cx = server.cx();
    let put = |n: usize| {
        let (cx, at) = (cx.clone(), server.url(&format!("/many/{n:05}")));
        async move {
            let options = WriteOptions {
                overwrite: true,
                ..WriteOptions::default()
            };
            write_with(storage, &cx, &at, &n.to_le_bytes(), options)
                .await
                .unwrap();
        }
    };
    futures_util::stream::iter(0..COUNT)
        .for_each_concurrent(16, put)
        .await;
    let (mut cursor, mut names, mut pages) = (None, Vec::new(), 0);
    loop {
        let page = Page { cursor, limit: 0 };
        let page = storage.list(&cx, &server.url("/many"), page).await.unwrap();
        names.extend(page.entries.into_iter().map(|it| it.name));
        pages += 1;
        match page.next {
            None => break,
            next => cursor = next,
        }
    }
    assert_eq!((names.len(), pages), (COUNT, 2));
    assert!(names.is_sorted());
}

async fn buckets(server: &Server, storage: &S3Storage) {
    let cx = server.cx();
    let top = server.key("ENDPOINT").replace("http:", "s3:");
    let top: Url = format!("{top}/").parse().unwrap();
    let page = storage.list(&cx, &top, Page::default()).await.unwrap();
    assert_eq!(page.entries[0].name, server.key("BUCKET"));
    assert!(storage.stat(&cx, &top).await.unwrap().is_directory());
    let bucket = server.url("");
    assert!(storage.stat(&cx, &bucket).await.unwrap().is_directory());
    assert_eq!(
        kind(storage.rmdir(&cx, &bucket).await),
        ErrorKind::Unsupported
    );
}
