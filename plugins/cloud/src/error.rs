//! Foreign failures to the kinds of the SDK: by the services' own codes, by bare statuses, by what
//! the transport says.

use std::time::Duration;

use causeway_sdk::http_client::{one_line, retry_after, transport_error};
use causeway_sdk::{Error, ErrorKind, Result, Retry};
use http::{HeaderMap, StatusCode};

use crate::codes::kind_of_code;
use crate::fault::Fault;
use crate::login::Login;
use crate::place::Service;

/// Longest time a server may ask us to wait.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// The kind for a status without a code that is known.
fn kind_of_status(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        401 | 407 => ErrorKind::AuthRequired,
        402 | 403 | 451 => ErrorKind::Denied,
        404 | 410 => ErrorKind::NotFound,
        405 | 406 | 415 | 417 | 501 | 505 => ErrorKind::Unsupported,
        408 | 504 => ErrorKind::Timeout,
        409 | 412 => ErrorKind::Conflict,
        429 => ErrorKind::Throttled,
        423 | 503 => ErrorKind::Busy,
        507 => ErrorKind::NoSpace,
        // These interfaces send nobody elsewhere.
        300..=499 => ErrorKind::Invalid,
        _ => ErrorKind::Remote,
    }
}

/// What was asked, for the text of a failure.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) service: Service,
    pub(crate) doing: &'static str,
    /// The place, as messages show it.
    pub(crate) what: String,
    pub(crate) host: String,
    /// With what we said who we are.
    pub(crate) login: Login,
}

/// A refused request. `text` is what the server wrote.
pub(crate) fn from_status(
    asked: &Asked,
    status: StatusCode,
    headers: &HeaderMap,
    text: &str,
) -> Error {
    let fault = Fault::read(asked.service, headers, text);
    let mut kind =
        kind_of_code(asked.service, &fault.code).unwrap_or_else(|| kind_of_status(status));
    if is_expired(asked, status, &fault) {
        kind = ErrorKind::AuthExpired;
    }
    if kind == ErrorKind::Denied && !asked.login.is_somebody() {
        kind = ErrorKind::AuthRequired;
    }
    let mut message = format!("{} {}: HTTP {}", asked.doing, asked.what, status.as_u16());
    for said in [&fault.code, &fault.message] {
        if !said.is_empty() {
            // Some repeat what they were sent.
            message = format!("{message} {}", one_line(&asked.login.scrub(said)));
        }
    }
    let error = Error::new(kind, message)
        .with_remote_status(status.as_u16().into())
        .with("host", &asked.host);
    let error = match fault.code.as_str() {
        "" => error,
        code => error.with("code", one_line(&asked.login.scrub(code))),
    };
    match retry_after(headers).or(fault.retry_after) {
        Some(wait) => error.with_retry(Retry::After(wait.min(MAX_WAIT))),
        None => error,
    }
}

/// Azure says of an expired signature or token only in its text that it is that.
fn is_expired(asked: &Asked, status: StatusCode, fault: &Fault) -> bool {
    let is_refused = matches!(status.as_u16(), 401 | 403) && asked.service == Service::Azure;
    let text = &fault.message;
    is_refused && asked.login.is_somebody() && (text.contains("expired") || text.contains("expiry"))
}

/// A time as JSON has it, as seconds since 1970.
pub(crate) fn parse_time(text: &str) -> Option<i64> {
    let time: jiff::Timestamp = text.trim().parse().ok()?;
    Some(time.as_second())
}

/// A request or a body that broke, by what is at the bottom of it.
pub(crate) fn from_reqwest(asked: &Asked, source: reqwest::Error) -> Error {
    transport_error(
        &format!("{} {}", asked.doing, asked.what),
        &asked.host,
        source,
    )
}

/// Something of ours that should not have happened.
pub(crate) fn internal(doing: &str, source: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, format!("{doing}: {source}"))
}

/// A failure at a place, found by us.
pub(crate) fn at(kind: ErrorKind, doing: &str, what: impl std::fmt::Display, why: &str) -> Error {
    Error::new(kind, format!("{doing} {what}: {why}"))
}

/// Nothing is there.
pub(crate) fn nothing(doing: &str, what: impl std::fmt::Display) -> Error {
    at(ErrorKind::NotFound, doing, what, "there is nothing")
}

/// Turns "there is nothing" into `None`.
pub(crate) fn optional<T>(found: Result<T>) -> Result<Option<T>> {
    match found {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
