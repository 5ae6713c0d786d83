//! From errors to status and body: the one place that knows both.
//!
//! A body is `{"status": "403 Forbidden", "message": "..."}`. Clients look at the status code and
//! at `message`, and some at the texts; those of the reference are fixed where they are made.

use std::fmt;

use axum::body::Body;
use axum::response::Response;
use causeway_model::ports::{SettingsError, StoreError};
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Extensions, StatusCode};
use hyper::ext::ReasonPhrase;
use serde_json::json;

/// What a handler yields.
pub type Outcome = Result<Response, ApiError>;

/// Literal of an item that is fine; clients compare it, capitals included.
pub const ITEM_OK: &str = "200 Ok";
/// Literal of an item that was not touched because its job has ended.
pub const ITEM_NOT_MODIFIED: &str = "304 Not Modified";
/// Message that goes with it.
pub const TERMINAL_JOB: &str = "The job is in a terminal state";

/// A request that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    status: StatusCode,
    message: String,
    job_id: Option<String>,
    /// What the client needs beside the message.
    header: Option<(HeaderName, String)>,
}

macro_rules! constructors {
    ($($(#[$doc:meta])* $name:ident => $status:ident;)*) => {
        $($(#[$doc])* pub fn $name(message: impl Into<String>) -> Self {
            Self::new(StatusCode::$status, message)
        })*
    };
}

impl ApiError {
    /// An error with this status and this message for the user.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            job_id: None,
            header: None,
        }
    }

    constructors! {
        /// 400
        bad_request => BAD_REQUEST;
        /// 403
        forbidden => FORBIDDEN;
        /// 404
        not_found => NOT_FOUND;
        /// 409
        conflict => CONFLICT;
        /// 413
        too_large => PAYLOAD_TOO_LARGE;
        /// 424
        failed_dependency => FAILED_DEPENDENCY;
        /// 500
        internal => INTERNAL_SERVER_ERROR;
        /// 503
        unavailable => SERVICE_UNAVAILABLE;
    }

    /// 419: a delegated credential is missing or too old. Clients delegate and come again.
    pub fn needs_delegation(message: impl Into<String>) -> Self {
        Self::new(authentication_timeout(), message)
    }

    /// 403 for a caller without the right.
    pub fn not_enough_permissions() -> Self {
        Self::forbidden("Not enough permissions")
    }

    /// 401: nobody knows who the caller is.
    pub fn unauthenticated() -> Self {
        Self {
            header: Some((WWW_AUTHENTICATE, "Bearer".to_owned())),
            ..Self::new(StatusCode::UNAUTHORIZED, "Authentication required")
        }
    }

    /// 405 with the methods that would do.
    pub fn method_not_allowed(allow: String) -> Self {
        Self {
            header: Some((ALLOW, allow)),
            ..Self::new(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed")
        }
    }

    /// 429: the caller has asked too often and may come again after so many seconds.
    pub fn too_many_requests(seconds: u64) -> Self {
        Self {
            header: Some((RETRY_AFTER, seconds.to_string())),
            ..Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                format!("Too many requests, try again in {seconds} seconds"),
            )
        }
    }

    /// 404 for a job.
    pub fn no_job(id: &str) -> Self {
        Self::not_found(format!("No job with the id \"{id}\" has been found"))
    }

    /// 403 for a job of somebody else.
    pub fn foreign_job(id: &str) -> Self {
        Self::forbidden(format!("Not enough permissions to check the job \"{id}\""))
    }

    /// The same error as answer about one job, with the members that bulk answers have.
    #[must_use]
    pub fn about_job(mut self, id: &str) -> Self {
        self.job_id = Some(id.to_owned());
        self
    }

    /// Status code.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Text for the user.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Code and reason, for instance `404 Not Found`.
    pub fn status_line(&self) -> String {
        format!("{} {}", self.status.as_u16(), reason(self.status))
    }

    /// The answer, as a page when the caller prefers one.
    pub fn respond(&self, html: bool) -> Response {
        let (kind, body) = if html {
            ("text/html; charset=utf-8", self.page())
        } else {
            ("application/json", self.json())
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        set_reason(self.status, response.extensions_mut());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Some((name, value)) = &self.header
            && let Ok(value) = HeaderValue::from_str(value)
        {
            headers.insert(name, value);
        }
        response
    }

    fn json(&self) -> String {
        let mut body = json!({"status": self.status_line(), "message": self.message});
        if let Some(id) = &self.job_id {
            body["job_id"] = json!(id);
            body["http_status"] = json!(self.status_line());
            body["http_message"] = json!(self.message);
        }
        body.to_string()
    }

    fn page(&self) -> String {
        let line = escape_html(&self.status_line());
        let message = escape_html(&self.message);
        format!("<!doctype html><title>{line}</title><h1>{line}</h1><p>{message}</p>\n")
    }
}

/// Text that may stand in a page.
pub fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// Status 419, which no standard has.
fn authentication_timeout() -> StatusCode {
    StatusCode::from_u16(419).expect("419 lies between 100 and 999")
}

/// Reason phrase of a status.
pub fn reason(status: StatusCode) -> &'static str {
    match status.as_u16() {
        419 => "Authentication Timeout",
        _ => status.canonical_reason().unwrap_or("Unknown"),
    }
}

