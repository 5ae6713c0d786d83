//! What operators' routes answer, against the schemas of the document: no member that it does not
//! name, and no media type.

use causeway_api::fts::router::ROUTES;
use causeway_api::openapi::openapi;
use causeway_model::Level;
use causeway_model::ports::{HistoryStore, SettingsStore};
use causeway_model::{JobState, OptimizerRow, Timestamp};
use http::{Method, Request};
use serde_json::{Value, json};

use crate::openapi_shapes::{offences, schema_of};
use crate::submit_replicas::decision;
use crate::support::{DLG, NOW, Service, one_file};

fn root() -> Service {
    let mut service = Service::new();
    service.acting_as(|it| {
        it.is_root = true;
        for right in ["transfer", "datamanagement", "config", "admin"] {
            it.level.insert(right.into(), Level::All);
        }
    });
    service
}

/// Method, route, path, body, status.
fn asked() -> Vec<(&'static str, &'static str, &'static str, Value, u16)> {
    let post = |route, body| ("POST", route, route, body, 200);
    let get = |route| ("GET", route, route, Value::Null, 200);
    let se = json!({"mock://a": {
        "se_info": {"inbound_max_active": 5, "outbound_max_throughput": 1.5, "ipv6": true, "site": "S",
                    "se_metadata": "m", "debug_level": 1, "tpc_support": "PULL"},
        "operations": {"vo": {"delete": 2, "staging": 3}},
    }});
    let mut rows = vec![
        post(
            "/config/links",
            json!({"symbolicname": "l", "source": "mock://a", "destination": "*",
            "min_active": 1, "max_active": 5, "optimizer_mode": 1, "nostreams": 2}),
        ),
        (
            "GET",
            "/config/links/{sym_name}",
            "/config/links/l",
            Value::Null,
            200,
        ),
        (
            "GET",
            "/config/links/{sym_name}",
            "/config/links/none",
            Value::Null,
            404,
        ),
        post(
            "/config/global",
            json!({"vo_name": "vo", "retry": 2, "show_user_dn": true}),
        ),
        post("/config/se", se),
        post(
            "/config/shares",
            json!({"source": "mock://a", "destination": "mock://b", "vo": "vo", "share": 3}),
        ),
        post(
            "/config/activity_shares",
            json!({"vo": "vo", "share": [{"a": 0.5}, {"b": 1}]}),
        ),
        (
            "GET",
            "/config/activity_shares/{vo_name}",
            "/config/activity_shares/vo",
            Value::Null,
            200,
        ),
        post(
            "/config/authorize",
            json!({"dn": "/CN=x", "operation": "config"}),
        ),
        post(
            "/ban/se",
            json!({"storage": "mock://x", "status": "wait", "timeout": 60, "vo_name": "vo"}),
        ),
        post("/ban/dn", json!({"user_dn": "/CN=bad", "message": "why"})),
        post("/ban/dn", json!({})),
    ];
    rows[11].4 = 400;
    let cloud =
        json!({"storage_name": "S3:h", "app_key": "k", "app_secret": "s", "service_api_url": "u"});
    rows.push((
        "POST",
        "/config/cloud_storage",
        "/config/cloud_storage",
        cloud,
        201,
    ));
    let named = (
        "/config/cloud_storage/{storage_name}",
        "/config/cloud_storage/S3:h",
    );
    let keys = json!({"user_dn": "/CN=x", "access_key": "a", "secret_key": "b"});
    rows.push(("POST", named.0, named.1, keys, 201));
    rows.push(("GET", named.0, named.1, Value::Null, 200));
    let app = json!({"name": "n", "website": "https://w", "redirect_to": "https://w/back", "scope": ["transfer"]});
    rows.push(("POST", "/oauth2/register", "/oauth2/register", app, 201));
    rows.extend(
        [
            "/config/links",
            "/config/global",
            "/config/se",
            "/config/shares",
            "/config/audit",
            "/config",
            "/config/activity_shares",
            "/config/authorize",
            "/config/cloud_storage",
            "/ban/se",
            "/ban/dn",
            "/optimizer",
            "/optimizer/current",
            "/optimizer/evolution",
            "/status/hosts",
            "/archive",
            "/oauth2/apps",
            "/autocomplete/dn",
            "/autocomplete/storage",
            "/autocomplete/vo",
            "/delegation",
            "/dm/stat",
            "/dm/list",
        ]
        .map(get),
    );
    rows
}

