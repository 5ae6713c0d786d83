//! Who may do what: signed URLs, keys that are wrong or gone, servers nobody vouches for.

use causeway_plugin_s3::S3Storage;
use causeway_sdk::{
    Access, Ctx, ErrorKind, Outcome, Page, ReadOptions, Retry, Storage, TurlRequest, Url,
};

use crate::MIB;
use crate::support::lab::Server;
use crate::support::{self, keys, kind, pattern, read, stranger, write};

fn wanted(access: Access) -> TurlRequest {
    TurlRequest {
        access,
        schemes: ["davs", "https", "http"].map(str::to_owned).into(),
        size: None,
        overwrite: false,
    }
}

pub(crate) async fn signed_urls(server: &Server, storage: &S3Storage) {
    let (cx, client) = (server.cx(), stranger());
    let at = server.url("/signed/a b+c%25");
    let turl = storage
        .resolve(&cx, &at, wanted(Access::Write))
        .await
        .unwrap();
    assert!(turl.url.as_str().starts_with("http://"), "{}", turl.url);
    assert!(!turl.url.to_string().contains("Signature"), "{}", turl.url);
    let put = client
        .put(turl.url.as_str())
        .body(pattern(1000))
        .send()
        .await
        .unwrap();
    assert!(put.status().is_success(), "{put:?}");
    storage
        .finish(&cx, &at, &turl, Outcome::Done)
        .await
        .unwrap();
    assert_eq!(read(storage, &cx, &at).await.unwrap(), pattern(1000));

    let read_url = storage
        .resolve(&cx, &at, wanted(Access::Read))
        .await
        .unwrap();
    let got = client.get(read_url.url.as_str()).send().await.unwrap();
    assert_eq!(got.bytes().await.unwrap(), pattern(1000));
    let taken = storage.resolve(&cx, &at, wanted(Access::Write)).await;
    assert_eq!(kind(taken), ErrorKind::Exists);
    // Given up, what was written goes; for a read nothing does.
    storage
        .finish(&cx, &at, &read_url, Outcome::Aborted)
        .await
        .unwrap();
    assert!(storage.exists(&cx, &at).await.unwrap());
    storage
        .finish(&cx, &at, &turl, Outcome::Aborted)
        .await
        .unwrap();
    assert!(!storage.exists(&cx, &at).await.unwrap());
}

pub(crate) async fn who_may_do_what(server: &Server, storage: &S3Storage) {
    let (cx, at) = (server.cx(), server.url("/mine"));
    write(storage, &cx, &at, b"mine").await.unwrap();
    let access = server.key("ACCESS").to_owned();
    for (credential, expected) in [
        (keys(&access, "canary-wrong", None), ErrorKind::AuthRequired),
        (
            keys("canary-nobody", "canary-wrong", None),
            ErrorKind::AuthRequired,
        ),
        (
            keys(server.key("OTHER_ACCESS"), server.key("OTHER_SECRET"), None),
            ErrorKind::Denied,
        ),
        (causeway_sdk::Credential::None, ErrorKind::AuthRequired),
    ] {
        let cx = Ctx::new("test").with_credential(credential);
        let outcomes = [
            storage.stat(&cx, &at).await.map(drop),
            storage
                .open_read(&cx, &at, ReadOptions::default())
                .await
                .map(drop),
            write(storage, &cx, &server.url("/theirs"), b"x")
                .await
                .map(drop),
            write(storage, &cx, &server.url("/theirs"), &pattern(6 * MIB))
                .await
                .map(drop),
            write(storage, &cx, &server.url("/theirs"), &pattern(4 * MIB))
                .await
                .map(drop),
            storage.unlink(&cx, &at).await,
            storage
                .list(&cx, &server.url("/"), Page::default())
                .await
                .map(drop),
        ];
        for outcome in outcomes {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), expected, "{error:?}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
            assert!(!format!("{error:?}").contains("not-for-use"), "{error:?}");
        }
    }
    assert_eq!(read(storage, &cx, &at).await.unwrap(), b"mine");
    let strangers = tempfile::tempdir().unwrap();
    let other = rcgen::generate_simple_self_signed(vec!["ca".into()]).unwrap();
    std::fs::write(strangers.path().join("0.0"), other.cert.pem()).unwrap();
    let config = format!(r#"{{"ca_dir":"{}"}}"#, strangers.path().display());
    let tls: Url = format!("{}/mine", server.key("TLS_URL")).parse().unwrap();
    let error = support::storage(&config).stat(&cx, &tls).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry()),
        (ErrorKind::Network, Retry::Never)
    );
    let missing = format!(
        "{}/no-such-bucket/k",
        server.key("ENDPOINT").replace("http:", "s3:")
    );
    let missing: Url = missing.parse().unwrap();
    assert_eq!(kind(storage.stat(&cx, &missing).await), ErrorKind::NotFound);
    assert_eq!(
        kind(write(storage, &cx, &missing, b"x").await),
        ErrorKind::NotFound
    );
    let listed = storage.list(&cx, &missing, Page::default()).await;
    assert_eq!(kind(listed), ErrorKind::NotFound);
}
