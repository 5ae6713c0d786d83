//! Uploads to servers that do what real ones do on bad days: nothing half written stays.

mod support;

use std::time::Duration;

use causeway_sdk::{Bytes, ErrorKind, Storage, WriteBody, WriteOptions};
use support::double::{Act, Double, say};
use support::*;

const SHORT: &str = r#"{"connect_timeout_seconds":1,"reply_timeout_seconds":1,"data_timeout_seconds":1,
    "finish_timeout_seconds":1,"tls":"never"}"#;
const PLAIN: &str = r#"{"tls":"never"}"#;

#[tokio::test]
async fn a_write_is_renamed_into_place_over_one_session() {
    let server = Double::start(|_, _| None).await;
    let storage = storage(PLAIN);
    for name in ["/a", "/b", "/c"] {
        write(&storage, &anonymous(), &server.url(name), &pattern(100_000))
            .await
            .unwrap();
    }
    assert_eq!(server.names(), ["/a", "/b", "/c"]);
    assert_eq!(server.count("USER"), 1);
    assert!(
        server
            .seen("STOR")
            .iter()
            .all(|it| it.starts_with("STOR /.causeway-"))
    );
    assert_eq!(
        read(&storage, &anonymous(), &server.url("/b"))
            .await
            .unwrap(),
        pattern(100_000)
    );
    let again = write(&storage, &anonymous(), &server.url("/b"), b"x").await;
    assert_eq!(kind(again), ErrorKind::Exists);
}

#[tokio::test]
async fn a_server_that_takes_nothing_is_given_up() {
    let server = Double::start(|command, _| {
        command.starts_with("STOR").then(|| {
            let mut acts = say("150 go on");
            acts.extend([Act::Take(1000), Act::Hang]);
            acts
        })
    })
    .await;
    let data = pattern(32 << 20);
    let written = write(&storage(SHORT), &anonymous(), &server.url("/f"), &data).await;
    assert_eq!(kind(written), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_dropped_write_is_removed_over_another_session() {
    let server = Double::start(|_, _| None).await;
    let storage = storage(PLAIN);
    for is_aborted in [true, false] {
        let at = server.url("/f");
        let mut body = storage
            .open_write(&anonymous(), &at, overwriting())
            .await
            .unwrap();
        body.write(0, Bytes::from(pattern(300_000))).await.unwrap();
        assert_eq!(server.names().len(), 1);
        if is_aborted {
            body.abort().await
        } else {
            drop(body)
        }
        left(&server, &[]).await;
    }
}

#[tokio::test]
async fn a_refused_write_removes_nothing() {
    let server =
        Double::start(|command, _| command.starts_with("STOR").then(|| say("553 not here"))).await;
    server.put("/f", b"old");
    let options = r#"{"tls":"never","upload":"direct"}"#;
    let (storage, cx, at) = (storage(options), anonymous(), server.url("/f"));
    let written = storage.open_write(&cx, &at, overwriting()).await;
    assert_eq!(written.err().unwrap().kind(), ErrorKind::Denied);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(
        (server.names(), server.count("DELE")),
        (vec!["/f".to_owned()], 0)
    );
}

#[tokio::test]
async fn a_server_that_never_replaces_is_helped() {
    let server = Double::start(|command, _| {
        // Refused as long as the old one is there.
        (command == "RNTO /f").then(|| vec![Act::Default])
    })
    .await;
    let refusing = Double::start(|command, before| {
        (command == "RNTO /f" && before == 0).then(|| say("550 already exists"))
    })
    .await;
    for server in [&server, &refusing] {
        server.put("/f", b"old");
        let storage = storage(PLAIN);
        write_with(
            &storage,
            &anonymous(),
            &server.url("/f"),
            b"new",
            overwriting(),
        )
        .await
        .unwrap();
        assert_eq!(server.names(), ["/f"]);
        assert_eq!(
            read(&storage, &anonymous(), &server.url("/f"))
                .await
                .unwrap(),
            b"new"
        );
    }
    assert_eq!((server.count("DELE"), refusing.count("DELE")), (0, 1));
}

#[tokio::test]
async fn a_server_that_does_not_rename_may_be_written_to_directly() {
    let server =
        Double::start(|command, _| command.starts_with("RNFR").then(|| say("502 no"))).await;
    let at = server.url("/f");
    let refused = write(&storage(PLAIN), &anonymous(), &at, b"new").await;
    assert_eq!(kind(refused), ErrorKind::Unsupported);
    left(&server, &[]).await;
    let direct = storage(r#"{"tls":"never","upload":"direct"}"#);
    write(&direct, &anonymous(), &at, b"new").await.unwrap();
    assert_eq!(server.names(), ["/f"]);
}

#[tokio::test]
async fn missing_directories_are_made_only_when_asked() {
    let made = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let state = made.clone();
    let server = Double::start(move |command, _| {
        use std::sync::atomic::Ordering::SeqCst;
        match command {
            "MKD /new" => {
                state.store(true, SeqCst);
                Some(say("257 made"))
            }
            "MLST /new" if state.load(SeqCst) => Some(say("250-\r\n type=dir; /new\r\n250 end")),
            it if it.starts_with("STOR /new/") && !state.load(SeqCst) => Some(say("553 no")),
            _ => None,
        }
    })
    .await;
    let storage = storage(PLAIN);
    let at = server.url("/new/f");
    let without = storage.open_write(&anonymous(), &at, overwriting()).await;
    assert_eq!(without.err().unwrap().kind(), ErrorKind::NotFound);
    let options = WriteOptions {
        parents: true,
        ..overwriting()
    };
    write_with(&storage, &anonymous(), &at, b"x", options)
        .await
        .unwrap();
    assert_eq!(server.names(), ["/new/f"]);
}

#[tokio::test]
async fn what_stood_under_the_name_is_not_removed_before_the_server_has_begun() {
    for stage in ["EPSV", "STOR"] {
        let server =
            Double::start(move |command, _| command.starts_with(stage).then(|| vec![Act::Cut]))
                .await;
        server.put("/f", b"old");
        let direct = storage(r#"{"tls":"never","upload":"direct"}"#);
        let opened = direct
            .open_write(&anonymous(), &server.url("/f"), overwriting())
            .await;
        assert_eq!(opened.err().unwrap().kind(), ErrorKind::Network);
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(server.names(), ["/f"]);
    }
}
