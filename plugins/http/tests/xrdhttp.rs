//! Against XrdHTTP: X.509 proxies, macaroons, checksums, third-party copy.
//!
//! One test, so that the servers start once; its parts are named in what they assert.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use causeway_plugin_http::HttpStorage;
use causeway_sdk::{
    Algorithm, Checksum, CopyRequest, Credential, Ctx, Direction, EntryKind, ErrorKind, Page,
    ProgressSink, ReadBody, ReadOptions, Retry, Secret, Storage, WriteBody, WriteOptions,
};
use support::lab::Server;
use support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn xrdhttp() {
    let one = Server::start("xrdhttp");
    let two = Server::start("xrdhttp");
    let storage = storage(&one.config());
    let alice = one.as_user("alice.proxy");
    who_may(&storage, &one).await;
    files(&storage, &one, &alice).await;
    names(&storage, &one, &alice).await;
    failed_writes(&storage, &one, &alice).await;
    for direction in [Direction::Pull, Direction::Push] {
        copies(&storage, &one, &two, direction).await;
        failed_copies(&storage, &one, &two, direction).await;
    }
    dropped_copy(&storage, &one, &two).await;
}

async fn who_may(storage: &HttpStorage, one: &Server) {
    let file = one.url("/readonly/file");
    for user in ["alice.proxy", "alice.second.proxy", "alice.bundle.pem"] {
        let stat = storage.stat(&one.as_user(user), &file).await.unwrap();
        assert_eq!(stat.size, Some(8), "{user}");
    }
    for user in ["mallory.proxy", "alice.expired.proxy", "bob.proxy"] {
        let kind = kind(storage.stat(&one.as_user(user), &file).await);
        let refused = [
            ErrorKind::Denied,
            ErrorKind::AuthRequired,
            ErrorKind::AuthExpired,
        ];
        assert!(refused.contains(&kind), "{user}: {kind:?}");
    }
    let nobody = Ctx::new("nobody");
    assert!(storage.stat(&nobody, &file).await.is_err());
    let data = read(storage, &nobody, &one.url("/public/file")).await;
    assert_eq!(data.unwrap(), b"for all\n");
    // A server whose CA nobody configured is not talked to.
    let rogue = format!(r#"{{"ca_file":"{}/rogueca.pem"}}"#, one.key("PKI"));
    let error = support::storage(&rogue)
        .stat(&nobody, &file)
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.retry()),
        (ErrorKind::Network, Retry::Never)
    );
}

async fn files(storage: &HttpStorage, one: &Server, alice: &Ctx) {
    let data = pattern(3 << 20);
    let file = one.url("/a b&c#%41ü.dat");
    let written = write(storage, alice, &file, &data).await.unwrap();
    assert_eq!(written.bytes, data.len() as u64);
    assert_eq!(std::fs::read(one.file("a b&c#Aü.dat")).unwrap(), data);
    assert_eq!(read(storage, alice, &file).await.unwrap(), data);

    let stat = storage.stat(alice, &file).await.unwrap();
    assert_eq!((stat.kind, stat.size), (EntryKind::File, Some(3 << 20)));
    assert!(stat.mtime.unwrap() > 1_700_000_000);
    for algorithm in [Algorithm::Adler32, Algorithm::Md5, Algorithm::Crc32c] {
        let mut hasher = algorithm.hasher();
        hasher.update(&data);
        let found = storage.checksum(alice, &file, algorithm).await.unwrap();
        assert_eq!(found, hasher.finish());
    }
    let kind_of = |outcome| kind::<Checksum>(outcome);
    let unknown = storage.checksum(alice, &file, Algorithm::Sha256).await;
    assert_eq!(kind_of(unknown), ErrorKind::Unsupported);

    for (offset, len, expected) in [
        (0, Some(10), &data[..10]),
        (1000, Some(70_000), &data[1000..71_000]),
        ((3 << 20) - 5, Some(100), &data[(3 << 20) - 5..]),
        ((3 << 20) - 5, None, &data[(3 << 20) - 5..]),
        (3 << 20, None, &[][..]),
        (1 << 40, Some(5), &[][..]),
        (7, Some(0), &[][..]),
    ] {
        let options = ReadOptions {
            offset,
            len,
            ..ReadOptions::default()
        };
        let mut body = storage.open_read(alice, &file, options).await.unwrap();
        assert_eq!(body.opened().size, Some(3 << 20), "{offset} {len:?}");
        assert!(
            read_all(&mut body).await.unwrap() == expected,
            "{offset} {len:?}"
        );
    }

    // Empty files, files of unknown size, files that are there already.
    let empty = one.url("/empty");
    write(storage, alice, &empty, b"").await.unwrap();
    assert_eq!(read(storage, alice, &empty).await.unwrap(), b"");
    let streamed = one.url("/new/dirs/streamed");
    let options = WriteOptions {
        parents: true,
        ..WriteOptions::default()
    };
    let sent = write_with(storage, alice, &streamed, &data, options).await;
    assert_eq!(sent.unwrap().bytes, data.len() as u64);
    assert!(read(storage, alice, &streamed).await.unwrap() == data);
    let again = write(storage, alice, &file, b"x").await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::Exists);
    let options = WriteOptions {
        size: Some(1),
        overwrite: true,
        ..WriteOptions::default()
    };
    write_with(storage, alice, &file, b"x", options)
        .await
        .unwrap();
    assert_eq!(read(storage, alice, &file).await.unwrap(), b"x");

    let missing = one.url("/missing");
    assert_eq!(
        kind(storage.stat(alice, &missing).await),
        ErrorKind::NotFound
    );
    assert_eq!(
        kind(read(storage, alice, &missing).await),
        ErrorKind::NotFound
    );
    let directory = one.url("/new");
    assert_eq!(
        kind(read(storage, alice, &directory).await),
        ErrorKind::IsDirectory
    );
    assert_eq!(
        kind(write(storage, alice, &directory, b"x").await),
        ErrorKind::IsDirectory
    );
}

