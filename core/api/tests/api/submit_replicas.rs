//! Jobs with replicas: which one begins, and in which state.

use std::sync::Arc;

use causeway_api::fts::submit::strategy::{Sources, choose};
use causeway_api::fts::submit::{Context, Submission, parse};
use causeway_api::{Bans, NoBans, NobodyKnown, StorageBan};
use causeway_model::ports::SettingsStore;
use causeway_model::{EvolutionRow, Timestamp};
use causeway_store::MemoryStore;
use serde_json::{Value, json};

use crate::storages::FakeStorages;
use crate::support::{NOW, Service, entry, rows, states, user};

pub(crate) fn decision(
    source: &str,
    minutes_ago: i64,
    active: u32,
    throughput: f64,
    success: f64,
) -> EvolutionRow {
    EvolutionRow {
        datetime: Timestamp::from_seconds(NOW - minutes_ago * 60),
        source_se: source.into(),
        dest_se: "mock://to".into(),
        active,
        throughput,
        success,
        rationale: String::new(),
        diff: 0,
        actual_active: active,
        queue_size: 0,
        ema: throughput,
        filesize_avg: 0.0,
        filesize_stddev: 0.0,
    }
}

/// What becomes of three sources, by strategy.
fn submission(strategy: &str, size: u64, bans: &dyn Bans) -> Submission {
    let mut replicas = entry(
        &["mock://a/f", "mock://b/f", "mock://c/f"],
        &["mock://to/f"],
    );
    replicas["selection_strategy"] = json!(strategy);
    replicas["filesize"] = json!(size);
    let body = json!({"files": [replicas]}).to_string();
    let principal = user();
    let config = Default::default();
    let context = Context {
        principal: &principal,
        storages: &FakeStorages::default(),
        identity: &NobodyKnown,
        bans,
        config: &config,
        submit_host: "node",
        now: Timestamp::from_seconds(NOW),
    };
    parse(body.as_bytes(), context).unwrap()
}

#[tokio::test]
async fn the_past_of_links_decides() {
    let store = Arc::new(MemoryStore::new());
    // a is wide, b is quick for one file, c never fails; what is older than an hour counts no more.
    let past = vec![
        decision("mock://a", 1, 10, 100e6, 60.0),
        decision("mock://a", 30, 10, 100e6, 60.0),
        decision("mock://b", 1, 1, 40e6, 80.0),
        decision("mock://c", 1, 4, 20e6, 100.0),
        decision("mock://c", 61, 100, 900e9, 0.0),
    ];
    store.put_optimizer(Vec::new(), past).await.unwrap();
    for (strategy, size, wanted) in [
        ("orderly", 1, 0),
        ("success", 1, 2),
        ("throughput", 1, 0),
        ("file-throughput", 1, 1),
        ("pending-data", 1, 0),
        ("waiting-time", 1, 0),
        ("waiting-time-with-error", 1, 0),
        ("duration", 1_000_000_000, 1),
    ] {
        let mut submission = submission(strategy, size, &NoBans);
        let sources = Sources {
            jobs: &*store,
            past: Some(&*store),
            now: Timestamp::from_seconds(NOW),
        };
        choose(&mut submission, sources).await.unwrap();
        let begins = submission
            .files
            .iter()
            .position(|it| it.state.name() == "SUBMITTED");
        assert_eq!(begins, Some(wanted), "{strategy}");
        let others = submission
            .files
            .iter()
            .filter(|it| it.state.name() == "NOT_USED");
        assert_eq!(others.count(), 2, "{strategy}");
    }
}

struct Held(&'static str);

impl Bans for Held {
    fn is_user_banned(&self, _: &str) -> bool {
        false
    }
    fn storage_ban(&self, se: &str, _: &str) -> StorageBan {
        match se == self.0 {
            true => StorageBan::Hold,
            false => StorageBan::None,
        }
    }
}

/// The ban of its own storages holds the chosen replica, and nobody else's does.
#[tokio::test]
async fn a_chosen_replica_is_held_for_its_own_storage() {
    let store = MemoryStore::new();
    let past = vec![
        decision("mock://a", 1, 1, 1e6, 10.0),
        decision("mock://b", 1, 1, 1e6, 100.0),
        decision("mock://c", 1, 1, 1e6, 20.0),
    ];
    store.put_optimizer(Vec::new(), past).await.unwrap();
    for (banned, wanted) in [
        ("mock://b", ["NOT_USED", "ON_HOLD", "NOT_USED"]),
        ("mock://a", ["NOT_USED", "SUBMITTED", "NOT_USED"]),
        ("mock://to", ["NOT_USED", "ON_HOLD", "NOT_USED"]),
    ] {
        let mut submission = submission("success", 1, &Held(banned));
        let sources = Sources {
            jobs: &store,
            past: Some(&store),
            now: Timestamp::from_seconds(NOW),
        };
        choose(&mut submission, sources).await.unwrap();
        assert_eq!(states(&submission.files), wanted, "{banned}");
    }
}

#[tokio::test]
async fn every_source_goes_with_every_destination() {
    let service = Service::new();
    let both = entry(&["mock://a/1", "mock://b/1"], &["mock://c/1", "mock://d/1"]);
    let (job, files) = rows(&service, json!({"files": [both]})).await;
    let pairs: Vec<(&str, &str)> = files
        .iter()
        .map(|it| (&*it.source_se, &*it.dest_se))
        .collect();
    let wanted = [("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")];
    let wanted = wanted.map(|(a, b)| (format!("mock://{a}"), format!("mock://{b}")));
    let wanted: Vec<(&str, &str)> = wanted
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    assert_eq!(pairs, wanted);
    assert_eq!(job.job_type.unwrap().letter(), "R");
    assert!(
        files
            .iter()
            .all(|it| it.file_index == 0 && it.hashed_id == files[0].hashed_id)
    );
    assert_eq!((job.source_se, job.dest_se), (None, None));
}

#[tokio::test]
async fn strategies_that_nobody_knows() {
    let service = Service::new();
    for (given, shown) in [
        (json!("magic"), "magic"),
        (json!(5), "5"),
        (json!(["auto"]), "[\"auto\"]"),
    ] {
        let mut replicas = entry(&["mock://a/1", "mock://b/1"], &["mock://c/1"]);
        replicas["selection_strategy"] = given.clone();
        let refused = service.post("/jobs", json!({"files": [replicas]})).await;
        let text = format!(
            "Invalid value within the request: {shown} algorithm is not supported by Scheduler"
        );
        refused.is_error(400, &text);
        // With one pair nobody asks for it.
        let mut single = entry(&["mock://a/1"], &["mock://c/1"]);
        single["selection_strategy"] = given;
        let answer: Value = service
            .post("/jobs", json!({"files": [single]}))
            .await
            .json();
        assert!(answer["job_id"].is_string(), "{answer}");
    }
}
