//! Many mock transfers at once: how fast, for how much CPU time and memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::Method;

use crate::line::{Line, id_of, job, wait, wait_for_all};
use crate::processes;
use crate::report::Report;

/// Longest wait for transfers to start.
const LIMIT: Duration = Duration::from_secs(15);

/// Mock transfers from the first submission to the last FINISHED, states durable.
pub(crate) async fn flood(
    report: &mut Report,
    host: &str,
    pid: u32,
    jobs: usize,
    transfers: usize,
) {
    static ROUND: AtomicUsize = AtomicUsize::new(5_000_000);
    let base = ROUND.fetch_add(100_000, Ordering::Relaxed);
    let bodies: Vec<Bytes> = (0..jobs)
        .map(|number| job(base + number, transfers, 0))
        .collect();
    let before = processes::cpu_seconds(pid);
    let start = Instant::now();
    let next = Arc::new(AtomicUsize::new(0));
    let bodies = Arc::new(bodies);
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (next, bodies, host) = (next.clone(), bodies.clone(), host.to_owned());
            tokio::spawn(async move {
                let mut line = Line::open(&host).await;
                let mut ids = Vec::new();
                while let Some(body) = bodies.get(next.fetch_add(1, Ordering::Relaxed)) {
                    ids.push(id_of(&line.call(Method::POST, "/jobs", body.clone()).await));
                }
                ids
            })
        })
        .collect();
    let mut ids = Vec::new();
    for task in tasks {
        ids.extend(task.await.expect("a load task does not panic"));
    }
    let mut line = Line::open(host).await;
    wait_for_all(&mut line).await;
    for id in ids.iter().step_by(100) {
        wait(&mut line, id).await;
    }
    let all = (jobs * transfers) as f64;
    let name = format!("mock transfers completed, {jobs} jobs of {transfers}");
    report.add(&name, all / start.elapsed().as_secs_f64(), "transfers/s");
    let spent = processes::cpu_seconds(pid) - before;
    let name = format!("CPU for 1,000 transfers, {jobs} jobs of {transfers}");
    report.add(&name, spent * 1000.0 / all, "s");
}

/// Memory of transfers that run at the same time, of the gateway with its workers.
pub(crate) async fn held(report: &mut Report, host: &str, pid: u32, transfers: usize) {
    const JOB: usize = 100;
    const SECONDS: u32 = 20;
    let idle = processes::resident_kib(pid);
    let mut line = Line::open(host).await;
    let mut ids = Vec::new();
    for number in 0..transfers / JOB {
        let body = job(1_000_000 * transfers + number, JOB, SECONDS);
        ids.push(id_of(&line.call(Method::POST, "/jobs", body).await));
    }
    let start = Instant::now();
    let last = ids.last().expect("there are jobs");
    while line.json(&format!("/jobs/{last}")).await["job_state"] != "ACTIVE" {
        assert!(start.elapsed() < LIMIT, "the transfers do not start");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let taken = processes::resident_kib(pid) - idle;
    let name = format!("memory per active transfer, {transfers} at a time");
    report.add(&name, taken / transfers as f64, "KiB");
    for id in ids {
        wait(&mut line, &id).await;
    }
}
