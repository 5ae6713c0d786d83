//! Traps of real clients, in what they read. The number is that of the list in
//! `docs/compatibility.md`.

use std::sync::Arc;

use axum::body::Body;
use causeway_api::MatchedRoute;
use causeway_api::fts::router::ROUTES;
use causeway_model::{FileState, JobState, Timestamp};
use http::Request;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{DLG, DN, NOW, OTHER_DN, Service, caller, one_file, user};

const UNKNOWN: &str = "00000000-1111-5222-8333-444444444444";

/// As an engine leaves a job that went well.
async fn finish(service: &Service, id: &str) {
    let now = Some(Timestamp::from_seconds(NOW));
    service
        .change(
            id,
            |job| {
                job.state = JobState::Finished;
                job.job_finished = now;
            },
            |file| {
                file.state = FileState::Finished;
                file.start_time = now;
                file.finish_time = now;
            },
        )
        .await;
}

#[tokio::test]
async fn trap_01_leading_double_slash_on_every_route() {
    for route in ROUTES {
        let path = route.path.replace(['{', '}'], "");
        let mut statuses = Vec::new();
        for slashes in ["", "/", "//"] {
            let service = Service::new();
            let request = Request::builder()
                .method(&route.method)
                .uri(format!("{slashes}{path}"));
            let mut request = request.body(Body::empty()).unwrap();
            request.extensions_mut().insert(caller(user()));
            // Only the status and the route count, and some answers never end.
            let answer = service.router.clone().oneshot(request).await.unwrap();
            let matched = answer.extensions().get::<MatchedRoute>();
            let reached = matched.map(|it| it.0);
            assert_eq!(
                reached,
                Some(route.path),
                "{} {slashes}{path}",
                route.method
            );
            statuses.push(answer.status().as_u16());
        }
        statuses.dedup();
        assert_eq!(statuses.len(), 1, "{} {path}: {statuses:?}", route.method);
        assert_ne!(statuses, [405], "{} {path}", route.method);
    }
}

#[tokio::test]
async fn trap_06_http_status_literals() {
    let mut service = Service::new();
    let id = service.submit(one_file()).await;
    let read = service.get(&format!("/jobs/{id}")).await.json();
    assert_eq!(read["http_status"], "200 Ok");
    let gone = service.delete(&format!("/jobs/{id}")).await.json();
    assert_eq!(gone["http_status"], "200 Ok");
    let again = service.delete(&format!("/jobs/{id}")).await.json();
    assert_eq!(again["http_status"], "304 Not Modified");
    let many = service.get(&format!("/jobs/{id},{UNKNOWN}")).await;
    assert_eq!(many.status, 207);
    assert_eq!(many.json()[1]["http_status"], "404 Not Found");
    service.acting_as(|it| {
        it.user_dn = OTHER_DN.into();
        it.vos = vec!["othervo".into()];
    });
    let foreign = service.get(&format!("/jobs/{id},{id}")).await;
    assert_eq!(foreign.status, 207);
    assert_eq!(foreign.json()[0]["http_status"], "403 Forbidden");
}

#[tokio::test]
async fn trap_07_a_single_unknown_id_is_a_json_object() {
    let service = Service::new();
    for method in ["GET", "DELETE", "POST"] {
        let body = r#"{"params":{"priority":1}}"#;
        let path = format!("/jobs/{UNKNOWN}");
        let answer = service.ask(method, &path, "application/json", body).await;
        assert_eq!(answer.status, 404, "{method}");
        let text = format!("No job with the id \"{UNKNOWN}\" has been found");
        assert_eq!(
            answer.json(),
            json!({
                "status": "404 Not Found", "message": text, "job_id": UNKNOWN,
                "http_status": "404 Not Found", "http_message": text,
            })
        );
    }
}

#[tokio::test]
async fn trap_09_times_without_zone() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    finish(&service, &id).await;
    let job = service.get(&format!("/jobs/{id}")).await.json();
    let files = service.get(&format!("/jobs/{id}/files")).await.json();
    let delegation = service.get(&format!("/delegation/{DLG}")).await.json();
    for time in [
        &job["submit_time"],
        &job["job_finished"],
        &files[0]["start_time"],
        &files[0]["finish_time"],
        &delegation["termination_time"],
    ] {
        let shape: String = time
            .as_str()
            .unwrap()
            .chars()
            .map(|it| if it.is_ascii_digit() { '9' } else { it })
            .collect();
        assert_eq!(shape, "9999-99-99T99:99:99");
    }
}

