//! Submitting and polling mock transfers: the service without the data.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use causeway_tests::{Gateway, GatewayOptions};
use hyper::Method;

use crate::flood::{flood, held};
use crate::line::{Line, id_of, job, wait};
use crate::report::{Report, median};
use crate::states::States;

/// A gateway with one limit only: the machine.
pub(crate) fn unlimited() -> GatewayOptions {
    let limits = [
        "LINK_MAX_ACTIVE",
        "INBOUND_MAX_ACTIVE",
        "OUTBOUND_MAX_ACTIVE",
        "MAX_ACTIVE",
        "TRANSFERS_PER_WORKER",
    ];
    limits.iter().fold(quiet(), |options, limit| {
        options.env(&format!("CAUSEWAY__ENGINE__{limit}"), "100000")
    })
}

/// A gateway with one slot, see [`block`].
pub(crate) fn narrow() -> GatewayOptions {
    quiet().env("CAUSEWAY__ENGINE__MAX_ACTIVE", "1")
}

pub(crate) fn quiet() -> GatewayOptions {
    GatewayOptions::default()
        .env("CAUSEWAY__LOG__LEVEL", "warn")
        .env("CAUSEWAY__OPTIMIZER__ENABLED", "false")
}

/// Takes the one slot for a day: what comes after is accepted and kept, and not started.
pub(crate) async fn block(host: &str) {
    let mut line = Line::open(host).await;
    let id = id_of(
        &line
            .call(Method::POST, "/jobs", job(9_999_999, 1, 86_400))
            .await,
    );
    let path = format!("/jobs/{id}");
    let start = Instant::now();
    while line.json(&path).await["job_state"] != "ACTIVE" {
        assert!(start.elapsed() < Duration::from_secs(30), "nothing starts");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Host and port of its plain listener.
pub(crate) fn host_of(gateway: &Gateway) -> String {
    gateway.plain().trim_start_matches("http://").to_owned()
}

/// Runs every load.
pub(crate) async fn run(report: &mut Report, states: &States) {
    for transfers in [2_000, 10_000] {
        // A new one each time: memory that was freed is not always given back, and would hide some.
        let state = states.fresh();
        let gateway = Gateway::start(&state, &unlimited());
        held(report, &host_of(&gateway), gateway.pid(), transfers).await;
    }
    let state = states.fresh();
    let gateway = Gateway::start(&state, &unlimited());
    let host = host_of(&gateway);
    latency(report, &host).await;
    polls(report, &host).await;
    for (jobs, transfers) in [(1, 1000), (100, 100), (10, 1000), (10_000, 1), (100, 1000)] {
        flood(report, &host, gateway.pid(), jobs, transfers).await;
    }
    drop(gateway);
    let state = states.fresh();
    let gateway = Gateway::start(&state, &narrow());
    let host = host_of(&gateway);
    block(&host).await;
    submissions(report, &host).await;
}

/// Submission to FINISHED on an idle gateway, seen by a client that polls every millisecond.
async fn latency(report: &mut Report, host: &str) {
    let mut line = Line::open(host).await;
    let (mut posts, mut ends) = (Vec::new(), Vec::new());
    for number in 0..200 {
        let start = Instant::now();
        let id = id_of(&line.call(Method::POST, "/jobs", job(number, 1, 0)).await);
        posts.push(start.elapsed().as_secs_f64() * 1000.0);
        wait(&mut line, &id).await;
        ends.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    report.add(
        "POST one transfer, 1 connection, p50",
        median(&mut posts),
        "ms",
    );
    report.add("submit to FINISHED, idle, p50", median(&mut ends), "ms");
}

/// Accepting jobs that are not started meanwhile: of one transfer over 16 connections, and of 1,000
/// over one.
async fn submissions(report: &mut Report, host: &str) {
    const JOBS: usize = 10_000;
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (next, host) = (next.clone(), host.to_owned());
            tokio::spawn(async move {
                let mut line = Line::open(&host).await;
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= JOBS {
                        return;
                    }
                    line.call(Method::POST, "/jobs", job(2_000_000 + number, 1, 0))
                        .await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a load task does not panic");
    }
    report.add(
        "POST one transfer, 16 connections",
        JOBS as f64 / start.elapsed().as_secs_f64(),
        "jobs/s",
    );
    let mut line = Line::open(host).await;
    let bodies: Vec<Bytes> = (0..50)
        .map(|number| job(3_000_000 + number, 1000, 0))
        .collect();
    let start = Instant::now();
    for body in bodies {
        line.call(Method::POST, "/jobs", body).await;
    }
    report.add(
        "bulk POST of 1,000 transfers, 1 connection",
        50_000.0 / start.elapsed().as_secs_f64(),
        "transfers/s",
    );
}

/// Reading one job, with some ten thousands behind it.
async fn polls(report: &mut Report, host: &str) {
    const READS: usize = 20_000;
    let mut line = Line::open(host).await;
    let id = id_of(&line.call(Method::POST, "/jobs", job(4_000_000, 1, 0)).await);
    let big = id_of(
        &line
            .call(Method::POST, "/jobs", job(4_000_001, 1000, 0))
            .await,
    );
    wait(&mut line, &id).await;
    wait(&mut line, &big).await;
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (next, host, path) = (next.clone(), host.to_owned(), format!("/jobs/{id}"));
            tokio::spawn(async move {
                let mut line = Line::open(&host).await;
                while next.fetch_add(1, Ordering::Relaxed) < READS {
                    line.call(Method::GET, &path, Bytes::new()).await;
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a load task does not panic");
    }
    report.add(
        "GET one job, 16 connections",
        READS as f64 / start.elapsed().as_secs_f64(),
        "reads/s",
    );
    let mut times = Vec::new();
    for _ in 0..50 {
        let start = Instant::now();
        line.call(Method::GET, &format!("/jobs/{big}/files"), Bytes::new())
            .await;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    report.add(
        "GET the files of a job of 1,000, p50",
        median(&mut times),
        "ms",
    );
}
