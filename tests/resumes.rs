//! kill -9 of the gateway while it writes to, and while it reads from, a storage of each kind: what
//! had arrived is gone on with where the destination can do that, and everything ends well.

use std::time::{Duration, Instant};

use causeway_tests::GatewayOptions;
use causeway_tests::data::content;
use causeway_tests::depots::{Depots, KINDS};
use causeway_tests::drip::Drip;
use causeway_tests::processes::until;
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(180);
const MIB: u64 = 1 << 20;
/// How a file is cut.
const PIECE: u64 = MIB;
/// More than one part of an upload, and no whole number of pieces.
const UPLOAD: usize = (24 << 20) + 1;
/// What a source has sent of it when the gateway is killed.
const SENT: u64 = 20 * MIB;
const DOWNLOAD: usize = (64 << 20) + 1;
/// Pieces of it that have arrived when the gateway is killed.
const ARRIVED: usize = 5;
/// Pieces that the writer may have taken of these and not yet written: a slow disk loses them with the process,
/// and they are read again.
const TAKEN: usize = 3;
/// What is never read again.
const KEPT: u64 = (ARRIVED - TAKEN) as u64 * PIECE;
/// A file that had arrived before the kill is tried again so often.
const ROUNDS: usize = 5;

fn resuming() -> GatewayOptions {
    GatewayOptions::default()
        .env("CAUSEWAY__ENGINE__PEER_COPIES", "none")
        .env("CAUSEWAY__ENGINE__RETRY_DELAY_SECONDS", "1")
        .env("CAUSEWAY__ENGINE__RESUME_MIN_BYTES", MIB.to_string())
        .env("CAUSEWAY__ENGINE__STREAM_RANGE_BYTES", PIECE.to_string())
}

/// Submits a transfer that is tried again.
fn submit(depots: &Depots, source: &str, destination: &str) -> String {
    let file = json!({ "sources": [source], "destinations": [destination] });
    let job = json!({ "files": [file], "params": { "retry": 3 } });
    let answer = depots.grid.submit_as("alice.proxy", &job).expect(200);
    answer["job_id"].as_str().expect("a job id").to_owned()
}

async fn is_active(depots: &Depots, job: &str) -> bool {
    depots.grid.gateway.get(&format!("/jobs/{job}")).await["job_state"] == "ACTIVE"
}

/// How many bytes a transfer took over after the kill; `None` when it began anew, or had ended before.
async fn went_on(depots: &Depots, job: &str, size: usize) -> Option<u64> {
    let done = depots.grid.done(job).await;
    let log = done.finished().log_with("Transfer finished");
    let line = log.lines().find_map(|it| it.split_once("Resuming: "));
    let (_, line) = line?;
    let mut words = line.split_whitespace();
    let mut number = || words.find_map(|it| it.parse::<u64>().ok());
    let (there, whole) = (number().expect("a size"), number().expect("a size"));
    assert_eq!(whole, size as u64, "{line}");
    assert!(there > 0 && there < whole, "{line}");
    Some(there)
}

/// From a source that sends a part of its file and waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_kill_interrupts_ends_well() {
    let depots = Depots::with(resuming());
    let bytes = content(UPLOAD);
    let mut jobs = Vec::new();
    for kind in KINDS {
        let drip = Drip::start(bytes.clone(), Duration::from_millis(5));
        drip.stop_after(SENT);
        let id = submit(&depots, &drip.url(), &depots.url(kind, "killed"));
        jobs.push((kind, drip, id));
    }
    until(LIMIT, "the middle of all files", || {
        let middle = |(_, drip, _): &(&str, Drip, String)| drip.served() >= SENT;
        // Of what was sent some is on its way, and some in pieces that are not whole.
        let is_halfway = jobs.iter().all(middle) && depots.pieces(&jobs[0].2) >= ARRIVED;
        // Parts of an object, and a file under a temporary name.
        is_halfway && depots.written_down() == 2
    });
    for (kind, drip, id) in &jobs {
        assert!(is_active(&depots, id).await, "{kind}");
        assert!(drip.starts().contains(&0), "{kind}");
    }
    let (uploads, files) = (depots.unfinished_uploads(), unfinished_files(&depots));
    assert_eq!((uploads.len(), files.len()), (1, 1));
    let depots = depots.restarted();
    for (kind, drip, id) in &jobs {
        drip.stop_after(u64::MAX);
        depots.grid.gateway.wait(id, LIMIT).await;
        depots.grid.done(id).await.finished();
        let stored = depots.stored(kind, "killed");
        assert!(stored.as_deref() == Some(&bytes[..]), "{kind}");
        let starts = drip.starts();
        if *kind == "file" {
            assert!(
                !starts.contains(&0),
                "read again from its start: {starts:?}"
            );
            let there = went_on(&depots, id, UPLOAD).await;
            assert!(there.expect("it began anew") >= KEPT);
        }
    }
    // What the killed process has left is removed when its storage is written to again, and nobody
    // else has left anything.
    until(LIMIT, "the end of what was left", || {
        depots.unfinished_uploads().is_empty() && unfinished_files(&depots).is_empty()
    });
}

/// Files of uploads that have not ended, on the disk of the FTP server.
fn unfinished_files(depots: &Depots) -> Vec<String> {
    let dir = depots.server("ftp").data("");
    let entries = std::fs::read_dir(dir).expect("the server's directory");
    let names = entries.flatten().map(|it| it.file_name());
    let names = names.map(|it| it.to_string_lossy().into_owned());
    names.filter(|it| it.starts_with(".causeway-")).collect()
}

/// Nothing holds a real server back, so a file may have arrived as a whole before the kill: it is looked every
/// few milliseconds whether some of it has, and another round is made when it was too late.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_before_a_kill_is_not_read_again() {
    let mut depots = Depots::with(resuming());
    let bytes = content(DOWNLOAD);
    depots.put("seed", &bytes);
    let local = depots.url("file", "seed");
    for kind in KINDS.into_iter().filter(|it| *it != "file") {
        let there = depots.url(kind, "seed");
        let stored = depots.grid.transfer(&local, &there, json!({})).await;
        stored.finished();
        let mut taken_over = None;
        for round in 0..ROUNDS {
            let name = format!("from-{kind}-{round}");
            let id = submit(&depots, &there, &depots.url("file", &name));
            in_the_middle(&depots, &id).await;
            depots = depots.restarted();
            depots.grid.gateway.wait(&id, LIMIT).await;
            let stored = depots.stored("file", &name);
            assert!(stored.as_deref() == Some(&bytes[..]), "{kind}");
            taken_over = went_on(&depots, &id, DOWNLOAD).await;
            if taken_over.is_some() {
                break;
            }
        }
        let there = taken_over.unwrap_or_else(|| panic!("{kind}: it always began anew"));
        assert!(there >= KEPT, "{kind}: {there} bytes");
    }
}

/// Waits until some of a file has arrived. It may have ended in the next moment.
async fn in_the_middle(depots: &Depots, job: &str) {
    let start = Instant::now();
    while depots.pieces(job) < ARRIVED {
        let answer = depots.grid.gateway.get(&format!("/jobs/{job}")).await;
        if answer["job_state"] == "FINISHED" {
            return;
        }
        assert!(start.elapsed() < LIMIT, "{answer}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
