//! kill -9 of the gateway while it writes to, and while it reads from, a storage of each kind: what
//! had arrived is gone on with where the destination can do that, and everything ends well.

use std::time::Duration;

use causeway_tests::GatewayOptions;
use causeway_tests::data::content;
use causeway_tests::depots::{Depots, KINDS};
use causeway_tests::drip::Drip;
use causeway_tests::processes::{family_of, signal_all, until};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(400);
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
/// Real servers run for this long, and are stopped for that long.
const RUN: Duration = Duration::from_millis(25);
const REST: Duration = Duration::from_millis(40);

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

/// Expects a transfer that went on after the kill: how many bytes it took over.
async fn went_on(depots: &Depots, job: &str, size: usize) -> u64 {
    let done = depots.grid.done(job).await;
    let log = done.finished().log_with("Transfer finished");
    let line = log.lines().find_map(|it| it.split_once("Resuming: "));
    let (_, line) = line.unwrap_or_else(|| panic!("it began anew: {log}"));
    let mut words = line.split_whitespace();
    let mut number = || words.find_map(|it| it.parse::<u64>().ok());
    let (there, whole) = (number().expect("a size"), number().expect("a size"));
    assert_eq!(whole, size as u64, "{line}");
    assert!(there > 0 && there < whole, "{line}");
    there
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
            assert!(went_on(&depots, id, UPLOAD).await >= ARRIVED as u64 * PIECE);
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

/// Real servers are slowed down by stopping their processes most of the time, so that it is sure
/// that the gateway is killed in the middle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_before_a_kill_is_not_read_again() {
    let depots = Depots::with(resuming());
    let bytes = content(DOWNLOAD);
    depots.put("seed", &bytes);
    let sources = KINDS.into_iter().filter(|it| *it != "file");
    let sources: Vec<&str> = sources.collect();
    let local = depots.url("file", "seed");
    for kind in &sources {
        let there = depots.url(kind, "seed");
        let stored = depots.grid.transfer(&local, &there, json!({})).await;
        stored.finished();
    }
    let mut jobs = Vec::new();
    for kind in sources {
        let to = depots.url("file", &format!("from-{kind}"));
        let id = submit(&depots, &depots.url(kind, "seed"), &to);
        let leader = depots.server(kind).value("PID").parse::<u32>();
        jobs.push((kind, leader.expect("the PID of a server"), id));
    }
    let all = || jobs.iter().flat_map(|(_, leader, _)| family_of(*leader));
    until(LIMIT, "the middle of all files", || {
        let early = jobs.iter().filter(|it| depots.pieces(&it.2) < ARRIVED);
        let early = early.flat_map(|(_, leader, _)| family_of(*leader));
        let early: Vec<u32> = early.collect();
        if !early.is_empty() {
            signal_all(&early, "CONT");
            std::thread::sleep(RUN);
        }
        // New ones, too.
        signal_all(&all().collect::<Vec<_>>(), "STOP");
        std::thread::sleep(REST);
        early.is_empty()
    });
    for (kind, _, id) in &jobs {
        assert!(is_active(&depots, id).await, "{kind}");
    }
    let leaders: Vec<u32> = all().collect();
    let depots = depots.restarted();
    signal_all(&leaders, "CONT");
    for (kind, _, id) in &jobs {
        depots.grid.gateway.wait(id, LIMIT).await;
        let there = went_on(&depots, id, DOWNLOAD).await;
        assert!(there >= ARRIVED as u64 * PIECE, "{kind}: {there} bytes");
        let stored = depots.stored("file", &format!("from-{kind}"));
        assert!(stored.as_deref() == Some(&bytes[..]), "{kind}");
    }
}