fn set_reason(status: StatusCode, extensions: &mut Extensions) {
    if status == authentication_timeout() {
        extensions.insert(ReasonPhrase::from_static(b"Authentication Timeout"));
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.status_line(), self.message)
    }
}

impl std::error::Error for ApiError {}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::DuplicateJob => {
                Self::conflict("The sid provided by the user is duplicated")
            }
            StoreError::DuplicateDestination(surl) => {
                Self::conflict(format!("The submission is duplicated ({surl})"))
            }
            StoreError::Busy(detail) => {
                tracing::warn!(%detail, "store is busy");
                Self::unavailable("The service is busy, try again later")
            }
            StoreError::Failed(detail) => {
                tracing::error!(%detail, "store failed");
                Self::internal("The store failed")
            }
        }
    }
}

impl From<SettingsError> for ApiError {
    fn from(error: SettingsError) -> Self {
        match error {
            SettingsError::Invalid(text) => Self::bad_request(text),
            SettingsError::Store(error) => error.into(),
        }
    }
}

/// A storage's answer on the data-management surface: status by errno, text with errno in front.
impl From<causeway_sdk::Error> for ApiError {
    fn from(error: causeway_sdk::Error) -> Self {
        let status = match error.errno() {
            1 | 13 => StatusCode::FORBIDDEN,
            2 => StatusCode::NOT_FOUND,
            11 | 16 | 110 => StatusCode::SERVICE_UNAVAILABLE,
            20 | 93 | 95 => StatusCode::BAD_REQUEST,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Self::new(status, format!("[{}] {}", error.errno(), error.message()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_sdk::Error;

    #[test]
    fn the_odd_status_has_its_phrase() {
        let error = ApiError::needs_delegation("No delegation");
        assert_eq!(error.status_line(), "419 Authentication Timeout");
        let response = error.respond(false);
        let phrase = response.extensions().get::<ReasonPhrase>().unwrap();
        assert_eq!(phrase.as_bytes(), b"Authentication Timeout");
    }

    #[test]
    fn storage_errors_by_errno() {
        let rows = [
            (1, 403),
            (13, 403),
            (2, 404),
            (11, 503),
            (16, 503),
            (110, 503),
            (20, 400),
            (93, 400),
            (95, 400),
            (5, 500),
            (17, 500),
        ];
        for (errno, status) in rows {
            let error = ApiError::from(Error::from_errno(errno, "text"));
            assert_eq!(error.status().as_u16(), status, "{errno}");
            assert_eq!(error.message(), format!("[{errno}] text"));
        }
    }

    #[test]
    fn pages_are_escaped() {
        let page = ApiError::not_found("<script>").page();
        assert!(page.contains("&lt;script&gt;") && !page.contains("<script>"));
    }
}
