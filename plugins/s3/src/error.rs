//! Foreign failures to the kinds of the SDK: one table for the codes of S3, one for bare statuses,
//! one for the transport.

use causeway_sdk::http_client::{one_line, retry_after, transport_error};
use causeway_sdk::{Error, ErrorKind, Result, Retry};
use http::{HeaderMap, StatusCode};

use crate::place::Place;
use crate::xml;

/// The kind for a code of S3; `None` for one that says no more than its status.
fn kind_of_code(code: &str) -> Option<ErrorKind> {
    Some(match code {
        "AccessDenied"
        | "AllAccessDisabled"
        | "AccountProblem"
        | "NotSignedUp"
        | "InvalidPayer"
        | "UserSuspended"
        | "RequestTimeTooSkewed" => ErrorKind::Denied,
        "InvalidAccessKeyId"
        | "SignatureDoesNotMatch"
        | "InvalidToken"
        | "InvalidSecurity"
        | "MissingSecurityHeader"
        | "CredentialsNotSupported"
        | "AuthorizationHeaderMalformed" => ErrorKind::AuthRequired,
        "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" | "RequestExpired" => {
            ErrorKind::AuthExpired
        }
        "NoSuchKey" | "NoSuchBucket" | "NoSuchVersion" => ErrorKind::NotFound,
        "BucketAlreadyExists" | "BucketAlreadyOwnedByYou" => ErrorKind::Exists,
        "BucketNotEmpty" => ErrorKind::NotEmpty,
        "PreconditionFailed"
        | "ConditionalRequestConflict"
        | "OperationAborted"
        | "NoSuchUpload" => ErrorKind::Conflict,
        "InvalidObjectState" => ErrorKind::NotOnline,
        "SlowDown"
        | "TooManyRequests"
        | "RequestLimitExceeded"
        | "Throttling"
        | "ThrottlingException"
        | "BandwidthLimitExceeded" => ErrorKind::Throttled,
        "ServiceUnavailable" | "Busy" | "ServerBusy" | "RestoreAlreadyInProgress" => {
            ErrorKind::Busy
        }
        "RequestTimeout" => ErrorKind::Timeout,
        "BadDigest"
        | "InvalidDigest"
        | "XAmzContentSHA256Mismatch"
        | "XAmzContentChecksumMismatch" => ErrorKind::Integrity,
        "IncompleteBody" => ErrorKind::Network,
        "QuotaExceeded" | "InsufficientCapacity" | "XMinioStorageFull" => ErrorKind::NoSpace,
        "NotImplemented" | "MethodNotAllowed" => ErrorKind::Unsupported,
        "InternalError" => ErrorKind::Remote,
        _ => return None,
    })
}

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
        // In the wrong region: the same request will always be sent away.
        300..=499 => ErrorKind::Invalid,
        _ => ErrorKind::Remote,
    }
}

/// A refused request. `text` is what the server wrote, `signed` whether we said who we are.
pub(crate) fn from_status(
    doing: &str,
    place: &Place,
    status: StatusCode,
    headers: &HeaderMap,
    text: &str,
    signed: bool,
) -> Error {
    let fault = xml::fault(text).unwrap_or_default();
    let mut kind = kind_of_code(&fault.code).unwrap_or_else(|| kind_of_status(status));
    if kind == ErrorKind::Denied && !signed {
        kind = ErrorKind::AuthRequired;
    }
    let mut message = format!("{doing} {place}: HTTP {}", status.as_u16());
    for said in [&fault.code, &fault.message] {
        if !said.is_empty() {
            message = format!("{message} {}", one_line(said));
        }
    }
    if status.is_redirection() {
        let region = headers.get("x-amz-bucket-region");
        let region = region.and_then(|it| it.to_str().ok()).unwrap_or("unknown");
        message = format!(
            "{message}: the bucket is elsewhere (region {})",
            one_line(region)
        );
    }
    let error = Error::new(kind, message)
        .with_remote_status(status.as_u16().into())
        .with("host", &place.endpoint.host);
    let error = match fault.code.as_str() {
        "" => error,
        code => error.with("code", one_line(code)),
    };
    match retry_after(headers) {
        Some(wait) => error.with_retry(Retry::After(wait)),
        None => error,
    }
}

/// A request or a body that broke, by what is at the bottom of it.
pub(crate) fn from_reqwest(doing: &str, place: &Place, source: reqwest::Error) -> Error {
    transport_error(&format!("{doing} {place}"), &place.endpoint.host, source)
}

/// Something of ours that should not have happened.
pub(crate) fn internal(doing: &str, source: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Internal, format!("{doing}: {source}"))
}

/// A failure at a place, found by us.
pub(crate) fn at(kind: ErrorKind, doing: &str, place: &Place, why: &str) -> Error {
    Error::new(kind, format!("{doing} {place}: {why}"))
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
