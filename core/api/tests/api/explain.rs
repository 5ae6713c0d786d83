//! `GET /jobs/{job}/files/{file}/explain`, `POST /plan`, `/engine`: what the engine says, with what
//! the vault adds to it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use causeway_model::explain::{Closure, Explanation, Side, Wait};
use causeway_model::insight::{AvoidedWay, TrippedBreaker};
use causeway_model::ports::{EngineInsight, JobView, StoreError};
use causeway_model::{
    Conditions, FileId, FileState, Forecast, JobId, Level, OptimizerRow, Rung, Timestamp,
};
use serde_json::{Value, json};

use crate::support::{NOW, OTHER_DN, Service, one_file};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(NOW + seconds)
}

/// An engine that says what it was told to.
#[derive(Default)]
struct Told {
    waits: Vec<Wait>,
    start: Option<Timestamp>,
    copy_seconds: u64,
    ways: Vec<Rung>,
    avoided: Vec<Rung>,
    unserved: Vec<Side>,
    set_back: Mutex<Vec<String>>,
}

#[async_trait]
impl EngineInsight for Told {
    async fn explain(&self, _: JobId, file: FileId) -> Result<Option<Explanation>, StoreError> {
        Ok((!self.waits.is_empty()).then(|| Explanation {
            file_id: file,
            state: FileState::Submitted,
            waits: self.waits.clone(),
            predicted_start: self.start,
            copy_seconds: self.copy_seconds,
        }))
    }

    async fn forecast(&self, view: JobView) -> Result<Vec<Forecast>, StoreError> {
        let forecast = |row: &Arc<causeway_model::Transfer>| Forecast {
            file_id: row.file_id,
            waits: self.waits.clone(),
            predicted_start: self.start,
            copy_seconds: self.copy_seconds,
            ways: self.ways.clone(),
            avoided: self.avoided.clone(),
            unserved: self.unserved.clone(),
        };
        Ok(view.files.iter().map(forecast).collect())
    }

    async fn conditions(&self) -> Result<Conditions, StoreError> {
        Ok(Conditions {
            closed: Some(Closure::Drained),
            breakers: vec![TrippedBreaker {
                storage: "mock://a".into(),
                until: Some(at(60)),
                trials: 2,
            }],
            ways: vec![AvoidedWay {
                source: "mock://a".into(),
                destination: "mock://b".into(),
                way: Rung::Pull,
                until: at(3600),
            }],
            links: vec![OptimizerRow {
                source_se: "mock://a".into(),
                dest_se: "mock://b".into(),
                datetime: at(0),
                ema: 1.5,
                active: 7,
                nostreams: 2,
            }],
        })
    }

    async fn reset_breaker(&self, by: &str, storage: &str) -> Result<bool, StoreError> {
        let text = format!("breaker {storage} by {by}");
        self.set_back.lock().unwrap().push(text);
        Ok(true)
    }

    async fn forget_ways(&self, _: &str, source: &str, to: &str) -> Result<bool, StoreError> {
        let text = format!("ways {source} {to}");
        self.set_back.lock().unwrap().push(text);
        Ok(true)
    }

    async fn set_link_value(&self, _: &str, _: OptimizerRow) -> Result<(), StoreError> {
        Ok(())
    }
}

fn service(told: Told) -> (Service, Arc<Told>) {
    let mut service = Service::new();
    let told = Arc::new(told);
    let state = service.state.clone().with_insight(told.clone());
    service.router = causeway_api::router(state.clone());
    service.state = state;
    (service, told)
}

async fn path(service: &Service) -> (String, u64, String) {
    let id = service.submit(one_file()).await;
    let file = service.view(&id).await.files[0].file_id.0;
    let path = format!("/jobs/{id}/files/{file}/explain");
    (path, file, id)
}

#[tokio::test]
async fn reasons_with_their_sentences() {
    let (service, _) = service(Told {
        waits: vec![
            Wait::RetryAt { at: at(60) },
            Wait::Position {
                ahead: 2,
                exact: true,
            },
        ],
        start: Some(at(90)),
        copy_seconds: 600,
        ..Told::default()
    });
    let (path, file, id) = path(&service).await;
    let answer = service.get(&path).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "file_id": file, "job_id": id, "file_state": "SUBMITTED",
            "waits": [
                {"kind": "retry_at", "at": "2026-11-22T00:01:00", "text":
                 "The last attempt failed; the next one starts after 2026-11-22T00:01:00."},
                {"kind": "position", "ahead": 2, "exact": true, "text":
                 "2 transfers of the same VO on this link come first."},
            ],
            "predicted_start": "2026-11-22T00:01:30",
            "credential": {"expires": "2026-11-22T12:00:00", "outlives": true},
        })
    );
}

