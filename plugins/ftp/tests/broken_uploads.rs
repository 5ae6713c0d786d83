//! Uploads that break, at each stage: the right kind of error, what came through is there, and nothing is
//! left of what did not.

mod support;

use std::time::Duration;

use causeway_sdk::{Algorithm, Checksum, ErrorKind, Retry, Storage, WriteOptions};
use support::double::{Act, Double, say};
use support::*;

const SHORT: &str = r#"{"connect_timeout_seconds":1,"reply_timeout_seconds":1,"data_timeout_seconds":1,
    "finish_timeout_seconds":1,"tls":"never"}"#;
const PLAIN: &str = r#"{"tls":"never"}"#;

#[tokio::test]
async fn a_connection_cut_at_any_stage_leaves_nothing() {
    for stage in ["STOR", "MLST /.causeway", "RNFR", "RNTO"] {
        for act in [Act::Cut, Act::Hang] {
            let expected = match act {
                Act::Cut => ErrorKind::Network,
                _ => ErrorKind::Timeout,
            };
            let server = Double::start(move |command, _| {
                command.starts_with(stage).then(|| vec![act.clone()])
            })
            .await;
            let storage = storage(SHORT);
            let written = write(&storage, &anonymous(), &server.url("/f"), &pattern(1000)).await;
            assert_eq!(kind(written), expected, "{stage}");
            left(&server, &[]).await;
        }
    }
}

#[tokio::test]
async fn a_rename_whose_answer_was_lost_is_no_lost_file() {
    for (last, overwrite) in [(Act::Cut, false), (Act::Cut, true), (Act::Hang, true)] {
        let server = Double::start(move |command, _| {
            (command == "RNTO /f").then(|| vec![Act::Rename, last.clone()])
        })
        .await;
        if overwrite {
            server.put("/f", b"old");
        }
        let options = WriteOptions {
            overwrite,
            ..WriteOptions::default()
        };
        let (storage, at) = (storage(SHORT), server.url("/f"));
        let written = write_with(&storage, &anonymous(), &at, b"new", options).await;
        assert_eq!(written.unwrap().bytes, 3);
        left(&server, &["/f"]).await;
        assert_eq!(read(&storage, &anonymous(), &at).await.unwrap(), b"new");
    }
    // What was there before is not taken for it, though it has the same size.
    let server = Double::start(|command, _| (command == "RNTO /f").then(|| vec![Act::Cut])).await;
    server.put("/f", b"old");
    let at = server.url("/f");
    let written = write_with(&storage(SHORT), &anonymous(), &at, b"new", overwriting()).await;
    assert_eq!(kind(written), ErrorKind::Network);
    left(&server, &["/f"]).await;
}

#[tokio::test]
async fn a_server_that_has_enough_on_the_way_is_busy_and_nothing_is_left() {
    for stage in ["EPSV", "STOR", "MLST /.causeway", "RNFR", "RNTO"] {
        let server = Double::start(move |command, _| {
            command.starts_with(stage).then(|| {
                let mut acts = say("421 too busy, closing");
                acts.push(Act::Cut);
                acts
            })
        })
        .await;
        let at = server.url("/f");
        let written = write(&storage(SHORT), &anonymous(), &at, b"12345678").await;
        let error = written.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Busy, "{stage}: {error:?}");
        assert!(
            matches!(error.retry(), Retry::After(_)),
            "{stage}: {error:?}"
        );
        left(&server, &[]).await;
    }
}

#[tokio::test]
async fn a_login_that_ends_on_the_way_is_told_and_the_session_is_not_used_again() {
    for stage in ["EPSV", "STOR", "MLST /.causeway", "RNFR", "RNTO"] {
        let server = Double::start(move |command, before| {
            let is_it = command.starts_with(stage) && (before == 0 || stage.starts_with("MLST"));
            is_it.then(|| say("530 Please login with USER and PASS."))
        })
        .await;
        let (storage, at) = (storage(PLAIN), server.url("/f"));
        let error = write(&storage, &alice(), &at, b"12345678")
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AuthRequired, "{stage}: {error:?}");
        assert_eq!(error.retry(), Retry::Never, "{stage}");
        left(&server, &[]).await;
        // Who asks next begins with a login of its own.
        storage.stat(&alice(), &server.url("/dir")).await.unwrap();
        assert_eq!(server.count("USER"), 2, "{stage}");
    }
}

#[tokio::test]
async fn a_wrong_checksum_is_no_file() {
    let server = Double::start(|command, _| match command {
        "FEAT" => Some(say("211-x\r\n MLST\r\n XCRC\r\n211 x")),
        it if it.starts_with("XCRC") => Some(say("250 3610A686")),
        _ => None,
    })
    .await;
    let (storage, at) = (storage(PLAIN), server.url("/f"));
    for (content, expected) in [("hello", "3610a686"), ("hullo", "0b7c2e1a")] {
        let expect = Some(Checksum::new(Algorithm::Crc32, expected));
        let options = WriteOptions {
            expect,
            ..overwriting()
        };
        let written = write_with(&storage, &anonymous(), &at, content.as_bytes(), options).await;
        match content {
            "hello" => assert_eq!(written.unwrap().checksums.len(), 1),
            _ => {
                let error = written.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::Integrity, "{error:?}");
                assert_eq!(error.retry(), Retry::Soon);
            }
        }
        left(&server, &["/f"]).await;
        assert_eq!(read(&storage, &anonymous(), &at).await.unwrap(), b"hello");
    }
}

#[tokio::test]
async fn less_than_was_sent_is_no_file() {
    let server = Double::start(|command, _| {
        (command.starts_with("MLST /.causeway"))
            .then(|| say("250-\r\n type=file;size=7; x\r\n250 end"))
    })
    .await;
    let written = write(
        &storage(PLAIN),
        &anonymous(),
        &server.url("/f"),
        b"12345678",
    )
    .await;
    assert_eq!(kind(written), ErrorKind::Integrity);
    left(&server, &[]).await;
}

#[tokio::test]
async fn a_cut_data_connection_says_what_the_server_says() {
    for (reply, expected) in [
        ("552 quota exceeded", ErrorKind::NoSpace),
        ("451 no space left on device", ErrorKind::NoSpace),
        ("426 broken", ErrorKind::Network),
    ] {
        let server = Double::start(move |command, _| {
            command.starts_with("STOR").then(|| {
                let mut acts = say("150 go on");
                acts.extend([Act::Take(1000), Act::CloseData]);
                acts.extend(say(reply));
                acts
            })
        })
        .await;
        let storage = storage(SHORT);
        let data = pattern(32 << 20);
        let written = write(&storage, &anonymous(), &server.url("/f"), &data).await;
        let error = written.unwrap_err();
        assert_eq!(error.kind(), expected, "{error:?}");
        assert!(error.message().contains(&reply[4..]), "{error}");
        assert!(error.message().contains("write ftp://"), "{error}");
        // What the server stored of it, if anything, is removed.
        for _ in 0..200 {
            if server.count("DELE /.causeway-") > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(server.count("DELE /.causeway-") > 0);
    }
}
