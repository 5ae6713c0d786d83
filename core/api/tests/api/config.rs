//! `/config`, `/config/audit`, `/config/drain`, and who may.

use causeway_model::ports::EngineControl;
use causeway_model::settings::{Change, HostRow};
use causeway_model::{AuthMethod, Level};
use serde_json::{Value, json};

use crate::engine::HOST;
use crate::support::{DN, Service};

#[tokio::test]
async fn nodes_and_their_drain() {
    let service = Service::of_operator();
    let row = |service: &str, drain: bool| {
        json!({"hostname": HOST, "service_name": service, "beat": "2026-11-22T00:00:00",
               "drain": drain})
    };
    let all = |drain| {
        let names = ["fts_server", "fts_qosdaemon", "fts_optimizer"];
        Value::from_iter(names.map(|it| row(it, drain)))
    };
    assert_eq!(service.get("/config").await.ok(), all(false));
    let drain = async |body: Value| service.post("/config/drain", body).await;
    let answer = drain(json!({"hostname": HOST})).await;
    assert_eq!(answer.ok(), Value::Null);
    assert_eq!(service.get("/config").await.ok(), all(true));
    drain(json!({"hostname": HOST, "drain": false})).await.ok();
    assert_eq!(service.get("/config/").await.ok(), all(false));
    let other = HostRow {
        hostname: "other".into(),
        drain: true,
    };
    let change = vec![Change::PutHost(other)];
    service.engine.change_settings(DN, change).await.unwrap();
    assert_eq!(
        service.get("/config").await.ok()[3],
        json!({"hostname": "other", "service_name": "fts_server", "beat": null, "drain": true})
    );
    let invalid = "Invalid drain request";
    service
        .refuses(
            "/config/drain",
            &[
                (json!({}), invalid),
                (json!({"drain": true}), invalid),
                (json!({"hostname": ""}), invalid),
                (json!({"hostname": 5}), invalid),
                (json!({"hostname": HOST, "drain": "yes"}), invalid),
                (json!({"hostname": HOST, "drain": 1}), invalid),
                (json!({"hostname": HOST, "drain": null}), invalid),
                (json!({"hostname": "nobody"}), "Host not found"),
                (json!([]), "Expecting a dictionary"),
            ],
        )
        .await;
    assert_eq!(service.audited().await, ["drain", "drain", "drain"]);
}

#[tokio::test]
async fn an_engine_that_does_not_answer_has_no_beat() {
    let service = Service::of_operator();
    let broken = causeway_model::ports::StoreError::Failed("stuck".into());
    *service.control.fails_with.lock().unwrap() = Some(broken);
    assert_eq!(service.get("/config").await.ok()[0]["beat"], Value::Null);
}

#[tokio::test]
async fn the_audit_has_the_newest_first() {
    let service = Service::of_operator();
    assert_eq!(service.get("/config/audit").await.ok(), json!([]));
    service
        .post("/ban/se", json!({"storage": "mock://a"}))
        .await;
    service.delete("/ban/se?storage=mock://a").await;
    let rows = service.get("/config/audit").await.ok();
    assert_eq!(rows[0]["action"], "unban-se");
    assert_eq!(rows[1]["action"], "ban-se");
    assert_eq!(rows[1]["dn"], DN);
    assert_eq!(rows[1]["datetime"], "2026-11-22T00:00:00");
    let config = rows[1]["config"].as_str().unwrap();
    assert!(config.contains("mock://a"), "{config}");
    for _ in 0..60 {
        service
            .post("/ban/se", json!({"storage": "mock://a"}))
            .await;
        service.delete("/ban/se?storage=mock://a").await;
    }
    let rows = service.get("/config/audit").await.ok();
    assert_eq!(rows.as_array().unwrap().len(), 100);
}

/// Every route under `/config`, and whether it wants a certificate.
const ROUTES: [(&str, &str, bool); 29] = [
    ("GET", "/config", false),
    ("GET", "/config/audit", false),
    ("POST", "/config/drain", false),
    ("POST", "/config/global", false),
    ("GET", "/config/global", false),
    ("DELETE", "/config/global", false),
    ("POST", "/config/links", false),
    ("GET", "/config/links", false),
    ("GET", "/config/links/x", false),
    ("DELETE", "/config/links/x", false),
    ("POST", "/config/se", false),
    ("GET", "/config/se", false),
    ("DELETE", "/config/se", false),
    ("POST", "/config/shares", false),
    ("GET", "/config/shares", false),
    ("DELETE", "/config/shares", false),
    ("POST", "/config/authorize", true),
    ("GET", "/config/authorize", true),
    ("DELETE", "/config/authorize", true),
    ("POST", "/config/activity_shares", true),
    ("GET", "/config/activity_shares", true),
    ("GET", "/config/activity_shares/x", true),
    ("DELETE", "/config/activity_shares/x", true),
    ("POST", "/config/cloud_storage", true),
    ("GET", "/config/cloud_storage", true),
    ("GET", "/config/cloud_storage/x", true),
    ("POST", "/config/cloud_storage/x", true),
    ("DELETE", "/config/cloud_storage/x", true),
    ("DELETE", "/config/cloud_storage/x/y", true),
];

#[tokio::test]
async fn who_may_configure() {
    let mut service = Service::new();
    for (method, path, certificate) in ROUTES {
        service.acting_as(|_| {});
        let answer = service.ask(method, path, "application/json", "{}").await;
        answer.is_error(403, "Not enough permissions");
        service.acting_as(|it| {
            it.method = AuthMethod::Oauth2;
            it.level.insert("config".into(), Level::All);
        });
        let answer = service.ask(method, path, "application/json", "{}").await;
        match certificate {
            true => answer.is_error(403, "Certificate required"),
            false => assert_ne!(answer.status, 403, "{method} {path}"),
        }
        service.acting_as(|it| {
            it.level.insert("config".into(), Level::All);
        });
        let answer = service.ask(method, path, "application/json", "{}").await;
        assert_ne!(answer.status, 403, "{method} {path}");
        assert!(!answer.status.is_server_error(), "{method} {path}");
    }
}

#[tokio::test]
async fn bodies_are_read_by_the_general_rules() {
    let service = Service::of_operator();
    let paths = ROUTES.into_iter().filter(|(method, ..)| *method == "POST");
    for (_, path, _) in paths.filter(|(_, path, _)| !path.ends_with('x')) {
        let bad = "Badly formatted JSON request";
        service.post(path, "{").await.is_error(400, bad);
        let list = "Expecting a dictionary";
        service.post(path, "[]").await.is_error(400, list);
        let kind = "Expecting application/json or application/x-www-form-urlencoded";
        let answer = service.ask("POST", path, "text/plain", "{}").await;
        answer.is_error(400, kind);
    }
    assert_eq!(service.audited().await, Vec::<String>::new());
}
