//! `/fts3/ftsmon`: the monitoring page that users' links lead to, `/fts3/ftsmon/#/job/{id}`.
//!
//! What is behind the `#` never reaches us, so the page reads it and asks the REST API like any other
//! client, with the browser's own credentials. It shows a job and its transfers, and nothing else.

use axum::body::Body;
use http::StatusCode;
use http::header::{HeaderValue, LOCATION};

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire;

const PAGE: &str = include_str!("monitor.html");
const SCRIPT: &str = include_str!("monitor.js");

/// `GET /fts3/ftsmon`
pub async fn page(_call: Call) -> Outcome {
    Ok(wire::with_body(
        StatusCode::OK,
        "text/html; charset=utf-8",
        PAGE,
    ))
}

/// `GET /fts3/ftsmon/job/{job_id}`: the same without the `#`.
pub async fn job(call: Call) -> Outcome {
    let id: causeway_model::JobId = match call.param("job_id").parse() {
        Ok(id) => id,
        Err(_) => return Err(ApiError::no_job(call.param("job_id"))),
    };
    let mut response = wire::with_body(StatusCode::FOUND, "text/plain", Body::empty());
    // An id has no characters that a header could not have.
    if let Ok(place) = HeaderValue::from_str(&format!("/fts3/ftsmon/#/job/{id}")) {
        response.headers_mut().insert(LOCATION, place);
    }
    Ok(response)
}

/// `GET /js/ftsmon.js`
pub async fn script(_call: Call) -> Outcome {
    Ok(wire::with_body(
        StatusCode::OK,
        "text/javascript; charset=utf-8",
        SCRIPT,
    ))
}
