//! `/healthz` and `/readyz`

use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use causeway_api::{MatchedRoute, Readiness};
use causeway_model::ports::StoreError;
use tower::ServiceExt as _;

use crate::support::Service;

#[tokio::test]
async fn answers_without_a_caller() {
    let mut service = Service::new();
    service.caller = None;
    for path in ["/healthz", "/readyz"] {
        assert_eq!(service.get(path).await.status, 200, "{path}");
    }
}

struct Missing;

impl Readiness for Missing {
    fn obstacle(&self) -> Option<String> {
        Some("No plugin is loaded".into())
    }
}

#[tokio::test]
async fn who_is_not_ready_says_what_is_missing() {
    let mut service = Service::new();
    let state = service.state.clone().with_readiness(Arc::new(Missing));
    service.router = causeway_api::router(state);
    let answer = service.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(
        answer.text().contains("No plugin is loaded"),
        "{}",
        answer.text()
    );
    assert_eq!(service.get("/healthz").await.status, 200);
}

#[tokio::test]
async fn an_engine_that_stops_is_not_ready() {
    let service = Service::new();
    *service.control.fails_with.lock().unwrap() = Some(StoreError::Busy("engine stops".into()));
    let answer = service.get("/readyz").await;
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("engine"), "{}", answer.text());
}

#[tokio::test]
async fn an_answer_knows_its_route_and_nothing_of_the_path() {
    let service = Service::new();
    let of = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = service.router.clone().oneshot(request).await.unwrap();
        answer.extensions().get::<MatchedRoute>().map(|it| it.0)
    };
    assert_eq!(of("/jobs/1234?x=y").await, Some("/jobs/{job_ids}"));
    assert_eq!(of("/nothing/here").await, None);
}
