//! What is asked of a request before any route sees it: how often, how long, which method is meant.

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use causeway_api::config::RateConfig;
use causeway_api::{ApiConfig, PeerAddress};
use http::Request;

use crate::support::{Answer, OTHER_DN, Service, one_file};

const FORM: &str = "application/x-www-form-urlencoded";

fn limited(requests_per_second: u32, burst: u32) -> Service {
    Service::with(ApiConfig {
        rate: RateConfig {
            requests_per_second,
            burst,
        },
        ..ApiConfig::default()
    })
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_too_often_is_told_when_to_come_again() {
    let mut service = limited(1, 3);
    for _ in 0..3 {
        assert_eq!(service.get("/whoami").await.status, 200);
    }
    let answer = service.get("/jobs").await;
    answer.is_error(429, "Too many requests, try again in 1 seconds");
    assert_eq!(answer.headers["retry-after"], "1");
    assert!(answer.headers.contains_key("x-request-id"));

    // Others are not held up by that, and probes never are.
    service.acting_as(|it| it.user_dn = OTHER_DN.into());
    assert_eq!(service.get("/whoami").await.status, 200);
    service.acting_as(|_| ());
    assert_eq!(service.get("/healthz").await.status, 200);
    assert_eq!(service.get("//readyz").await.status, 200);

    tokio::time::advance(Duration::from_secs(1)).await;
    assert_eq!(service.get("/whoami").await.status, 200);
    assert_eq!(service.get("/whoami").await.status, 429);
}

#[tokio::test(start_paused = true)]
async fn nobodies_are_counted_by_address() {
    let mut service = limited(1, 1);
    service.caller = None;
    let service = &service;
    let from = |address: &'static str| async move {
        let address: IpAddr = address.parse().unwrap();
        let mut request = Request::get("/whoami").body(Body::empty()).unwrap();
        request.extensions_mut().insert(PeerAddress(address));
        service.send(request).await.status.as_u16()
    };
    assert_eq!(from("192.0.2.1").await, 200);
    assert_eq!(from("192.0.2.1").await, 429);
    assert_eq!(from("192.0.2.2").await, 200);
}

#[tokio::test]
async fn without_a_limit_nobody_is_refused() {
    let service = Service::new();
    for _ in 0..2000 {
        assert_eq!(service.get("/whoami").await.status, 200);
    }
}

#[tokio::test]
async fn refused_requests_change_nothing() {
    let service = limited(1, 1);
    assert_eq!(service.post("/jobs", one_file()).await.status, 200);
    assert_eq!(service.post("/jobs", one_file()).await.status, 429);
    assert_eq!(service.stored_jobs(), 1);
}

async fn with_override(service: &Service, method: &str, path: &str, meant: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("x-http-method-override", meant);
    service.send(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn a_header_may_name_the_method() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    let path = format!("/jobs/{id}");
    // Only POST may mean something else, and it may mean two methods only.
    for (method, meant) in [("GET", "DELETE"), ("PUT", "DELETE")] {
        with_override(&service, method, &path, meant).await;
        assert_eq!(service.view(&id).await.job.state.name(), "SUBMITTED");
    }
    for meant in ["PATCH", "GET", ""] {
        let answer = with_override(&service, "POST", &path, meant).await;
        assert_eq!(answer.status, 400, "an empty POST: {meant}");
    }
    let answer = with_override(&service, "POST", &path, "delete").await;
    assert_eq!(answer.json()["job_state"], "CANCELED");
}

#[tokio::test]
async fn a_long_form_is_left_to_its_handler() {
    let service = Service::new();
    let id = service.submit(one_file()).await;
    let path = format!("/jobs/{id}");
    let form = format!("_method=delete&padding={}", "x".repeat(5000));
    let answer = service.ask("POST", &path, FORM, form).await;
    assert_eq!(answer.json()["job_state"], "SUBMITTED");
    let answer = service.ask("POST", &path, FORM, "_method=delete").await;
    assert_eq!(answer.json()["job_state"], "CANCELED");
}

#[tokio::test]
async fn a_form_that_nobody_may_send_is_not_kept() {
    let service = Service::with(ApiConfig {
        body_limit_bytes: 100,
        ..ApiConfig::default()
    });
    let answer = service.ask("POST", "/jobs", FORM, "a".repeat(101)).await;
    answer.is_error(413, "Request body exceeds 100 bytes");
    let chunked = Body::from_stream(futures_util::stream::repeat_with(|| {
        Ok::<_, std::io::Error>(bytes::Bytes::from_static(b"aaaaaaaaaaaaaaaaaaaa"))
    }));
    let answer = service.ask("POST", "/jobs", FORM, chunked).await;
    answer.is_error(413, "Request body exceeds 100 bytes");
}

#[tokio::test]
async fn guards_come_before_bodies() {
    let mut service = Service::new();
    service.caller = None;
    let never = Body::from_stream(futures_util::stream::pending::<
        Result<bytes::Bytes, std::io::Error>,
    >());
    let answer = service.ask("POST", "/jobs", FORM, never).await;
    answer.is_error(403, "Not enough permissions");
}

#[tokio::test]
async fn every_answer_has_an_id_whatever_came_of_it() {
    let service = Service::new();
    for (method, path) in [
        ("GET", "/whoami"),
        ("GET", "/nothing"),
        ("PATCH", "/jobs"),
        ("OPTIONS", "/jobs"),
        ("HEAD", "/"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-request-id", "mine-1");
        let answer = service.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.headers["x-request-id"], "mine-1", "{method} {path}");
    }
}
