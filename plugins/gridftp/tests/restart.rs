//! Copies that break on the way are taken up again from the receiver's markers: one of two real
//! servers loses the process that serves the copy.

mod support;

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use causeway_sdk::{CopyRequest, ProgressSink, Storage};
use support::{Server, request};

/// Large enough to be caught on the way; sparse, so that only the copy costs disk.
const SIZE: u64 = 768 << 20;
/// Where the file holds something else than zeros.
const PLACES: [u64; 4] = [0, 5 << 20, 400 << 20, SIZE - 8];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_that_breaks_does_not_send_again_what_was_confirmed() {
    broken_and_taken_up(|source, _| source.workers()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_destination_that_breaks_does_not_get_again_what_it_confirmed() {
    broken_and_taken_up(|_, destination| destination.workers()).await;
}

/// Copies, ends the processes that `victims` names after the first bytes were confirmed, and looks
/// at what arrived and what was sent.
async fn broken_and_taken_up(victims: impl Fn(&Server, &Server) -> Vec<u32>) {
    let (one, other) = (Server::start("gridftp"), Server::start("gridftp"));
    let file = File::create(one.file("a")).unwrap();
    file.set_len(SIZE).unwrap();
    for place in PLACES {
        file.write_all_at(b"contents", place).unwrap();
    }
    let storage = Arc::new(other.storage(""));
    let confirmed = Arc::new(AtomicU64::new(0));
    let hears = confirmed.clone();
    let sink = ProgressSink::new(move |it| {
        hears.fetch_max(it.bytes, Ordering::Relaxed);
    });
    let request = CopyRequest {
        size: Some(SIZE),
        ..request(&one, one.url("a"), other.url("b"))
    };
    let cx = other.cx();
    let copying = tokio::spawn(async move { storage.copy(&cx, request, sink).await });
    until(|| std::fs::metadata(other.file("b")).is_ok_and(|it| it.len() > 0)).await;
    // The source rests until the receiver, which speaks every five seconds, has confirmed something.
    signal("STOP", &one.workers());
    until(|| confirmed.load(Ordering::Relaxed) > 0 || copying.is_finished()).await;
    assert!(!copying.is_finished(), "too fast: {:?}", copying.await);
    signal("KILL", &victims(&one, &other));
    signal("CONT", &one.workers());
    copying.await.unwrap().unwrap();

    let confirmed = confirmed.load(Ordering::Relaxed);
    assert_eq!(confirmed, SIZE);
    let compared = Command::new("cmp")
        .args([one.file("a"), other.file("b")])
        .status();
    assert!(compared.unwrap().success());
    let log = one.log("LOG");
    assert_eq!(log.matches("[CLIENT]: RETR").count(), 2, "{log}");
    assert_eq!(log.matches("[CLIENT]: REST 0-").count(), 1, "{log}");
    let sent: u64 = sizes(&one.log("TRANSFERS")).into_iter().max().unwrap();
    assert!(sent < SIZE, "{sent} bytes were sent after the restart");
}

/// Bytes of the transfers in a server's log.
fn sizes(log: &str) -> Vec<u64> {
    let fields = log.split_whitespace();
    let sizes = fields.filter_map(|it| it.strip_prefix("NBYTES="));
    sizes.map(|it| it.parse().unwrap()).collect()
}

async fn until(is_so: impl Fn() -> bool) {
    for _ in 0..60_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!("it did not come so far");
}

fn signal(name: &str, processes: &[u32]) {
    for process in processes {
        let sent = Command::new("kill")
            .args(["-s", name, &process.to_string()])
            .status();
        // One that has ended by itself is fine.
        sent.unwrap();
    }
}