#[tokio::test]
async fn operators_see_what_is_documented() {
    let service = root();
    let value = OptimizerRow {
        source_se: "mock://a".into(),
        dest_se: "mock://to".into(),
        datetime: Timestamp::from_seconds(NOW),
        ema: 1.5,
        active: 3,
        nostreams: 1,
    };
    let decisions = vec![decision("mock://a", 1, 3, 1.5, 90.0)];
    let stored = service.store.put_optimizer(vec![value], decisions);
    stored.await.unwrap();
    for (method, route, path, body, status) in asked() {
        let path = match route.starts_with("/dm/") {
            true => format!("{path}?surl=mock://a/f"),
            false => path.to_owned(),
        };
        let answer = match method {
            "POST" => service.post(&path, &body).await,
            _ => service.get(&path).await,
        };
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text());
        let schema = schema_of(&method.to_lowercase(), route, status);
        let found = offences(&schema, &answer.json(), &path);
        assert!(found.is_empty(), "{method} {found:#?}");
        let is_empty = answer.json().as_array().is_some_and(Vec::is_empty);
        let may_be_empty =
            path.starts_with("/autocomplete") || method == "POST" || path == "/config";
        assert!(
            !is_empty || may_be_empty,
            "{path} shows nothing of what was set"
        );
    }
}

#[tokio::test]
async fn archived_jobs_look_as_documented() {
    let service = root();
    let id = service.submit(one_file()).await;
    let over = Some(Timestamp::from_seconds(NOW - 10));
    let end = |job: &mut causeway_model::Job| {
        job.state = JobState::Finished;
        job.job_finished = over;
    };
    let file_end = |file: &mut causeway_model::Transfer| {
        file.state = causeway_model::FileState::Finished;
        file.finish_time = over;
    };
    service.change(&id, end, file_end).await;
    let now = Timestamp::from_seconds(NOW);
    assert_eq!(service.store.retire(now, 10, true).await.unwrap(), 1);
    let answer = service.get(&format!("/archive/{id}")).await;
    let schema = schema_of("get", "/archive/{job_id}", 200);
    assert_eq!(offences(&schema, &answer.json(), "archive"), [""; 0]);
    let field = service.get(&format!("/archive/{id}/job_id")).await;
    assert_eq!(field.json(), json!(id));
}

/// An answer without end, so nothing can be said of its end.
const ENDLESS: &str = "/events";

/// Whatever a browser or a program prefers, the media type is one of those documented.
#[tokio::test]
async fn media_types_are_documented() {
    let service = root();
    let job = service.submit(one_file()).await;
    let gets = ROUTES
        .iter()
        .filter(|it| it.method == Method::GET && it.path != ENDLESS);
    for route in gets {
        let path = route
            .path
            .replace("{job_id}", &job)
            .replace("{job_ids}", &job);
        let path = path
            .replace("{dlg_id}", DLG)
            .replace("{field}", "reason")
            .replace(['{', '}'], "");
        for accept in ["application/json", "text/html", "*/*"] {
            let request = Request::get(&path)
                .header("host", "fts.example.org:8446")
                .header("accept", accept);
            let answer = service
                .send(request.body(axum::body::Body::empty()).unwrap())
                .await;
            let documented = &openapi()["paths"][route.path]["get"]["responses"];
            let response = &documented[answer.status.as_str()];
            assert!(
                !response.is_null(),
                "{path}: {} {}",
                answer.status,
                answer.text()
            );
            let Some(kind) = answer.headers.get("content-type") else {
                continue;
            };
            let kind = kind.to_str().unwrap().split(';').next().unwrap();
            let is_error = answer.status.is_client_error() || answer.status.is_server_error();
            // Of errors there is one sentence for all: JSON, or a page.
            let is_known =
                is_error || answer.body.is_empty() || response["content"].get(kind).is_some();
            assert!(
                is_known,
                "{path} as {accept}: {kind} with {}",
                answer.status
            );
        }
    }
}
