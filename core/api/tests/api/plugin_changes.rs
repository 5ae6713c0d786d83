//! `/config/plugins`: what is asked of whoever keeps plugins, and what is said to the operator.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use causeway_model::Level;
use causeway_model::ports::StoreError;
use causeway_model::workers::{
    KeptVersion, PluginAction, PluginChange, PluginMarks, PluginRow, PutBack, RefusedVersion,
    RunningVersion, VersionState, WorkerInsight, WorkerRow,
};
use serde_json::{Value, json};

use crate::support::{DN, Service};

/// Notes what it is asked, and gives the answer that a plugin is named after.
#[derive(Default)]
struct Keeper(Mutex<Vec<(String, PluginAction)>>);

#[async_trait]
impl WorkerInsight for Keeper {
    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        Ok(Vec::new())
    }

    async fn plugins(&self) -> Result<Vec<PluginRow>, StoreError> {
        let version = |version: &str, state| RunningVersion {
            version: version.into(),
            sha256: Some("ab".into()),
            state,
            workers: 2,
            attempts: 3,
        };
        Ok(vec![PluginRow {
            name: "one".into(),
            refused: Some(RefusedVersion {
                version: "3.0.0".into(),
                sha256: None,
                reason: "verify it".into(),
            }),
            previous: Some(KeptVersion {
                version: "1.0.0".into(),
                sha256: "cd".into(),
            }),
            versions: vec![
                version("2.0.0", VersionState::Serving),
                version("1.0.0", VersionState::Draining),
            ],
            marks: PluginMarks {
                calls: 5,
                ..PluginMarks::default()
            },
            ended_workers: 1,
            ..PluginRow::default()
        }])
    }

    async fn put_back(&self, _: &str, _: &str) -> Result<PutBack, StoreError> {
        Ok(PutBack::Unknown)
    }

    async fn change_plugins(
        &self,
        by: &str,
        action: PluginAction,
    ) -> Result<PluginChange, StoreError> {
        self.0.lock().unwrap().push((by.to_owned(), action.clone()));
        Ok(match action {
            PluginAction::Disable(name) if name == "nobody" => PluginChange::Unknown,
            PluginAction::Disable(name) if name == "late" => PluginChange::Pending,
            PluginAction::RollBack(name) if name == "new" => PluginChange::NoPrevious,
            PluginAction::RollBack(name) if name == "bad" => {
                PluginChange::Refused("load the plugin: it is odd".into())
            }
            _ => PluginChange::Done,
        })
    }
}

fn service() -> (Service, Arc<Keeper>) {
    let mut service = Service::new();
    let keeper = Arc::new(Keeper::default());
    let state = service.state.clone().with_workers(keeper.clone());
    service.router = causeway_api::router(state.clone());
    service.state = state;
    service.acting_as(|it| {
        it.level.insert("config".to_owned(), Level::All);
    });
    (service, keeper)
}

async fn post(service: &Service, body: Value) -> crate::support::Answer {
    service.post("/config/plugins", &body.to_string()).await
}

#[tokio::test]
async fn every_action_reaches_whoever_keeps_plugins() {
    let (service, keeper) = service();
    let one = || "one".to_owned();
    for (body, action) in [
        (json!({"action": "reload"}), PluginAction::Reload),
        (
            json!({"action": "disable", "name": "one"}),
            PluginAction::Disable(one()),
        ),
        (
            json!({"action": "enable", "name": "one"}),
            PluginAction::Enable(one()),
        ),
        (
            json!({"action": "rollback", "name": "one"}),
            PluginAction::RollBack(one()),
        ),
    ] {
        let answer = post(&service, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json(), service.get("/config/plugins").await.json());
        let asked = keeper.0.lock().unwrap().pop();
        assert_eq!(asked, Some((DN.to_owned(), action)));
    }
}

#[tokio::test]
async fn a_form_does_as_well() {
    let (service, keeper) = service();
    let (path, form) = ("/config/plugins", "application/x-www-form-urlencoded");
    let answer = service
        .ask("POST", path, form, "action=disable&name=one")
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let asked = keeper.0.lock().unwrap().pop().unwrap();
    assert_eq!(asked.1, PluginAction::Disable("one".to_owned()));
}

#[tokio::test]
async fn a_plugin_as_it_is_shown() {
    let (service, _) = service();
    let plugins = service.get("/config/plugins").await.json();
    assert_eq!(plugins, service.get("/engine/plugins").await.json());
    let plugin = &plugins[0];
    assert_eq!(
        plugin["refused"],
        json!({"version": "3.0.0", "sha256": null, "reason": "verify it"})
    );
    assert_eq!(
        plugin["previous"],
        json!({"version": "1.0.0", "sha256": "cd"})
    );
    assert_eq!(plugin["disabled"], false);
    assert_eq!(
        plugin["versions"][1],
        json!({"version": "1.0.0", "sha256": "ab", "state": "draining", "workers": 2, "attempts": 3})
    );
    assert_eq!(
        plugin["marks"],
        json!({"calls": 5, "failures": 0, "panics": 0, "traps": 0, "slow_polls": 0, "call_micros": 0})
    );
    assert_eq!(plugin["ended_workers"], 1);
}

#[tokio::test]
async fn what_stands_in_the_way_is_said() {
    let (service, _) = service();
    let ask = async |action: &str, name: &str| {
        post(&service, json!({"action": action, "name": name})).await
    };
    let unknown = "No plugin with the name \"nobody\" has been found";
    ask("disable", "nobody").await.is_error(404, unknown);
    let none = "The plugin new has no earlier version to go back to";
    ask("rollback", "new").await.is_error(409, none);
    let bad = "The earlier version cannot be used, failed to load the plugin: it is odd";
    ask("rollback", "bad").await.is_error(409, bad);
    let answer = ask("disable", "late").await;
    assert_eq!(answer.status, 503, "{}", answer.text());
}

#[tokio::test]
async fn nonsense_is_refused_and_asks_nobody() {
    let (service, keeper) = service();
    for body in [
        json!({}),
        json!({"action": "explode"}),
        json!({"action": "disable"}),
        json!({"action": "disable", "name": 7}),
        json!({"action": "reload", "nmae": "one"}),
        json!([]),
    ] {
        let answer = post(&service, body.clone()).await;
        assert_eq!(answer.status, 400, "{body}: {}", answer.text());
    }
    assert!(keeper.0.lock().unwrap().is_empty());
}

#[tokio::test]
async fn nobody_without_the_right() {
    let (mut service, keeper) = service();
    service.acting_as(|_| {});
    let text = "Not enough permissions";
    service.get("/config/plugins").await.is_error(403, text);
    post(&service, json!({"action": "reload"}))
        .await
        .is_error(403, text);
    assert!(keeper.0.lock().unwrap().is_empty());
}
