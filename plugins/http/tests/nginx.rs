//! Against nginx: WebDAV without checksums and third-party copy, and places that misbehave.

mod support;

use causeway_sdk::{
    Algorithm, Credential, Ctx, EntryKind, ErrorKind, Page, ReadOptions, Retry, Secret, Storage,
    WriteBody, WriteOptions,
};
use support::lab::Server;
use support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nginx() {
    let server = Server::start("nginx-dav");
    tree(&server).await;
    temporary_names(&server).await;
    credentials(&server).await;
    bad_places(&server).await;
}

async fn tree(server: &Server) {
    let (storage, cx) = (storage(&server.config()), Ctx::new("t"));
    let data = pattern(1 << 20);
    let dir = server.url("/t/u");
    storage.mkdir(&cx, &dir, true).await.unwrap();
    assert_eq!(
        kind(storage.mkdir(&cx, &dir, false).await),
        ErrorKind::Exists
    );
    let lost = storage.mkdir(&cx, &server.url("/no/way"), false).await;
    assert_eq!(kind(lost), ErrorKind::NotFound);
    let file = server.url("/t/u/a b");
    write(&storage, &cx, &file, &data).await.unwrap();
    assert!(read(&storage, &cx, &file).await.unwrap() == data);
    let stat = storage.stat(&cx, &file).await.unwrap();
    assert_eq!((stat.kind, stat.size), (EntryKind::File, Some(1 << 20)));
    let options = ReadOptions {
        offset: 100,
        len: Some(50),
        if_match: stat.etag.clone(),
        ..ReadOptions::default()
    };
    let mut body = storage.open_read(&cx, &file, options).await.unwrap();
    assert_eq!(read_all(&mut body).await.unwrap(), &data[100..150]);
    assert!(storage.stat(&cx, &dir).await.unwrap().is_directory());
    assert_eq!(
        kind(read(&storage, &cx, &dir).await),
        ErrorKind::IsDirectory
    );
    let sum = storage.checksum(&cx, &file, Algorithm::Adler32).await;
    assert_eq!(kind(sum), ErrorKind::Unsupported);
    assert_eq!(
        kind(storage.space(&cx, &file).await),
        ErrorKind::Unsupported
    );

    let page = storage
        .list(&cx, &server.url("/t"), Page::default())
        .await
        .unwrap();
    assert_eq!((page.entries.len(), page.next), (1, None));
    assert_eq!(page.entries[0].name, "u");
    assert_eq!(
        kind(storage.list(&cx, &file, Page::default()).await),
        ErrorKind::NotDirectory
    );
    // nginx removes full directories; we do not let it.
    assert_eq!(kind(storage.rmdir(&cx, &dir).await), ErrorKind::NotEmpty);
    let (moved, renamed) = (server.url("/t/v"), server.url("/t/v/c"));
    storage.rename(&cx, &dir, &moved, false).await.unwrap();
    let file = server.url("/t/v/a b");
    storage.rename(&cx, &file, &renamed, false).await.unwrap();
    write(&storage, &cx, &file, b"x").await.unwrap();
    let taken = storage.rename(&cx, &file, &renamed, false).await;
    assert_eq!(kind(taken), ErrorKind::Exists);
    storage.rename(&cx, &file, &renamed, true).await.unwrap();
    assert_eq!(read(&storage, &cx, &renamed).await.unwrap(), b"x");
    storage.unlink(&cx, &renamed).await.unwrap();
    storage.rmdir(&cx, &moved).await.unwrap();
    assert_eq!(kind(storage.stat(&cx, &moved).await), ErrorKind::NotFound);
}

