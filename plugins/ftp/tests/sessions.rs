//! Logins, sessions and what is shared by calls, seen from the server.

mod support;

use std::time::Duration;

use causeway_sdk::{
    Algorithm, ErrorKind, Host, LogLevel, Page, ReadOptions, Storage, WriteBody, WriteOptions,
};
use support::double::{Act, Double, say};
use support::*;

const PLAIN: &str = r#"{"tls":"never"}"#;

#[tokio::test]
async fn a_refused_login_does_not_show_the_password() {
    let server = Double::start(|command, _| {
        let password = command.strip_prefix("PASS ")?;
        Some(say(&format!("530 alice may not come in with {password}")))
    })
    .await;
    let lines = std::sync::Arc::new(std::sync::Mutex::new(String::new()));
    let log = lines.clone();
    let host = Host::new(move |_: LogLevel, text: &str| log.lock().unwrap().push_str(text));
    let storage = causeway_plugin_ftp::FtpStorage::create(PLAIN, host).unwrap();
    let error = storage.stat(&alice(), &server.url("/f")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AuthRequired);
    assert_eq!(error.remote_status(), Some(530));
    let text = format!("{error} {error:?} {}", lines.lock().unwrap());
    assert!(text.contains("may not come in"), "{text}");
    assert!(
        !text.contains("wonderland") && !text.contains("alice"),
        "{text}"
    );
    assert_eq!(server.seen("USER"), ["USER alice"]);
    assert_eq!(server.seen("PASS"), ["PASS wonderland"]);
}