#[tokio::test]
async fn a_credential_that_is_gone_is_a_reason() {
    let (service, _) = service(Told {
        waits: vec![Wait::Next],
        start: Some(at(0)),
        copy_seconds: 600,
        ..Told::default()
    });
    let (path, ..) = path(&service).await;
    let look = async || service.get(&path).await.json();
    service.delegate(599);
    let answer = look().await;
    assert_eq!(answer["credential"]["outlives"], false);
    assert_eq!(answer["waits"][0]["kind"], "next");
    service.delegate(-1);
    let answer = look().await;
    assert_eq!(answer["waits"][0]["kind"], "credential");
    assert_eq!(answer["waits"][0]["expires"], "2026-11-21T23:59:59");
    assert_eq!(answer["waits"].as_array().unwrap().len(), 1);
    service.forget_delegation();
    let answer = look().await;
    assert_eq!(answer["waits"][0]["expires"], Value::Null);
    let credential = json!({"expires": null, "outlives": false});
    assert_eq!(answer["credential"], credential);
}

#[tokio::test]
async fn what_the_engine_is_done_with_waits_for_nothing() {
    let (service, _) = service(Told::default());
    let (path, file, id) = path(&service).await;
    service
        .change(&id, |_| {}, |row| row.state = FileState::Finished)
        .await;
    assert_eq!(
        service.get(&path).await.json(),
        json!({
            "file_id": file, "job_id": id, "file_state": "FINISHED", "waits": [],
            "predicted_start": null, "credential": null,
        })
    );
}

#[tokio::test]
async fn only_who_may_see_the_job_is_told() {
    let (mut service, _) = service(Told::default());
    let (path, file, id) = path(&service).await;
    let other = format!("/jobs/{id}/files/{}/explain", file + 1);
    let text = format!("No file with the id \"{}\" has been found", file + 1);
    service.get(&other).await.is_error(404, &text);
    let other = format!("/jobs/{id}/files/x/explain");
    let text = "No file with the id \"x\" has been found";
    service.get(&other).await.is_error(404, text);
    let nobody = "00000000-0000-4000-8000-000000000000";
    let other = format!("/jobs/{nobody}/files/{file}/explain");
    let text = format!("No job with the id \"{nobody}\" has been found");
    service.get(&other).await.is_error(404, &text);
    service.acting_as(|it| {
        it.user_dn = OTHER_DN.into();
        it.vos = vec!["other".into()];
    });
    let text = format!("Not enough permissions to check the job \"{id}\"");
    service.get(&path).await.is_error(403, &text);
}

