//! What other people's clients wrote is read here, and the other way round.

mod data_support;
mod support;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::{Command, Output};

use causeway_gridftp_wire::Session;
use causeway_gridftp_wire::data::Ranges;
use causeway_gridftp_wire::transfer::{Download, DownloadPlan, Part, Upload, UploadPlan, Way};
use data_support::content;
use support::Server;

const SIZES: [usize; 5] = [0, 1, 262_144, 262_145, 3_000_001];
/// Every number of streams once, and every size once: each run of a client is a log-in.
const CASES: [(Way, &str, &[usize]); 4] = [
    (Way::Stream, "1", &[262_145]),
    (Way::Blocks { streams: 1 }, "1", &[1]),
    (Way::Blocks { streams: 4 }, "4", &SIZES),
    (Way::Blocks { streams: 16 }, "16", &[3_000_001]),
];

/// Runs a client; again when it crashes by itself, as gfal2 does now and then.
fn run(server: &Server, program: &str, arguments: &[&str]) -> String {
    let outputs = (0..3).map(|_| output(server, program, arguments));
    let mut ended = outputs.filter(|it| it.status.code().is_some());
    let output = ended.next().expect("one of three runs ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn output(server: &Server, program: &str, arguments: &[&str]) -> Output {
    Command::new(program)
        .args(arguments)
        .env_remove("X509_USER_CERT")
        .env_remove("X509_USER_KEY")
        .env("X509_USER_PROXY", server.key("VOMS_PROXY"))
        .env(
            "X509_CERT_DIR",
            format!("{}/certificates", server.key("PKI")),
        )
        .env("GFAL_PYTHONBIN", "/usr/bin/python3")
        .output()
        .unwrap()
}

fn url(server: &Server, name: &str) -> String {
    format!("{}/{name}", server.key("URL"))
}

async fn put(session: &mut Session, path: String, way: Way, size: usize) {
    let plan = UploadPlan::new(path, way);
    let mut upload = Upload::start(session, &plan).await.unwrap();
    upload.write(0, content(size)).await.unwrap();
    upload.finish().await.unwrap();
}

async fn get(session: &mut Session, path: String, way: Way) -> Vec<u8> {
    let plan = DownloadPlan::new(path, way);
    let mut download = Download::start(session, &plan).await.unwrap();
    let mut got = Vec::new();
    while let Some(piece) = download.next().await.unwrap() {
        got.extend_from_slice(&piece.data);
    }
    got
}

#[tokio::test]
async fn globus_url_copy_and_we_read_each_other() {
    let server = Server::start("gridftp");
    let mut session = server.session().await;
    let local = tempfile::tempdir().unwrap();
    let file = |name: &str| local.path().join(name).to_str().unwrap().to_owned();
    for (way, streams, sizes) in CASES {
        for &size in sizes {
            let (here, back) = (file("here"), file("back"));
            put(&mut session, server.path("ours"), way, size).await;
            let from = url(&server, "ours");
            run(
                &server,
                "globus-url-copy",
                &["-p", streams, &from, &format!("file://{back}")],
            );
            assert!(
                std::fs::read(&back).unwrap() == content(size),
                "{way:?} {size}"
            );

            std::fs::write(&here, content(size)).unwrap();
            let to = url(&server, "theirs");
            run(
                &server,
                "globus-url-copy",
                &["-p", streams, &format!("file://{here}"), &to],
            );
            let got = get(&mut session, server.path("theirs"), way).await;
            assert!(got == content(size), "{way:?} {size}");
        }
    }
}

#[tokio::test]
async fn gfal_and_we_read_each_other_and_agree_on_checksums() {
    let server = Server::start("gridftp");
    let mut session = server.session().await;
    let local = tempfile::tempdir().unwrap();
    let here = local.path().join("here");
    let file = format!("file://{}", here.display());
    let (ours, theirs) = (url(&server, "ours"), url(&server, "theirs"));
    let each = CASES.into_iter().flat_map(|(way, streams, sizes)| {
        let with = move |size: &usize| (way, streams, *size);
        sizes.iter().map(with)
    });
    for (way, streams, size) in each {
        let copy = ["-f", "-n", streams, "-K", "ADLER32"];
        put(&mut session, server.path("ours"), way, size).await;
        run(&server, "gfal-copy", &[&copy[..], &[&ours, &file]].concat());
        assert!(std::fs::read(&here).unwrap() == content(size), "{size}");
        run(
            &server,
            "gfal-copy",
            &[&copy[..], &[&file, &theirs]].concat(),
        );
        let got = get(&mut session, server.path("theirs"), way).await;
        assert!(got == content(size), "{way:?} {size}");
    }
    let said = run(&server, "gfal-sum", &[&ours, "ADLER32"]);
    let path = server.path("theirs");
    let sum = session.checksum(&path, "ADLER32", 0, None).await.unwrap();
    assert!(said.trim().ends_with(&sum), "{said} {sum}");
}

/// Five gigabytes, of which each side writes the end and the other one reads it.
#[tokio::test]
async fn the_end_of_a_large_file_is_where_it_belongs() {
    const SIZE: u64 = 5 << 30;
    const TAIL: usize = 1 << 20;
    const BEGIN: u64 = SIZE - TAIL as u64;
    let server = Server::start("gridftp");
    let mut session = server.session().await;
    let local = tempfile::tempdir().unwrap();
    let here = local.path().join("here");
    let part = |from: &str, to: &str| {
        let (offset, length) = (BEGIN.to_string(), TAIL.to_string());
        let arguments = ["-off", &offset, "-len", &length, from, to];
        run(&server, "globus-url-copy", &arguments);
    };
    let file = format!("file://{}", here.display());
    for streams in [1, 4] {
        let way = Way::Blocks { streams };
        std::fs::write(server.path("ours"), b"").unwrap();
        let mut plan = UploadPlan::new(server.path("ours"), way);
        plan.already = Ranges::of(0..BEGIN);
        let mut upload = Upload::start(&mut session, &plan).await.unwrap();
        upload.write(BEGIN, content(TAIL)).await.unwrap();
        upload.finish().await.unwrap();
        assert_eq!(std::fs::metadata(server.path("ours")).unwrap().len(), SIZE);
        part(&url(&server, "ours"), &file);
        let mut got = vec![0; TAIL];
        let read = File::open(&here).unwrap().read_exact_at(&mut got, BEGIN);
        read.unwrap();
        assert!(got == content(TAIL), "{streams}");

        // What they left here, at its place, goes back to the server as theirs.
        part(&file, &url(&server, "theirs"));
        let mut plan = DownloadPlan::new(server.path("theirs"), way);
        plan.part = Some(Part {
            offset: BEGIN,
            length: TAIL as u64,
        });
        let mut download = Download::start(&mut session, &plan).await.unwrap();
        let mut got = Vec::new();
        while let Some(piece) = download.next().await.unwrap() {
            got.extend_from_slice(&piece.data);
        }
        assert!(got == content(TAIL), "{streams}");
        std::fs::remove_file(&here).unwrap();
        std::fs::remove_file(server.path("theirs")).unwrap();
    }
}
