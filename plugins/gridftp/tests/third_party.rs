//! Copies between two real servers with GSI and a VOMS proxy, through the plugin.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use causeway_plugin_gridftp::GridftpStorage;
use causeway_sdk::types::Direction;
use causeway_sdk::{
    Algorithm, Copied, CopyRequest, Ctx, ErrorKind, Hasher, ProgressSink, Result, Storage, Url,
};
use support::{Server, pattern, request};

async fn copy(storage: &GridftpStorage, cx: &Ctx, request: CopyRequest) -> Result<Copied> {
    storage.copy(cx, request, ProgressSink::ignore()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_go_from_server_to_server_and_not_through_us() {
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    let data = pattern(5_000_001);
    std::fs::write(one.file("a"), &data).unwrap();
    for (number, options) in [
        "",
        r#""data_authentication":"self""#,
        r#""data_authentication":"self","data_protection":"private","streams":2"#,
    ]
    .into_iter()
    .enumerate()
    {
        let storage = other.storage(options);
        let told = Arc::new(AtomicU64::new(0));
        let hears = told.clone();
        let sink = ProgressSink::new(move |it| hears.store(it.bytes, Ordering::Relaxed));
        let to = other.url(&format!("b{number}"));
        let mut request = request(&one, one.url("a"), to.clone());
        request.size = Some(data.len() as u64);
        if number == 1 {
            request.direction = Direction::Push;
        }
        storage.copy(&other.cx(), request, sink).await.unwrap();
        assert!(
            std::fs::read(other.file(&format!("b{number}"))).unwrap() == data,
            "{options}"
        );
        assert_eq!(told.load(Ordering::Relaxed), data.len() as u64, "{options}");
        let mut hasher = Hasher::new(Algorithm::Adler32);
        hasher.update(&data);
        let sum = storage
            .checksum(&other.cx(), &to, Algorithm::Adler32)
            .await
            .unwrap();
        assert_eq!(sum, hasher.finish());
    }
    for (server, kind) in [(&one, "RETR"), (&other, "STOR")] {
        let log = server.log("TRANSFERS");
        let is_kind = |it: &&str| it.contains(&format!("TYPE={kind}"));
        let lines: Vec<&str> = log.lines().filter(is_kind).collect();
        assert_eq!(lines.len(), 3, "{log}");
        for line in lines {
            assert!(
                line.contains("NBYTES=5000001") && line.contains("CODE=226"),
                "{line}"
            );
        }
    }
    // The receiver listened, and the sender was told to connect to that very port: there was no
    // third end to a data connection.
    let (sender, receiver) = (
        logged(&one, "PORT ").await,
        logged(&other, "227 Entering").await,
    );
    let ports = addresses(&receiver, "227 Entering Passive Mode (", ')');
    assert_eq!(ports.len(), 3, "{receiver}");
    assert_eq!(
        addresses(&sender, "[CLIENT]: PORT ", '\n'),
        ports,
        "{sender}"
    );
}

/// The server's log with three such lines. It writes when a session ends.
async fn logged(server: &Server, text: &str) -> String {
    let has_three = |log: &str| log.matches(text).count() >= 3;
    server.log_once("LOG", has_three).await
}

fn addresses(log: &str, before: &str, end: char) -> Vec<String> {
    let all = log.split(before).skip(1);
    let mut found: Vec<String> = all
        .filter_map(|it| it.split(end).next())
        .map(|it| it.trim().to_owned())
        .collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_is_told_and_nothing_is_left() {
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    let (storage, cx) = (other.storage(""), other.cx());
    let at = |name: &str| other.url(name);
    let missing = copy(&storage, &cx, request(&one, one.url("none"), at("b")))
        .await
        .unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound, "{missing}");
    assert!(!other.file("b").exists());
    let nowhere = copy(&storage, &cx, request(&one, one.url("file"), at("no/b")))
        .await
        .unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::NotFound, "{nowhere}");
    let taken = copy(&storage, &cx, request(&one, one.url("file"), at("file")))
        .await
        .unwrap_err();
    assert_eq!(taken.kind(), ErrorKind::Exists, "{taken}");
    let mut over = request(&one, one.url("file"), at("file"));
    over.overwrite = true;
    copy(&storage, &cx, over).await.unwrap();
    let mut stranger = request(&one, one.url("file"), at("c"));
    stranger.peer_credential = one.credential("bob.proxy");
    let refused = copy(&storage, &cx, stranger).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Denied, "{refused}");
    assert!(!other.file("c").exists());
    let http: Url = "https://localhost/x".parse().unwrap();
    let foreign = copy(&storage, &cx, request(&one, http, at("d")))
        .await
        .unwrap_err();
    assert_eq!(foreign.kind(), ErrorKind::Unsupported, "{foreign}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_small_files_share_a_few_sessions() {
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    let storage = Arc::new(other.storage(r#""lanes":2"#));
    let name = |number: usize| format!("f{number}");
    let mut copies = Vec::new();
    for number in 0..60 {
        let data = pattern(number * 900);
        std::fs::write(one.file(&name(number)), &data).unwrap();
        let mut request = request(&one, one.url(&name(number)), other.url(&name(number)));
        request.size = Some(data.len() as u64);
        if number == 25 {
            std::fs::remove_file(one.file(&name(number))).unwrap();
        }
        let (storage, cx) = (storage.clone(), other.cx());
        copies.push(tokio::spawn(
            async move { copy(&storage, &cx, request).await },
        ));
    }
    for (number, outcome) in copies.into_iter().enumerate() {
        let outcome = outcome.await.unwrap();
        if number == 25 {
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::NotFound);
            assert!(!other.file(&name(number)).exists());
            continue;
        }
        outcome.unwrap_or_else(|why| panic!("{number}: {why:?}"));
        assert!(std::fs::read(other.file(&name(number))).unwrap() == pattern(number * 900));
    }
    // One session for each lane, and one more for each that a failure cost or that was alone.
    let logins = one.log("LOG").matches("New connection").count();
    assert!(logins < 40, "{logins}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_copy_stops_and_leaves_no_file() {
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    // Sparse, so it costs no disk at the source; long enough to be caught in the middle.
    let file = std::fs::File::create(one.file("large")).unwrap();
    file.set_len(8 << 30).unwrap();
    let (storage, cx) = (other.storage(""), other.cx());
    let copying = copy(
        &storage,
        &cx,
        request(&one, one.url("large"), other.url("b")),
    );
    let caught = async {
        for _ in 0..500 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            if std::fs::metadata(other.file("b")).is_ok_and(|it| it.len() > 0) {
                return true;
            }
        }
        false
    };
    tokio::select! {
        done = copying => panic!("too fast: {done:?}"),
        caught = caught => assert!(caught),
    }
    for _ in 0..200 {
        if !other.file("b").exists() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!other.file("b").exists());
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!other.file("b").exists());
}
