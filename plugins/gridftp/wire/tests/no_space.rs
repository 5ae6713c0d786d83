//! A real server whose disk is full: `/dev/full`, which takes nothing, under the name of a file.

mod support;

use std::os::unix::fs::symlink;
use std::time::Duration;

use bytes::Bytes;
use causeway_gridftp_wire::copy::{CopyPlan, News, copy};
use causeway_gridftp_wire::data::Progress;
use causeway_gridftp_wire::transfer::{Upload, UploadPlan, Way};
use causeway_gridftp_wire::{Error, ErrorKind, Result};
use support::Server;

/// Other clients wait here for ever.
const GUARD: Duration = Duration::from_secs(60);
const SIZE: usize = 3_000_001;

fn full(server: &Server) -> String {
    let path = server.path("full");
    symlink("/dev/full", &path).unwrap();
    path
}

async fn why<T>(doing: impl Future<Output = Result<T>>) -> Error {
    let ended = tokio::time::timeout(GUARD, doing).await;
    let failed = ended.expect("it waits for ever").err();
    failed.expect("the disk is full")
}

#[tokio::test]
async fn an_upload_says_that_there_is_no_space() {
    let server = Server::start("gridftp");
    let path = full(&server);
    for way in [
        Way::Stream,
        Way::Blocks { streams: 1 },
        Way::Blocks { streams: 4 },
    ] {
        let mut session = server.session().await;
        let mut plan = UploadPlan::new(path.clone(), way);
        plan.size = Some(SIZE as u64);
        let storing = Box::pin(async {
            let mut upload = Upload::start(&mut session, &plan).await?;
            upload.write(0, Bytes::from(vec![7; SIZE])).await?;
            upload.finish().await.map(drop)
        });
        let error = why(storing).await;
        assert_eq!(error.kind(), ErrorKind::NoSpace, "{way:?}: {error}");
    }
}

#[tokio::test]
async fn a_copy_between_servers_says_that_there_is_no_space() {
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    std::fs::write(one.path("a"), vec![7; SIZE]).unwrap();
    let plan = CopyPlan {
        source: one.path("a"),
        destination: full(&other),
        size: Some(SIZE as u64),
        streams: 2,
        ..CopyPlan::default()
    };
    let (mut from, mut to) = (one.session().await, other.session().await);
    let mut progress = Progress::new(plan.size);
    let mut ignore = |_: News<'_>| {};
    let copying = copy(&mut from, &mut to, &plan, &mut progress, &mut ignore);
    let error = why(copying).await;
    assert_eq!(error.kind(), ErrorKind::NoSpace, "{error}");
    assert!(error.to_string().contains("destination"), "{error}");
}
