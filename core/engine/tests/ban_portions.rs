//! A ban that ends many transfers goes in portions, whoever finds them first.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use causeway_engine::{Engine, EngineConfig, Parts, TestClock};
use causeway_model::observe::{Observation, Observer, Watched};
use causeway_model::ports::{Clock as _, EngineControl, JobControl, JobStore as _};
use causeway_model::settings::{BanStatus, StorageBanRow};
use causeway_model::{FileState as S, JobType, Timestamp};
use causeway_store::MemoryStore;
use support::{Shelf, set_type, states};

/// Rows of the largest transaction.
#[derive(Default)]
struct Largest(AtomicUsize);

impl Observer for Largest {
    fn observe(&self, what: &Observation<'_>) {
        if let Observation::Journalled { rows, .. } = what {
            self.0.fetch_max(*rows, Ordering::SeqCst);
        }
    }
}

/// A slot that becomes free finds banned transfers only, before the walk has come by.
#[tokio::test(start_paused = true)]
async fn no_transaction_is_large_however_many_wait() {
    let store = Arc::new(MemoryStore::new());
    let clock = Arc::new(TestClock::default());
    let largest = Arc::new(Largest::default());
    let parts = Parts {
        store: store.clone(),
        vault: None,
        clock: clock.clone(),
        storages: Arc::new(Shelf::mock()),
        host: "node1".into(),
        observer: Watched::by(largest.clone()),
        settings: Some(store.clone()),
        history: Some(store.clone()),
        tokens: None,
    };
    let config = EngineConfig {
        link_max_active: 1,
        ..EngineConfig::default()
    };
    let engine = Engine::start(config, parts).await.unwrap();
    let mut ids = Vec::new();
    let mut submit = async |destination: &str, files, job_type| {
        let pair = |n: u32| {
            let destination = format!("mock://{destination}/{n}?size_post=1&time=50");
            (format!("mock://a/{n}?size=1"), destination)
        };
        let pairs: Vec<_> = (0..files).map(pair).collect();
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(a, b)| (a.as_str(), b.as_str()))
            .collect();
        let mut view = support::job(&*store, clock.now(), &pairs);
        set_type(&mut view, job_type);
        ids.push(view.job.job_id);
        engine.submit(view).await.unwrap();
    };
    for _ in 0..80 {
        submit("b", 50, JobType::Normal).await;
    }
    submit("c", 3000, JobType::Reuse).await;
    largest.0.store(0, Ordering::SeqCst);
    let ban = StorageBanRow {
        se: "mock://a".into(),
        message: String::new(),
        addition_time: Timestamp(0),
        admin_dn: "/CN=admin".into(),
        vo: None,
        status: BanStatus::Cancel,
        wait_timeout: 0,
    };
    let affected = engine.ban_storage(ban).await.unwrap();
    ids.sort();
    assert_eq!(affected, ids);
    for id in ids {
        let view = store.view(id).await.unwrap().unwrap();
        assert!(states(&view).iter().all(|it| *it == S::Canceled));
    }
    // A slice of the walk, as many on their way to a slot, and the rows of their jobs.
    let rows = largest.0.load(Ordering::SeqCst);
    assert!((500..=1100).contains(&rows), "{rows}");
    engine.recount().await.unwrap();
}
