//! What attempts find out about the ways of copying on a link, and what the next ones make of it.

mod support;

use std::time::Duration;

use causeway_engine::EngineConfig;
use causeway_model::ports::{EngineControl, EngineInsight};
use causeway_model::settings::{Change, StorageRow, TpcSupport};
use causeway_model::{FileState, Rung};
use causeway_sdk::{Bytes, Error, ErrorKind};
use support::probe::{Probe, Seen};
use support::{Bench, Shelf};

const ADMIN: &str = "/CN=admin";
const SOURCE: &str = "memory://a/f";

/// Storages that refuse every third-party copy.
async fn bench() -> (Bench, Seen) {
    let refused = Error::new(ErrorKind::Remote, "not allowed").with_remote_status(405);
    let (probe, seen) = Probe::new().refuses_copy(refused).shared();
    let shelf = Shelf::default().with("memory", probe);
    let bench = Bench::with(EngineConfig::default(), shelf).await;
    seen.put(SOURCE, &Bytes::from_static(b"some bytes")).await;
    (bench, seen)
}

/// Copies the file once more; gives how often a pull and a push were asked for in all.
async fn copy(bench: &Bench, seen: &Seen, name: &str) -> (usize, usize) {
    let file = bench.run(SOURCE, &format!("memory://b/{name}")).await;
    assert_eq!(file.state, FileState::Finished, "{:?}", file.reason);
    (seen.count("Pull"), seen.count("Push"))
}

#[tokio::test(start_paused = true)]
async fn a_way_that_was_refused_is_not_asked_for_an_hour() {
    let (bench, seen) = bench().await;
    assert_eq!(copy(&bench, &seen, "1").await, (1, 1));
    assert_eq!(copy(&bench, &seen, "2").await, (1, 1));
    tokio::time::sleep(Duration::from_secs(3000)).await;
    assert_eq!(copy(&bench, &seen, "3").await, (1, 1));
    tokio::time::sleep(Duration::from_secs(700)).await;
    assert_eq!(copy(&bench, &seen, "4").await, (2, 2));
}

#[tokio::test(start_paused = true)]
async fn what_was_learnt_is_told_and_can_be_forgotten() {
    let (bench, seen) = bench().await;
    copy(&bench, &seen, "1").await;
    let ways = bench.engine.conditions().await.unwrap().ways;
    let told: Vec<Rung> = ways.iter().map(|it| it.way).collect();
    assert_eq!(told, [Rung::Pull, Rung::Push]);
    let planned = bench.job(&[(SOURCE, "memory://b/2")]);
    let forecast = bench.engine.forecast(planned).await.unwrap();
    assert_eq!(forecast[0].ways, [Rung::Stream, Rung::Pull, Rung::Push]);
    assert_eq!(forecast[0].avoided, [Rung::Pull, Rung::Push]);
    let engine = &bench.engine;
    let forget = || engine.forget_ways(ADMIN, "memory://a", "memory://b");
    assert!(forget().await.unwrap());
    assert!(!forget().await.unwrap());
    assert_eq!(copy(&bench, &seen, "2").await, (2, 2));
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_says_goes_before_it() {
    let (bench, seen) = bench().await;
    copy(&bench, &seen, "1").await;
    let row = StorageRow {
        tpc_support: Some(TpcSupport::Pull),
        ..StorageRow::new("memory://b")
    };
    let change = vec![Change::PutStorage(row)];
    bench.engine.change_settings(ADMIN, change).await.unwrap();
    assert_eq!(copy(&bench, &seen, "2").await, (2, 1));
}
