//! `/engine/workers`, `/engine/plugins`: what whoever keeps workers says, and putting a plugin back.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use causeway_model::Level;
use causeway_model::ports::StoreError;
use causeway_model::workers::{
    OutOfService, PluginAction, PluginChange, PluginRow, PutBack, WorkerInsight, WorkerRow,
    WorkerState,
};
use serde_json::json;

use crate::support::{DN, Service};

/// Two plugins, of which `bad` is out of service.
#[derive(Default)]
struct Crew {
    called_back: Mutex<Vec<String>>,
}

fn plugin(name: &str, out: Option<bool>) -> PluginRow {
    let out = out.map(|returning| OutOfService {
        reason: "it ended 3 workers".into(),
        returning,
    });
    PluginRow {
        name: name.into(),
        state: "ready".into(),
        schemes: vec![name.into()],
        out_of_service: out,
        ..PluginRow::default()
    }
}

#[async_trait]
impl WorkerInsight for Crew {
    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        Ok(vec![WorkerRow {
            pid: Some(7),
            generation: 2,
            state: WorkerState::Retiring,
            attempts: 3,
            calls: 4,
            rss_bytes: 5,
        }])
    }

    async fn plugins(&self) -> Result<Vec<PluginRow>, StoreError> {
        let returning = !self.called_back.lock().unwrap().is_empty();
        Ok(vec![plugin("bad", Some(returning)), plugin("good", None)])
    }

    async fn put_back(&self, by: &str, name: &str) -> Result<PutBack, StoreError> {
        Ok(match name {
            "bad" => {
                self.called_back.lock().unwrap().push(by.to_owned());
                PutBack::Begun
            }
            "good" => PutBack::InService,
            _ => PutBack::Unknown,
        })
    }

    async fn change_plugins(&self, _: &str, _: PluginAction) -> Result<PluginChange, StoreError> {
        Ok(PluginChange::Done)
    }
}

fn service() -> (Service, Arc<Crew>) {
    let mut service = Service::new();
    let crew = Arc::new(Crew::default());
    let state = service.state.clone().with_workers(crew.clone());
    service.router = causeway_api::router(state.clone());
    service.state = state;
    service.acting_as(|it| {
        it.level.insert("config".to_owned(), Level::All);
    });
    (service, crew)
}

#[tokio::test]
async fn workers_and_plugins_as_they_are() {
    let (service, _) = service();
    assert_eq!(
        service.get("/engine/workers").await.json(),
        json!([{
            "pid": 7, "generation": 2, "state": "retiring",
            "attempts": 3, "calls": 4, "rss_bytes": 5,
        }])
    );
    let plugins = service.get("/engine/plugins").await.json();
    let out = json!({"reason": "it ended 3 workers", "returning": false});
    assert_eq!(plugins[0]["out_of_service"], out);
    assert_eq!(
        plugins[1],
        json!({
            "name": "good", "version": "", "kind": "", "schemes": ["good"], "state": "ready",
            "path": null, "sha256": null, "signed_by": null, "out_of_service": null,
            "disabled": false, "refused": null, "previous": null, "versions": [],
            "marks": {
                "calls": 0, "failures": 0, "panics": 0, "traps": 0, "slow_polls": 0, "call_micros": 0,
            },
            "ended_workers": 0, "counters": {},
        })
    );
}

#[tokio::test]
async fn a_plugin_is_put_back_by_somebody() {
    let (service, crew) = service();
    let answer = service.post("/engine/plugins/bad/put-back", "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.json()["out_of_service"]["returning"], true);
    assert_eq!(*crew.called_back.lock().unwrap(), [DN]);
    let answer = service.post("/engine/plugins/good/put-back", "").await;
    answer.is_error(409, "The plugin good is not out of service");
    let answer = service.post("/engine/plugins/none/put-back", "").await;
    answer.is_error(404, "No plugin with the name \"none\" has been found");
}

#[tokio::test]
async fn nobody_without_the_right() {
    let (mut service, crew) = service();
    service.acting_as(|_| {});
    let text = "Not enough permissions";
    service.get("/engine/workers").await.is_error(403, text);
    service.get("/engine/plugins").await.is_error(403, text);
    let answer = service.post("/engine/plugins/bad/put-back", "").await;
    answer.is_error(403, text);
    assert!(crew.called_back.lock().unwrap().is_empty());
}
