//! `/` and the schema of submissions.

use serde_json::json;

use crate::support::Service;

#[tokio::test]
async fn versions_are_integers_and_links_are_there() {
    let mut service = Service::new();
    service.caller = None;
    let answer = service.get("/").await;
    assert_eq!(answer.status, 200);
    let root = answer.json();
    assert_eq!(root["api"], json!({"major": 3, "minor": 14, "patch": 0}));
    assert_eq!(
        root["core"],
        json!({"major": "3", "minor": "14", "patch": "0"})
    );
    assert_eq!(root["delegation"]["major"], 1);
    assert!(root["schema"]["major"].as_i64().unwrap() >= 8);
    assert_eq!(
        root["_links"]["curies"][0]["href"],
        "https://localhost:8446/"
    );
    assert_eq!(
        root["_links"]["fts:jobsubmit"]["hints"]["allow"],
        json!(["POST"])
    );
}

#[tokio::test]
async fn the_schema_of_submissions_tells_types() {
    let mut service = Service::new();
    service.caller = None;
    let schema = service.get("/api-docs/schema/submit").await.json();
    assert_eq!(schema["title"], "Job submission");
    assert_eq!(schema["type"], "object");
    let params = &schema["properties"]["params"]["properties"];
    assert_eq!(
        params["verify_checksum"]["type"],
        json!(["boolean", "null"])
    );
    assert_eq!(params["copy_pin_lifetime"]["minimum"], -1);
    let file = &schema["properties"]["files"]["items"];
    assert_eq!(file["required"], json!(["sources", "destinations"]));
    assert_eq!(file["properties"]["sources"]["minItems"], 1);
}
