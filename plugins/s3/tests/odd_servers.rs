//! Servers that throttle, lie, hang up and send away, and what comes of it.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use causeway_sdk::{Ctx, Error, ErrorKind, Page, ReadOptions, Retry, Storage};
use support::double::{Double, Reply, Seen, fault, reply};
use support::{keys, kind, read, storage, write};

const PLAIN: &str = r#"{"directories":false}"#;

fn cx() -> Ctx {
    Ctx::new("test")
}

/// Every simple call, with its failure.
async fn failures(double: &Double) -> Vec<(&'static str, Error)> {
    let (storage, cx, at) = (storage(PLAIN), cx(), double.url("/bucket/k"));
    let options = ReadOptions::default();
    vec![
        ("stat", storage.stat(&cx, &at).await.unwrap_err()),
        (
            "list",
            storage.list(&cx, &at, Page::default()).await.unwrap_err(),
        ),
        ("unlink", storage.unlink(&cx, &at).await.unwrap_err()),
        ("write", write(&storage, &cx, &at, b"x").await.unwrap_err()),
        (
            "read",
            storage.open_read(&cx, &at, options).await.err().unwrap(),
        ),
    ]
}

#[tokio::test]
async fn a_throttling_server_is_told_with_its_hint() {
    for (status, code, expected) in [
        ("503 Slow Down", "SlowDown", ErrorKind::Throttled),
        (
            "429 Too Many Requests",
            "TooManyRequests",
            ErrorKind::Throttled,
        ),
        (
            "503 Service Unavailable",
            "ServiceUnavailable",
            ErrorKind::Busy,
        ),
    ] {
        let double = Double::start(move |seen| match seen.method.as_str() {
            // Answers to HEAD have no document.
            "HEAD" => reply(status, &["Retry-After: 7"], ""),
            _ => fault(status, code, &["Retry-After: 7"]),
        });
        for (call, error) in failures(&double.await).await {
            let is_bare = matches!(call, "stat" | "unlink") && status.starts_with("503");
            let expected = if is_bare { ErrorKind::Busy } else { expected };
            assert_eq!(error.kind(), expected, "{call} {code}");
            assert_eq!(
                error.retry(),
                Retry::After(Duration::from_secs(7)),
                "{call}"
            );
        }
    }
}

#[tokio::test]
async fn expired_credentials_are_told_from_others_even_where_there_is_no_document() {
    let double = Double::start(|seen| match seen.method.as_str() {
        "HEAD" => reply("400 Bad Request", &[], ""),
        _ => fault("400 Bad Request", "ExpiredToken", &[]),
    });
    for (call, error) in failures(&double.await).await {
        assert_eq!(error.kind(), ErrorKind::AuthExpired, "{call}");
        assert_eq!(error.retry(), Retry::Never);
    }
}

#[tokio::test]
async fn a_bucket_in_another_region_is_asked_there() {
    let double = Double::start(|seen| {
        let signed = seen.header("authorization").unwrap_or_default();
        if signed.contains("/eu-north-1/") {
            return reply("200 OK", &["ETag: \"e\""], "content");
        }
        let region = "x-amz-bucket-region: eu-north-1";
        fault("301 Moved Permanently", "PermanentRedirect", &[region])
    })
    .await;
    let cx = cx().with_credential(keys("a", "s", None));
    let (storage, at) = (storage(PLAIN), double.url("/bucket/k"));
    assert_eq!(read(&storage, &cx, &at).await.unwrap(), b"content");
    assert_eq!(double.all().len(), 2);
    assert_eq!(read(&storage, &cx, &at).await.unwrap(), b"content");
    assert_eq!(double.all().len(), 3, "the region is remembered");
    // Who signs for nobody cannot sign for another region, and goes in no circle.
    let error = read(&storage, &Ctx::new("nobody"), &at).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
}

#[tokio::test]
async fn reads_that_end_early_are_failures() {
    let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf".to_vec();
    let double = Double::start(move |_| Reply::CutWithin(cut.clone())).await;
    let outcome = read(&storage(PLAIN), &cx(), &double.url("/bucket/k")).await;
    assert_eq!(kind(outcome), ErrorKind::Network);
}

#[tokio::test]
async fn other_ranges_than_asked_for_are_refused() {
    let answers = [
        ("200 OK", "X-None: 1", ErrorKind::Unsupported),
        (
            "206 Partial Content",
            "Content-Range: bytes 0-3/10",
            ErrorKind::Remote,
        ),
        (
            "206 Partial Content",
            "Content-Range: nonsense",
            ErrorKind::Remote,
        ),
    ];
    for (status, range, expected) in answers {
        let double = Double::start(move |_| reply(status, &[range], "1234")).await;
        let options = ReadOptions {
            offset: 5,
            len: Some(4),
            ..ReadOptions::default()
        };
        let (storage, at) = (storage(PLAIN), double.url("/bucket/k"));
        let error = storage.open_read(&cx(), &at, options).await.err().unwrap();
        assert_eq!(error.kind(), expected, "{range}");
    }
}

