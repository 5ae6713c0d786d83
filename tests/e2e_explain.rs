//! Why a transfer waits, what a submission would get, and what an operator sets back: asked of a
//! running gateway by its own client.

use std::time::Duration;

use causeway_tests::outcome::{ok, refused};
use causeway_tests::{Gateway, GatewayOptions};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

fn source(name: &str) -> String {
    format!("mock://source.example/{name}?size=10")
}

fn destination(name: &str) -> String {
    format!("mock://destination.example/{name}?size_post=10&time=600")
}

/// A gateway on whose links one transfer runs at a time, and a job of three of which one runs.
async fn busy(state: &std::path::Path) -> (Gateway, String, Vec<String>) {
    let options = GatewayOptions::default().env("CAUSEWAY__ENGINE__LINK_MAX_ACTIVE", "1");
    let gateway = Gateway::start(state, &options);
    let file =
        |name: &str| json!({ "sources": [source(name)], "destinations": [destination(name)] });
    let body = json!({ "files": [file("1"), file("2"), file("3")] });
    let id = gateway.submit(&body).await;
    let path = format!("/jobs/{id}/files");
    let began = std::time::Instant::now();
    loop {
        let files = gateway.get(&path).await;
        let files = files.as_array().unwrap();
        if files.iter().any(|it| it["file_state"] == "ACTIVE") {
            let ids = files.iter().map(|it| it["file_id"].to_string());
            let ids = ids.collect();
            return (gateway, id, ids);
        }
        assert!(began.elapsed() < LIMIT, "{}", gateway.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_user_is_told_why() {
    let state = tempfile::tempdir().unwrap();
    let (gateway, id, files) = busy(state.path()).await;
    let all = gateway.cli_json(&["explain", &id, "--json"]);
    let kinds = |it: &Value| -> Vec<String> {
        let waits = it["waits"].as_array().unwrap().iter();
        waits
            .map(|it| it["kind"].as_str().unwrap().to_owned())
            .collect()
    };
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 2, "{all:#?}");
    assert_eq!(kinds(&all[0]), ["link_limit"]);
    assert_eq!(kinds(&all[1]), ["link_limit", "position"]);
    let full = "The link from mock://source.example to mock://destination.example is full: \
                1 of 1 transfers run.";
    assert!(ok(&gateway.cli(&["explain", &id])).contains(full));
    assert!(ok(&gateway.cli(&["explain", &id, &files[0]])).contains("It runs."));
    let one = gateway.cli_json(&["explain", &id, &files[2], "--json"]);
    assert_eq!(one["waits"][1]["ahead"], 1);
    assert_eq!(one["credential"]["outlives"], true);
    refused(
        &gateway.cli(&["explain", &id, "0"]),
        1,
        "No file with the id",
    );
    plan(&gateway).await;
    conditions(&gateway).await;
}

async fn plan(gateway: &Gateway) {
    let (from, to) = (source("4"), destination("4"));
    let plan = gateway.cli_json(&["submit", "--plan", "--json", &from, &to]);
    let file = &plan["files"][0];
    assert_eq!(file["file_state"], "SUBMITTED");
    assert_eq!(file["ways"], json!(["pull", "push", "stream"]));
    assert_eq!(file["waits"][1]["ahead"], 2);
    let printed = ok(&gateway.cli(&["submit", "--plan", &from, &to]));
    assert!(printed.contains("pull, push, stream"), "{printed}");
    let nobody = ok(&gateway.cli(&["submit", "--plan", "void://a/f", &to]));
    assert!(
        nobody.contains("warning: No plugin serves the source"),
        "{nobody}"
    );
    let jobs = gateway.get("/jobs").await;
    assert_eq!(jobs.as_array().unwrap().len(), 1, "{jobs}");
}

async fn conditions(gateway: &Gateway) {
    let (status, found) = gateway
        .ask("GET", "/engine/conditions", &Value::Null, LIMIT)
        .await;
    assert_eq!(status, 200, "{found}");
    assert_eq!(found["closed"], Value::Null);
    assert_eq!(found["breakers"], json!([]));
    let link = &found["links"][0];
    assert_eq!(link["source_se"], "mock://source.example", "{found}");
    for path in [
        "/engine/breakers?storage=mock%3A%2F%2Fa",
        "/engine/ways?source=mock%3A%2F%2Fa&destination=mock%3A%2F%2Fb",
    ] {
        let (status, answer) = gateway.ask("DELETE", path, &Value::Null, LIMIT).await;
        assert_eq!(status, 204, "{path} {answer}");
    }
}
