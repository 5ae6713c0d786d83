//! Foreign failures to the kinds of the SDK: one table for HTTP statuses, one for what servers
//! write beside a bare 500, one for the transport.

use std::time::Duration;

use causeway_sdk::{Error, ErrorKind, Result, Retry};
use http::{HeaderMap, StatusCode, header};
use rustls::AlertDescription as Alert;
use url::Url;

use crate::wire::origin;

/// Longest text of a server that gets into a message, in bytes.
const MAX_TEXT: usize = 200;
/// Longest time a server may ask us to wait.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// The kind for a status. Where a method knows better (412, 409), the caller says so.
pub(crate) fn kind_of(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        401 | 407 => ErrorKind::AuthRequired,
        402 | 403 | 451 => ErrorKind::Denied,
        404 | 410 => ErrorKind::NotFound,
        405 | 406 | 415 | 417 | 501 | 505 => ErrorKind::Unsupported,
        408 | 504 => ErrorKind::Timeout,
        409 | 412 => ErrorKind::Conflict,
        423 | 503 => ErrorKind::Busy,
        425 | 429 => ErrorKind::Throttled,
        507 => ErrorKind::NoSpace,
        424 => ErrorKind::Remote,
        400..=499 => ErrorKind::Invalid,
        _ => ErrorKind::Remote,
    }
}

/// What servers of the field write when the status alone says little.
const PHRASES: [(&str, ErrorKind); 13] = [
    ("directory not empty", ErrorKind::NotEmpty),
    ("no such file", ErrorKind::NotFound),
    ("does not exist", ErrorKind::NotFound),
    ("file exists", ErrorKind::Exists),
    ("already exists", ErrorKind::Exists),
    ("is a directory", ErrorKind::IsDirectory),
    ("not a directory", ErrorKind::NotDirectory),
    ("permission denied", ErrorKind::Denied),
    ("not authorized", ErrorKind::Denied),
    ("no space left", ErrorKind::NoSpace),
    ("quota exceeded", ErrorKind::NoSpace),
    ("checksum", ErrorKind::Integrity),
    ("status code 404", ErrorKind::NotFound),
];

/// The kind a text of a server speaks of.
pub(crate) fn kind_in(text: &str) -> Option<ErrorKind> {
    let text = text.to_ascii_lowercase();
    PHRASES
        .iter()
        .find(|(phrase, _)| text.contains(phrase))
        .map(|(_, kind)| *kind)
}

/// A refused request. `text` is what the server wrote.
pub(crate) fn from_status(
    doing: &str,
    url: &Url,
    status: StatusCode,
    headers: &HeaderMap,
    text: &str,
) -> Error {
    let said = shorten(text);
    let mut kind = kind_of(status);
    if matches!(status.as_u16(), 400 | 409 | 500) {
        kind = kind_in(&said).unwrap_or(kind);
    }
    if kind == ErrorKind::AuthRequired && is_expired_token(headers) {
        kind = ErrorKind::AuthExpired;
    }
    let mut message = format!(
        "{doing} {}{}: HTTP {}",
        origin(url),
        url.path(),
        status.as_u16()
    );
    if let Some(reason) = status.canonical_reason() {
        message = format!("{message} {reason}");
    }
    if !said.is_empty() {
        message = format!("{message}: {said}");
    }
    let error = Error::new(kind, message)
        .with_remote_status(status.as_u16().into())
        .with("host", url.host_str().unwrap_or_default());
    match retry_after(headers) {
        Some(wait) => error.with_retry(Retry::After(wait)),
        None => error,
    }
}

/// RFC 6750 section 3.1: an expired token is an `invalid_token` and the description says so.
fn is_expired_token(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::WWW_AUTHENTICATE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.contains("invalid_token") && value.contains("expired"))
}

/// `Retry-After` in seconds or as a date (RFC 9110 section 10.2.3).
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let at = parse_date(text)?;
            let now = jiff::Timestamp::now().as_second();
            Duration::from_secs(u64::try_from(at - now).unwrap_or(0))
        }
    };
    Some(wait.min(MAX_WAIT))
}

/// An HTTP date as seconds since 1970.
pub(crate) fn parse_date(text: &str) -> Option<i64> {
    let parsed = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim());
    parsed.ok().map(jiff::Timestamp::as_second)
}

/// One short line out of whatever a server wrote; HTML pages say nothing a user needs.
pub(crate) fn shorten(text: &str) -> String {
    let text = text.trim_start();
    if text.starts_with('<') {
        return String::new();
    }
    let clean: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(MAX_TEXT)
        .collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A request or a body that broke.
pub(crate) fn from_reqwest(doing: &str, url: &Url, source: reqwest::Error) -> Error {
    let is_timeout = source.is_timeout();
    from_transport(doing, url, &source.without_url(), is_timeout)
}

/// A connection that failed, by what is at the bottom of it.
pub(crate) fn from_transport(
    doing: &str,
    url: &Url,
    source: &(dyn std::error::Error + 'static),
    is_timeout: bool,
) -> Error {
    let mut kind = if is_timeout {
        ErrorKind::Timeout
    } else {
        ErrorKind::Network
    };
    let mut is_final = false;
    let mut deepest = source.to_string();
    let mut at = Some(source);
    while let Some(error) = at {
        if let Some(it) = tls_error(error) {
            let (its_kind, never) = kind_of_tls(it);
            (kind, is_final) = (its_kind, never);
            deepest = it.to_string();
            break;
        }
        deepest = error.to_string();
        at = error.source();
    }
    let text = format!("{doing} {}: {}", origin(url), shorten(&deepest));
    let error = Error::new(kind, text).with("host", url.host_str().unwrap_or_default());
    if is_final {
        error.with_retry(Retry::Never)
    } else {
        error
    }
}

/// The TLS failure inside an error; `std::io::Error` hides what it wraps from `source`.
fn tls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(it) = error.downcast_ref::<rustls::Error>() {
        return Some(it);
    }
    let inner = error.downcast_ref::<std::io::Error>()?.get_ref()?;
    tls_error(inner).or_else(|| inner.source().and_then(tls_error))
}

/// The kind of a TLS failure, and whether trying again is of no use.
fn kind_of_tls(error: &rustls::Error) -> (ErrorKind, bool) {
    match error {
        rustls::Error::AlertReceived(Alert::CertificateExpired) => (ErrorKind::AuthExpired, true),
        rustls::Error::AlertReceived(Alert::AccessDenied | Alert::CertificateRevoked) => {
            (ErrorKind::Denied, true)
        }
        rustls::Error::AlertReceived(
            Alert::BadCertificate
            | Alert::UnsupportedCertificate
            | Alert::CertificateUnknown
            | Alert::UnknownCA
            | Alert::CertificateRequired,
        ) => (ErrorKind::AuthRequired, true),
        rustls::Error::InvalidCertificate(_) => (ErrorKind::Network, true),
        _ => (ErrorKind::Network, false),
    }
}

/// Something of ours that should not have happened.
pub(crate) fn internal(doing: &str, source: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, format!("{doing}: {source}"))
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
