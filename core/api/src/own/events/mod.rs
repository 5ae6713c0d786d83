//! `GET /events`: what happens to the jobs that a caller may see, as server-sent events.
//!
//! The events and their bodies are those that brokers and webhooks get; see `docs/messages.md`. A
//! listener that comes back says which event it saw last and hears what it missed. Whoever does not
//! read is cut off, and everybody has to come again after an hour, because rights change.

mod filter;
mod stream;

use axum::body::Body;
use axum::response::Response;
use causeway_model::feed::Position;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;
use filter::Filter;

/// Header in which browsers say what they saw last.
const LAST_EVENT_ID: &str = "last-event-id";

/// `GET /events`
pub async fn listen(call: Call) -> Outcome {
    let filter = Filter::of(&call)?;
    let after = last_seen(&call)?;
    let hub = call.state.events.as_ref();
    let hub = hub.ok_or_else(|| ApiError::unavailable("Events are not told here"))?;
    let listener = hub.listen(after);
    let listener =
        listener.ok_or_else(|| ApiError::unavailable("Too many are listening, try again later"))?;
    let body = Body::from_stream(stream::events(listener, filter));
    Ok(unstored(wire::with_body(
        StatusCode::OK,
        "text/event-stream",
        body,
    )))
}

/// Nothing between us and the listener may keep or gather it.
fn unstored(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn last_seen(call: &Call) -> Result<Option<Position>, ApiError> {
    let header = call.headers.get(LAST_EVENT_ID);
    let header = header.and_then(|it| it.to_str().ok());
    let given = header.or_else(|| call.query.given("last_event_id"));
    let Some(text) = given.filter(|it| !it.is_empty()) else {
        return Ok(None);
    };
    let place = text.parse().map(Some);
    place.map_err(|()| ApiError::bad_request("The id of the last event makes no sense"))
}
