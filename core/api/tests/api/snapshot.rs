//! How links are doing, as it is shown: whose links, which limits, and who reads error texts.

use std::sync::{Mutex, PoisonError};

use causeway_model::links::{LinkChoice, LinkReport, LinkReports};
use causeway_model::ports::SettingsStore;
use causeway_model::{Level, OptimizerRow, Timestamp};
use serde_json::{Value, json};

use crate::support::{NOW, Service};

/// Links as a test wants them.
#[derive(Default)]
pub(crate) struct TestLinks(pub(crate) Mutex<Vec<LinkReport>>);

impl LinkReports for TestLinks {
    fn links(&self, wanted: &LinkChoice) -> Vec<LinkReport> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |it: &&LinkReport| wanted.wants(&it.vo_name, &it.source_se, &it.dest_se);
        all.iter().filter(fits).cloned().collect()
    }
}

fn quiet(vo: &str, source: &str) -> LinkReport {
    LinkReport {
        vo_name: vo.into(),
        source_se: source.into(),
        dest_se: "mock://b".into(),
        active: 0,
        submitted: 7,
        finished: 0,
        failed: 0,
        avg_queued: None,
        avg_duration: None,
        avg_throughput: None,
        frequent_error: None,
    }
}

fn busy(vo: &str, source: &str) -> LinkReport {
    LinkReport {
        active: 3,
        finished: 3,
        failed: 1,
        avg_queued: Some(1.5),
        avg_duration: Some(20.0),
        avg_throughput: Some(2.5 * 1_048_576.0),
        frequent_error: Some("SOURCE [2] No such file".into()),
        ..quiet(vo, source)
    }
}

fn service() -> Service {
    let service = Service::of_operator();
    *service.links.0.lock().unwrap() = vec![
        busy("othervo", "mock://a"),
        busy("testvo", "mock://a"),
        quiet("testvo", "mock://c"),
    ];
    service
}

#[tokio::test]
async fn a_row_has_what_was_counted_and_what_is_set() {
    let service = service();
    let link = json!({"symbolicname": "l", "source": "mock://a", "destination": "mock://b",
                      "max_active": 9});
    service.post("/config/links", link).await.ok();
    let se = json!({"mock://a": {"se_info": {"outbound_max_active": 5, "outbound_max_throughput": 1.5}}});
    service.post("/config/se", se).await.ok();
    let rows = service.get("/snapshot?vo_name=testvo").await.ok();
    let expected = json!({
        "vo_name": "testvo", "source_se": "mock://a", "dest_se": "mock://b",
        "active": 3, "max_active": 9, "submitted": 7, "finished": 3, "failed": 1,
        "success_ratio": 0.75, "avg_queued": 1.5, "avg_throughput": 2.5, "avg_duration": 20.0,
        "frequent_error": "SOURCE [2] No such file",
        "limits": {"source": {"active": 5, "throughput": 1.5}, "destination": {"active": 200}},
    });
    assert_eq!(rows[0], expected);
    for empty in [
        "success_ratio",
        "avg_queued",
        "avg_throughput",
        "avg_duration",
        "frequent_error",
    ] {
        assert_eq!(rows[1][empty], Value::Null, "{empty}");
    }
    // What the optimizer found comes first.
    let value = OptimizerRow {
        source_se: "mock://a".into(),
        dest_se: "mock://b".into(),
        datetime: Timestamp::from_seconds(NOW),
        ema: 0.0,
        active: 4,
        nostreams: 1,
    };
    let stored = service.store.put_optimizer(vec![value], Vec::new());
    stored.await.unwrap();
    let rows = service.get("/snapshot?vo_name=testvo").await.ok();
    assert_eq!(rows[0]["max_active"], 4);
}

#[tokio::test]
async fn arguments_choose() {
    let service = service();
    let count = async |query: &str| {
        let rows = service.get(&format!("/snapshot{query}")).await.ok();
        rows.as_array().unwrap().len()
    };
    assert_eq!(count("").await, 3);
    assert_eq!(count("?vo_name=testvo").await, 2);
    assert_eq!(count("?source_se=mock://a&dest_se=mock://b").await, 2);
    assert_eq!(count("?source_se=mock://a&vo_name=testvo").await, 1);
    assert_eq!(count("?dest_se=mock://c").await, 0);
}

#[tokio::test]
async fn error_texts_of_other_vos_are_not_shown() {
    let mut service = service();
    let texts = async |service: &Service| {
        let rows = service.get("/snapshot?source_se=mock://a").await.ok();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|it| it["frequent_error"].is_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(texts(&service).await, [false, true]);
    service.acting_as(|it| {
        it.level.insert("transfer".into(), Level::All);
    });
    assert_eq!(texts(&service).await, [true, true]);
}
