//! Against real servers: what others' clients read of ours and we of theirs, TLS, rights, and what is
//! left on the server's disk.

mod support;

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use causeway_sdk::{
    Bytes, Credential, Ctx, EntryKind, ErrorKind, Page, ReadOptions, Retry, Storage, WriteBody,
    WriteOptions,
};
use support::lab::Server;
use support::*;

fn curl(server: &Server, arguments: &[&str]) -> Output {
    let output = Command::new("curl")
        .args(["-sS", "--max-time", "30", "--cacert"])
        .arg(format!("{}/ca.pem", server.key("PKI")))
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// Each reads what the other wrote.
async fn both_ways(server: &Server, door: &str, options: &str, credential: Credential) {
    let storage = storage(&server.config(options));
    let cx = Ctx::new("test").with_credential(credential);
    let data = pattern((3 << 20) + 17);
    let theirs = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(theirs.path(), &data).unwrap();
    let login = match cx.credential() {
        Credential::None => "anonymous:x",
        _ => "alice:wonderland",
    };
    let tls = if options.contains("required") || login.starts_with("alice") {
        "--ssl-reqd"
    } else {
        "--ftp-pasv"
    };
    let (one, two) = (server.at(door, "/by%20curl"), server.at(door, "/by%20us"));
    let file = theirs.path().to_str().unwrap();
    curl(server, &[tls, "-u", login, "-T", file, one.as_str()]);
    assert!(read(&storage, &cx, &one).await.unwrap() == data);
    write(&storage, &cx, &two, &data).await.unwrap();
    let found = curl(server, &[tls, "-u", login, two.as_str()]);
    assert!(found.stdout == data);
    let options = ReadOptions {
        offset: 1_000_000,
        len: Some(2_000_000),
        ..ReadOptions::default()
    };
    let mut body = storage.open_read(&cx, &one, options).await.unwrap();
    assert!(read_all(&mut body).await.unwrap() == data[1_000_000..3_000_000]);
    for at in [one, two] {
        storage.unlink(&cx, &at).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn curl_and_we_read_each_other() {
    let alice = || keys("alice", "wonderland");
    let server = Server::start("pyftpdlib");
    both_ways(&server, "URL", "", Credential::None).await;
    both_ways(&server, "OLD", "", Credential::None).await;
    both_ways(&server, "URL", "", alice()).await;
    both_ways(&server, "FTPS", "", alice()).await;
    let server = Server::start("vsftpd");
    both_ways(&server, "URL", "", Credential::None).await;
    both_ways(&server, "URL", r#""tls":"required""#, Credential::None).await;
    both_ways(&server, "FTPS", r#""tls":"required""#, Credential::None).await;
}

fn names(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<String> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn given_up_writes_leave_nothing_on_the_disk() {
    for (name, options) in [
        ("pyftpdlib", ""),
        ("vsftpd", ""),
        ("vsftpd", r#""tls":"required""#),
    ] {
        let server = Server::start(name);
        let storage = storage(&server.config(options));
        for n in 0..6 {
            let (cx, at) = (anonymous(), server.url("/new"));
            let opened = storage.open_write(&cx, &at, WriteOptions::default());
            // Some are dropped while they are opened, after more and more time.
            let limit = Duration::from_millis(4 * n);
            let opened = tokio::time::timeout(limit, opened).await;
            let Ok(Ok(mut body)) = opened else {
                continue;
            };
            body.write(0, Bytes::from(pattern(500_000))).await.unwrap();
        }
        let (cx, at) = (anonymous(), server.url("/new"));
        let mut body = storage
            .open_write(&cx, &at, WriteOptions::default())
            .await
            .unwrap();
        body.write(0, Bytes::from(pattern(500_000))).await.unwrap();
        drop(body);
        let mut left = Vec::new();
        for _ in 0..200 {
            left = names(&server.file(""));
            if left == ["file"] {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(left, ["file"], "{name} {options}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_is_told_so() {
    let server = Server::start("pyftpdlib");
    let storage = storage(&server.config(""));
    let reader = Ctx::new("test").with_credential(keys("reader", "looking-glass"));
    let (file, new) = (server.url("/file"), server.url("/new"));
    assert_eq!(read(&storage, &reader, &file).await.unwrap(), b"read me\n");
    let denied = [
        kind(storage.mkdir(&reader, &new, false).await),
        kind(storage.unlink(&reader, &file).await),
        kind(storage.rename(&reader, &file, &new, false).await),
        kind(write(&storage, &reader, &new, b"x").await),
    ];
    assert_eq!(denied, [ErrorKind::Denied; 4]);
    for user in [keys("alice", "guess"), keys("nobody", "wonderland")] {
        let cx = Ctx::new("test").with_credential(user);
        let error = storage.stat(&cx, &file).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AuthRequired, "{error:?}");
        assert!(!format!("{error:?}").contains("guess"));
    }
    // A proxy or a token is nothing to FTP, and who brings one is anonymous.
    let bearer = Credential::Bearer(causeway_sdk::Secret::new("token"));
    let cx = Ctx::new("test").with_credential(bearer);
    assert!(storage.stat(&cx, &file).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_nobody_vouches_for_is_not_talked_to() {
    let server = Server::start("pyftpdlib");
    let other = rcgen::generate_simple_self_signed(vec!["ca".into()]).unwrap();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), other.cert.pem()).unwrap();
    let storage = storage(&format!(r#"{{"ca_file":{:?}}}"#, file.path()));
    for door in ["URL", "FTPS"] {
        let error = storage
            .stat(&alice(), &server.at(door, "/file"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Network, "{error:?}");
        assert_eq!(error.retry(), Retry::Never);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_of_files() {
    for (name, door) in [
        ("pyftpdlib", "URL"),
        ("pyftpdlib", "OLD"),
        ("vsftpd", "URL"),
    ] {
        let server = Server::start(name);
        let storage = storage(&server.config(""));
        let (cx, at) = (anonymous(), server.at(door, "/file"));
        let time = std::time::UNIX_EPOCH + Duration::from_secs(1_600_000_000);
        let file = std::fs::File::options()
            .write(true)
            .open(server.file("file"))
            .unwrap();
        file.set_modified(time).unwrap();
        let stat = storage.stat(&cx, &at).await.unwrap();
        assert_eq!((stat.kind, stat.size), (EntryKind::File, Some(8)));
        assert_eq!(stat.mtime, Some(1_600_000_000), "{name} {door}");
        for name in [".hidden", "[a-z]*", "-l"] {
            std::fs::write(server.file(name), "x").unwrap();
        }
        let page = storage
            .list(&cx, &server.at(door, "/"), Page::default())
            .await
            .unwrap();
        let mut found: Vec<&str> = page.entries.iter().map(|it| &*it.name).collect();
        found.sort_unstable();
        assert_eq!(found, ["-l", ".hidden", "[a-z]*", "file"], "{name} {door}");
        assert!(page.entries.iter().all(|it| it.stat.size.is_some()));
    }
}
