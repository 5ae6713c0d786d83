//! Submitting, polling and completing mock transfers: the service without the data.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use causeway_tests::{Gateway, GatewayOptions};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::report::{Report, median};

/// Longest wait for a flood to end.
const LIMIT: Duration = Duration::from_secs(300);

/// Runs every load.
pub(crate) async fn run(report: &mut Report) {
    let state = tempfile::tempdir().expect("a temporary directory");
    let options = GatewayOptions::default()
        .env("CAUSEWAY__LOG__LEVEL", "warn")
        .env("CAUSEWAY__ENGINE__LINK_MAX_ACTIVE", "100000")
        .env("CAUSEWAY__ENGINE__INBOUND_MAX_ACTIVE", "100000")
        .env("CAUSEWAY__ENGINE__OUTBOUND_MAX_ACTIVE", "100000");
    let gateway = Gateway::start(state.path(), &options);
    let plain = gateway.plain().trim_start_matches("http://").to_owned();

    latency(report, &plain).await;
    held(report, &plain, gateway.pid()).await;
    submissions(report, &plain).await;
    polls(report, &plain).await;
    flood(report, &plain, 100, 100).await;
    flood(report, &plain, 10, 1000).await;
    flood(report, &plain, 10_000, 1).await;
}

/// One connection to the gateway.
struct Line {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Line {
    async fn open(host: &str) -> Self {
        let stream = TcpStream::connect(host).await.expect("the gateway listens");
        stream.set_nodelay(true).expect("loopback takes the option");
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .expect("the gateway speaks HTTP");
        tokio::spawn(connection);
        Self {
            sender,
            host: host.to_owned(),
        }
    }

    async fn call(&mut self, method: Method, path: &str, body: Bytes) -> Bytes {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(Full::new(body))
            .expect("a request can be built");
        self.sender
            .ready()
            .await
            .expect("the gateway keeps the connection");
        let response = self
            .sender
            .send_request(request)
            .await
            .expect("the gateway answers");
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .expect("the answer arrives")
            .to_bytes();
        assert!(
            status.is_success(),
            "{path}: {status} {}",
            String::from_utf8_lossy(&body)
        );
        body
    }

    async fn json(&mut self, path: &str) -> Value {
        let body = self.call(Method::GET, path, Bytes::new()).await;
        serde_json::from_slice(&body).expect("the answer is JSON")
    }
}

/// A job of mock transfers that take so many seconds.
fn job(number: usize, transfers: usize, seconds: u32) -> Bytes {
    job_with(number, transfers, seconds, &json!({}))
}

/// The same, waiting for tape: accepted and kept, but not started.
fn waiting_job(number: usize, transfers: usize) -> Bytes {
    job_with(number, transfers, 0, &json!({ "bring_online": 86_400 }))
}

fn job_with(number: usize, transfers: usize, seconds: u32, params: &Value) -> Bytes {
    let files: Vec<Value> = (0..transfers)
        .map(|index| {
            json!({
                "sources": [format!("mock://a.example/{number}/{index}?size=1000")],
                "destinations": [format!("mock://b.example/{number}/{index}?size_post=1000&time={seconds}")],
            })
        })
        .collect();
    json!({ "files": files, "params": params })
        .to_string()
        .into()
}

fn id_of(answer: &[u8]) -> String {
    let answer: Value = serde_json::from_slice(answer).expect("the answer is JSON");
    answer["job_id"].as_str().expect("a job id").to_owned()
}

async fn wait(line: &mut Line, id: &str) {
    let start = Instant::now();
    while !matches!(
        line.json(&format!("/jobs/{id}")).await["job_state"].as_str(),
        Some("FINISHED")
    ) {
        assert!(start.elapsed() < LIMIT, "job {id} has not finished");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
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

/// Memory of transfers that run at the same time.
async fn held(report: &mut Report, host: &str, pid: u32) {
    const HELD: usize = 2000;
    let idle = resident_kib(pid);
    let mut line = Line::open(host).await;
    let mut ids = Vec::new();
    for number in 0..20 {
        ids.push(id_of(
            &line
                .call(Method::POST, "/jobs", job(1_000_000 + number, HELD / 20, 8))
                .await,
        ));
    }
    let start = Instant::now();
    loop {
        let active = line
            .json("/files?state_in=ACTIVE&limit=1000")
            .await
            .as_array()
            .map_or(0, Vec::len);
        if active == 1000 || start.elapsed() > Duration::from_secs(6) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    report.add(
        "memory per active transfer, 2,000 at a time",
        (resident_kib(pid) - idle) / HELD as f64,
        "KiB",
    );
    for id in ids {
        wait(&mut line, &id).await;
    }
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
                    line.call(Method::POST, "/jobs", waiting_job(2_000_000 + number, 1))
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
        .map(|number| waiting_job(3_000_000 + number, 1000))
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

/// Mock transfers from the first submission to the last FINISHED, states durable.
async fn flood(report: &mut Report, host: &str, jobs: usize, transfers: usize) {
    static ROUND: AtomicUsize = AtomicUsize::new(5_000_000);
    let base = ROUND.fetch_add(100_000, Ordering::Relaxed);
    let bodies: Vec<Bytes> = (0..jobs)
        .map(|number| job(base + number, transfers, 0))
        .collect();
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
    for id in &ids {
        wait(&mut line, id).await;
    }
    let all = (jobs * transfers) as f64;
    let name = format!("mock transfers completed, {jobs} jobs of {transfers}");
    report.add(&name, all / start.elapsed().as_secs_f64(), "transfers/s");
}

/// Resident memory of a process in KiB.
fn resident_kib(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the gateway runs");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("Linux tells the memory");
    line.split_whitespace()
        .nth(1)
        .and_then(|it| it.parse().ok())
        .expect("a number")
}
