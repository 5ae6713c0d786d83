//! What other people's clients wrote is read here, and the other way round.

mod data_support;
mod support;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::{Command, Output};

use causeway_gridftp_wire::Session;
use causeway_gridftp_wire::data::Ranges;
use causeway_gridftp_wire::transfer::{Download, DownloadPlan, Part, Upload, UploadPlan, Way};
use data_support::content;
use support::Server;

/// Nothing, a byte, a block and its neighbours, several blocks.
const SIZES: [usize; 6] = [0, 1, 262_143, 262_144, 262_145, 3_000_001];
/// How we do it, and how many streams they are told to use; nothing is stream mode.
const WAYS: [(Way, &str); 4] = [
    (Way::Stream, ""),
    (Way::Blocks { streams: 1 }, "1"),
    (Way::Blocks { streams: 4 }, "4"),
    (Way::Blocks { streams: 16 }, "16"),
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

/// Every size in every way, in both directions: ours are fetched by them, theirs by us. `copy`
/// makes them copy a whole directory, with so many streams: each run is but one log-in.
async fn each_reads_the_other(server: &Server, copy: impl Fn(&str, &str, &str)) {
    let mut session = server.session().await;
    let local = tempfile::tempdir().unwrap();
    let at = |name: &str| local.path().join(name);
    let theirs = at("theirs");
    std::fs::create_dir(&theirs).unwrap();
    for size in SIZES {
        std::fs::write(theirs.join(size.to_string()), content(size)).unwrap();
    }
    for (number, (way, streams)) in WAYS.into_iter().enumerate() {
        let (ours, back) = (format!("ours{number}"), at(&format!("back{number}")));
        session.mkdir(&server.path(&ours)).await.unwrap();
        std::fs::create_dir(&back).unwrap();
        for size in SIZES {
            let path = server.path(&format!("{ours}/{size}"));
            put(&mut session, path, way, size).await;
        }
        copy(streams, &url(server, &ours), &file_url(&back));
        let sent = format!("theirs{number}");
        session.mkdir(&server.path(&sent)).await.unwrap();
        copy(streams, &file_url(&theirs), &url(server, &sent));
        for size in SIZES {
            let got = std::fs::read(back.join(size.to_string())).unwrap();
            assert!(got == content(size), "they of us: {way:?} {size}");
            let path = server.path(&format!("{sent}/{size}"));
            let got = get(&mut session, path, way).await;
            assert!(got == content(size), "we of them: {way:?} {size}");
        }
    }
}

fn file_url(path: &Path) -> String {
    format!("file://{}", path.display())
}

#[tokio::test]
async fn globus_url_copy_and_we_read_each_other() {
    let server = Server::start("gridftp");
    let lists = tempfile::tempdir().unwrap();
    each_reads_the_other(&server, |streams, from, to| {
        let list = lists.path().join("list");
        let pair = |size| format!("{from}/{size} {to}/{size}\n");
        std::fs::write(&list, SIZES.map(pair).concat()).unwrap();
        let mut arguments = vec!["-f", list.to_str().unwrap()];
        if !streams.is_empty() {
            arguments.extend(["-p", streams]);
        }
        run(&server, "globus-url-copy", &arguments);
    })
    .await;
    streams_were_used(&server).await;
}

/// Between a server and a file it uses one connection, whatever it is told; we use all.
#[tokio::test]
async fn gfal_and_we_read_each_other_and_agree_on_checksums() {
    let server = Server::start("gridftp");
    each_reads_the_other(&server, |streams, from, to| {
        let mut arguments = vec!["-f", "-r", "-K", "ADLER32"];
        if !streams.is_empty() {
            arguments.extend(["-n", streams]);
        }
        arguments.extend([from, to]);
        run(&server, "gfal-copy", &arguments);
    })
    .await;
    let mut session = server.session().await;
    let said = run(
        &server,
        "gfal-sum",
        &[&url(&server, "ours2/3000001"), "ADLER32"],
    );
    let path = server.path("theirs2/3000001");
    let sum = session.checksum(&path, "ADLER32", 0, None).await.unwrap();
    assert!(said.trim().ends_with(&sum), "{said} {sum}");
}

/// Both of us did use so many connections, in both directions.
async fn streams_were_used(server: &Server) {
    let log = server.log_with("TRANSFERS", "STREAMS=16").await;
    for streams in [1, 4, 16] {
        for (kind, directory) in [("STOR", "ours"), ("STOR", "theirs"), ("RETR", "ours")] {
            let used = log.lines().any(|line| {
                line.contains(&format!("STREAMS={streams} "))
                    && line.contains(&format!("TYPE={kind} CODE=226"))
                    && line.contains(&format!("/{directory}"))
            });
            assert!(used, "{kind} {directory} {streams}");
        }
    }
}

/// They copy a part of a file, to where it is in the other one.
fn copy_part(server: &Server, from: &str, to: &str, part: Part) {
    let (offset, length) = (part.offset.to_string(), part.length.to_string());
    let arguments = ["-off", &offset, "-len", &length, from, to];
    run(server, "globus-url-copy", &arguments);
}

async fn get_part(session: &mut Session, path: String, way: Way, part: Part) -> Vec<u8> {
    let mut plan = DownloadPlan::new(path, way);
    plan.part = Some(part);
    let mut download = Download::start(session, &plan).await.unwrap();
    let mut got = Vec::new();
    while let Some(piece) = download.next().await.unwrap() {
        got.extend_from_slice(&piece.data);
    }
    got
}

fn read_part(path: &Path, part: Part) -> Vec<u8> {
    let mut got = vec![0; part.length as usize];
    let file = File::open(path).unwrap();
    file.read_exact_at(&mut got, part.offset).unwrap();
    got
}

/// Five gigabytes, of which we send the few pieces that hold something; they and we read them at their places.
#[tokio::test]
async fn pieces_of_a_large_sparse_file_are_where_they_belong() {
    const SIZE: u64 = 5 << 30;
    const PIECE: u64 = 1 << 20;
    /// Both ends, and across those of numbers of 31 and 32 bits, in the middle of a block.
    const PLACES: [u64; 4] = [0, (1 << 31) - 100_000, (1 << 32) - 100_000, SIZE - PIECE];
    let part_at = |offset| Part {
        offset,
        length: PIECE,
    };
    let piece = content(PIECE as usize);
    let server = Server::start("gridftp");
    let mut session = server.session().await;
    let way = Way::Blocks { streams: 4 };
    let plan = UploadPlan::new(server.path("large"), way);
    let mut upload = Upload::start(&mut session, &plan).await.unwrap();
    for place in PLACES {
        upload.write(place, piece.clone()).await.unwrap();
    }
    upload.finish().await.unwrap();
    assert_eq!(std::fs::metadata(server.path("large")).unwrap().len(), SIZE);

    let local = tempfile::tempdir().unwrap();
    let here = local.path().join("here");
    for place in PLACES {
        copy_part(
            &server,
            &url(&server, "large"),
            &file_url(&here),
            part_at(place),
        );
        assert!(read_part(&here, part_at(place)) == piece, "they at {place}");
        let got = get_part(&mut session, server.path("large"), way, part_at(place)).await;
        assert!(got == piece, "we at {place}");
    }
    // Nothing came in between.
    for hole in [
        PIECE,
        PLACES[1] + PIECE,
        PLACES[2] + PIECE,
        SIZE - 2 * PIECE,
    ] {
        let got = get_part(&mut session, server.path("large"), way, part_at(hole)).await;
        assert!(got == vec![0; PIECE as usize], "at {hole}");
    }
}

/// Five gigabytes, of which each side writes the end and the other one reads it.
#[tokio::test]
async fn the_end_of_a_large_file_is_where_it_belongs() {
    const SIZE: u64 = 5 << 30;
    const TAIL: usize = 1 << 20;
    const BEGIN: u64 = SIZE - TAIL as u64;
    const END: Part = Part {
        offset: BEGIN,
        length: TAIL as u64,
    };
    let server = Server::start("gridftp");
    let mut session = server.session().await;
    let local = tempfile::tempdir().unwrap();
    let here = local.path().join("here");
    let file = file_url(&here);
    for streams in [1, 4] {
        let way = Way::Blocks { streams };
        std::fs::write(server.path("ours"), b"").unwrap();
        let mut plan = UploadPlan::new(server.path("ours"), way);
        plan.already = Ranges::of(0..BEGIN);
        let mut upload = Upload::start(&mut session, &plan).await.unwrap();
        upload.write(BEGIN, content(TAIL)).await.unwrap();
        upload.finish().await.unwrap();
        assert_eq!(std::fs::metadata(server.path("ours")).unwrap().len(), SIZE);
        copy_part(&server, &url(&server, "ours"), &file, END);
        assert!(read_part(&here, END) == content(TAIL), "{streams}");

        // What they left here, at its place, goes back to the server as theirs.
        copy_part(&server, &file, &url(&server, "theirs"), END);
        let got = get_part(&mut session, server.path("theirs"), way, END).await;
        assert!(got == content(TAIL), "{streams}");
        std::fs::remove_file(&here).unwrap();
        std::fs::remove_file(server.path("theirs")).unwrap();
    }
}
