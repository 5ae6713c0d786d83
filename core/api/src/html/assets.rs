//! The one style and the one script of all pages. They hold nothing of anybody, so they need no
//! identity.

use axum::response::Response;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderValue};

use crate::error::Outcome;
use crate::extract::Call;
use crate::fts::wire;

/// `GET /css/causeway.css`
pub(crate) async fn style(_call: Call) -> Outcome {
    Ok(asset(
        "text/css; charset=utf-8",
        include_str!("causeway.css"),
    ))
}

/// `GET /js/forms.js`
pub(crate) async fn script(_call: Call) -> Outcome {
    Ok(asset(
        "text/javascript; charset=utf-8",
        include_str!("forms.js"),
    ))
}

fn asset(kind: &'static str, text: &'static str) -> Response {
    let mut response = wire::with_body(StatusCode::OK, kind, text);
    let kept = HeaderValue::from_static("max-age=300");
    response.headers_mut().insert(CACHE_CONTROL, kept);
    response
}
