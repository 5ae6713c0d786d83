//! `/metrics` itself, and the count of what the API is asked.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use causeway_api::MatchedRoute;
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};
use tokio::net::TcpListener;

use super::families::{OfRequest, OfRoute};
use super::{Metrics, Sources};

/// What Prometheus and its kin understand.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`.
pub fn route(metrics: Arc<Metrics>, sources: Sources) -> Router {
    Router::new().route(
        "/metrics",
        get(move || answer(Arc::clone(&metrics), sources.clone())),
    )
}

async fn answer(metrics: Arc<Metrics>, sources: Sources) -> Response {
    match tokio::task::spawn_blocking(move || metrics.render(&sources)).await {
        Ok(text) => ([(CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "metrics cannot be collected");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Counts every request by the route it found, never by its path.
pub fn count_requests(router: Router, metrics: Arc<Metrics>) -> Router {
    router.layer(from_fn_with_state(metrics, count))
}

async fn count(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = method(request.method());
    let response = next.run(request).await;
    let route = response.extensions().get::<MatchedRoute>();
    let route = route.map_or("none", |it| it.0);
    let labels = OfRequest {
        method,
        route,
        status: response.status().as_u16(),
    };
    let all = &metrics.families;
    all.http_requests.get_or_create(&labels).inc();
    let duration = all.http_request_duration.get_or_create(&OfRoute { route });
    duration.observe(began.elapsed().as_secs_f64());
    drop(duration);
    response
}

/// Methods are text of the client, too.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => super::bounded::OTHER,
    }
}

/// Listens where `metrics.listen` says.
///
/// # Errors
/// The address is taken or not of this machine.
pub async fn listen(address: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("listen on {address} (metrics.listen)"))
}