async fn temporary_names(server: &Server) {
    let config = server.config().replace('}', r#","upload":"temporary"}"#);
    let (storage, cx) = (storage(&config), Ctx::new("t"));
    assert!(storage.describe().write.atomic);
    let file = server.url("/atomic");
    let options = WriteOptions {
        size: Some(6),
        overwrite: true,
        ..WriteOptions::default()
    };
    for text in ["first!", "second"] {
        let mut body = storage
            .open_write(&cx, &file, options.clone())
            .await
            .unwrap();
        body.write(0, text.into()).await.unwrap();
        let seen = storage.exists(&cx, &file).await.unwrap();
        assert_eq!(
            seen,
            text == "second",
            "something is visible before the commit"
        );
        body.commit().await.unwrap();
        assert_eq!(read(&storage, &cx, &file).await.unwrap(), text.as_bytes());
    }
    let mut body = storage.open_write(&cx, &file, options).await.unwrap();
    body.write(0, "third".into()).await.unwrap();
    body.abort().await;
    assert_eq!(read(&storage, &cx, &file).await.unwrap(), b"second");
    let names = std::fs::read_dir(server.file("")).unwrap();
    let left: Vec<_> = names
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .filter(|it| it.contains("causeway"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

async fn credentials(server: &Server) {
    let storage = storage(&server.config());
    let token = Secret::new("lab-token");
    let bearer = Ctx::new("t").with_credential(Credential::Bearer(token));
    let at = |key: &str, path: &str| url(format!("{}{path}", server.key(key)));
    let file = at("HTTPS", "/token/file");
    assert_eq!(read(&storage, &bearer, &file).await.unwrap(), b"read me\n");
    let nobody = storage.stat(&Ctx::new("t"), &file).await;
    assert_eq!(kind(nobody), ErrorKind::AuthRequired);

    let alice = server.as_user("alice.bundle.pem");
    let secure = at("SECURE", "/dav/file");
    assert_eq!(read(&storage, &alice, &secure).await.unwrap(), b"read me\n");
    // A token comes without a certificate, whatever was used before.
    assert_eq!(
        kind(storage.stat(&bearer, &secure).await),
        ErrorKind::Denied
    );

    // Another host is told neither.
    for cx in [&alice, &bearer] {
        let away = at("HTTPS", "/away/file");
        assert_eq!(read(&storage, cx, &away).await.unwrap(), b"read me\n");
    }
    let port = server.key("OTHER").rsplit_once(':').unwrap().1;
    let log = server.log("ACCESS_LOG");
    let lines: Vec<_> = log.lines().filter(|it| it.starts_with(port)).collect();
    assert!(
        lines.iter().any(|it| it.contains("GET /dav/file 200")),
        "{log}"
    );
    for line in lines {
        assert!(line.contains("auth=- cert=-"), "{line}");
    }
}

async fn bad_places(server: &Server) {
    let (storage, cx) = (storage(&server.config()), Ctx::new("t"));
    let at = |path: &str| url(format!("{}{path}", server.key("HTTPS")));
    for (path, expected) in [
        ("/fail/500", ErrorKind::Remote),
        ("/fail/503", ErrorKind::Busy),
        ("/fail/429", ErrorKind::Throttled),
        ("/fail/507", ErrorKind::NoSpace),
        ("/fail/401", ErrorKind::AuthRequired),
        ("/fail/403", ErrorKind::Denied),
        ("/fail/drop", ErrorKind::Network),
        ("/loop/x", ErrorKind::Remote),
    ] {
        let error = storage.stat(&cx, &at(path)).await.unwrap_err();
        assert_eq!(error.kind(), expected, "{path}: {error:?}");
        if matches!(path, "/fail/503" | "/fail/429") {
            assert!(matches!(error.retry(), Retry::After(_)), "{path}");
        }
    }
    for path in ["/noranges/file", "/redirect/file"] {
        let options = ReadOptions {
            offset: 5,
            len: Some(2),
            ..ReadOptions::default()
        };
        let mut body = storage.open_read(&cx, &at(path), options).await.unwrap();
        assert_eq!(read_all(&mut body).await.unwrap(), b"me", "{path}");
    }
    let plain = url(format!("{}/dav/file", server.key("HTTP")));
    assert_eq!(read(&storage, &cx, &plain).await.unwrap(), b"read me\n");
}
