//! The past leaves in small portions, and nobody waits for it.

mod support;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use causeway_engine::{Engine, EngineConfig, Parts, TestClock};
use causeway_model::ports::{
    Clock, CredentialVault, EvolutionQuery, HistoryStore, JobStore, JobView, SettingsStore,
    StoreError, StoredCredential,
};
use causeway_model::{EvolutionRow, FileState as S, JobId, JobState, Timestamp};
use causeway_sdk::Secret;
use causeway_store::{EmbeddedStore, MemoryStore, MemoryVault, StoreOptions};
use parking_lot::Mutex;
use support::{Bench, Shelf};

const DAY: u64 = 86_400;

fn ended(store: &dyn JobStore, at: Timestamp) -> JobView {
    let mut view = support::job(store, at, &[("mock://a/1", "mock://b/1")]);
    let job = Arc::make_mut(&mut view.job);
    job.state = JobState::Finished;
    job.job_finished = Some(at);
    let file = Arc::make_mut(&mut view.files[0]);
    file.state = S::Finished;
    file.finish_time = Some(at);
    view
}

#[tokio::test(start_paused = true)]
async fn ended_jobs_go_to_the_archive_after_a_week() {
    let bench = Bench::mock().await;
    let source = "mock://a/1?size=1";
    let old = bench
        .submit(bench.job(&[(source, "mock://b/1?size_post=1&time=1")]))
        .await;
    bench.end(old).await;
    tokio::time::sleep(Duration::from_secs(3 * DAY)).await;
    let new = bench
        .submit(bench.job(&[(source, "mock://b/2?size_post=1&time=1")]))
        .await;
    bench.end(new).await;
    tokio::time::sleep(Duration::from_secs(4 * DAY - 60)).await;
    assert!(bench.store.view(old).await.unwrap().is_some());
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    assert!(bench.store.view(old).await.unwrap().is_none());
    let kept = bench.store.archived(old).await.unwrap().unwrap();
    assert_eq!(kept.files[0].state, S::Finished);
    assert!(bench.store.view(new).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn or_nowhere_if_so_configured() {
    let config = EngineConfig {
        backup_tables: false,
        clean_interval_days: 1,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    let view = ended(&*bench.store, bench.clock.now());
    let id = view.job.job_id;
    bench.store.insert(view).await.unwrap();
    tokio::time::sleep(Duration::from_secs(DAY + 7200)).await;
    assert!(bench.store.view(id).await.unwrap().is_none());
    assert!(bench.store.archived(id).await.unwrap().is_none());
}

#[tokio::test(start_paused = true)]
async fn decisions_logs_and_credentials_go_too() {
    let dir = tempfile::tempdir().unwrap();
    let (store, clock) = (Arc::new(MemoryStore::new()), Arc::new(TestClock::default()));
    let vault = Arc::new(MemoryVault::new());
    let ends = |at: Timestamp| StoredCredential {
        proxy_pem: Secret::new("pem"),
        voms_attrs: String::new(),
        termination_time: at,
    };
    let now = clock.now();
    for (owner, hours) in [("old", 1), ("new", 1000)] {
        let credential = ends(now.plus_millis(hours * 3_600_000));
        vault
            .put_credential(owner, "/CN=u", &credential)
            .await
            .unwrap();
    }
    let decision = EvolutionRow {
        datetime: now,
        source_se: "mock://a".into(),
        dest_se: "mock://b".into(),
        active: 2,
        throughput: 0.0,
        success: 100.0,
        rationale: "steady".into(),
        diff: 0,
        actual_active: 0,
        queue_size: 0,
        ema: 0.0,
        filesize_avg: 0.0,
        filesize_stddev: 0.0,
    };
    store
        .put_optimizer(vec![], vec![decision; 250])
        .await
        .unwrap();
    // The clock of tests begins on the 1st of January 2026.
    for day in ["2025-12-31", "2026-01-01", "2026-01-08"] {
        std::fs::create_dir(dir.path().join(day)).unwrap();
    }
    let parts = Parts {
        store: store.clone(),
        vault: Some(vault.clone()),
        clock,
        storages: Arc::new(Shelf::mock()),
        host: "node1".into(),
        observer: causeway_model::observe::Watched::default(),
        settings: Some(store.clone()),
        history: Some(store.clone()),
        tokens: None,
    };
    let config = EngineConfig {
        log_dir: Some(dir.path().to_owned()),
        ..EngineConfig::default()
    };
    let _engine = Engine::start(config, parts).await.unwrap();
    tokio::time::sleep(Duration::from_secs(3 * 3600)).await;
    assert!(vault.credential("old", "/CN=u").await.unwrap().is_none());
    assert!(vault.credential("new", "/CN=u").await.unwrap().is_some());
    let query = EvolutionQuery {
        limit: 999,
        ..EvolutionQuery::default()
    };
    assert_eq!(store.evolution(&query).await.unwrap().len(), 250);
    tokio::time::sleep(Duration::from_secs(7 * DAY)).await;
    // Folders are removed on a thread that a paused clock does not wait for.
    for _ in 0..1000 {
        if !dir.path().join("2025-12-31").exists() {
            break;
        }
        tokio::time::sleep(Duration::from_secs(3600)).await;
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(!dir.path().join("2025-12-31").exists());
    assert!(store.evolution(&query).await.unwrap().is_empty());
}

/// Notes what happens in which order.
struct Noting {
    inner: EmbeddedStore,
    order: Mutex<Vec<&'static str>>,
}

#[async_trait]
impl HistoryStore for Noting {
    async fn retire(
        &self,
        before: Timestamp,
        limit: usize,
        keep: bool,
    ) -> Result<usize, StoreError> {
        self.order.lock().push("portion");
        self.inner.retire(before, limit, keep).await
    }
    async fn archived(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        self.inner.archived(id).await
    }
}

/// 20,000 ended jobs leave; a job that is submitted meanwhile is taken and ends in between.
#[tokio::test]
async fn a_submission_does_not_wait_for_the_past() {
    let dir = tempfile::tempdir().unwrap();
    let inner = EmbeddedStore::open(dir.path(), StoreOptions::default()).unwrap();
    let long_ago = Timestamp::from_seconds(1_700_000_000);
    let jobs = (0..20_000).map(|_| inner.insert(ended(&inner, long_ago)));
    for done in futures_util::future::join_all(jobs).await {
        done.unwrap();
    }
    inner.checkpoint().await.unwrap();
    let history = Arc::new(Noting {
        inner,
        order: Mutex::default(),
    });
    let mut past = tokio::spawn({
        let history = history.clone();
        async move {
            let before = Timestamp::from_seconds(1_700_000_001);
            causeway_engine::retire_ended_jobs(&*history, before, 5000, true).await
        }
    });
    // One portion after the other is under way, and each submission gets in between.
    let mut taken = 0;
    while !past.is_finished() {
        let view = support::job(&history.inner, long_ago, &[("mock://a/1", "mock://b/1")]);
        history.inner.insert(view).await.unwrap();
        history.order.lock().push("taken");
        taken += 1;
    }
    assert_eq!((&mut past).await.unwrap().unwrap(), 20_000);
    let order = history.order.lock().clone();
    let last_portion = order.iter().rposition(|it| *it == "portion").unwrap();
    let before_the_end = order[..last_portion]
        .iter()
        .filter(|it| **it == "taken")
        .count();
    assert!(before_the_end > 20, "{before_the_end} of {taken}");
    assert_eq!(order.iter().filter(|it| **it == "portion").count(), 201);
    let unfinished = history.inner.unfinished().await.unwrap();
    assert_eq!(unfinished.len(), taken);
}
