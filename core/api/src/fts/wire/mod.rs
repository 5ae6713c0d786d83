//! Shapes on the wire, exactly as clients know them, and nothing else.

mod archive;
mod deletion;
mod file;
mod item;
mod job;
pub mod optimizer;
mod project;
mod root;
pub mod settings;
mod whoami;

use axum::body::Body;
use axum::response::Response;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;

use crate::error::{ApiError, Outcome};

pub use archive::ArchivedJob;
pub use deletion::DeletionShape;
pub use file::{FileShape, RetryShape};
pub use item::Item;
pub use job::JobShape;
pub use project::Fields;
pub use root::root;
pub use whoami::whoami;

/// Room for an ordinary answer, in bytes.
const SMALL: usize = 256;
/// Room that is made ahead at most.
const LARGE: usize = 16 << 20;

/// 200 with JSON.
///
/// # Errors
/// 500 when the value has no JSON form.
pub fn json(value: &(impl Serialize + ?Sized)) -> Outcome {
    json_with(StatusCode::OK, value)
}

/// JSON with a status.
///
/// # Errors
/// 500 when the value has no JSON form.
pub fn json_with(status: StatusCode, value: &(impl Serialize + ?Sized)) -> Outcome {
    into_json(status, value, SMALL)
}

/// 200 with rows of some length. An answer of a megabyte is not copied ten times while it grows.
///
/// # Errors
/// 500 when a row has no JSON form.
pub fn json_rows(rows: &[impl Serialize], bytes_each: usize) -> Outcome {
    let room = rows.len().saturating_mul(bytes_each);
    into_json(StatusCode::OK, rows, room.clamp(SMALL, LARGE))
}

fn into_json(status: StatusCode, value: &(impl Serialize + ?Sized), room: usize) -> Outcome {
    let mut body = Vec::with_capacity(room);
    match serde_json::to_writer(&mut body, value) {
        Ok(()) => Ok(with_body(status, "application/json", body)),
        Err(error) => {
            tracing::error!(%error, "an answer has no JSON form");
            Err(ApiError::internal("Internal error"))
        }
    }
}

/// A body of some content type.
pub fn with_body(status: StatusCode, kind: &'static str, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A status and nothing else.
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
