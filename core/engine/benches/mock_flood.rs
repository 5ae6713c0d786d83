//! A flood of mock transfers that take no time: what the engine itself costs.
//!
//! `cargo bench -p causeway-engine` runs it on the store in memory and on the embedded one, with
//! jobs of 100 transfers and of 1, and measures the memory of waiting transfers. One JSON line for
//! each. `MOCK_FLOOD=n` sets the number of transfers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_engine::{Engine, EngineConfig, Parts};
use causeway_model::FileState;
use causeway_model::ports::{Clock, JobControl, JobStore, JobView, SystemClock};
use causeway_plugin_mock::MockStorage;
use causeway_sdk::{DynStorage, Erased, Host, Result, Storage, Storages, Url};
use causeway_store::{EmbeddedStore, MemoryStore, StoreOptions};

#[path = "../tests/support/rows.rs"]
mod rows;

struct MockOnly(Arc<dyn DynStorage>);

impl Storages for MockOnly {
    fn storage_for(&self, _url: &Url) -> Result<Arc<dyn DynStorage>> {
        Ok(Arc::clone(&self.0))
    }
}

fn main() {
    // `cargo test` runs benches, too: there one small round shows that it works.
    let small = !std::env::args().any(|it| it == "--bench");
    let asked = std::env::var("MOCK_FLOOD")
        .ok()
        .and_then(|it| it.parse().ok());
    let transfers = asked.unwrap_or(if small { 200 } else { 20_000 });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime can be built");
    runtime.block_on(async {
        let waiting = if small { 100 } else { 2_000 };
        memory_of_waiting(waiting).await;
        for per_job in [100, 1] {
            let store = Arc::new(MemoryStore::new());
            flood("memory", store, transfers, per_job).await;
            let dir = tempfile::tempdir().expect("a temporary directory can be made");
            let store = EmbeddedStore::open(dir.path(), StoreOptions::default());
            let store = store.expect("an empty directory can be opened");
            flood("embedded", Arc::new(store), transfers, per_job).await;
        }
    });
}

async fn engine(store: Arc<dyn JobStore>) -> Engine {
    let mock = MockStorage::create("", Host::silent()).expect("the mock has no needs");
    let config = EngineConfig {
        link_max_active: 2000,
        inbound_max_active: 2000,
        outbound_max_active: 2000,
        ..EngineConfig::default()
    };
    let parts = Parts {
        store,
        vault: None,
        clock: Arc::new(SystemClock),
        storages: Arc::new(MockOnly(Erased::shared(mock))),
        host: "bench".into(),
        observer: causeway_model::observe::Watched::default(),
        settings: None,
        history: None,
        tokens: None,
    };
    Engine::start(config, parts)
        .await
        .expect("the store is empty")
}

fn jobs(store: &dyn JobStore, transfers: usize, per_job: usize, time: u32) -> Vec<JobView> {
    let now = SystemClock.now();
    let job = |index: usize| {
        let pairs: Vec<_> = (0..per_job)
            .map(|file| {
                let source = format!("mock://src{}/d/{index}/{file}?size=1000", index % 10);
                let destination = format!(
                    "mock://dst{}/d/{index}/{file}?size_post=1000&time={time}",
                    index % 10
                );
                (source, destination)
            })
            .collect();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        rows::job(store, now, &pairs)
    };
    (0..transfers / per_job).map(job).collect()
}

async fn flood(name: &str, store: Arc<dyn JobStore>, transfers: usize, per_job: usize) {
    let engine = engine(store.clone()).await;
    let jobs = jobs(&*store, transfers, per_job, 0);
    let (began, cpu) = (Instant::now(), cpu_seconds());
    let mut submissions = Vec::new();
    for part in jobs.chunks(jobs.len().div_ceil(16)) {
        let (engine, part) = (engine.clone(), part.to_vec());
        submissions.push(tokio::spawn(async move {
            for view in part {
                engine.submit(view).await.expect("the job is new");
            }
        }));
    }
    for submission in submissions {
        submission.await.expect("submitting does not panic");
    }
    let submitted = began.elapsed();
    wait_for(&*store, FileState::Finished, transfers as u64).await;
    let (wall, cpu) = (began.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!(
        "{{\"bench\":\"mock_flood\",\"store\":\"{name}\",\"per_job\":{per_job},\
         \"transfers\":{transfers},\"seconds\":{wall:.3},\"submit_seconds\":{:.3},\
         \"per_second\":{:.0},\"cpu_ms_per_transfer\":{:.4}}}",
        submitted.as_secs_f64(),
        transfers as f64 / wall,
        cpu * 1000.0 / transfers as f64,
    );
    engine.shutdown(Duration::from_secs(5)).await;
}

async fn memory_of_waiting(transfers: usize) {
    let store = Arc::new(MemoryStore::new());
    let engine = engine(store.clone()).await;
    let jobs = jobs(&*store, transfers, 100, 3600);
    let before = resident_kib();
    for view in jobs {
        engine.submit(view).await.expect("the job is new");
    }
    wait_for(&*store, FileState::Active, transfers as u64).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let each = resident_kib().saturating_sub(before) as f64 / transfers as f64;
    println!(
        "{{\"bench\":\"memory_of_waiting\",\"transfers\":{transfers},\"kib_each\":{each:.1}}}"
    );
    engine.shutdown(Duration::ZERO).await;
}

async fn wait_for(store: &dyn JobStore, state: FileState, number: u64) {
    for _ in 0..600_000 {
        let counts = store.file_counts();
        if counts.iter().any(|(it, n)| *it == state && *n >= number) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    panic!(
        "never saw {number} transfers {state}: {:?}",
        store.file_counts()
    );
}

/// User and system time of this process.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = text.rsplit(')').next().unwrap_or("");
    let ticks = |index: usize| {
        let field = after_name.split_whitespace().nth(index);
        field.and_then(|it| it.parse::<f64>().ok()).unwrap_or(0.0)
    };
    // Linux counts in hundredths of a second.
    (ticks(11) + ticks(12)) / 100.0
}

fn resident_kib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|it| it.starts_with("VmRSS:"));
    let field = line.and_then(|it| it.split_whitespace().nth(1));
    field.and_then(|it| it.parse().ok()).unwrap_or(0)
}
