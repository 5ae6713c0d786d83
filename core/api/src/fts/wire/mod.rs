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
    match serde_json::to_vec(value) {
        Ok(body) => Ok(with_body(status, "application/json", body)),
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
