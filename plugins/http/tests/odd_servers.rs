//! Against servers that do what real ones do on bad days, scripted byte by byte.

mod support;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_sdk::{
    Algorithm, Checksum, CopyRequest, Credential, Ctx, Direction, Error, ErrorKind, Page,
    ProgressSink, ReadOptions, Result, Retry, Secret, Storage, WriteBody, WriteOptions,
};
use support::double::{Double, Seen, early, raw, reply};
use support::*;

const DAV: &str = "207 Multi-Status";

fn with_token() -> Ctx {
    Ctx::new("test").with_credential(Credential::Bearer(Secret::new("hunter2")))
}

fn multistatus(entries: &str) -> String {
    format!("<m:multistatus xmlns:m='DAV:'>{entries}</m:multistatus>")
}

fn file_of(size: usize) -> String {
    multistatus(&format!(
        "<m:response><m:href>/f</m:href><m:propstat><m:prop><m:getcontentlength>{size}\
         </m:getcontentlength></m:prop><m:status>HTTP/1.1 200 OK</m:status></m:propstat>\
         </m:response>"
    ))
}

/// Trust is needed to make a client, even one that never uses TLS.
fn any_storage() -> causeway_plugin_http::HttpStorage {
    storage(&format!(r#"{{"ca_file":{:?}}}"#, some_ca()))
}

fn some_ca() -> String {
    static FILE: std::sync::OnceLock<tempfile::NamedTempFile> = std::sync::OnceLock::new();
    let file = FILE.get_or_init(|| {
        let any = rcgen::generate_simple_self_signed(vec!["ca".into()]).unwrap();
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), any.cert.pem()).unwrap();
        file
    });
    file.path().display().to_string()
}

#[tokio::test]
async fn a_redirect_to_another_host_takes_no_credential_along() {
    let other = Double::start(|seen| match &*seen.method {
        "PROPFIND" => reply(DAV, &[], &file_of(5)),
        _ => reply("200 OK", &[], "hello"),
    })
    .await;
    let target = format!("Location: http://{}/f", other.address);
    let here = Double::start(move |_| reply("307 Temporary Redirect", &[&target], "")).await;
    let storage = any_storage();
    let data = read(&storage, &with_token(), &here.url("/f"))
        .await
        .unwrap();
    assert_eq!(data, b"hello");
    for seen in here.seen("GET") {
        assert_eq!(seen.header("authorization"), Some("Bearer hunter2"));
    }
    let strangers = other.seen("GET");
    assert_eq!(strangers.len(), 1);
    assert_eq!(strangers[0].header("authorization"), None);
    assert_eq!(other.seen("PROPFIND")[0].header("authorization"), None);
}

#[tokio::test]
async fn a_redirect_to_the_same_host_keeps_it() {
    let here = Double::start(|seen| match &*seen.path {
        "/a" => reply("302 Found", &["Location: /f"], ""),
        _ if seen.method == "PROPFIND" => reply(DAV, &[], &file_of(5)),
        _ => reply("200 OK", &[], "hello"),
    })
    .await;
    read(&any_storage(), &with_token(), &here.url("/a"))
        .await
        .unwrap();
    let seen = here.seen("GET");
    assert_eq!(seen.len(), 2);
    assert!(
        seen.iter()
            .all(|it| it.header("authorization") == Some("Bearer hunter2"))
    );
}

