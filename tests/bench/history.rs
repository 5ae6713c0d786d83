//! A store with history: what a start and the daily calls cost with nothing and with much behind.

use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use causeway_tests::Gateway;
use hyper::Method;

use crate::line::{Line, id_of, job, wait_for_all};
use crate::load::{block, host_of, narrow, unlimited};
use crate::processes;
use crate::report::Report;
use crate::states::States;

/// Transfers of one job that fills the store.
const JOB: usize = 1000;
/// Transfers in the store; nine of ten have ended, the others wait.
const STORED: [usize; 3] = [0, 100_000, 1_000_000];
/// Calls of each kind.
const CALLS: usize = 1000;
/// Submissions of a whole job of [`JOB`].
const BULKS: usize = 50;

type Request = (Method, String, Bytes);

/// What one kind of call cost: milliseconds at the middle and at the 99th of a hundred.
struct Cost {
    what: &'static str,
    middle: f64,
    late: f64,
}

/// Fills a store and measures on the way.
pub(crate) async fn run(report: &mut Report, states: &States) {
    let mut first: Option<Vec<Cost>> = None;
    for stored in STORED {
        let state = states.fresh();
        let costs = with_history(report, &state, stored).await;
        start(report, &state, stored);
        let Some(first) = &first else {
            first = Some(costs);
            continue;
        };
        for (before, now) in first.iter().zip(&costs) {
            let name = format!("{}, growth to {stored} files, p50", now.what);
            report.add(&name, now.middle / before.middle, "times");
            let name = format!("{}, growth to {stored} files, p99", now.what);
            report.add(&name, now.late / before.late, "times");
        }
    }
}

async fn with_history(report: &mut Report, state: &Path, stored: usize) -> Vec<Cost> {
    let ended = stored / 10 * 9;
    if ended > 0 {
        let gateway = Gateway::start(state, &unlimited());
        let host = host_of(&gateway);
        fill(&host, 0..ended).await;
        wait_for_all(&mut Line::open(&host).await).await;
        stop(gateway);
    }
    // Nothing is started here, so that calls are measured and not transfers.
    let gateway = Gateway::start(state, &narrow());
    let host = host_of(&gateway);
    block(&host).await;
    fill(&host, ended..stored).await;
    let costs = calls(report, &host, stored).await;
    let memory = processes::resident_kib(gateway.pid()) / 1024.0;
    let name = format!("memory of gateway and workers, {stored} files stored");
    report.add(&name, memory, "MiB");
    stop(gateway);
    costs
}

fn stop(gateway: Gateway) {
    gateway.signal("TERM");
    gateway.ended(Duration::from_secs(60));
}

async fn fill(host: &str, range: std::ops::Range<usize>) {
    let mut line = Line::open(host).await;
    for first in range.step_by(JOB) {
        line.call(Method::POST, "/jobs", job(first, JOB, 0)).await;
    }
}

/// The calls that clients make all day; their growth is what counts.
async fn calls(report: &mut Report, host: &str, stored: usize) -> Vec<Cost> {
    let mut line = Line::open(host).await;
    let mut ids = Vec::new();
    for index in 0..20 {
        let body = job(20_000_000 + stored + index, 1, 0);
        ids.push(id_of(&line.call(Method::POST, "/jobs", body).await));
    }
    let vo = line.json(&format!("/jobs/{}", ids[0])).await["vo_name"].clone();
    let vo = vo.as_str().expect("a job has a VO");
    let post = |number: usize, files: usize| -> Request {
        (Method::POST, "/jobs".into(), job(number, files, 0))
    };
    let get = |path: String| -> Request { (Method::GET, path, Bytes::new()) };
    let list = format!("/jobs?state_in=SUBMITTED,FINISHED&vo_name={vo}&limit=100");
    let singles = (0..CALLS).map(|it| post(10_000_000 + stored + it, 1));
    let bulks = (0..BULKS).map(|it| post(30_000_000 + stored + it * JOB, JOB));
    let gets = (0..CALLS).map(|it| get(format!("/jobs/{}", ids[it % ids.len()])));
    let lists = (0..CALLS).map(|_| get(list.clone()));
    let kinds: [(&str, Vec<Request>); 4] = [
        ("POST one transfer", singles.collect()),
        ("GET one job", gets.collect()),
        ("GET 100 jobs by state and VO", lists.collect()),
        ("POST 1,000 transfers", bulks.collect()),
    ];
    let mut costs = Vec::new();
    for (what, requests) in kinds {
        costs.push(timed(report, &mut line, what, requests, stored).await);
    }
    costs
}

async fn timed(
    report: &mut Report,
    line: &mut Line,
    what: &'static str,
    requests: Vec<Request>,
    stored: usize,
) -> Cost {
    let mut times = Vec::with_capacity(requests.len());
    let began = Instant::now();
    for (method, path, body) in requests {
        let start = Instant::now();
        line.call(method, &path, body).await;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    let rate = times.len() as f64 / began.elapsed().as_secs_f64();
    times.sort_unstable_by(f64::total_cmp);
    let cost = Cost {
        what,
        middle: times[times.len() / 2],
        late: times[times.len() * 99 / 100],
    };
    report.add(
        &format!("{what}, {stored} files stored"),
        rate,
        "requests/s",
    );
    report.add(
        &format!("{what}, p50, {stored} files stored"),
        cost.middle,
        "ms",
    );
    report.add(
        &format!("{what}, p99, {stored} files stored"),
        cost.late,
        "ms",
    );
    cost
}

/// Start of the gateway until it listens, with its workers ready.
fn start(report: &mut Report, state: &Path, stored: usize) {
    let begin = Instant::now();
    let gateway = Gateway::start(state, &narrow());
    let seconds = begin.elapsed().as_secs_f64();
    let name = format!("start until it listens, {stored} files stored");
    report.add(&name, seconds, "s");
    drop(gateway);
}
