//! What goes wrong with the services: throttling, tokens that end, connections that are cut, damage
//! on the way. The right kind of error, no more requests than are good. Uploads that break are in
//! `broken_uploads`.

mod support;

use std::time::Duration;

use causeway_sdk::{ErrorKind, Retry, Storage};
use serde_json::json;
use support::double::{Double, How, Reply, azure, google, ok, reply};
use support::plot::{PART, Played, Stage};
use support::*;

fn slow(seconds: u64) -> Reply {
    reply(429).with("Retry-After", seconds)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_service_is_given_time() {
    for lab in Played::all().await {
        let ((storage, cx), at) = (lab.open(), lab.url("/file"));
        write(&storage, &cx, &at, b"content").await.unwrap();
        for busy in [slow(0), reply(503).with("Retry-After", 0), reply(500)] {
            lab.fail(Stage::Read, 2, busy);
            let found = read(&storage, &cx, &at).await.unwrap();
            assert_eq!(found, b"content", "{}", lab.name);
        }
        // Not for ever.
        lab.fail(Stage::Read, 3, reply(503).with("Retry-After", 0));
        let error = read(&storage, &cx, &at).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy, "{error:?}");
        assert_eq!(error.retry(), Retry::After(Duration::ZERO));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_asks_for_much_time_is_not_asked_again() {
    for lab in Played::all().await {
        let ((storage, cx), at) = (lab.open(), lab.url("/file"));
        write(&storage, &cx, &at, b"content").await.unwrap();
        let before = lab.count(Stage::Read);
        lab.fail(Stage::Read, 1, slow(3000));
        let error = read(&storage, &cx, &at).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Throttled, "{error:?}");
        assert_eq!(error.retry(), Retry::After(Duration::from_secs(3000)));
        assert_eq!(lab.count(Stage::Read), before + 1, "{}", lab.name);
        let before = lab.count(Stage::Whole);
        lab.fail(Stage::Whole, 1, slow(3000));
        let error = write(&storage, &cx, &at, b"x").await.unwrap_err();
        assert_eq!(error.retry(), Retry::After(Duration::from_secs(3000)));
        assert_eq!(lab.count(Stage::Whole), before + 1, "{}", lab.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_say_more_than_statuses() {
    let labs = Played::all().await;
    for (lab, answer, kind) in [
        (
            3,
            google(403, "userRateLimitExceeded"),
            ErrorKind::Throttled,
        ),
        (3, google(403, "storageQuotaExceeded"), ErrorKind::NoSpace),
        (
            3,
            google(403, "insufficientFilePermissions"),
            ErrorKind::Denied,
        ),
        (0, azure(503, "ServerBusy"), ErrorKind::Busy),
        (0, azure(503, "OperationTimedOut"), ErrorKind::Throttled),
        (
            0,
            azure(403, "AuthorizationPermissionMismatch"),
            ErrorKind::Denied,
        ),
    ] {
        let lab = &labs[lab];
        let (storage, cx) = lab.open();
        lab.fail(Stage::Whole, 3, answer);
        let error = write(&storage, &cx, &lab.url("/x"), b"x")
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error:?}");
        lab.double.heal();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_end() {
    for lab in Played::all().await {
        let ((storage, _), at) = (lab.open(), lab.url("/file"));
        let nobody = storage.stat(&causeway_sdk::Ctx::new("t"), &at).await;
        assert_eq!(kind(nobody), ErrorKind::AuthRequired, "{}", lab.name);
        // Answers to HEAD have no text, and Azure says it only there.
        let error = read(&storage, &with(bearer("expired")), &at).await;
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AuthExpired, "{error:?}");
        assert_eq!(error.retry(), Retry::Never);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_is_cut() {
    for lab in Played::all().await {
        let ((storage, cx), at) = (lab.open(), lab.url("/file"));
        write(&storage, &cx, &at, &pattern(1000)).await.unwrap();
        let half = Reply {
            status: 200,
            body: pattern(1000),
            cut: 500,
            ..Reply::default()
        };
        lab.fail(Stage::Read, 1, half);
        let error = read(&storage, &cx, &at).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network, "{}: {error:?}", lab.name);
        assert_eq!(error.retry(), Retry::Soon);
        // Before the first byte nobody notices.
        lab.plot(Stage::Read, 2, How::CutBefore);
        assert!(read(&storage, &cx, &at).await.unwrap() == pattern(1000));
        lab.plot(Stage::Read, 3, How::CutBefore);
        let error = read(&storage, &cx, &at).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network, "{}: {error:?}", lab.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_on_the_way_is_seen() {
    for lab in Played::all().await {
        let ((storage, cx), at) = (lab.open(), lab.url("/file"));
        let lie = match lab.name {
            "azure" => azure(400, "Md5Mismatch"),
            "gs" => {
                ok(&json!({"name": "file", "size": "1", "generation": "7", "crc32c": "AAAAAA=="}))
            }
            "dropbox" => ok(
                &json!({".tag": "file", "name": "file", "size": 1, "rev": "1",
                "content_hash": "0".repeat(64)}),
            ),
            _ => {
                ok(&json!({"id": "x", "name": "file", "size": "1", "md5Checksum": "0".repeat(32)}))
            }
        };
        if lab.name == "gs" {
            lab.fail(Stage::Whole, 1, gcs::damaged("AAAAAA==", "2HvlZg=="));
            let error = write(&storage, &cx, &at, b"x").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Integrity, "{error:?}");
            assert_eq!(error.retry(), Retry::Soon);
        }
        lab.fail(Stage::Whole, 1, lie);
        let error = write(&storage, &cx, &at, b"x").await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Integrity,
            "{}: {error:?}",
            lab.name
        );
        assert_eq!(error.retry(), Retry::Soon, "{}", lab.name);
        if lab.name == "azure" {
            // It says no size.
            continue;
        }
        // Fewer bytes than were sent are damage, too.
        let less = match lab.name {
            "dropbox" => json!({".tag": "file", "name": "file", "size": 1, "rev": "1"}),
            _ => json!({"id": "x", "name": "file", "size": "1", "generation": "7"}),
        };
        lab.fail(Stage::Whole, 1, ok(&less));
        let outcome = write(&storage, &cx, &at, b"xy").await;
        assert_eq!(kind(outcome), ErrorKind::Integrity, "{}", lab.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_elsewhere_gets_no_token() {
    let away = Double::start(|_| reply(200)).await;
    for lab in Played::all().await {
        if !lab.name.starts_with('g') {
            continue;
        }
        let ((storage, cx), at) = (lab.open(), lab.url("/file"));
        let elsewhere = reply(200).with("Location", format!("{}/x", away.endpoint));
        lab.fail(Stage::Begin, 1, elsewhere);
        let outcome = write(&storage, &cx, &at, &pattern(2 * PART)).await;
        assert_eq!(kind(outcome), ErrorKind::Remote, "{}", lab.name);
        assert_eq!(away.count(|_| true), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_services_repeat_is_not_shown() {
    const CANARY: &str = "canary7Qx2secretVb9";
    for lab in Played::all().await {
        let (storage, log) = storage_with_log(&lab.config(1));
        let (cx, at) = (with(bearer(CANARY)), lab.url("/file"));
        let mut said = String::new();
        for status in [400, 401, 403, 409, 500] {
            let echo = reply(status).text(format!("your token {CANARY} is not good"));
            lab.double.fail_at(|_| true, 100, How::Answer(echo));
            let errors = [
                storage.stat(&cx, &at).await.unwrap_err(),
                storage.unlink(&cx, &at).await.unwrap_err(),
                read(&storage, &cx, &at).await.unwrap_err(),
                write(&storage, &cx, &at, b"x").await.unwrap_err(),
            ];
            for error in errors {
                let json = serde_json::to_string(&error).unwrap();
                said += &format!("{error} {error:?} {json}");
            }
            lab.double.heal();
        }
        said += &log.lock().unwrap();
        assert!(!said.contains(CANARY), "{said}");
    }
}