async fn names(storage: &HttpStorage, one: &Server, alice: &Ctx) {
    let dir = one.url("/names");
    let mkdir = |path: &str, parents| {
        let at = one.url(path);
        async move { storage.mkdir(alice, &at, parents).await }
    };
    mkdir("/names", false).await.unwrap();
    assert_eq!(kind(mkdir("/names", false).await), ErrorKind::Exists);
    assert_eq!(kind(mkdir("/names/x/y", false).await), ErrorKind::NotFound);
    mkdir("/names/x/y", true).await.unwrap();
    mkdir("/names/x/y", true).await.unwrap();
    for i in 0..25 {
        let file = one.url(&format!("/names/f {i}&"));
        write(storage, alice, &file, &vec![0; i]).await.unwrap();
    }

    let mut found = Vec::new();
    let mut page = Page {
        cursor: None,
        limit: 10,
    };
    let other = support::storage(&one.config());
    for turn in 0..3 {
        // The second page from an instance that never saw the first one.
        let whom = if turn == 1 { &other } else { storage };
        let got = whom.list(alice, &dir, page.clone()).await.unwrap();
        found.extend(got.entries);
        page.cursor = got.next;
    }
    assert_eq!(page.cursor, None);
    let mut names: Vec<_> = found.iter().map(|it| it.name.clone()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 26);
    let x = found.iter().find(|it| it.name == "x").unwrap();
    assert!(x.stat.is_directory());
    let f7 = found.iter().find(|it| it.name == "f 7&").unwrap();
    assert_eq!((f7.stat.kind, f7.stat.size), (EntryKind::File, Some(7)));

    let (file, sub) = (one.url("/names/f 7&"), one.url("/names/x"));
    let all = Page::default();
    let listed = storage.list(alice, &file, all.clone()).await;
    assert_eq!(kind(listed), ErrorKind::NotDirectory);
    let listed = storage.list(alice, &one.url("/nope"), all).await;
    assert_eq!(kind(listed), ErrorKind::NotFound);
    assert_eq!(
        kind(storage.unlink(alice, &sub).await),
        ErrorKind::IsDirectory
    );
    assert_eq!(kind(storage.rmdir(alice, &sub).await), ErrorKind::NotEmpty);
    assert_eq!(
        kind(storage.rmdir(alice, &file).await),
        ErrorKind::NotDirectory
    );

    let (eight, nine) = (one.url("/names/f 8&"), one.url("/names/f 9&"));
    let taken = storage.rename(alice, &eight, &nine, false).await;
    assert_eq!(kind(taken), ErrorKind::Exists);
    storage.rename(alice, &eight, &nine, true).await.unwrap();
    assert_eq!(storage.stat(alice, &nine).await.unwrap().size, Some(8));
    assert_eq!(kind(storage.stat(alice, &eight).await), ErrorKind::NotFound);
    let moved = one.url("/names/z");
    storage.rename(alice, &sub, &moved, false).await.unwrap();
    storage.rmdir(alice, &one.url("/names/z/y")).await.unwrap();
    storage.rmdir(alice, &moved).await.unwrap();
    storage.unlink(alice, &file).await.unwrap();
    assert_eq!(
        kind(storage.unlink(alice, &file).await),
        ErrorKind::NotFound
    );
    let locked = storage.unlink(alice, &one.url("/readonly/file")).await;
    assert_eq!(kind(locked), ErrorKind::Denied);
}