#[tokio::test]
async fn trap_11_deletions_of_a_transfer_job_are_an_empty_list() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    let answer = service.get(&format!("/jobs/{id}/dm")).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!([])));
    let id = service.submit(json!({"delete": ["mock://a/f"]})).await;
    let answer = service.get(&format!("/jobs/{id}/files")).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, json!([])));
}

#[tokio::test]
async fn trap_12_nothing_delegated_is_null() {
    let service = Service::new();
    service.forget_delegation();
    let answer = service.get(&format!("/delegation/{DLG}")).await;
    assert_eq!((answer.status.as_u16(), answer.json()), (200, Value::Null));
}

#[tokio::test]
async fn trap_15_what_is_another_s_is_refused() {
    let service = Service::new();
    let answer = service.get("/jobs?dlg_id=0123456789abcdef").await;
    assert_eq!(answer.status, 403);
    let answer = service.get("/jobs?user_dn=/CN=Somebody%20else").await;
    assert_eq!(answer.status, 400);
    let own = service
        .get(&format!(
            "/jobs?dlg_id={DLG}&user_dn={}",
            DN.replace(' ', "%20")
        ))
        .await;
    assert_eq!(own.status, 200);
}

#[tokio::test]
async fn trap_18_a_projection_has_the_asked_keys_and_no_others() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    let keys = "file_state,dest_surl,finish_time,start_time,staging_start,staging_finished,reason,\
                source_surl,file_metadata";
    for ids in [id.clone(), format!("{id},{id}")] {
        let asked = format!("/jobs/{ids}?files={keys},nosuchkey");
        let answer = service.get(&asked).await.json();
        let job = if answer.is_array() {
            &answer[0]
        } else {
            &answer
        };
        let file = job["files"][0].as_object().unwrap();
        let mut wanted: Vec<&str> = keys.split(',').collect();
        wanted.sort_unstable();
        let mut got: Vec<&str> = file.keys().map(String::as_str).collect();
        got.sort_unstable();
        assert_eq!(
            got, wanted,
            "null members must be there, unknown ones must not"
        );
    }
    let plain = service.get(&format!("/jobs/{id}")).await.json();
    assert!(plain.get("files").is_none());
}

#[tokio::test]
async fn trap_23_unknown_filters_give_an_empty_list() {
    let service = Service::new();
    service.submit(one_file()).await;
    for query in [
        "state_in=NOSUCHSTATE",
        "state_in=",
        "vo_name=nosuchvo",
        "source_se=mock://nowhere",
        "dest_se=mock://nowhere",
    ] {
        for path in ["/jobs", "/files"] {
            let answer = service.get(&format!("{path}?{query}")).await;
            assert_eq!(answer.status, 200, "{path}?{query}");
            if query != "state_in=" {
                assert_eq!(answer.json(), json!([]), "{path}?{query}");
            }
        }
    }
    let unknown = service.get("/jobs?nosuchfilter=1").await.json();
    assert_eq!(unknown.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn trap_24_a_plain_list_shows_what_is_unfinished() {
    let service = Arc::new(Service::new());
    let live = service.submit(one_file()).await;
    let done = service.submit(one_file()).await;
    finish(&service, &done).await;
    let listed = |query: &'static str| {
        let service = service.clone();
        async move {
            let jobs = service.get(&format!("/jobs{query}")).await.json();
            let ids = jobs.as_array().unwrap().iter();
            let mut ids: Vec<String> = ids
                .map(|it| it["job_id"].as_str().unwrap().into())
                .collect();
            ids.sort();
            ids
        }
    };
    let mut both = vec![live.clone(), done.clone()];
    both.sort();
    let (live, done) = (vec![live], vec![done]);
    assert_eq!(listed("").await, live);
    assert_eq!(listed("?limit=10").await, live);
    assert_eq!(listed("?state_in=FINISHED").await, Vec::<String>::new());
    assert_eq!(listed("?state_in=FINISHED&limit=10").await, done);
    assert_eq!(listed("?state_in=FINISHED&time_window=1").await, done);
    assert_eq!(listed("?state_in=FINISHED,SUBMITTED&limit=10").await, both);
}