#[tokio::test]
async fn an_idle_connection_that_was_closed_is_no_failure_for_those_who_look() {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let double = Double::start(move |_| match seen.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::CutLate,
        _ => reply("200 OK", &[], ""),
    });
    let double = double.await;
    let stat = storage(PLAIN).stat(&cx(), &double.url("/bucket/k")).await;
    assert_eq!(stat.unwrap().size, Some(0));
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn secrets_go_nowhere_but_into_signatures() {
    let repeat = |seen: &Seen| {
        let all = format!("{seen:?}").replace(['<', '>', '&'], " ");
        let body = format!("<Error><Code>AccessDenied</Code><Token>{all}</Token></Error>");
        reply("403 Forbidden", &[], &body)
    };
    let double = Double::start(repeat).await;
    let keys = keys("AKIDEXAMPLE", "canary-secret", Some("canary-token"));
    let cx = cx().with_credential(keys);
    let (storage, at) = (storage("{}"), double.url("/bucket/k"));
    let errors = [
        storage.stat(&cx, &at).await.unwrap_err(),
        storage.list(&cx, &at, Page::default()).await.unwrap_err(),
        write(&storage, &cx, &at, b"x").await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(
            !format!("{error:?} {error}").contains("canary"),
            "{error:?}"
        );
    }
    for seen in double.all() {
        assert_eq!(seen.header("x-amz-security-token"), Some("canary-token"));
        assert!(!format!("{seen:?}").contains("canary-secret"));
        assert!(
            seen.header("authorization")
                .unwrap()
                .contains("AKIDEXAMPLE")
        );
    }
    assert!(!double.all().is_empty());
}

#[tokio::test]
async fn nobody_signs_nothing_and_the_environment_helps_only_when_allowed() {
    let double = Double::start(|_| reply("403 Forbidden", &[], "")).await;
    let at = double.url("/bucket/k");
    let outcome = storage(PLAIN).stat(&cx(), &at).await;
    assert_eq!(kind(outcome), ErrorKind::AuthRequired);
    let variable = |name: &str| match name {
        "AWS_ACCESS_KEY_ID" => Some("FROM-ENV".to_owned()),
        "AWS_SECRET_ACCESS_KEY" => Some("s".to_owned()),
        _ => None,
    };
    for (config, signed) in [("{}", false), (r#"{"environment_credentials":true}"#, true)] {
        let host = causeway_sdk::Host::silent();
        let storage = causeway_plugin_s3::S3Storage::with_environment(config, host, variable);
        drop(storage.unwrap().stat(&cx(), &at).await);
        let last = double.all().pop().unwrap();
        let shown = last.header("authorization").unwrap_or_default();
        assert_eq!(shown.contains("FROM-ENV"), signed, "{config}");
    }
}

#[tokio::test]
async fn a_listing_goes_by_the_servers_pages() {
    let page = |seen: &Seen| {
        let (names, next) = match seen.query("continuation-token") {
            None => (["a", "b"], Some("t%2B1")),
            Some("t%2B1") => (["c", "d"], None),
            Some(other) => panic!("{other}"),
        };
        let keys =
            names.map(|it| format!("<Contents><Key>dir/{it}</Key><Size>1</Size></Contents>"));
        let next = next.map_or(String::new(), |_| {
            "<IsTruncated>true</IsTruncated><NextContinuationToken>t+1</NextContinuationToken>"
                .into()
        });
        let text = format!(
            "<ListBucketResult>{}{next}</ListBucketResult>",
            keys.concat()
        );
        reply("200 OK", &[], &text)
    };
    let double = Double::start(page).await;
    let (storage, at) = (storage("{}"), double.url("/bucket/dir/"));
    let (mut cursor, mut names) = (None, Vec::new());
    loop {
        let page = Page { cursor, limit: 2 };
        let page = storage.list(&cx(), &at, page).await.unwrap();
        names.extend(page.entries.into_iter().map(|it| it.name));
        match page.next {
            None => break,
            next => cursor = next,
        }
    }
    assert_eq!(names, ["a", "b", "c", "d"]);
    let asked = &double.all()[0];
    assert_eq!(
        (asked.query("max-keys"), asked.query("prefix")),
        (Some("2"), Some("dir%2F"))
    );
}
