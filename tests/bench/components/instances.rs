//! What an instance costs: to load a component, to start an instance, and in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_host::{Host, write_manifest};
use causeway_sdk::{Ctx, DynStorage};
use causeway_tests::guests::guest;
use serde_json::{Value, json};

use super::{cx, loaded, url};
use crate::report::{Report, median};

const ROUNDS: usize = 50;
/// Instances whose memory is looked at together.
const MANY: usize = 48;
/// Calls an instance has before another one is started.
const FULL: usize = 8;
/// Components in Python that are loaded for the same reason; each has one instance.
const SNAKES: usize = 6;

/// Measures loading, starting and memory.
pub(super) async fn run(report: &mut Report) {
    for (name, form) in [("memory-rust", "Rust"), ("memory-python", "Python")] {
        load(report, &guest(name), form);
    }
    start(report).await;
    rust_memory(report).await;
    python_memory(report);
}

/// From the file to a storage: verified, read from the cache, linked, one instance started and asked.
fn load(report: &mut Report, path: &Path, form: &str) {
    let start = Instant::now();
    drop(loaded(path));
    let first = start.elapsed().as_secs_f64() * 1e3;
    let kept = "load a component that is kept compiled";
    report.add(&format!("load a component, {form}"), first, "ms");
    let mut times: Vec<f64> = (0..10)
        .map(|_| {
            let start = Instant::now();
            drop(loaded(path));
            start.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    report.add(&format!("{kept}, {form}, p50"), median(&mut times), "ms");
}

/// The first call after an instance has ended: a new one is started, told to create its storage, and
/// called.
async fn start(report: &mut Report) {
    let storage = loaded(&guest("hostile")).storage();
    let (mut first, mut next) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let trapped = storage.stat(&cx(), &url("hostile://h/trap")).await;
        trapped.expect_err("it traps as asked");
        // The one before is taken down on another thread meanwhile.
        tokio::time::sleep(Duration::from_millis(20)).await;
        for times in [&mut first, &mut next] {
            let start = Instant::now();
            let stat = storage.stat(&cx(), &url("hostile://h/file")).await;
            stat.expect("it works again");
            times.push(start.elapsed().as_secs_f64() * 1e6);
        }
    }
    let (first, next) = (median(&mut first), median(&mut next));
    report.add("instantiate, create and stat, Rust, p50", first, "us");
    report.add("instantiate and create, Rust, p50", first - next, "us");
}

/// Memory of instances that all have calls to serve.
async fn rust_memory(report: &mut Report) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let storage = with_instances(dir.path(), MANY);
    storage
        .stat(&cx(), &url("hostile://h/file"))
        .await
        .expect("it works");
    let before = anonymous_kib();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..MANY * FULL {
        let storage = Arc::clone(&storage);
        let cx = Ctx::new("stays").with_timeout(Duration::from_secs(3));
        calls.spawn(async move { storage.stat(&cx, &url("hostile://h/stay")).await });
    }
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let taken = anonymous_kib() - before;
    let name = format!("memory of an instance with {FULL} calls, Rust");
    report.add(&name, taken / MANY as f64, "KiB");
    while let Some(ended) = calls.join_next().await {
        let stayed = ended.expect("a call does not panic");
        stayed.expect_err("it waits for longer than it may");
    }
}

/// The hostile component, which may have so many instances.
fn with_instances(dir: &Path, instances: usize) -> Arc<dyn DynStorage> {
    let folder = write_manifest(&guest("hostile"), dir, &json!({}));
    let path = folder.expect("it can be installed").join("plugin.toml");
    let text = std::fs::read_to_string(&path).expect("the manifest is there");
    let text = format!("{text}\n[limits]\ninstances = {instances}\n");
    std::fs::write(&path, text).expect("the manifest can be written");
    let options: BTreeMap<String, Value> = BTreeMap::new();
    let host = Host::load(&[dir.to_owned()], &options, &[]);
    let handle = host.handle_for_scheme("hostile");
    handle.expect("it was loaded").storage()
}

fn python_memory(report: &mut Report) {
    let path = guest("memory-python");
    let _first = loaded(&path);
    let before = anonymous_kib();
    let snakes: Vec<_> = (0..SNAKES).map(|_| loaded(&path)).collect();
    let taken = anonymous_kib() - before;
    report.add(
        "memory of an instance that was just started, Python",
        taken / snakes.len() as f64,
        "KiB",
    );
}

/// Memory of this process that is no file's.
fn anonymous_kib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells it");
    let line = status.lines().find(|line| line.starts_with("RssAnon:"));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|it| it.parse().ok())
        .expect("Linux tells a number")
}
