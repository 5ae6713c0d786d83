//! Files to and from real servers: sizes, streams, protections, stripes, parts, reuse.

mod data_support;
mod support;

use bytes::Bytes;
use causeway_gridftp_wire::data::{Dcau, Order, Protection, Ranges};
use causeway_gridftp_wire::transfer::{Download, DownloadPlan, Part, Upload, UploadPlan, Way};
use causeway_gridftp_wire::{Endpoint, ErrorKind, Options, PeerRule, Result, Security, Session};
use data_support::{content, limits};
use support::Server;

const WAYS: [Way; 4] = [
    Way::Stream,
    Way::Blocks { streams: 1 },
    Way::Blocks { streams: 4 },
    Way::Blocks { streams: 16 },
];

fn options(dcau: Dcau, protection: Protection) -> Options {
    Options {
        dcau,
        protection,
        data: limits(),
        ..Options::default()
    }
}

async fn put(session: &mut Session, plan: &UploadPlan, file: &Bytes) -> Result<()> {
    let mut upload = Upload::start(session, plan).await?;
    for start in (0..file.len()).step_by(1 << 20) {
        let data = file.slice(start..file.len().min(start + (1 << 20)));
        upload.write(start as u64, data).await?;
    }
    upload.finish().await.map(drop)
}

/// Fetches a file or a part of it, in order.
async fn get(session: &mut Session, plan: &DownloadPlan) -> Result<Vec<u8>> {
    let mut download = Download::start(session, plan).await?;
    let begin = plan.part.map_or(0, |it| it.offset);
    let mut got = Vec::new();
    while let Some(piece) = download.next().await? {
        assert_eq!(piece.offset, begin + got.len() as u64);
        got.extend_from_slice(&piece.data);
    }
    Ok(got)
}

async fn there_and_back(server: &Server, session: &mut Session, way: Way, size: usize) {
    let file = content(size);
    let path = server.path("there");
    let mut plan = UploadPlan::new(&path, way);
    plan.size = Some(size as u64);
    put(session, &plan, &file).await.unwrap();
    assert!(std::fs::read(&path).unwrap() == file, "{way:?} {size}");
    let got = get(session, &DownloadPlan::new(&path, way)).await.unwrap();
    assert!(got == file, "{way:?} {size}");
    assert!(session.is_idle());
}

#[tokio::test]
async fn files_of_all_sizes_go_there_and_back() {
    let server = Server::start("gridftp");
    for way in WAYS {
        let mut session = server
            .session_with(options(Dcau::None, Protection::Clear))
            .await;
        for size in [0, 1, 262_143, 262_144, 262_145, 16 * 262_144, 5_000_001] {
            there_and_back(&server, &mut session, way, size).await;
        }
    }
}

#[tokio::test]
async fn data_connections_can_be_authenticated_and_protected() {
    let server = Server::start("gridftp");
    for protection in [Protection::Clear, Protection::Safe, Protection::Private] {
        let options = options(Dcau::SelfIdentity, protection);
        let mut session = server.session_with(options).await;
        for way in WAYS {
            for size in [0, 1, 1_000_003] {
                there_and_back(&server, &mut session, way, size).await;
            }
        }
    }
}

#[tokio::test]
async fn a_server_without_security_serves_as_well() {
    let server = Server::start("gridftp-clear");
    let endpoint = Endpoint::anonymous("localhost", server.port());
    let options = std::sync::Arc::new(options(Dcau::SelfIdentity, Protection::Private));
    let mut session = Session::open(&endpoint, options).await.unwrap();
    for way in WAYS {
        there_and_back(&server, &mut session, way, 1_000_000).await;
    }
}

#[tokio::test]
async fn stripes_are_written_side_by_side() {
    let server = Server::start("gridftp-striped");
    let file = content(3_000_000);
    for dcau in [Dcau::None, Dcau::SelfIdentity] {
        let mut session = server.session_with(options(dcau, Protection::Clear)).await;
        let path = server.path("striped");
        for streams in [1, 3] {
            let way = Way::Blocks { streams };
            let mut plan = UploadPlan::new(&path, way);
            plan.striped = true;
            put(&mut session, &plan, &file).await.unwrap();
            assert!(std::fs::read(&path).unwrap() == file);
            let got = get(&mut session, &DownloadPlan::new(&path, way))
                .await
                .unwrap();
            assert!(got == file);
        }
    }
    let log = server.log("TRANSFERS");
    assert!(log.contains("STRIPES=2"), "{log}");
}

#[tokio::test]
async fn one_session_carries_many_files_over_the_same_connections() {
    let server = Server::start("gridftp");
    let mut session = server
        .session_with(options(Dcau::None, Protection::Clear))
        .await;
    let way = Way::Blocks { streams: 3 };
    let files: Vec<Bytes> = (0..20).map(|it| content(it * 50_000)).collect();
    for (number, file) in files.iter().enumerate() {
        let plan = UploadPlan::new(server.path(&format!("f{number}")), way);
        put(&mut session, &plan, file).await.unwrap();
    }
    for (number, file) in files.iter().enumerate() {
        let plan = DownloadPlan::new(server.path(&format!("f{number}")), way);
        assert!(get(&mut session, &plan).await.unwrap() == *file);
    }
    let log = server.log("LOG");
    let times = |command: &str| log.matches(&format!("[CLIENT]: {command}")).count();
    assert_eq!((times("STOR"), times("RETR")), (20, 20));
    assert_eq!((times("PASV"), times("PORT")), (1, 1));
    assert_eq!(log.matches("125 Beginning transfer; reusing").count(), 38);
}

