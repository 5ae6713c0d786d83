//! The optimizer sets the limits of links, and a storage that cannot be reached is left alone.

mod support;

use std::sync::Arc;
use std::time::Duration;

use causeway_engine::{EngineConfig, OptimizerConfig, TestClock};
use causeway_model::ports::{EvolutionQuery, SettingsStore};
use causeway_model::{EvolutionRow, FileState, JobId};
use causeway_store::MemoryStore;
use support::{Bench, Shelf, states};

const MINUTE: Duration = Duration::from_secs(60);

fn tuned() -> EngineConfig {
    EngineConfig {
        optimizer: OptimizerConfig::default(),
        ..EngineConfig::default()
    }
}

async fn submit(bench: &Bench, source: &str, destination: &str, number: usize) -> JobId {
    let pairs: Vec<_> = (0..number)
        .map(|n| {
            (
                format!("mock://a/{n}?{source}"),
                format!("mock://b/{n}?{destination}"),
            )
        })
        .collect();
    let pairs: Vec<_> = pairs.iter().map(|(a, b)| (&**a, &**b)).collect();
    bench.submit(bench.job(&pairs)).await
}

async fn count(bench: &Bench, id: JobId, wanted: FileState) -> usize {
    let view = bench.view(id).await;
    states(&view).into_iter().filter(|it| *it == wanted).count()
}

async fn decisions(bench: &Bench) -> Vec<EvolutionRow> {
    let query = EvolutionQuery {
        limit: 1000,
        ..EvolutionQuery::default()
    };
    let mut rows = bench.store.evolution(&query).await.unwrap();
    rows.reverse();
    rows
}

#[tokio::test(start_paused = true)]
async fn a_new_link_starts_halfway_at_once() {
    let bench = Bench::with(tuned(), Shelf::mock()).await;
    let id = submit(&bench, "size=1", "size_post=1&time=3000", 200).await;
    bench.rest(Duration::from_secs(5)).await;
    assert_eq!(count(&bench, id, FileState::Active).await, 66);
    let rows = decisions(&bench).await;
    assert_eq!(rows.len(), 1);
    assert_eq!((rows[0].active, rows[0].diff), (66, 66));
    assert_eq!(rows[0].rationale, "No information. Start halfway.");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_does_well_gets_more_and_keeps_it_over_a_restart() {
    let clock = Arc::new(TestClock::default());
    let store = Arc::new(MemoryStore::new());
    let on = || Bench::on(store.clone(), tuned(), Shelf::mock(), clock.clone());
    let bench = on().await;
    let id = submit(&bench, "size=1000000", "size_post=1000000&time=20", 3000).await;
    bench.rest(10 * MINUTE).await;
    let running = count(&bench, id, FileState::Active).await;
    assert!(running > 66, "{:#?}", decisions(&bench).await);
    bench.engine.shutdown(Duration::ZERO).await;
    let value = store.optimizer().await.unwrap()[0].active;
    assert!(running <= value as usize, "{running} of {value}");

    let bench = on().await;
    bench.rest(Duration::from_secs(1)).await;
    assert_eq!(count(&bench, id, FileState::Active).await, value as usize);
}

#[tokio::test(start_paused = true)]
async fn failures_take_slots_away() {
    let bench = Bench::with(tuned(), Shelf::mock()).await;
    submit(
        &bench,
        "size=1000",
        "size_post=1000&time=5&transfer_errno=70",
        4000,
    )
    .await;
    bench.rest(10 * MINUTE).await;
    let rows = decisions(&bench).await;
    let last = rows.last().unwrap();
    assert!(last.active < 66, "{rows:#?}");
    assert!(
        rows.iter()
            .any(|it| it.rationale.starts_with("Bad link efficiency"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_cannot_be_reached_is_tried_less_and_less() {
    let config = EngineConfig {
        link_max_active: 1,
        breaker_failures: 5,
        breaker_pause_seconds: 60,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    let dead = submit(&bench, "errno=111", "size_post=1&time=1", 40).await;
    let failed = |bench| async move { count(bench, dead, FileState::Failed).await };
    bench.rest(Duration::from_secs(50)).await;
    assert_eq!(failed(&bench).await, 5);
    bench.rest(Duration::from_secs(20)).await;
    assert_eq!(failed(&bench).await, 6, "one tries after a minute");
    bench.rest(Duration::from_secs(100)).await;
    assert_eq!(failed(&bench).await, 6, "the pause is doubled");
    bench.rest(Duration::from_secs(30)).await;
    assert_eq!(failed(&bench).await, 7);
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_is_back_serves_again() {
    let config = EngineConfig {
        link_max_active: 2,
        breaker_failures: 4,
        breaker_pause_seconds: 60,
        ..EngineConfig::default()
    };
    let bench = Bench::with(config, Shelf::mock()).await;
    let dead = submit(&bench, "errno=111", "size_post=1&time=1", 4).await;
    bench.end(dead).await;
    let good = submit(&bench, "size=1", "size_post=1&time=1", 10).await;
    bench.rest(Duration::from_secs(50)).await;
    assert_eq!(count(&bench, good, FileState::Submitted).await, 10);
    bench.end(good).await;
    assert_eq!(count(&bench, good, FileState::Finished).await, 10);
}
