//! `/optimizer`: what was decided, and what an operator decides.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use causeway_model::explain::Explanation;
use causeway_model::ports::{EngineInsight, JobView, SettingsStore, StoreError};
use causeway_model::{
    Conditions, EvolutionRow, FileId, Forecast, JobId, Level, OptimizerRow, Timestamp,
};
use serde_json::{Value, json};

use crate::support::{DN, NOW, Service};

/// An engine that only takes values of links.
#[derive(Default)]
struct Taking(Mutex<Vec<(String, OptimizerRow)>>);

#[async_trait]
impl EngineInsight for Taking {
    async fn explain(&self, _: JobId, _: FileId) -> Result<Option<Explanation>, StoreError> {
        Ok(None)
    }
    async fn forecast(&self, _: JobView) -> Result<Vec<Forecast>, StoreError> {
        Ok(Vec::new())
    }
    async fn conditions(&self) -> Result<Conditions, StoreError> {
        Ok(Conditions::default())
    }
    async fn reset_breaker(&self, _: &str, _: &str) -> Result<bool, StoreError> {
        Ok(false)
    }
    async fn forget_ways(&self, _: &str, _: &str, _: &str) -> Result<bool, StoreError> {
        Ok(false)
    }
    async fn set_link_value(&self, by: &str, value: OptimizerRow) -> Result<(), StoreError> {
        self.0.lock().unwrap().push((by.to_owned(), value));
        Ok(())
    }
}

fn service() -> (Service, Arc<Taking>) {
    let mut service = Service::of_operator();
    let taking = Arc::new(Taking::default());
    let state = service.state.clone().with_insight(taking.clone());
    service.router = causeway_api::router(state.clone());
    service.state = state;
    (service, taking)
}

#[tokio::test]
async fn an_operator_sets_a_value() {
    let (service, taking) = service();
    let body = json!({"source_se": "mock://a", "dest_se": "mock://b", "active": 4, "nostreams": 1,
                      "ema": 3.4, "rationale": "my_reason"});
    let value = json!({"source_se": "mock://a", "dest_se": "mock://b", "active": 4, "nostreams": 1,
                       "ema": 3.4, "datetime": "2026-11-22T00:00:00"});
    let decision = json!({
        "source_se": "mock://a", "dest_se": "mock://b", "datetime": "2026-11-22T00:00:00",
        "active": 4, "actual_active": 1, "diff": 1, "queue_size": 1, "throughput": 0.0,
        "ema": 3.4, "success": 0.0, "filesize_avg": 0.0, "filesize_stddev": 0.0,
        "rationale": "my_reason",
    });
    let answer = service.post("/optimizer/current", &body).await.ok();
    assert_eq!(answer, json!([decision, value]));
    // It is obeyed, and it can be read.
    let taken = taking.0.lock().unwrap().clone();
    assert_eq!((taken[0].0.as_str(), taken[0].1.active), (DN, 4));
    assert_eq!(service.get("/optimizer/current").await.ok(), json!([value]));
    assert_eq!(
        service.get("/optimizer/evolution").await.ok(),
        json!([decision])
    );
    let path = "/optimizer/current?source_se=mock%3A%2F%2Fa&dest_se=mock%3A%2F%2Fz";
    assert_eq!(service.get(path).await.ok(), json!([]));
    let path = "/optimizer/evolution?source_se=mock%3A%2F%2Fa";
    assert_eq!(service.get(path).await.ok(), json!([decision]));
}

#[tokio::test]
async fn what_makes_no_sense_sets_nothing() {
    let (service, taking) = service();
    let with = |name: &str, value: Value| {
        let mut body = json!({"source_se": "mock://a", "dest_se": "mock://b"});
        body[name] = value;
        body
    };
    let missing = "Missing source and/or destination";
    service
        .refuses(
            "/optimizer/current",
            &[
                (json!({}), missing),
                (with("source_se", json!("")), missing),
                (with("dest_se", json!(null)), missing),
                (
                    with("active", json!("x")),
                    "Active must be an integer (\"x\")",
                ),
                (with("active", json!(-1)), "Active must be positive (-1)"),
                (
                    with("nostreams", json!(0.5)),
                    "Nostreams must be an integer (0.5)",
                ),
                (with("ema", json!("x")), "Ema must be a float (\"x\")"),
                (
                    with("throughput", json!(-1)),
                    "Throughput must be positive (-1)",
                ),
                (
                    with("rationale", json!(5)),
                    "Rationale must be a string (5)",
                ),
                (json!([]), "Expecting a dictionary"),
            ],
        )
        .await;
    assert!(taking.0.lock().unwrap().is_empty());
    assert_eq!(service.get("/optimizer/current").await.ok(), json!([]));
    assert_eq!(service.get("/optimizer/evolution").await.ok(), json!([]));
}

#[tokio::test]
async fn the_newest_come_first_and_not_too_many() {
    let (service, _) = service();
    let decision = |n: i64| EvolutionRow {
        datetime: Timestamp::from_seconds(NOW + n),
        source_se: "mock://a".into(),
        dest_se: "mock://b".into(),
        active: n as u32,
        throughput: 1.0,
        success: 100.0,
        rationale: String::new(),
        diff: 0,
        actual_active: 0,
        queue_size: 0,
        ema: 0.0,
        filesize_avg: 0.0,
        filesize_stddev: 0.0,
    };
    let value = |n: i64| OptimizerRow {
        source_se: format!("mock://{n}").into(),
        dest_se: "mock://b".into(),
        datetime: Timestamp::from_seconds(NOW + n),
        ema: 0.0,
        active: n as u32,
        nostreams: 1,
    };
    let values = (0..3).map(value).collect();
    let decisions = (0..60).map(decision).collect();
    service
        .store
        .put_optimizer(values, decisions)
        .await
        .unwrap();
    let rows = service.get("/optimizer/evolution").await.ok();
    assert_eq!(rows.as_array().unwrap().len(), 50);
    assert_eq!(rows[0]["active"], 59);
    let rows = service.get("/optimizer/current").await.ok();
    assert_eq!(
        (&rows[0]["active"], &rows[2]["active"]),
        (&json!(2), &json!(0))
    );
}

#[tokio::test]
async fn anybody_may_look_and_few_may_set() {
    let (mut service, _) = service();
    service.caller = None;
    assert_eq!(service.get("/optimizer").await.ok(), json!(true));
    assert_eq!(service.get("/optimizer/").await.ok(), json!(true));
    assert_eq!(service.get("/optimizer/current").await.ok(), json!([]));
    assert_eq!(service.get("/optimizer/evolution").await.ok(), json!([]));
    let body = json!({"source_se": "mock://a", "dest_se": "mock://b"});
    let text = "Not enough permissions";
    service
        .post("/optimizer/current", &body)
        .await
        .is_error(403, text);
    service.acting_as(|it| {
        it.level.insert("config".into(), Level::All);
    });
    service.post("/optimizer/current", &body).await.ok();
}
