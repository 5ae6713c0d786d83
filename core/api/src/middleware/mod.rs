//! What stands around every request: id, guards, time limit, access log, headers.
//!
//! [`router`] is the service the server mounts. A request passes, in this order: request id, the
//! method override of forms, the guards (origin, bans, VOs), the route table, the handler; on the
//! way back come cross-origin headers, the security header and the access log.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use futures_util::FutureExt;
use http::header::{ALLOW, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};

use crate::error::{ApiError, Outcome};
use crate::extract::{Call, Caller, Pairs};
use crate::fts::router::{Found, find};
use crate::state::ApiState;

mod access_log;
pub mod body;
mod cors;
mod guards;
pub mod negotiate;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FRAME_OPTIONS: HeaderName = HeaderName::from_static("x-frame-options");

/// The route that a request found, in the extensions of its answer. Its path may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatchedRoute(pub &'static str);

/// The whole surface as a service.
pub fn router(state: ApiState) -> Router {
    Router::new().fallback(serve).with_state(state)
}

async fn serve(State(state): State<ApiState>, request: Request) -> Response {
    let request_id = request_id(request.headers());
    let log = access_log::Line::begin(&request, &request_id);
    let config = state.config.clone();
    let origin = cors::allowed_origin(request.headers(), &config.cors_origins);
    let html = negotiate::prefers_html(request.headers());
    let head = request.method() == Method::HEAD;

    let matched = OnceLock::new();
    let work = answer(state, request, request_id.clone(), &matched);
    let work = AssertUnwindSafe(work).catch_unwind();
    let outcome = match tokio::time::timeout(config.request_timeout, work).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => {
            tracing::error!(request_id, "a handler panicked");
            Err(ApiError::internal("Internal error"))
        }
        Err(_elapsed) => Err(ApiError::unavailable("The request took too long")),
    };
    let mut response = outcome.unwrap_or_else(|error| error.respond(html));
    cors::mark(&mut response, origin);
    if let Some(route) = matched.get() {
        response.extensions_mut().insert(MatchedRoute(route));
    }
    let headers = response.headers_mut();
    headers.insert(FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        headers.insert(REQUEST_ID, id);
    }
    log.end(response.status());
    if head {
        *response.body_mut() = Body::empty();
    }
    response
}

async fn answer(
    state: ApiState,
    request: Request,
    request_id: String,
    matched: &OnceLock<&'static str>,
) -> Outcome {
    let (mut parts, mut body) = request.into_parts();
    let caller = parts.extensions.remove::<Caller>().map(Arc::new);
    let caller = caller.unwrap_or_else(|| Arc::new(Caller::anonymous()));
    guards::check(&state, &caller.principal, &parts)?;

    if parts.method == Method::POST && body::is_form(&parts.headers) {
        let raw = body::read(body, &parts.headers, state.config.body_limit_bytes).await?;
        let form = Pairs::parse(&String::from_utf8_lossy(&raw));
        if let Some(method) = overridden(&form) {
            parts.method = method;
        }
        body = Body::from(raw);
    }
    match find(&parts.method, parts.uri.path()) {
        None => Err(ApiError::not_found("The resource could not be found")),
        Some(Found::Methods(allow)) if parts.method == Method::OPTIONS => Ok(cors::options(
            &parts.headers,
            &state.config.cors_origins,
            &allow,
        )),
        Some(Found::Methods(allow)) => Err(ApiError::method_not_allowed(allow)),
        Some(Found::Route(route, params)) => {
            matched.get_or_init(|| route.path);
            let query = Pairs::parse(parts.uri.query().unwrap_or_default());
            let call = Call {
                state,
                caller,
                method: parts.method,
                headers: parts.headers,
                query,
                request_id,
                params,
                body: Mutex::new(body),
            };
            route.call(call).await
        }
    }
}

/// Browsers' forms know no DELETE, so old web clients say it in a field.
fn overridden(form: &Pairs) -> Option<Method> {
    let method = form.get("_method")?;
    method
        .eq_ignore_ascii_case("delete")
        .then_some(Method::DELETE)
}

/// The caller's own id if it is harmless, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|it| it.to_str().ok());
    let harmless = |it: &&str| {
        (1..=64).contains(&it.len())
            && it
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    match given.filter(harmless) {
        Some(id) => id.to_owned(),
        None => uuid::Uuid::new_v4().to_string(),
    }
}

/// An empty answer that names the methods of a path.
fn methods(allow: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::OK;
    if let Ok(allow) = HeaderValue::from_str(allow) {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}