#[tokio::test]
async fn a_password_is_not_sent_in_the_clear_unless_told() {
    let server = Double::start(|_, _| None).await;
    let error = storage("{}")
        .stat(&alice(), &server.url("/f"))
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Internal),
        "{error:?}"
    );
    assert_eq!(server.count("PASS"), 0);
    let asked = server.count("AUTH TLS");
    // And when TLS is only preferred, a server without it is taken.
    let ca = rcgen::generate_simple_self_signed(vec!["ca".into()]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), ca.cert.pem()).unwrap();
    let options = format!(r#"{{"tls":"preferred","ca_file":{:?}}}"#, file.path());
    server.put("/f", b"hello");
    let found = read(&storage(&options), &alice(), &server.url("/f")).await;
    assert_eq!(found.unwrap(), b"hello");
    assert_eq!(server.count("AUTH TLS"), asked + 1);
    let required = options.replace("preferred", "required");
    let error = storage(&required)
        .stat(&alice(), &server.url("/f"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error:?}");
}

#[tokio::test]
async fn sessions_are_shared_by_calls_and_not_by_accounts() {
    let server = Double::start(|_, _| None).await;
    server.put("/f", &pattern(1 << 20));
    let storage = storage(PLAIN);
    let at = server.url("/f");
    for _ in 0..5 {
        storage.stat(&anonymous(), &at).await.unwrap();
        read(&storage, &anonymous(), &at).await.unwrap();
        storage
            .list(&anonymous(), &server.url("/"), Page::default())
            .await
            .unwrap();
    }
    assert_eq!((server.count("USER"), server.count("FEAT")), (1, 1));
    storage.stat(&alice(), &at).await.unwrap();
    assert_eq!((server.count("USER"), server.count("FEAT")), (2, 2));
}

#[tokio::test]
async fn a_range_that_ends_early_gives_its_session_back() {
    let server = Double::start(|_, _| None).await;
    server.put("/f", &pattern(8 << 20));
    let storage = storage(PLAIN);
    for offset in [0, 1000, 2_000_000] {
        let options = ReadOptions {
            offset,
            len: Some(100_000),
            ..ReadOptions::default()
        };
        let mut body = storage
            .open_read(&anonymous(), &server.url("/f"), options)
            .await
            .unwrap();
        let found = read_all(&mut body).await.unwrap();
        assert!(found == pattern(8 << 20)[offset as usize..][..100_000]);
        // The server says in the background that we left.
        let asked = server.count("NOOP");
        for _ in 0..200 {
            if server.count("NOOP") > asked {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.count("USER"), 1);
}

#[tokio::test]
async fn a_session_the_server_closed_meanwhile_is_not_used() {
    let server = Double::start(|command, before| {
        (command.starts_with("MLST") && before < 3).then(|| vec![Act::Default, Act::Cut])
    })
    .await;
    server.put("/f", b"hello");
    let storage = storage(PLAIN);
    for _ in 0..5 {
        storage.stat(&anonymous(), &server.url("/f")).await.unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(server.count("USER"), 4);
}

#[tokio::test]
async fn idle_sessions_are_closed() {
    let server = Double::start(|_, _| None).await;
    server.put("/f", b"hello");
    let storage = storage(r#"{"tls":"never","idle_timeout_seconds":0}"#);
    storage.stat(&anonymous(), &server.url("/f")).await.unwrap();
    for _ in 0..200 {
        if server.count("QUIT") == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the session is still open");
}

#[tokio::test]
async fn checksums_where_the_server_has_them() {
    let md5 = "5d41402abc4b2a76b9719d911017c592";
    let server = Double::start(move |command, _| match command {
        "FEAT" => Some(say(
            "211-x\r\n MLST\r\n HASH SHA-256*;MD5\r\n XCRC\r\n211 x",
        )),
        "HASH /a b" => Some(say(&format!("213 MD5 0-4 {md5} /a b"))),
        "XCRC \"/a b\"" => Some(say("250 3610A686")),
        it if it.starts_with("HASH") => Some(say("550 no such file")),
        _ => None,
    })
    .await;
    server.put("/a b", b"hello");
    let storage = storage(r#"{"tls":"never","checksums":["md5","crc32","sha1"]}"#);
    let (cx, at) = (anonymous(), server.url("/a%20b"));
    let sum = storage.checksum(&cx, &at, Algorithm::Md5).await.unwrap();
    assert_eq!(sum.hex, md5);
    assert_eq!(server.seen("OPTS HASH"), ["OPTS HASH MD5"]);
    let sum = storage.checksum(&cx, &at, Algorithm::Crc32).await.unwrap();
    assert_eq!(sum.normalized(), "3610a686");
    for (algorithm, expected) in [
        (Algorithm::Sha1, ErrorKind::Unsupported),
        (Algorithm::Adler32, ErrorKind::Unsupported),
    ] {
        assert_eq!(kind(storage.checksum(&cx, &at, algorithm).await), expected);
    }
    let missing = storage
        .checksum(&cx, &server.url("/none"), Algorithm::Md5)
        .await;
    assert_eq!(kind(missing), ErrorKind::NotFound);
    // What is written is compared with what the caller knows.
    let options = WriteOptions {
        size: Some(5),
        overwrite: true,
        expect: Some(causeway_sdk::Checksum::new(Algorithm::Crc32, "00000001")),
        ..WriteOptions::default()
    };
    let server_crc = write_with(&storage, &cx, &server.url("/new"), b"hello", options).await;
    assert_eq!(kind(server_crc.map(|it| it.bytes)), ErrorKind::Unsupported);
}

#[tokio::test]
async fn paths_may_begin_where_the_login_ends() {
    let server = Double::start(|_, _| None).await;
    server.put("/home/al\"ice/f", b"mine");
    server.put("/f", b"all");
    let storage = storage(r#"{"tls":"never","paths":"home"}"#);
    let get = async |path: &str| {
        read(&storage, &anonymous(), &server.url(path))
            .await
            .unwrap()
    };
    assert_eq!(get("/f").await, b"mine");
    assert_eq!(get("/%2Ff").await, b"all");
}

#[tokio::test]
async fn a_name_is_never_a_second_command() {
    let server = Double::start(|_, _| None).await;
    let storage = storage(PLAIN);
    let at = server.url("/f%0d%0aDELE%20/g");
    assert_eq!(kind(storage.admit(&at)), ErrorKind::Invalid);
    assert_eq!(
        kind(storage.stat(&anonymous(), &at).await),
        ErrorKind::Invalid
    );
    assert_eq!(
        kind(storage.mkdir(&anonymous(), &at, true).await),
        ErrorKind::Invalid
    );
    let options = WriteOptions::default();
    let opened = storage.open_write(&anonymous(), &at, options).await;
    assert_eq!(opened.err().unwrap().kind(), ErrorKind::Invalid);
    assert_eq!(server.count(""), 0);
}

#[tokio::test]
async fn too_many_callers_are_told_that_the_storage_is_busy() {
    let server = Double::start(|_, _| None).await;
    let storage = storage(r#"{"tls":"never","max_connections":1,"connect_timeout_seconds":1}"#);
    let held = storage
        .open_write(&anonymous(), &server.url("/f"), WriteOptions::default())
        .await
        .unwrap();
    let error = storage
        .stat(&anonymous(), &server.url("/f"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Busy);
    held.commit().await.unwrap();
    storage.stat(&anonymous(), &server.url("/f")).await.unwrap();
}
