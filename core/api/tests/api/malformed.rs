//! Requests that make no sense: each with its status and how its message begins; after all of them
//! nothing is stored.

use causeway_api::ApiConfig;

use crate::malformed_bodies::{
    FILES, PARAMS, SHAPE, URLS, VALUE, file, no_json, no_object, params, plain, rows, source,
};
use crate::support::Service;

const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";
const BAD: &str = "Badly formatted JSON request";
const DICT: &str = "Expecting a dictionary";

async fn refused(service: &Service, body: impl Into<axum::body::Body>, shown: &str, message: &str) {
    let answer = service.ask("POST", "/jobs", JSON, body).await;
    let shown: String = shown.chars().take(200).collect();
    assert_eq!(answer.status, 400, "{shown}: {}", answer.text());
    let json = answer.json();
    assert_eq!(json["status"], "400 Bad Request", "{shown}");
    let text = json["message"].as_str().unwrap();
    assert!(text.starts_with(message), "{shown}: {text}");
}

#[tokio::test]
async fn nothing_of_it_is_stored() {
    let service = Service::new();
    let mut count = 0;
    for body in no_json() {
        let shown = String::from_utf8_lossy(&body).into_owned();
        refused(&service, body, &shown, BAD).await;
        count += 1;
    }
    for body in no_object() {
        refused(&service, body.clone(), &body, DICT).await;
        count += 1;
    }
    for (body, message) in rows().into_iter().chain(plain()) {
        refused(&service, body.clone(), &body, message).await;
        count += 1;
    }
    let prefixed = URLS.iter().map(|(it, text)| (source(it), text));
    let prefixed = prefixed.chain(PARAMS.iter().map(|(it, text)| (params(it), text)));
    let prefixed = prefixed.chain(FILES.iter().map(|(it, text)| (file(it), text)));
    for (body, text) in prefixed {
        refused(&service, body.clone(), &body, &format!("{VALUE}{text}")).await;
        count += 1;
    }
    assert!(count >= 100, "{count}");
    assert_eq!(service.stored_jobs(), 0);
    assert_eq!(service.get("/jobs").await.text(), "[]");
}

#[tokio::test]
async fn wrong_content_types() {
    let service = Service::new();
    let text = "Expecting application/json or application/x-www-form-urlencoded";
    for kind in [
        "",
        "text/plain",
        "application/xml",
        "multipart/form-data; boundary=x",
        "json",
        "\u{7f}",
    ] {
        let kind = if kind == "\u{7f}" {
            "application/octet-stream"
        } else {
            kind
        };
        service
            .ask("POST", "/jobs", kind, "{}")
            .await
            .is_error(400, text);
    }
    let form = service.ask("POST", "/jobs", FORM, "files=x").await;
    assert!(form.message().starts_with(SHAPE));
    let form = service.ask("POST", "/jobs", FORM, "%ff%00=%zz&&&=").await;
    assert!(form.message().starts_with("No transfers"));
    assert_eq!(service.stored_jobs(), 0);
}

#[tokio::test]
async fn huge_bodies() {
    let service = Service::with(ApiConfig {
        body_limit_bytes: 1000,
        ..ApiConfig::default()
    });
    let text = "Request body exceeds 1000 bytes";
    for path in [
        "/jobs",
        "/dm/unlink",
        "/jobs/x",
        "/delegation/92fbce05ea766c17/credential",
    ] {
        for kind in [JSON, FORM, ""] {
            service
                .ask("POST", path, kind, vec![b'x'; 1001])
                .await
                .is_error(413, text);
        }
    }
    // Announced too large, and not announced at all.
    let announced = http::Request::post("/jobs")
        .header("content-type", JSON)
        .header("content-length", "5000000000");
    service
        .send(announced.body(axum::body::Body::empty()).unwrap())
        .await
        .is_error(413, text);
    let chunk = || Ok::<_, std::io::Error>(bytes::Bytes::from(vec![b' '; 400]));
    let chunks = futures_util::stream::iter([chunk(), chunk(), chunk()]);
    let streamed = axum::body::Body::from_stream(chunks);
    service
        .ask("POST", "/jobs", JSON, streamed)
        .await
        .is_error(413, text);
    let broken = futures_util::stream::iter([chunk(), Err(std::io::Error::other("gone"))]);
    let broken = axum::body::Body::from_stream(broken);
    service
        .ask("POST", "/jobs", JSON, broken)
        .await
        .is_error(400, "The request body broke off");
    assert_eq!(service.stored_jobs(), 0);
}

#[tokio::test]
async fn of_a_member_that_stands_twice_the_last_one_counts() {
    let service = Service::new();
    let body = r#"{"files": 1, "params": {"priority": "x", "priority": 2},
        "files": [{"sources": [], "sources": ["mock://a/f"], "destinations": ["mock://b/f"]}]}"#;
    let answer = service.ask("POST", "/jobs", JSON, body).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn deep_nesting_in_what_nobody_reads_is_ignored() {
    let service = Service::new();
    let deep = "[".repeat(200_000) + &"]".repeat(200_000);
    let body = format!(
        r#"{{"x":{deep},"files":[{{"y":{deep},"sources":["mock://a/f"],"destinations":["mock://b/f"]}}]}}"#
    );
    assert_eq!(service.ask("POST", "/jobs", JSON, body).await.status, 200);
}
