//! What stands around every request: id, guards, time limit, access log, headers.
//!
//! [`router`] is the service the server mounts. A request passes, in this order: request id, who
//! stands behind its token, rate limit, the guards (origin, bans, VOs), the method override, the route
//! table, the handler; on the way back come the page for browsers, cross-origin headers, the security
//! headers and the access log.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use causeway_model::Principal;
use futures_util::FutureExt;
use http::header::{ALLOW, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};

use crate::authorization;
use crate::error::{ApiError, Outcome};
use crate::extract::{Call, Caller, Pairs};
use crate::fts::router::{Found, find};
use crate::html;
use crate::state::ApiState;

mod access_log;
pub mod body;
mod cors;
mod guards;
mod method;
pub mod negotiate;
mod rate;
mod unread;

use unread::Unread;

pub use rate::PeerAddress;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FRAME_OPTIONS: HeaderName = HeaderName::from_static("x-frame-options");

/// The route that a request found, in the extensions of its answer. Its path may be anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatchedRoute(pub &'static str);

/// What requests share.
#[derive(Clone)]
struct Front {
    api: ApiState,
    rate: Option<Arc<rate::RateLimit>>,
}

/// The whole surface as a service.
pub fn router(state: ApiState) -> Router {
    let front = Front {
        rate: rate::RateLimit::new(&state.config.rate).map(Arc::new),
        api: state,
    };
    Router::new().fallback(serve).with_state(front)
}

async fn serve(State(front): State<Front>, request: Request) -> Response {
    let request_id = request_id(request.headers());
    let log = access_log::Line::begin(&request, &request_id);
    let config = front.api.config.clone();
    let origin = cors::Origin::of(request.headers(), &config.cors_origins);
    let prefers_html = negotiate::prefers_html(request.headers());
    let head = request.method() == Method::HEAD;

    let matched = OnceLock::new();
    let named = OnceLock::new();
    let (parts, body) = request.into_parts();
    let (body, unread) = Unread::of(body, &parts.headers);
    let work = answer(front, parts, body, request_id.clone(), &matched, &named);
    let work = AssertUnwindSafe(work).catch_unwind();
    let outcome = match tokio::time::timeout(config.request_timeout, work).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => {
            tracing::error!(request_id, "a handler panicked");
            Err(ApiError::internal("Internal error"))
        }
        Err(_elapsed) => Err(ApiError::unavailable("The request took too long")),
    };
    let mut response = outcome.unwrap_or_else(|error| error.respond(prefers_html));
    origin.mark(&mut response);
    html::confine(&mut response);
    if let Some(route) = matched.get() {
        response.extensions_mut().insert(MatchedRoute(route));
    }
    let headers = response.headers_mut();
    headers.insert(FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        headers.insert(REQUEST_ID, id);
    }
    log.end(response.status(), named.get());
    if head {
        *response.body_mut() = Body::empty();
    }
    unread.settle(response).await
}

async fn answer(
    front: Front,
    mut parts: Parts,
    body: Body,
    request_id: String,
    matched: &OnceLock<&'static str>,
    named: &OnceLock<String>,
) -> Outcome {
    let connection = parts.extensions.remove::<Caller>();
    let caller = authorization::caller(&front.api, &parts.headers, connection).await;
    if let Ok(caller) = &caller {
        named.get_or_init(|| caller.principal.user_dn.clone());
    }
    if let Some(rate) = &front.rate {
        let address = parts.extensions.get::<PeerAddress>().copied();
        // Whoever comes with a bad token counts as nobody.
        let nobody = Principal::anonymous();
        let who = caller.as_ref().map_or(&nobody, |it| &it.principal);
        rate.admit(who, address, parts.uri.path())?;
    }
    let caller = Arc::new(caller?);
    let state = front.api;
    guards::check_credentials(&caller)?;
    guards::check(&state, &caller.principal, &parts)?;
    let body = method::settle(&mut parts, body).await?;

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
            let page = html::Wish::of(&parts, route.path);
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
            let response = route.call(call).await?;
            page.grant(response).await
        }
    }
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