#[tokio::test]
async fn a_part_keeps_its_place() {
    let server = Server::start("gridftp");
    let file = content(1_000_000);
    let path = server.path("whole");
    std::fs::write(&path, &file).unwrap();
    let mut session = server.session().await;
    for way in WAYS {
        for (offset, length) in [(0, 1), (300_000, 600_000), (999_999, 1)] {
            let mut plan = DownloadPlan::new(&path, way);
            plan.part = Some(Part { offset, length });
            let got = get(&mut session, &plan).await.unwrap();
            let (start, end) = (offset as usize, (offset + length) as usize);
            assert!(got == file[start..end], "{way:?} {offset}");
        }
    }
}

#[tokio::test]
async fn a_broken_upload_goes_on_where_it_was() {
    let server = Server::start("gridftp");
    let file = content(1_000_000);
    let mut session = server.session().await;
    for way in WAYS {
        let path = server.path("resumed");
        std::fs::write(&path, &file[..400_000]).unwrap();
        let mut plan = UploadPlan::new(&path, way);
        plan.already = Ranges::of(0..400_000);
        let mut upload = Upload::start(&mut session, &plan).await.unwrap();
        upload.write(400_000, file.slice(400_000..)).await.unwrap();
        upload.finish().await.unwrap();
        assert!(std::fs::read(&path).unwrap() == file, "{way:?}");
    }
}

/// Five gigabytes of which only the last megabyte is written, and all of it read.
#[tokio::test]
async fn files_may_be_larger_than_four_gigabytes() {
    const SIZE: u64 = 5 << 30;
    const TAIL: usize = 1 << 20;
    let server = Server::start("gridftp");
    let mut session = server.session().await;
    let path = server.path("large");
    std::fs::write(&path, b"").unwrap();
    let tail = content(TAIL);
    let way = Way::Blocks { streams: 4 };
    let mut plan = UploadPlan::new(&path, way);
    plan.already = Ranges::of(0..SIZE - TAIL as u64);
    let mut upload = Upload::start(&mut session, &plan).await.unwrap();
    upload
        .write(SIZE - TAIL as u64, tail.clone())
        .await
        .unwrap();
    upload.finish().await.unwrap();
    assert_eq!(std::fs::metadata(&path).unwrap().len(), SIZE);

    let mut plan = DownloadPlan::new(&path, way);
    plan.size = Some(SIZE);
    plan.order = Order::AsItComes;
    let mut download = Download::start(&mut session, &plan).await.unwrap();
    let (mut count, mut got) = (0, vec![0; TAIL]);
    while let Some(piece) = download.next().await.unwrap() {
        count += piece.data.len() as u64;
        let begin = SIZE - TAIL as u64;
        if let Some(at) = piece.offset.checked_sub(begin) {
            got[at as usize..at as usize + piece.data.len()].copy_from_slice(&piece.data);
        }
    }
    assert_eq!(count, SIZE);
    // Blocks of the server do not cross the border.
    assert!(got == tail);
}

#[tokio::test]
async fn what_the_server_refuses_is_said_and_the_session_lives_on() {
    let server = Server::start("gridftp");
    let mut session = server
        .session_with(options(Dcau::SelfIdentity, Protection::Clear))
        .await;
    for way in WAYS {
        let plan = DownloadPlan::new(server.path("nothing"), way);
        let why = get(&mut session, &plan).await.unwrap_err();
        assert_eq!(why.kind(), ErrorKind::NotFound, "{way:?}: {why}");
        assert!(session.is_idle(), "{way:?}");
        let plan = UploadPlan::new(server.path("nowhere/file"), way);
        let why = put(&mut session, &plan, &content(3 << 20))
            .await
            .unwrap_err();
        assert_eq!(why.kind(), ErrorKind::NotFound, "{way:?}: {why}");
        assert!(session.is_idle(), "{way:?}");
        there_and_back(&server, &mut session, way, 1000).await;
    }
}

#[tokio::test]
async fn another_size_than_expected_is_an_error() {
    let server = Server::start("gridftp");
    for way in WAYS {
        for size in [7, 9] {
            let mut session = server.session().await;
            let mut plan = DownloadPlan::new(server.path("file"), way);
            plan.size = Some(size);
            let mut download = Download::start(&mut session, &plan).await.unwrap();
            let why = loop {
                match download.next().await {
                    Ok(piece) => assert!(piece.is_some(), "{way:?} {size}"),
                    Err(why) => break why,
                }
            };
            let kinds = [ErrorKind::Integrity, ErrorKind::Protocol];
            assert!(kinds.contains(&why.kind()), "{why}");
            assert_eq!(download.next().await.unwrap_err(), why);
        }
    }
}

#[tokio::test]
async fn without_delegation_nothing_passes_for_authenticated() {
    let server = Server::start("gridftp");
    let security = Security::Gsi {
        credential: server.voms(),
        peer: PeerRule::Host("localhost".to_owned()),
        delegate: None,
    };
    let endpoint = Endpoint::new("localhost", server.port(), security);
    let options = options(Dcau::SelfIdentity, Protection::Private);
    let mut session = Session::open(&endpoint, options.into()).await.unwrap();
    for way in WAYS {
        let plan = UploadPlan::new(server.path("f"), way);
        let why = put(&mut session, &plan, &content(9)).await.unwrap_err();
        assert_eq!(why.kind(), ErrorKind::Invalid, "{way:?}: {why}");
        let plan = DownloadPlan::new(server.path("file"), way);
        let why = get(&mut session, &plan).await.unwrap_err();
        assert_eq!(why.kind(), ErrorKind::Invalid, "{way:?}: {why}");
    }
    assert!(!std::path::Path::new(&server.path("f")).exists());
}