#[tokio::test]
async fn a_plan_stores_nothing() {
    let (service, _) = service(Told {
        waits: vec![Wait::Next],
        start: Some(at(30)),
        copy_seconds: 700,
        ways: vec![Rung::Pull, Rung::Stream],
        ..Told::default()
    });
    let answer = service.post("/plan", one_file()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(
        answer.json(),
        json!({
            "job_state": "SUBMITTED", "job_type": "N", "vo_name": "testvo", "priority": 3,
            "credential": {"expires": "2026-11-22T12:00:00"}, "deletions": 0,
            "files": [{
                "index": 0, "file_state": "SUBMITTED",
                "source_surl": "mock://a.example.org/file",
                "dest_surl": "mock://b.example.org/file",
                "ways": ["pull", "stream"], "avoided": [],
                "waits": [{"kind": "next",
                           "text": "Nothing is in its way: it starts with the next round."}],
                "predicted_start": "2026-11-22T00:00:30", "predicted_wait": 30.0,
                "copy_seconds": 700, "warnings": [],
            }],
        })
    );
    assert_eq!(service.stored_jobs(), 0);
    assert_eq!(service.get("/jobs").await.json(), json!([]));
}

#[tokio::test]
async fn a_plan_warns() {
    let ban = Wait::Ban {
        storage: "mock://b.example.org".into(),
        vo: None,
        message: None,
    };
    let (service, _) = service(Told {
        waits: vec![ban],
        copy_seconds: 13 * 3600,
        ways: vec![Rung::Stream, Rung::Pull],
        avoided: vec![Rung::Pull],
        ..Told::default()
    });
    let plan = service.post("/plan", one_file()).await.json();
    assert_eq!(
        plan["files"][0]["warnings"],
        json!([
            "The storage mock://b.example.org is banned.",
            "The credential expires at 2026-11-22T12:00:00; the copy may take until \
             2026-11-22T13:00:00.",
            "No third-party copy worked on this link lately: bytes go through the gateway.",
        ])
    );
    let (service, _) = self::service(Told {
        unserved: vec![Side::Inbound],
        ..Told::default()
    });
    let plan = service.post("/plan", one_file()).await.json();
    let warnings = json!(["No plugin serves the destination, mock:."]);
    assert_eq!(plan["files"][0]["warnings"], warnings);
}

#[tokio::test]
async fn a_plan_is_refused_like_the_submission() {
    let (service, _) = service(Told::default());
    let twice = json!({"files": one_file()["files"], "params": {"id_generator": "deterministic",
                       "sid": "mine"}});
    service.submit(twice.clone()).await;
    for body in [json!({}), json!({"files": [{}]}), twice] {
        let submitted = service.post("/jobs", &body).await;
        let planned = service.post("/plan", &body).await;
        assert!(submitted.status.is_client_error(), "{body}");
        assert_eq!(planned.status, submitted.status, "{body}");
        assert_eq!(planned.message(), submitted.message());
    }
    service.forget_delegation();
    assert_eq!(service.post("/plan", one_file()).await.status, 419);
}

#[tokio::test]
async fn conditions_are_for_those_who_configure() {
    let (mut service, told) = service(Told::default());
    let text = "Not enough permissions";
    service.get("/engine/conditions").await.is_error(403, text);
    let breaker = "/engine/breakers?storage=mock%3A%2F%2Fa";
    service.delete(breaker).await.is_error(403, text);
    service.acting_as(|it| {
        it.level.insert("config".into(), Level::All);
    });
    assert_eq!(
        service.get("/engine/conditions").await.json(),
        json!({
            "closed": {"why": "drained",
                       "text": "This node is being drained and starts nothing."},
            "breakers": [{"storage": "mock://a", "state": "open",
                          "until": "2026-11-22T00:01:00", "trials": 2}],
            "ways": [{"source": "mock://a", "destination": "mock://b", "way": "pull",
                      "until": "2026-11-22T01:00:00"}],
            "links": [{"source_se": "mock://a", "dest_se": "mock://b", "active": 7,
                       "nostreams": 2, "ema": 1.5, "datetime": "2026-11-22T00:00:00"}],
            "totals": {"breakers": 1, "ways": 1, "links": 1},
        })
    );
    assert_eq!(service.delete(breaker).await.status, 204);
    let ways = "/engine/ways?source=mock%3A%2F%2Fa&destination=mock%3A%2F%2Fb";
    assert_eq!(service.delete(ways).await.status, 204);
    let missing = service.delete("/engine/ways?source=x").await;
    missing.is_error(400, "Missing destination parameter");
    let set_back = told.set_back.lock().unwrap().clone();
    let by = crate::support::DN;
    let expected = [
        format!("breaker mock://a by {by}"),
        "ways mock://a mock://b".to_owned(),
    ];
    assert_eq!(set_back, expected);
}

#[tokio::test]
async fn conditions_come_in_pages() {
    let (mut service, _) = service(Told::default());
    service.acting_as(|it| {
        it.level.insert("config".into(), Level::All);
    });
    let lengths = |answer: &serde_json::Value| {
        ["breakers", "ways", "links"].map(|it| answer[it].as_array().unwrap().len())
    };
    let second = service
        .get("/engine/conditions?limit=1&offset=1")
        .await
        .json();
    assert_eq!(lengths(&second), [0, 0, 0]);
    assert_eq!(
        second["totals"],
        json!({"breakers": 1, "ways": 1, "links": 1})
    );
    let of_b = service
        .get("/engine/conditions?storage=mock://b")
        .await
        .json();
    assert_eq!(lengths(&of_b), [0, 1, 1]);
    assert_eq!(
        of_b["totals"],
        json!({"breakers": 0, "ways": 1, "links": 1})
    );
    for (query, message) in [
        ("limit=0", "The limit must be between 1 and 1000"),
        ("limit=1001", "The limit must be between 1 and 1000"),
        ("limit=x", "Invalid limit value"),
        ("offset=-1", "Invalid offset value"),
    ] {
        let refused = service.get(&format!("/engine/conditions?{query}")).await;
        refused.is_error(400, message);
    }
}
