//! `/dm` against storages that a test can look into.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use causeway_api::ApiConfig;
use serde_json::json;

use crate::storages::FakeStorages;
use crate::support::Service;

struct Watched {
    service: Service,
    seen: Arc<Mutex<Vec<String>>>,
}

fn watched() -> Watched {
    let mut service = Service::new();
    let storages = FakeStorages::default();
    let seen = storages.seen.clone();
    service.state.storages = Arc::new(storages);
    service.router = causeway_api::router(service.state.clone());
    Watched { service, seen }
}

impl Watched {
    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn stat_shows_six_numbers() {
    let service = Service::new();
    let answer = service.get("/dm/stat?surl=mock://h/f").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({"mode": 0o100_644, "nlink": 1, "size": 42, "atime": 0, "mtime": 7, "ctime": 0})
    );
}

#[tokio::test]
async fn a_listing_is_one_object_over_all_pages() {
    let service = Service::new();
    let answer = service.get("/dm/list?surl=mock://h/d%3Fpages=2").await;
    assert_eq!(answer.status, 200);
    let file = json!({"size": 1, "mode": 0o100_644, "mtime": 0});
    let expected = BTreeMap::from([
        ("dir/", json!({"size": 0, "mode": 0o040_755, "mtime": 0})),
        ("f\"0", file.clone()),
        ("f\"1", file.clone()),
        ("f\"2", file),
    ]);
    assert_eq!(answer.json(), json!(expected));
    assert_eq!(
        service.get("/dm/list?surl=mock://h/empty").await.text(),
        "{}"
    );
    let pages = service.get("/dm/list?surl=mock://h/empty%3Fpages=3").await;
    assert_eq!(pages.text(), "{}");
}

#[tokio::test]
async fn a_listing_that_breaks_is_no_whole_listing() {
    let service = Service::new();
    for url in ["mock://h/d%3Fpages=2%26breaks=1", "mock://h/d%3Frepeats=1"] {
        let answer = service.get(&format!("/dm/list?surl={url}")).await;
        assert_eq!(answer.status, 200);
        assert!(answer.broke_off, "{url}");
    }
}

#[tokio::test]
async fn names_are_changed_with_the_right_arguments() {
    let it = watched();
    let calls = [
        ("mkdir", json!({"surl": "mock://h/d"})),
        ("rmdir", json!({"surl": " mock://h/d "})),
        ("unlink", json!({"surl": "mock://h/f"})),
        ("rename", json!({"old": "mock://h/f", "new": "mock://h/g"})),
    ];
    for (verb, body) in calls {
        let answer = it.service.post(&format!("/dm/{verb}"), body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.text()),
            (200, "null"),
            "{verb}"
        );
    }
    assert_eq!(
        it.seen(),
        [
            "mkdir mock://h/d false",
            "rmdir mock://h/d",
            "unlink mock://h/f",
            "rename mock://h/f mock://h/g false"
        ]
    );
}

#[tokio::test]
async fn other_content_types_are_unquoted() {
    let service = Service::new();
    let body = "%7B%22surl%22%3A%22mock%3A//h/f%22%7D";
    let answer = service.ask("POST", "/dm/unlink", "text/plain", body).await;
    assert_eq!(answer.status, 200);
    let answer = service
        .ask("POST", "/dm/unlink", "", r#"{"surl":"mock://h/f"}"#)
        .await;
    assert_eq!(answer.status, 200);
    service
        .ask("POST", "/dm/unlink", "", "x")
        .await
        .is_error(400, "Badly formatted JSON request");
    service
        .ask("POST", "/dm/unlink", "", "[]")
        .await
        .is_error(400, "Expecting a dictionary");
}

#[tokio::test]
async fn storage_errors_become_statuses() {
    let service = Service::new();
    let rows = [
        (1, 403),
        (13, 403),
        (2, 404),
        (11, 503),
        (16, 503),
        (110, 503),
        (20, 400),
        (93, 400),
        (5, 500),
    ];
    for (errno, status) in rows {
        let answer = service
            .get(&format!("/dm/stat?surl=mock://h/f%3Ferrno={errno}"))
            .await;
        answer.is_error(status, &format!("[{errno}] scripted"));
        let answer = service
            .get(&format!("/dm/list?surl=mock://h/f%3Ferrno={errno}"))
            .await;
        answer.is_error(status, &format!("[{errno}] scripted"));
    }
}

#[tokio::test]
async fn bad_requests_never_reach_a_storage() {
    let it = watched();
    it.service
        .get("/dm/stat")
        .await
        .is_error(400, "Missing surl parameter");
    it.service
        .get("/dm/list?surl=")
        .await
        .is_error(400, "Missing surl parameter");
    it.service
        .post("/dm/mkdir", "{}")
        .await
        .is_error(400, "Missing surl parameter");
    it.service
        .post("/dm/rename", json!({"old": "mock://h/f"}))
        .await
        .is_error(400, "Missing new parameter");
    let local = "/dm/stat?surl=local:///etc/passwd";
    it.service
        .get(local)
        .await
        .is_error(400, "Can not transfer local files (local:///etc/passwd)");
    it.service
        .get("/dm/stat?surl=/x")
        .await
        .is_error(400, "Missing scheme (/x)");
    it.service
        .get("/dm/stat?surl=foo://h/f")
        .await
        .is_error(400, "[93] no plugin serves foo");
    let poor = it.service.get("/dm/list?surl=poor://h/d").await;
    poor.is_error(400, "[95] list is not supported by this storage");
    let rename = json!({"old": "mock://h/f", "new": "mock://other/f"});
    it.service
        .post("/dm/rename", rename)
        .await
        .is_error(400, "Both names must be on the same storage");
    assert!(it.seen().is_empty());
}

#[tokio::test]
async fn local_files_inside_a_root_need_no_host() {
    let service = Service::new();
    assert_eq!(
        service.get("/dm/stat?surl=local:///data/f").await.status,
        200
    );
}

#[tokio::test]
async fn a_credential_is_demanded_only_where_it_is_needed() {
    let service = Service::new();
    assert_eq!(service.get("/dm/stat?surl=secure://h/f").await.status, 200);
    service.delegate(0);
    let expired = service.get("/dm/stat?surl=secure://h/f").await;
    expired.is_error(419, "Delegated proxy expired (92fbce05ea766c17)");
    service.forget_delegation();
    let missing = service.get("/dm/stat?surl=secure://h/f").await;
    missing.is_error(419, "No delegated proxy available");
    assert_eq!(missing.json()["status"], "419 Authentication Timeout");
    assert_eq!(service.get("/dm/stat?surl=mock://h/f").await.status, 200);
    assert_eq!(
        service.get("/dm/stat?surl=local:///data/f").await.status,
        200
    );
}

#[tokio::test(start_paused = true)]
async fn a_storage_that_hangs_is_given_up() {
    let service = Service::with(ApiConfig {
        dm_timeout: Duration::from_secs(30),
        ..ApiConfig::default()
    });
    let begin = tokio::time::Instant::now();
    service
        .get("/dm/stat?surl=mock://h/slow")
        .await
        .is_error(503, "[110] Operation timed out");
    assert_eq!(begin.elapsed().as_secs(), 30);
}

#[tokio::test]
async fn nobody_may_look_without_the_right() {
    let mut service = Service::new();
    service.acting_as(|it| it.level.clear());
    service
        .get("/dm/stat?surl=mock://h/f")
        .await
        .is_error(403, "Not enough permissions");
    service.caller = None;
    service
        .post("/dm/unlink", "{}")
        .await
        .is_error(403, "Not enough permissions");
}