async fn failed_writes(storage: &HttpStorage, one: &Server, alice: &Ctx) {
    let file = one.url("/partial");
    let options = WriteOptions {
        size: Some(1 << 20),
        overwrite: true,
        ..WriteOptions::default()
    };
    let open = async || {
        let mut body = storage
            .open_write(alice, &file, options.clone())
            .await
            .unwrap();
        body.write(0, vec![1; 1000].into()).await.unwrap();
        body
    };
    open().await.abort().await;
    gone(one, "partial").await;
    drop(open().await);
    gone(one, "partial").await;
    let short = open().await.commit().await;
    assert_eq!(kind(short), ErrorKind::Invalid);
    gone(one, "partial").await;

    let no = one.url("/readonly/new");
    let refused = write(storage, alice, &no, b"x").await;
    assert_eq!(kind(refused), ErrorKind::Denied);
    assert!(!one.file("readonly/new").exists());
}

/// Waits until nothing is there; clean-up after a drop runs in the background.
async fn gone(server: &Server, path: &str) {
    for _ in 0..100 {
        if !server.file(path).exists() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{path} is still there");
}

fn request(one: &Server, two: &Server, direction: Direction, from: &str, to: &str) -> CopyRequest {
    let pem = Secret::new(one.pki("alice.proxy"));
    CopyRequest {
        direction,
        source: one.url(from),
        destination: two.url(to),
        peer_credential: Credential::X509(pem),
        overwrite: false,
        streams: 0,
        size: None,
        expect: None,
    }
}

async fn copies(storage: &HttpStorage, one: &Server, two: &Server, direction: Direction) {
    let alice = one.as_user("alice.proxy");
    let data = pattern(5 << 20);
    let name = format!("/copied-{direction:?}");
    std::fs::write(one.file(&name[1..]), &data).unwrap();
    let last = Arc::new(AtomicU64::new(0));
    let sink = ProgressSink::new({
        let last = last.clone();
        move |it| last.store(it.bytes, Ordering::Relaxed)
    });
    let mut order = request(one, two, direction, &name, &name);
    let cx = alice.clone();
    storage
        .copy(&cx, order.clone(), sink.clone())
        .await
        .unwrap();
    assert_eq!(
        std::fs::read(two.file(&name[1..])).unwrap(),
        data,
        "{direction:?}"
    );
    // The active side names the copy in its own log: it did the work, not we.
    let active = if direction == Direction::Pull {
        two
    } else {
        one
    };
    let event = format!("TPC_{direction:?}Request: event=TRANSFER_SUCCESS");
    let log = active.log("LOG");
    let is_proven = |line: &str| line.contains(&event) && line.contains(&name);
    assert!(log.lines().any(is_proven), "{log}");

    let again = storage.copy(&cx, order.clone(), sink.clone()).await;
    assert_eq!(kind(again), ErrorKind::Exists, "{direction:?}");
    order.overwrite = true;
    storage.copy(&cx, order, sink).await.unwrap();
}

async fn failed_copies(storage: &HttpStorage, one: &Server, two: &Server, direction: Direction) {
    let alice = one.as_user("alice.proxy");
    let order = request(one, two, direction, "/nothing-here", "/never");
    let error = storage
        .copy(&alice, order, ProgressSink::ignore())
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Remote),
        "{direction:?}: {error:?}"
    );
    assert!(!two.file("never").exists(), "{direction:?}");
    let mut order = request(one, two, direction, "/public/file", "/forbidden/x");
    order.peer_credential = Credential::None;
    let error = storage.copy(&alice, order, ProgressSink::ignore()).await;
    assert!(error.is_err(), "{direction:?}");
    assert!(!two.file("forbidden/x").exists());
}

async fn dropped_copy(storage: &HttpStorage, one: &Server, two: &Server) {
    let alice = one.as_user("alice.proxy");
    let big = std::fs::File::create(one.file("big")).unwrap();
    big.set_len(6 << 30).unwrap();
    let (started, mut wait) = tokio::sync::mpsc::unbounded_channel();
    let sink = ProgressSink::new(move |it| {
        // Nobody listens any more once the test has seen enough.
        started.send(it.bytes).unwrap_or_default();
    });
    let order = request(one, two, Direction::Pull, "/big", "/big");
    tokio::select! {
        done = storage.copy(&alice, order, sink) => panic!("too fast to be dropped: {done:?}"),
        _ = wait.recv() => {}
    }
    gone(two, "big").await;
    // And it stays away: the server gave up, too.
    std::fs::remove_file(one.file("big")).unwrap();
}
