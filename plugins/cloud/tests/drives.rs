//! What is particular to Dropbox and Google Drive: pages, names, links, documents without bytes.

mod support;

use causeway_sdk::{
    Access, Algorithm, Credential, EntryKind, ErrorKind, Page, ProgressSink, ReadOptions, Storage,
    TurlRequest,
};
use support::plot::{PART, Played};
use support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_may_come_as_a_pair() {
    for lab in [Played::dropbox().await, Played::gdrive().await] {
        let ((storage, _), base) = (lab.open(), lab.url(""));
        let cx = with(keys("good", "secret of OAuth 1.0"));
        let stat = storage.stat(&cx, &base).await.unwrap();
        assert_eq!(stat.kind, EntryKind::Directory);
        // A certificate is nothing here.
        let proxy = Credential::X509(causeway_sdk::Secret::new("pem"));
        assert_eq!(
            kind(storage.stat(&with(proxy), &base).await),
            ErrorKind::AuthRequired
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropbox_knows_no_case_and_keeps_no_hash_of_ours() {
    let lab = Played::dropbox().await;
    let (storage, cx) = lab.open();
    let (lower, upper) = (url("dropbox:///dir/file"), url("dropbox:///DIR/File"));
    write(&storage, &cx, &lower, b"content").await.unwrap();
    assert_eq!(read(&storage, &cx, &upper).await.unwrap(), b"content");
    let again = write_with(&storage, &cx, &upper, b"content", options(Some(7), false)).await;
    assert_eq!(kind(again), ErrorKind::Exists, "also with the same content");
    let sum = storage.checksum(&cx, &lower, Algorithm::Md5).await.unwrap();
    assert_eq!(sum.hex, "9a0364b9e99bb480dd25e1f0284c8555");
    let strict = lab.config(1);
    let strict = support::storage(&strict.replacen('{', r#"{"checksum_by_reading":false,"#, 1));
    let kept = strict.checksum(&cx, &lower, Algorithm::Md5).await;
    assert_eq!(kind(kept), ErrorKind::Unsupported);
    let (from, to) = (lower, url("dropbox:///copy"));
    storage
        .copy(&cx, copy(&from, &to, false), ProgressSink::ignore())
        .await
        .unwrap();
    let taken = storage
        .copy(&cx, copy(&from, &to, false), ProgressSink::ignore())
        .await;
    assert_eq!(kind(taken), ErrorKind::Exists);
    write(&storage, &cx, &from, b"newer").await.unwrap();
    storage
        .copy(&cx, copy(&from, &to, true), ProgressSink::ignore())
        .await
        .unwrap();
    assert_eq!(read(&storage, &cx, &to).await.unwrap(), b"newer");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_needs_no_token() {
    let lab = Played::dropbox().await;
    let (storage, cx) = lab.open();
    let at = url("dropbox:///dir/a%20b");
    write(&storage, &cx, &at, b"for others").await.unwrap();
    let wanted = |access| TurlRequest {
        access,
        schemes: vec!["root".into(), "http".into()],
        size: None,
        overwrite: true,
    };
    let turl = storage
        .resolve(&cx, &at, wanted(Access::Read))
        .await
        .unwrap();
    assert_eq!(fetched(turl.url.as_str(), None).await, b"for others");
    let outcome = storage.resolve(&cx, &at, wanted(Access::Write)).await;
    assert_eq!(kind(outcome), ErrorKind::Unsupported);
    let outcome = storage
        .resolve(&cx, &url("dropbox:///dir"), wanted(Access::Read))
        .await;
    assert_eq!(kind(outcome), ErrorKind::IsDirectory);
    let lab = Played::gdrive().await;
    let (storage, cx) = lab.open();
    let outcome = storage
        .resolve(&cx, &url("gdrive:///twice"), wanted(Access::Read))
        .await;
    assert_eq!(kind(outcome), ErrorKind::Unsupported);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropbox_gives_more_than_a_page_and_none_is_lost() {
    let lab = Played::dropbox().await;
    let (storage, cx) = lab.open();
    for n in 0..17 {
        let at = url(format!("dropbox:///many/{n:02}"));
        write(&storage, &cx, &at, b"x").await.unwrap();
    }
    let (mut names, mut cursor) = (Vec::new(), None);
    loop {
        let page = Page { cursor, limit: 3 };
        let found = storage
            .list(&cx, &url("dropbox:///many"), page)
            .await
            .unwrap();
        assert!(found.entries.len() <= 3);
        names.extend(found.entries.into_iter().map(|it| it.name));
        cursor = found.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(
        names,
        (0..17).map(|n| format!("{n:02}")).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drive_has_documents_and_names_twice() {
    let lab = Played::gdrive().await;
    let (storage, cx) = lab.open();
    let document = storage.stat(&cx, &url("gdrive:///document")).await.unwrap();
    assert_eq!((document.kind, document.size), (EntryKind::File, None));
    let outcome = read(&storage, &cx, &url("gdrive:///document")).await;
    assert_eq!(kind(outcome), ErrorKind::Unsupported);
    // The oldest counts.
    assert_eq!(
        read(&storage, &cx, &url("gdrive:///twice")).await.unwrap(),
        b"id-000002"
    );
    // Names that differ in case are two here, whatever the query finds.
    let lost = storage.stat(&cx, &url("gdrive:///TWICE")).await;
    assert_eq!(kind(lost), ErrorKind::NotFound);
    // Replaced in place: one file with a new revision.
    let at = url("gdrive:///dir/file");
    let mut new = options(Some(3), true);
    assert_eq!(
        kind(write_with(&storage, &cx, &at, b"one", new.clone()).await),
        ErrorKind::NotFound
    );
    new.parents = true;
    let one = write_with(&storage, &cx, &at, b"one", new.clone())
        .await
        .unwrap();
    let two = write_with(&storage, &cx, &at, b"two", new).await.unwrap();
    assert_ne!(one.etag, two.etag);
    let stale = ReadOptions {
        if_match: one.etag,
        ..ReadOptions::default()
    };
    let stale = storage.open_read(&cx, &at, stale).await.map(drop);
    assert_eq!(kind(stale), ErrorKind::Conflict);
    let long = pattern(2 * PART + 9);
    write(&storage, &cx, &at, &long).await.unwrap();
    assert!(read(&storage, &cx, &at).await.unwrap() == long);
    let page = storage
        .list(&cx, &url("gdrive:///dir"), Page::default())
        .await
        .unwrap();
    assert_eq!(page.entries.len(), 1);
    let copied = copy(&at, &url("gdrive:///copy"), false);
    let copied = storage
        .copy(&cx, copied, ProgressSink::ignore())
        .await
        .unwrap();
    assert_eq!(copied.bytes, Some(long.len() as u64));
}
