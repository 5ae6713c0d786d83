//! Servers that are reached over IPv6 only: `EPSV` and `EPRT` in place of `PASV` and `PORT`.

mod data_support;
mod support;

use std::sync::Arc;

use causeway_gridftp_wire::copy::{CopyPlan, copy};
use causeway_gridftp_wire::data::{Dcau, Progress};
use causeway_gridftp_wire::transfer::{Download, DownloadPlan, Upload, UploadPlan, Way};
use causeway_gridftp_wire::{Endpoint, Options, Session};
use data_support::content;
use support::Server;

fn start() -> Server {
    Server::start_with("gridftp", &[("CAUSEWAY_LAB_ADDRESS", "::1")])
}

async fn session(server: &Server, dcau: Dcau) -> Session {
    let endpoint = Endpoint::gsi("[::1]", server.port(), server.voms(), 3600);
    let options = Options {
        dcau,
        ..Options::default()
    };
    Session::open(&endpoint, Arc::new(options)).await.unwrap()
}

#[tokio::test]
async fn files_go_there_and_back() {
    let server = start();
    let file = content(600_000);
    for dcau in [Dcau::None, Dcau::SelfIdentity] {
        let mut session = session(&server, dcau).await;
        for way in [Way::Stream, Way::Blocks { streams: 4 }] {
            let path = server.path("f");
            let mut upload = Upload::start(&mut session, &UploadPlan::new(&path, way))
                .await
                .unwrap();
            upload.write(0, file.clone()).await.unwrap();
            upload.finish().await.unwrap();
            let plan = DownloadPlan::new(&path, way);
            let mut download = Download::start(&mut session, &plan).await.unwrap();
            let mut got = Vec::new();
            while let Some(piece) = download.next().await.unwrap() {
                got.extend_from_slice(&piece.data);
            }
            assert!(got == file, "{way:?}");
            std::fs::remove_file(path).unwrap();
        }
        session.quit().await;
    }
    let log = server.log_with("LOG", "EPRT |2|::1|").await;
    assert!(
        log.contains("EPRT |2|::1|") && log.contains("EPSV"),
        "{log}"
    );
    assert!(!log.contains("[CLIENT]: PASV"), "{log}");
}

#[tokio::test]
async fn servers_copy_to_each_other() {
    let (one, other) = (start(), start());
    let file = content(3_000_001);
    std::fs::write(one.path("a"), &file).unwrap();
    for dcau in [Dcau::None, Dcau::SelfIdentity] {
        let (mut from, mut to) = (
            session(&one, dcau.clone()).await,
            session(&other, dcau).await,
        );
        let plan = CopyPlan {
            source: one.path("a"),
            destination: other.path("b"),
            streams: 4,
            ..CopyPlan::default()
        };
        let mut progress = Progress::new(None);
        copy(&mut from, &mut to, &plan, &mut progress, &mut |_| {})
            .await
            .unwrap();
        assert!(std::fs::read(other.path("b")).unwrap() == file);
        std::fs::remove_file(other.path("b")).unwrap();
    }
}
