//! One line per request. It names the path without the query, which may carry a signature.

use std::time::Instant;

use axum::extract::Request;
use http::header::USER_AGENT;
use http::{Method, StatusCode};

/// A request that is under way.
pub(super) struct Line {
    begin: Instant,
    method: Method,
    path: String,
    agent: String,
    request_id: String,
}

impl Line {
    pub(super) fn begin(request: &Request, request_id: &str) -> Self {
        let agent = request.headers().get(USER_AGENT);
        Self {
            begin: Instant::now(),
            method: request.method().clone(),
            path: request.uri().path().to_owned(),
            agent: agent.and_then(|it| it.to_str().ok()).unwrap_or("").into(),
            request_id: request_id.to_owned(),
        }
    }

    /// Writes it, with the name of the caller if that was found out.
    pub(super) fn end(self, status: StatusCode, dn: Option<&String>) {
        tracing::info!(
            target: "causeway::access",
            dn = dn.map_or("anon", String::as_str),
            method = %self.method,
            path = %self.path,
            status = status.as_u16(),
            duration_ms = self.begin.elapsed().as_millis() as u64,
            agent = %self.agent,
            request_id = %self.request_id,
        );
    }
}