#[tokio::test]
async fn redirects_without_end_are_given_up() {
    let here = Double::start(|_| reply("302 Found", &["Location: /again"], "")).await;
    let error = any_storage()
        .stat(&Ctx::new("t"), &here.url("/a"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Remote);
    assert!(error.message().contains("too many redirects"), "{error}");
}

/// Absent before the PUT, then as large as what was sent.
fn stores(seen: &Seen, size: &Mutex<Option<usize>>) -> Option<support::double::Reply> {
    let size = *size.lock().unwrap();
    (seen.method == "PROPFIND" || seen.method == "HEAD").then(|| match size {
        Some(size) => reply(DAV, &[], &file_of(size)),
        None => reply("404 Not Found", &[], ""),
    })
}

#[tokio::test]
async fn an_upload_is_redirected_before_its_body_and_without_the_token() {
    let size = Arc::new(Mutex::new(None));
    let disk = Double::start({
        let size = size.clone();
        move |_| {
            *size.lock().unwrap() = Some(200_000);
            reply("201 Created", &[], "")
        }
    })
    .await;
    let target = format!("Location: http://{}/pool/f?grant=1", disk.address);
    let head = Double::start(move |seen| {
        stores(seen, &size).unwrap_or_else(|| early(reply("307 Go", &[&target], "")))
    })
    .await;
    let data = pattern(200_000);
    let storage = any_storage();
    write(&storage, &with_token(), &head.url("/f"), &data)
        .await
        .unwrap();
    let (first, second) = (head.seen("PUT"), disk.seen("PUT"));
    assert!(first[0].body.is_empty());
    assert_eq!(first[0].header("expect"), Some("100-continue"));
    assert_eq!(second[0].path, "/pool/f?grant=1");
    assert!(second[0].body == data);
    assert_eq!(second[0].header("authorization"), None);
}

#[tokio::test]
async fn a_checksum_known_beforehand_is_announced() {
    let size = Arc::new(Mutex::new(None));
    let here = Double::start({
        move |seen| {
            stores(seen, &size).unwrap_or_else(|| {
                *size.lock().unwrap() = Some(3);
                reply("201 Created", &[], "")
            })
        }
    })
    .await;
    let options = WriteOptions {
        size: Some(3),
        expect: Some(Checksum::new(Algorithm::Adler32, "024d0127")),
        ..WriteOptions::default()
    };
    write_with(
        &any_storage(),
        &Ctx::new("t"),
        &here.url("/f"),
        b"abc",
        options,
    )
    .await
    .unwrap();
    let put = &here.seen("PUT")[0];
    assert_eq!(put.header("digest"), Some("adler32=024d0127"));
    assert_eq!(put.header("repr-digest"), Some("adler=:Ak0BJw==:"));
    assert_eq!(put.header("if-none-match"), Some("*"));
}

#[tokio::test]
async fn a_server_that_takes_the_bytes_and_then_fails_leaves_nothing() {
    let size = Arc::new(Mutex::new(None));
    let here = Double::start({
        let size = size.clone();
        move |seen| {
            stores(seen, &size).unwrap_or_else(|| match &*seen.method {
                "PUT" => {
                    *size.lock().unwrap() = Some(2);
                    reply("507 Insufficient Storage", &[], "")
                }
                _ => {
                    *size.lock().unwrap() = None;
                    reply("204 No Content", &[], "")
                }
            })
        }
    })
    .await;
    let outcome = write(&any_storage(), &Ctx::new("t"), &here.url("/f"), b"abc").await;
    assert_eq!(kind(outcome), ErrorKind::NoSpace);
    assert_eq!(here.seen("DELETE").len(), 1);
    assert_eq!(*size.lock().unwrap(), None);
}

#[tokio::test]
async fn what_was_there_and_did_not_change_is_not_removed() {
    let here = Double::start(|seen| match &*seen.method {
        "PROPFIND" => reply(DAV, &[], &file_of(9)),
        "PUT" => reply("500 Internal Server Error", &[], ""),
        _ => reply("204 No Content", &[], ""),
    })
    .await;
    let options = WriteOptions {
        size: Some(3),
        overwrite: true,
        ..WriteOptions::default()
    };
    let cx = Ctx::new("t");
    let outcome = write_with(&any_storage(), &cx, &here.url("/f"), b"abc", options).await;
    assert!(outcome.is_err());
    assert!(here.seen("DELETE").is_empty());
}

#[tokio::test]
async fn an_upload_that_arrived_in_part_is_an_integrity_failure() {
    let size = Arc::new(Mutex::new(None));
    let here = Double::start(move |seen| {
        stores(seen, &size).unwrap_or_else(|| {
            *size.lock().unwrap() = Some(2);
            reply("201 Created", &[], "")
        })
    })
    .await;
    let outcome = write(&any_storage(), &Ctx::new("t"), &here.url("/f"), b"abc").await;
    assert_eq!(kind(outcome), ErrorKind::Integrity);
    assert_eq!(here.seen("DELETE").len(), 1);
}

#[tokio::test]
async fn a_body_cut_short_is_a_network_failure() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n",
        "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-99/100\r\n\r\nonly this",
    ] {
        let here = Double::start(move |seen| match &*seen.method {
            "PROPFIND" => reply(DAV, &[], &file_of(100)),
            _ => raw(answer),
        })
        .await;
        let outcome = read(&any_storage(), &Ctx::new("t"), &here.url("/f")).await;
        assert_eq!(kind(outcome), ErrorKind::Network, "{answer}");
    }
}

