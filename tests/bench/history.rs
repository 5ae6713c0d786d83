//! A store with history: what a start and the daily calls cost with nothing and with much behind.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use causeway_tests::Gateway;
use hyper::Method;

use crate::line::{Line, id_of, job, wait_for_all};
use crate::load::{block, host_of, narrow, unlimited};
use crate::processes;
use crate::report::{Report, median};

/// Transfers of one job that fills the store.
const JOB: usize = 1000;
/// Transfers that have run before the others come.
const FINISHED: usize = 900_000;
/// Transfers in the end.
const STORED: usize = 1_000_000;
/// Calls of each kind.
const CALLS: usize = 200;

/// Fills a store and measures on the way.
pub(crate) async fn run(report: &mut Report) {
    let state = tempfile::tempdir().expect("a temporary directory");
    let gateway = Gateway::start(state.path(), &unlimited());
    calls(report, &host_of(&gateway), 0).await;
    fill(&host_of(&gateway), 0..FINISHED, true).await;
    stop(gateway);

    let gateway = Gateway::start(state.path(), &narrow());
    let host = host_of(&gateway);
    block(&host).await;
    calls(report, &host, FINISHED).await;
    fill(&host, FINISHED..STORED, false).await;
    calls(report, &host, STORED).await;
    let memory = processes::resident_kib(gateway.pid()) / 1024.0;
    let name = format!("memory of gateway and workers, {STORED} files stored");
    report.add(&name, memory, "MiB");
    stop(gateway);
    start(report, state.path());
}

fn stop(gateway: Gateway) {
    gateway.signal("TERM");
    gateway.ended(Duration::from_secs(60));
}

/// Stores transfers; waits until they have ended when asked so.
async fn fill(host: &str, range: std::ops::Range<usize>, ends: bool) {
    let mut line = Line::open(host).await;
    for first in range.step_by(JOB) {
        line.call(Method::POST, "/jobs", job(first, JOB, 0)).await;
    }
    if ends {
        wait_for_all(&mut line).await;
    }
}

/// The calls that clients make all day; their growth is what counts.
async fn calls(report: &mut Report, host: &str, stored: usize) {
    let mut line = Line::open(host).await;
    let mut ids = Vec::new();
    let posts = |index: usize| job(10_000_000 + stored + index, 1, 0);
    let submit = timed(&mut line, |index| {
        (Method::POST, "/jobs".into(), posts(index))
    });
    let mut times = submit.await;
    for index in 0..20 {
        let body = job(20_000_000 + stored + index, 1, 0);
        ids.push(id_of(&line.call(Method::POST, "/jobs", body).await));
    }
    let mut add = |what: &str, times: &mut [f64]| {
        let name = format!("{what}, p50, {stored} files stored");
        report.add(&name, median(times), "ms");
    };
    add("POST one transfer", &mut times);
    let get = |path: String| (Method::GET, path, Bytes::new());
    let mut times = timed(&mut line, |i| get(format!("/jobs/{}", ids[i % ids.len()]))).await;
    add("GET one job", &mut times);
    let vo = line.json(&format!("/jobs/{}", ids[0])).await["vo_name"].clone();
    let vo = vo.as_str().expect("a job has a VO");
    let path = format!("/jobs?state_in=SUBMITTED,FINISHED&vo_name={vo}&limit=100");
    let mut times = timed(&mut line, |_| get(path.clone())).await;
    add("GET 100 jobs by state and VO", &mut times);
}

async fn timed(line: &mut Line, call: impl Fn(usize) -> (Method, String, Bytes)) -> Vec<f64> {
    let mut times = Vec::new();
    for index in 0..CALLS {
        let (method, path, body) = call(index);
        let start = Instant::now();
        line.call(method, &path, body).await;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times
}

/// Start of the gateway until it listens, with its workers ready.
fn start(report: &mut Report, state: &Path) {
    let empty = tempfile::tempdir().expect("a temporary directory");
    // Makes its certificates, which a second start finds.
    drop(Gateway::start(empty.path(), &narrow()));
    for (state, files) in [(empty.path(), 0), (state, STORED)] {
        let begin = Instant::now();
        let gateway = Gateway::start(state, &narrow());
        let seconds = begin.elapsed().as_secs_f64();
        let name = format!("start until it listens, {files} files stored");
        report.add(&name, seconds, "s");
        drop(gateway);
    }
}
