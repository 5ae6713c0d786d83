//! `/openapi.json` and `/api-docs`: what is served, the committed copy, and real answers against
//! the schemas.

use std::path::{Path, PathBuf};

use causeway_api::openapi::openapi;
use causeway_model::{RetryLog, Timestamp};
use http::Request;
use serde_json::{Value, json};

use crate::openapi_shapes::{offences, schema_of};
use crate::support::{DLG, NOW, Service, one_file, with_params};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json")
}

#[test]
fn the_committed_document_is_this_one() {
    let path = committed();
    if std::env::var_os("CAUSEWAY_REFRESH_DOCS").is_some() {
        let text = serde_json::to_string_pretty(openapi()).unwrap();
        std::fs::write(&path, text + "\n").unwrap();
    }
    let text = std::fs::read_to_string(&path).unwrap();
    let committed: Value = serde_json::from_str(&text).unwrap();
    assert!(
        committed == *openapi(),
        "docs/openapi.json is old; make it anew with\n\
         CAUSEWAY_REFRESH_DOCS=1 cargo test -p causeway-api --test api openapi::the_committed"
    );
}

#[tokio::test]
async fn it_is_served_to_anybody() {
    let mut service = Service::new();
    service.caller = None;
    let served = service.get("/openapi.json").await;
    assert_eq!(served.status, 200);
    assert_eq!(served.json(), *openapi());
    assert_eq!(served.json()["openapi"], "3.1.0");
}

#[tokio::test]
async fn the_older_listing() {
    let mut service = Service::new();
    service.caller = None;
    let list = service.get("/api-docs/").await.json();
    assert_eq!(list["swaggerVersion"], "1.2");
    let ids: Vec<&str> = list["apis"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["id"].as_str().unwrap())
        .collect();
    for id in [
        "api",
        "archive",
        "autocomplete",
        "banning",
        "cloudStorage",
        "config",
        "datamanagement",
        "delegation",
        "files",
        "jobs",
        "oauth2",
        "optimizer",
        "serverstatus",
        "config/activities",
        "config/audit",
        "config/authz",
        "config/cloud",
        "config/drain",
        "config/global",
        "config/links",
        "config/se",
        "config/shares",
    ] {
        assert!(ids.contains(&id), "{id}");
    }
    let jobs = service.get("/api-docs/jobs").await.json();
    assert_eq!(jobs["basePath"], "/");
    assert_eq!(jobs["resourcePath"], "/jobs");
    assert_eq!(jobs["produces"], json!(["application/json"]));
    let apis = jobs["apis"].as_array().unwrap();
    let list = apis.iter().find(|it| it["path"] == "/jobs").unwrap();
    let get = list["operations"].as_array().unwrap();
    let get = get.iter().find(|it| it["method"] == "GET").unwrap();
    assert_eq!(
        (get["type"].clone(), get["items"].clone()),
        (json!("array"), json!({"$ref": "Job"}))
    );
    assert_eq!(
        jobs["models"]["Job"]["properties"]["priority"]["type"],
        "integer"
    );
    assert!(jobs["models"]["SubmittedFile"].is_object());
    for path in ["/api-docs/config/audit", "/api-docs/config%2Faudit"] {
        assert_eq!(
            service.get(path).await.json()["resourcePath"],
            "/config/audit"
        );
    }
    for path in ["/api-docs/nothing", "/api-docs/config/nothing"] {
        assert_eq!(service.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn browsers_get_a_page() {
    let service = Service::new();
    let request = Request::get("/api-docs").header("accept", "text/html,*/*;q=0.8");
    let page = service
        .send(request.body(axum::body::Body::empty()).unwrap())
        .await;
    assert!(
        page.text().contains("<code>GET /jobs/{job_ids}</code>"),
        "{}",
        page.text()
    );
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
}

/// Real answers have the documented shape, and no member that is not documented.
#[tokio::test]
async fn answers_look_as_documented() {
    let mut service = Service::new();
    let full =
        with_params(json!({"job_metadata": {"a": 1}, "max_time_in_queue": 3, "nostreams": 2}));
    let job = service.submit(full).await;
    let deletion = service.submit(json!({"delete": ["mock://a/1"]})).await;
    let view = service.view(&job).await;
    let file = view.files[0].file_id;
    retried(&service, &job).await;
    service.acting_as(|it| it.is_root = true);
    let entry = |path: &str| (path.to_owned(), 200);
    let asked = [
        ("/", entry("/")),
        ("/whoami", entry("/whoami")),
        ("/delegation/{dlg_id}", (format!("/delegation/{DLG}"), 200)),
        ("/jobs", entry("/jobs")),
        ("/jobs/{job_ids}", (format!("/jobs/{job}"), 200)),
        (
            "/jobs/{job_ids}",
            (format!("/jobs/{job}?files=file_id,reason"), 200),
        ),
        ("/jobs/{job_ids}", (format!("/jobs/{job},{deletion}"), 200)),
        ("/jobs/{job_ids}", (format!("/jobs/{job},nothing"), 207)),
        ("/jobs/{job_ids}", ("/jobs/nothing".to_owned(), 404)),
        ("/jobs/{job_id}/files", (format!("/jobs/{job}/files"), 200)),
        ("/jobs/{job_id}/dm", (format!("/jobs/{deletion}/dm"), 200)),
        (
            "/jobs/{job_id}/files/{file_id}/retries",
            (format!("/jobs/{job}/files/{}/retries", file.0), 200),
        ),
        ("/files", entry("/files")),
        ("/files", ("/files?limit=x".to_owned(), 400)),
    ];
    for (route, (path, status)) in asked {
        let answer = service.get(&path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        let schema = schema_of("get", route, status);
        let mut found = offences(&schema, &answer.json(), &path);
        // An error about one job has the members of a bulk answer besides.
        found.retain(|it| status != 404 || !it.contains("not documented"));
        assert!(found.is_empty(), "{found:#?}");
    }
    let answer = service.post("/jobs", one_file()).await;
    assert_eq!(
        offences(&schema_of("post", "/jobs", 200), &answer.json(), "submit"),
        [""; 0]
    );
    let answer = service.delete("/jobs/all").await;
    assert_eq!(
        offences(
            &schema_of("delete", "/jobs/all", 200),
            &answer.json(),
            "all"
        ),
        [""; 0]
    );
}

async fn retried(service: &Service, job: &str) {
    use causeway_model::ports::{JobStore, Transaction};
    let view = service.view(job).await;
    let log = RetryLog {
        file_id: view.files[0].file_id,
        job_id: view.job.job_id,
        attempt: 1,
        datetime: Timestamp::from_seconds(NOW),
        reason: "SOURCE [2] nothing there".into(),
        transfer_host: None,
        log_file: Some("/log".into()),
    };
    let change = Transaction {
        retries: vec![log],
        ..Transaction::default()
    };
    service.store.apply(change).await.unwrap();
}

#[test]
fn the_check_of_shapes_can_fail() {
    let schema = schema_of("get", "/jobs", 200);
    for (wrong, what) in [
        (json!({}), "array"),
        (json!([{"priority": "high"}]), "integer"),
        (json!([{"submit_time": 1}]), "string"),
        (json!([{"job_state": "LOST"}]), "none of"),
        (json!([{"new": 1}]), "not documented"),
    ] {
        let found = offences(&schema, &wrong, "");
        assert!(
            found.len() == 1 && found[0].contains(what),
            "{wrong}: {found:?}"
        );
    }
    let found = offences(&schema_of("post", "/jobs", 200), &json!({}), "");
    assert!(found[0].contains("job_id"), "{found:?}");
}
