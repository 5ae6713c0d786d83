//! What the real server lacks: an archive, and restores from it.

mod support;

use std::time::Duration;

use causeway_sdk::{ErrorKind, Locality, ReadOptions, StageRequest, StagingState, Storage, Url};
use support::lab::Server;
use support::{kind, pattern, read, storage, stranger, write};

/// Puts an object into the archive, as only a client that says so does.
async fn archive(server: &Server, key: &str, content: Vec<u8>) {
    let url = format!("{}/{}{key}", server.key("ENDPOINT"), server.key("BUCKET"));
    let put = stranger()
        .put(url)
        .header("x-amz-storage-class", "GLACIER")
        .body(content);
    assert!(put.send().await.unwrap().status().is_success());
}

fn request(files: &[Url]) -> StageRequest {
    StageRequest {
        files: files.to_vec(),
        pin: Duration::from_secs(3600),
        timeout: Duration::from_secs(60),
        metadata: vec![String::new(); files.len()],
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archived_object_comes_online() {
    let server = Server::start("moto");
    let (storage, cx) = (storage(&server.config("")), server.cx());
    let (old, new, none) = (server.url("/old"), server.url("/new"), server.url("/none"));
    archive(&server, "/old", pattern(5000)).await;
    write(&storage, &cx, &new, b"new").await.unwrap();

    let stat = storage.stat(&cx, &old).await.unwrap();
    assert_eq!((stat.locality, stat.size), (Locality::Nearline, Some(5000)));
    assert_eq!(
        storage.stat(&cx, &new).await.unwrap().locality,
        Locality::Online
    );
    let refused = storage.open_read(&cx, &old, ReadOptions::default()).await;
    assert_eq!(refused.err().unwrap().kind(), ErrorKind::NotOnline);
    let page = storage
        .list(&cx, &server.url("/"), Default::default())
        .await
        .unwrap();
    let localities: Vec<_> = page.entries.iter().map(|it| it.stat.locality).collect();
    assert_eq!(localities, [Locality::Online, Locality::Nearline]);

    // Nobody asked for it: it will not come.
    let files = [old.clone(), new.clone(), none.clone()];
    let early = storage
        .poll_online(&cx, "s3-restore-1", &files)
        .await
        .unwrap();
    assert!(
        matches!(&early[0].state, StagingState::Failed(it) if it.kind() == ErrorKind::NotOnline)
    );

    let staged = storage.bring_online(&cx, request(&files)).await.unwrap();
    let known: Vec<_> = staged.files.iter().map(|it| it.url.as_str()).collect();
    assert_eq!(
        known,
        [new.as_str(), none.as_str()],
        "the old one is on its way"
    );
    let states = storage
        .poll_online(&cx, &staged.token, &files)
        .await
        .unwrap();
    assert_eq!(states[0].state, StagingState::Done);
    assert_eq!(states[1].state, StagingState::Done);
    assert!(
        matches!(&states[2].state, StagingState::Failed(it) if it.kind() == ErrorKind::NotFound)
    );

    assert_eq!(read(&storage, &cx, &old).await.unwrap(), pattern(5000));
    let stat = storage.stat(&cx, &old).await.unwrap();
    assert_eq!(stat.locality, Locality::OnlineAndNearline);
    let again = storage
        .bring_online(&cx, request(&files[..1]))
        .await
        .unwrap();
    assert_eq!(again.files[0].state, StagingState::Done);
    let released = storage.release(&cx, &staged.token, &files).await.unwrap();
    assert_eq!(released.len(), 3);
    assert_eq!(
        kind(storage.release(&cx, "other", &files).await),
        ErrorKind::NotFound
    );
}
