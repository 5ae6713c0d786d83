//! `/ban/se` and `/ban/dn`.

use causeway_model::ports::EngineControl;
use causeway_model::settings::BanStatus;
use causeway_model::{JobId, Level};
use serde_json::{Value, json};

use crate::support::{DN, OTHER_DN, Service};

const SE: &str = "mock://a.example.org";
const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test]
async fn a_storage_by_json_by_form_and_by_query() {
    let service = Service::of_operator();
    let ban = || service.engine.settings().ban_of_storage(SE).cloned();
    let unban = async || {
        let path = format!("/ban/se?storage={}", SE.replace(':', "%3A"));
        service.delete(&path).await.is_empty_204();
        assert!(ban().is_none());
    };
    let body = json!({"storage": SE, "status": "WAIT", "timeout": "60", "allow_submit": true,
                      "vo_name": "testvo", "message": "maintenance"});
    assert_eq!(service.post("/ban/se", &body).await.ok(), json!([]));
    let row = ban().unwrap();
    assert_eq!(row.status, BanStatus::WaitAndSubmit);
    assert_eq!((row.wait_timeout, row.vo.as_deref()), (60, Some("testvo")));
    assert_eq!((&*row.admin_dn, row.message.as_str()), (DN, "maintenance"));
    unban().await;
    let text = format!("storage={SE}&status=wait&timeout=5");
    service.ask("POST", "/ban/se", FORM, text).await.ok();
    let row = ban().unwrap();
    assert_eq!((row.status, row.wait_timeout), (BanStatus::Wait, 5));
    unban().await;
    let path = format!("/ban/se?storage={SE}");
    service.ask("POST", &path, "", "").await.ok();
    let row = ban().unwrap();
    assert_eq!((row.status, row.vo.clone()), (BanStatus::Cancel, None));
    unban().await;
    // A client that says JSON and sends nothing.
    service
        .ask("POST", &path, "application/json", "")
        .await
        .ok();
    assert!(ban().is_some());
    // Lifting a ban that is not there is fine, and one client sends a body along.
    let (path, body) = (
        "/ban/se?storage=mock%3A%2F%2Fz",
        json!({"storage": "mock://z"}),
    );
    let kind = "application/json";
    let answer = service.ask("DELETE", path, kind, body.to_string()).await;
    answer.is_empty_204();
}

#[tokio::test]
async fn a_ban_names_the_jobs_it_concerned() {
    let service = Service::of_operator();
    let jobs = [JobId::random(), JobId::random()];
    service.engine.concerned.lock().unwrap().extend(jobs);
    let answer = service.post("/ban/se", json!({"storage": SE})).await.ok();
    assert_eq!(answer, json!([jobs[0].to_string(), jobs[1].to_string()]));
    service.engine.concerned.lock().unwrap().push(jobs[1]);
    let body = json!({"user_dn": OTHER_DN});
    let answer = service.post("/ban/dn", body).await.ok();
    assert_eq!(answer, json!([jobs[1].to_string()]));
}

#[tokio::test]
async fn what_makes_no_sense_bans_nobody() {
    let service = Service::of_operator();
    let status = "status can only be cancel or wait";
    let seconds = "timeout must be a number of seconds that is not negative";
    let both = "allow_submit and status = CANCEL can not be combined";
    let missing = "Missing storage parameter";
    service
        .refuses(
            "/ban/se",
            &[
                (json!({}), missing),
                (json!({"storage": ""}), missing),
                (json!({"storage": null}), missing),
                (json!({"storage": 5}), "storage must be a string"),
                (
                    json!({"storage": "*"}),
                    "storage can not contain a wildcard",
                ),
                (json!({"storage": SE, "status": "active"}), status),
                (json!({"storage": SE, "allow_submit": true}), both),
                (
                    json!({"storage": SE, "status": "CANCEL", "allow_submit": 1}),
                    both,
                ),
                (json!({"storage": SE, "timeout": -1}), seconds),
                (json!({"storage": SE, "timeout": "soon"}), seconds),
                (json!({"storage": SE, "timeout": 1.5}), seconds),
                (json!([SE]), "Malformed input"),
            ],
        )
        .await;
    let answer = service.post("/ban/se", "{").await;
    answer.is_error(400, "Malformed input");
    service.delete("/ban/se").await.is_error(400, missing);
    service
        .delete("/ban/se?storage=")
        .await
        .is_error(400, missing);
    let missing = "Missing dn parameter";
    let bodies = [(json!({}), missing), (json!({"user_dn": ""}), missing)];
    service.refuses("/ban/dn", &bodies).await;
    let myself = "The user tried to ban (her|his)self";
    let answer = service.post("/ban/dn", json!({"user_dn": DN})).await;
    answer.is_error(409, myself);
    let missing = "Missing user_dn parameter";
    service.delete("/ban/dn").await.is_error(400, missing);
    assert_eq!(service.audited().await, Vec::<String>::new());
}

#[tokio::test]
async fn lists_of_bans() {
    let service = Service::of_operator();
    service.post("/ban/se", json!({"storage": SE})).await.ok();
    let body = json!({"storage": "mock://b", "status": "wait", "allow_submit": "true",
                      "vo_name": "testvo"});
    service.post("/ban/se", body).await.ok();
    assert_eq!(
        service.get("/ban/se").await.ok(),
        json!([
            {"se": SE, "message": "", "addition_time": "2026-11-22T00:00:00",
             "admin_dn": DN, "vo": null, "status": "CANCEL"},
            {"se": "mock://b", "message": "", "addition_time": "2026-11-22T00:00:00",
             "admin_dn": DN, "vo": "testvo", "status": "WAIT_AS"},
        ])
    );
    // Again, otherwise: one row.
    let body = json!({"storage": SE, "status": "wait"});
    service.post("/ban/se", body).await.ok();
    assert_eq!(service.get("/ban/se").await.ok()[0]["status"], "WAIT");
    let path = format!("/ban/dn?user_dn={}", OTHER_DN.replace(' ', "+"));
    let answer = service.ask("POST", &path, FORM, "message=why").await;
    assert_eq!(answer.ok(), json!([]));
    assert_eq!(
        service.get("/ban/dn").await.ok(),
        json!([{"dn": OTHER_DN, "message": "why", "addition_time": "2026-11-22T00:00:00",
                "admin_dn": DN, "status": "CANCEL"}])
    );
    service.delete(&path).await.is_empty_204();
    assert_eq!(service.get("/ban/dn").await.ok(), json!([]));
    service.delete(&path).await.is_empty_204();
    let audited = service.audited().await;
    let expected = [
        "unban-dn", "unban-dn", "ban-dn", "ban-se", "ban-se", "ban-se",
    ];
    assert_eq!(audited, expected);
}

#[tokio::test]
async fn who_may_not_configure_may_not_ban() {
    let mut service = Service::new();
    let text = "Not enough permissions";
    for (method, path) in [
        ("POST", "/ban/se?storage=mock://a"),
        ("DELETE", "/ban/se?storage=mock://a"),
        ("GET", "/ban/se"),
        ("POST", "/ban/dn?user_dn=x"),
        ("DELETE", "/ban/dn?user_dn=x"),
        ("GET", "/ban/dn"),
    ] {
        service.acting_as(|_| {});
        let answer = service.ask(method, path, "", "").await;
        answer.is_error(403, text);
        service.acting_as(|it| {
            it.level.insert("config".into(), Level::Private);
        });
        let answer = service.ask(method, path, "", "").await;
        assert!(answer.status.is_success(), "{method} {path}");
    }
    assert_eq!(service.get("/ban/se").await.ok(), Value::Array(vec![]));
}
