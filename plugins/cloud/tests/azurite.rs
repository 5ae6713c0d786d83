//! Against Azurite: blocks, conditions, copies, names.

mod support;

use causeway_sdk::{
    Algorithm, Checksum, CopyRequest, Ctx, Direction, ErrorKind, Page, ProgressSink, ReadOptions,
    Storage, WriteBody, WriteOptions,
};
use support::lab::Server;
use support::*;

const PART: usize = 4 << 20;

fn config(server: &Server) -> String {
    format!(
        r#"{{{},"azure":{{"endpoint":"{}"}},"part_bytes":{PART},"attempts":2}}"#,
        server.trust(),
        server.key("ENDPOINT")
    )
}

fn owner(server: &Server) -> Ctx {
    with(keys(server.key("ACCOUNT"), server.key("KEY")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn azurite() {
    let server = Server::start("azurite");
    blocks(&server).await;
    blocks_are_no_blob(&server).await;
    conditions(&server).await;
    copies(&server).await;
    names(&server).await;
}

async fn blocks(server: &Server) {
    let (storage, cx) = (storage(&config(server)), owner(server));
    let data = pattern(5 * PART + 12_345);
    for (name, size) in [("known", Some(data.len())), ("unknown", None)] {
        let at = server.url(&format!("/blocks/{name}"));
        let written = write_with(&storage, &cx, &at, &data, options(size, false))
            .await
            .unwrap();
        assert_eq!(written.bytes, data.len() as u64);
        assert!(read(&storage, &cx, &at).await.unwrap() == data, "{name}");
        let stat = storage.stat(&cx, &at).await.unwrap();
        assert_eq!(
            (stat.size, &stat.etag),
            (Some(data.len() as u64), &written.etag)
        );
        // The MD5 of all blocks is kept with the blob, other sums are computed.
        let mut hasher = Algorithm::Md5.hasher();
        hasher.update(&data);
        assert_eq!(stat.checksums, [hasher.finish()]);
        let mut hasher = Algorithm::Adler32.hasher();
        hasher.update(&data);
        let sum = storage
            .checksum(&cx, &at, Algorithm::Adler32)
            .await
            .unwrap();
        assert_eq!(sum, hasher.finish());
        let range = ReadOptions {
            offset: PART as u64 - 5,
            len: Some(10),
            if_match: stat.etag.clone(),
            ..ReadOptions::default()
        };
        let mut body = storage.open_read(&cx, &at, range).await.unwrap();
        assert_eq!(
            read_all(&mut body).await.unwrap(),
            &data[PART - 5..PART + 5]
        );
    }
}

async fn blocks_are_no_blob(server: &Server) {
    let (storage, cx) = (storage(&config(server)), owner(server));
    let at = server.url("/given/up");
    let data = pattern(PART);
    for ends_how in ["abort", "drop"] {
        let mut body = storage
            .open_write(&cx, &at, options(None, false))
            .await
            .unwrap();
        for n in 0..3 {
            let chunk = data.clone().into();
            body.write(n * PART as u64, chunk).await.unwrap();
        }
        assert!(!storage.exists(&cx, &at).await.unwrap(), "{ends_how}");
        // Parts go out in the background: before one arrived there is nothing to see.
        until(server, "given/up", 200).await;
        match ends_how {
            "abort" => body.abort().await,
            _ => drop(body),
        }
        // What is dropped is cleared away behind our back.
        until(server, "given/up", 404).await;
        assert!(!storage.exists(&cx, &at).await.unwrap(), "{ends_how}");
    }
    // A blob that is there survives a write to it that is given up.
    write(&storage, &cx, &at, b"old").await.unwrap();
    let mut body = storage
        .open_write(&cx, &at, options(None, true))
        .await
        .unwrap();
    for n in 0..3 {
        body.write(n * PART as u64, data.clone().into())
            .await
            .unwrap();
    }
    body.abort().await;
    assert_eq!(read(&storage, &cx, &at).await.unwrap(), b"old");
}

/// Waits for a status of the question for blocks.
async fn until(server: &Server, name: &str, status: u16) {
    for _ in 0..200 {
        if uncommitted(server, name).await == status {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("{name}: still {}", uncommitted(server, name).await);
}

/// Status of a question for the blocks of a blob that are not part of it.
async fn uncommitted(server: &Server, name: &str) -> u16 {
    let url = format!(
        "{}/{}/lab/{name}?comp=blocklist&blocklisttype=all&{}",
        server.key("ENDPOINT"),
        server.key("ACCOUNT"),
        server.key("SAS")
    );
    let output = tokio::process::Command::new("curl")
        .args(["-s", "-o", "/dev/null", "-w", "%{http_code}", "--cacert"])
        .arg(format!("{}/ca.pem", server.key("PKI")))
        .arg(url)
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap().parse().unwrap()
}

async fn conditions(server: &Server) {
    let (storage, cx) = (storage(&config(server)), owner(server));
    // Somebody is quicker than a write in blocks that was let begin.
    let at = server.url("/race");
    let data = pattern(2 * PART + 1);
    let mut body = storage
        .open_write(&cx, &at, options(None, false))
        .await
        .unwrap();
    for (n, chunk) in data.chunks(PART).enumerate() {
        let chunk = chunk.to_vec().into();
        body.write((n * PART) as u64, chunk).await.unwrap();
    }
    write(&storage, &cx, &at, b"first").await.unwrap();
    let error = body.commit().await.unwrap_err();
    let kinds = [ErrorKind::Exists, ErrorKind::Conflict];
    assert!(kinds.contains(&error.kind()), "{error:?}");
    assert_eq!(read(&storage, &cx, &at).await.unwrap(), b"first");
    // A wrong expectation is found before anything is visible.
    let at = server.url("/expected");
    let expect = Some(Checksum::new(Algorithm::Adler32, "00000001"));
    let wrong = WriteOptions {
        expect,
        ..options(None, false)
    };
    let outcome = write_with(&storage, &cx, &at, &data, wrong).await;
    assert_eq!(kind(outcome), ErrorKind::Integrity);
    assert!(!storage.exists(&cx, &at).await.unwrap());
}

async fn copies(server: &Server) {
    let (storage, cx) = (storage(&config(server)), owner(server));
    let (from, to) = (server.url("/copy/from"), server.url("/copy/to"));
    let data = pattern(PART + 1);
    write(&storage, &cx, &from, &data).await.unwrap();
    let request = |overwrite| CopyRequest {
        direction: Direction::Pull,
        source: from.clone(),
        destination: to.clone(),
        peer_credential: owner(server).credential().clone(),
        overwrite,
        streams: 0,
        size: None,
        expect: None,
    };
    storage
        .copy(&cx, request(false), ProgressSink::ignore())
        .await
        .unwrap();
    assert!(read(&storage, &cx, &to).await.unwrap() == data);
    let again = storage
        .copy(&cx, request(false), ProgressSink::ignore())
        .await;
    assert_eq!(kind(again), ErrorKind::Exists);
    storage
        .copy(&cx, request(true), ProgressSink::ignore())
        .await
        .unwrap();
    let away = CopyRequest {
        destination: url("azure://otheraccount/lab/x"),
        ..request(true)
    };
    let away = storage.copy(&cx, away, ProgressSink::ignore()).await;
    assert_eq!(kind(away), ErrorKind::Unsupported);
}

async fn names(server: &Server) {
    let (storage, cx) = (storage(&config(server)), owner(server));
    assert!(
        storage
            .stat(&cx, &server.url("/"))
            .await
            .unwrap()
            .is_directory()
    );
    let lost = storage
        .stat(&cx, &url("azure://devstoreaccount1/nowhere/x"))
        .await;
    assert_eq!(kind(lost), ErrorKind::NotFound);
    let lost = storage
        .list(
            &cx,
            &url("azure://devstoreaccount1/nowhere"),
            Page::default(),
        )
        .await;
    assert_eq!(kind(lost), ErrorKind::NotFound);
    // A directory nobody made is one as long as something is in it.
    let at = server.url("/deep/down/file");
    write(&storage, &cx, &at, b"x").await.unwrap();
    assert!(
        storage
            .stat(&cx, &server.url("/deep"))
            .await
            .unwrap()
            .is_directory()
    );
    storage.unlink(&cx, &at).await.unwrap();
    assert_eq!(
        kind(storage.stat(&cx, &server.url("/deep")).await),
        ErrorKind::NotFound
    );
}