#[tokio::test]
async fn a_server_that_ignores_ranges_is_skipped_through_or_refused() {
    let here = Double::start(|seen| match &*seen.method {
        "PROPFIND" => reply(DAV, &[], &file_of(10)),
        _ => reply("200 OK", &[], "0123456789"),
    })
    .await;
    let config = format!(r#"{{"ca_file":{:?},"max_skip_bytes":8}}"#, some_ca());
    let (storage, cx, at) = (storage(&config), Ctx::new("t"), here.url("/f"));
    let part = async |offset, len| -> Result<Vec<u8>> {
        let options = ReadOptions {
            offset,
            len,
            ..ReadOptions::default()
        };
        read_all(&mut storage.open_read(&cx, &at, options).await?).await
    };
    assert_eq!(part(3, Some(4)).await.unwrap(), b"3456");
    assert_eq!(part(7, None).await.unwrap(), b"789");
    assert_eq!(part(8, Some(100)).await.unwrap(), b"89");
    assert_eq!(kind(part(9, Some(1)).await), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_file_that_changed_is_noticed_by_either_side() {
    let here = Double::start(|seen| match (&*seen.method, &*seen.path) {
        ("PROPFIND", _) => reply(DAV, &[], &file_of(1)),
        (_, "/knows") => reply("412 Precondition Failed", &[], ""),
        _ => reply("200 OK", &["ETag: \"new\""], "x"),
    })
    .await;
    for path in ["/knows", "/does-not"] {
        let options = ReadOptions {
            if_match: Some("\"old\"".into()),
            ..ReadOptions::default()
        };
        let opened = any_storage()
            .open_read(&Ctx::new("t"), &here.url(path), options)
            .await;
        assert_eq!(opened.err().map(|it| it.kind()), Some(ErrorKind::Conflict));
    }
    assert_eq!(here.seen("GET")[0].header("if-match"), Some("\"old\""));
}

#[tokio::test]
async fn a_time_to_wait_is_passed_on() {
    let here = Double::start(|_| reply("503 Service Unavailable", &["Retry-After: 17"], "")).await;
    let error = any_storage()
        .stat(&Ctx::new("t"), &here.url("/f"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert_eq!(error.retry(), Retry::After(Duration::from_secs(17)));
}

#[tokio::test]
async fn nobody_listens() {
    let address = Double::start(|_| raw("")).await.address.clone();
    let gone = url(format!("dav://{address}/f"));
    // The listener may outlive its handle for a moment; then the connection is closed at once.
    let error = any_storage().stat(&Ctx::new("t"), &gone).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
}

#[tokio::test]
async fn a_plain_server_is_asked_once_whether_it_speaks_webdav() {
    let here = Double::start(|seen| match &*seen.method {
        "PROPFIND" => reply("405 Method Not Allowed", &[], ""),
        _ => reply(
            "200 OK",
            &[
                "ETag: \"e\"",
                "Last-Modified: Thu, 01 Jan 1970 00:00:09 GMT",
            ],
            "",
        ),
    })
    .await;
    let (storage, cx) = (any_storage(), Ctx::new("t"));
    for _ in 0..3 {
        let stat = storage.stat(&cx, &here.url("/dir/f")).await.unwrap();
        assert_eq!((stat.mtime, stat.etag.as_deref()), (Some(9), Some("\"e\"")));
    }
    assert_eq!(here.seen("PROPFIND").len(), 1);
    storage.stat(&cx, &here.url("/dir/f?sig=1")).await.unwrap();
    assert_eq!(here.seen("HEAD").len(), 4);
}

#[tokio::test]
async fn a_listing_that_breaks_off_is_a_failure_not_a_short_directory() {
    let whole = multistatus(
        &(0..50)
            .map(|i| format!("<m:response><m:href>/d/f{i}</m:href></m:response>"))
            .collect::<String>(),
    );
    let half = whole[..whole.len() / 2].to_owned();
    let here = Double::start(move |_| {
        raw(format!(
            "HTTP/1.1 207 Multi-Status\r\nContent-Length: {}\r\n\r\n{half}",
            whole.len()
        ))
    })
    .await;
    let (storage, cx, at) = (any_storage(), Ctx::new("t"), here.url("/d"));
    let page = Page {
        cursor: None,
        limit: 10,
    };
    let first = storage.list(&cx, &at, page).await.unwrap();
    assert_eq!(first.entries.len(), 10);
    let rest = Page {
        cursor: first.next,
        limit: 0,
    };
    assert_eq!(kind(storage.list(&cx, &at, rest).await), ErrorKind::Network);
}

async fn copy_with(answer: &'static str, peer: Credential) -> (Result<Vec<u64>>, Double) {
    let here = Double::start(move |seen| match &*seen.method {
        "COPY" => raw(answer),
        _ => reply("404 Not Found", &[], ""),
    })
    .await;
    let request = CopyRequest {
        direction: Direction::Pull,
        source: url("davs://source.example.org/a b"),
        destination: here.url("/f"),
        peer_credential: peer,
        overwrite: true,
        streams: 3,
        size: None,
        expect: None,
    };
    let reports = Arc::new(Mutex::new(Vec::new()));
    let sink = ProgressSink::new({
        let reports = reports.clone();
        move |it| reports.lock().unwrap().push(it.bytes)
    });
    let cx = with_token().with_option("scitag", "66");
    let outcome = any_storage().copy(&cx, request, sink).await;
    let reports = reports.lock().unwrap().clone();
    (outcome.map(|_| reports), here)
}

const MARKER: &str = "Perf Marker\nTimestamp: 1\nStripe Index: 0\n\
    Stripe Bytes Transferred: 10\nTotal Stripe Count: 1\nEnd\n";

fn leak(text: String) -> &'static str {
    text.leak()
}

#[tokio::test]
async fn a_copy_says_what_it_must_and_reports_progress() {
    let answer = leak(format!(
        "HTTP/1.1 201 Created\r\n\r\n{MARKER}success: Created\n"
    ));
    let token = Credential::Bearer(Secret::new("peer-token"));
    let (outcome, here) = copy_with(answer, token).await;
    assert_eq!(outcome.unwrap(), [10]);
    let copy = &here.seen("COPY")[0];
    for (name, value) in [
        ("source", "https://source.example.org/a%20b"),
        ("transferheaderauthorization", "Bearer peer-token"),
        ("authorization", "Bearer hunter2"),
        ("credential", "none"),
        ("overwrite", "T"),
        ("x-number-of-streams", "3"),
        ("requirechecksumverification", "false"),
        ("scitag", "66"),
    ] {
        assert_eq!(copy.header(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_created_copy_may_still_fail() {
    for (body, expected) in [
        (
            "failure: Remote side failed with status code 403\n",
            ErrorKind::Denied,
        ),
        ("failure: something odd", ErrorKind::Remote),
        ("", ErrorKind::Network),
    ] {
        for status in ["201 Created", "202 Accepted"] {
            let answer = leak(format!("HTTP/1.1 {status}\r\n\r\n{MARKER}{body}"));
            let (outcome, _here) = copy_with(answer, Credential::None).await;
            let error: Error = outcome.unwrap_err();
            assert_eq!(error.kind(), expected, "{status} {body}");
        }
    }
}

#[tokio::test]
async fn a_redirected_copy_takes_the_peers_token_to_no_other_site() {
    let other = Double::start(|_| raw("HTTP/1.1 201 Created\r\n\r\nsuccess: Created\n")).await;
    let port = other.address.rsplit_once(':').unwrap().1.to_owned();
    // The same machine under another name: another site as far as names tell.
    let target = leak(format!(
        "HTTP/1.1 307 Go\r\nContent-Length: 0\r\nLocation: http://localhost:{port}/f\r\n\r\n"
    ));
    let token = Credential::Bearer(Secret::new("peer-token"));
    let (outcome, here) = copy_with(target, token).await;
    outcome.unwrap();
    assert!(
        here.seen("COPY")[0]
            .header("transferheaderauthorization")
            .is_some()
    );
    let seen = &other.seen("COPY")[0];
    assert_eq!(seen.header("transferheaderauthorization"), None);
    assert_eq!(seen.header("authorization"), None);
}

#[tokio::test]
async fn back_pressure_holds_a_writer_whose_server_does_not_read() {
    let here = Double::start(|seen| match &*seen.method {
        // Agrees, and never reads.
        "PUT" => support::double::Reply {
            bytes: b"HTTP/1.1 100 Continue\r\n\r\n".to_vec(),
            is_early: true,
            hangs: true,
        },
        _ => reply("404 Not Found", &[], ""),
    })
    .await;
    let options = WriteOptions {
        size: Some(1 << 40),
        ..WriteOptions::default()
    };
    let (storage, cx) = (any_storage(), Ctx::new("t"));
    let mut body = storage
        .open_write(&cx, &here.url("/f"), options)
        .await
        .unwrap();
    let (mut sent, limit) = (0_u64, 64 << 20);
    let patience = Duration::from_secs(2);
    while sent < limit {
        let write = body.write(sent, vec![0; 1 << 20].into());
        match tokio::time::timeout(patience, write).await {
            Ok(outcome) => outcome.unwrap(),
            // Held, as it should be, when sockets and queue are full.
            Err(_) => break,
        }
        sent += 1 << 20;
    }
    assert!(sent < limit, "{sent} bytes went nowhere");
    body.abort().await;
}
