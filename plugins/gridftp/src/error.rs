//! Failures of the wire to the kinds of the SDK, in one table.

use causeway_gridftp_wire::{Error as WireError, ErrorKind as Wire};
use causeway_sdk::{Error, ErrorKind, Result, Retry, Url};

/// The kind, and whether trying again is of no use although the kind says otherwise.
fn kind_of(kind: Wire) -> (ErrorKind, bool) {
    match kind {
        Wire::NotFound => (ErrorKind::NotFound, false),
        Wire::Exists => (ErrorKind::Exists, false),
        Wire::NotEmpty => (ErrorKind::NotEmpty, false),
        Wire::IsDirectory => (ErrorKind::IsDirectory, false),
        Wire::NotDirectory => (ErrorKind::NotDirectory, false),
        Wire::Denied | Wire::NotMapped => (ErrorKind::Denied, false),
        Wire::AuthRefused | Wire::BadCredential => (ErrorKind::AuthRequired, false),
        Wire::CredentialExpired => (ErrorKind::AuthExpired, false),
        Wire::Unsupported => (ErrorKind::Unsupported, false),
        Wire::Busy => (ErrorKind::Busy, false),
        Wire::NoSpace => (ErrorKind::NoSpace, false),
        Wire::Integrity => (ErrorKind::Integrity, false),
        Wire::Invalid => (ErrorKind::Invalid, false),
        Wire::NotOnline => (ErrorKind::NotOnline, false),
        Wire::PeerUntrusted => (ErrorKind::Network, true),
        Wire::TimedOut => (ErrorKind::Timeout, false),
        Wire::Canceled => (ErrorKind::Canceled, false),
        Wire::Io | Wire::Tls | Wire::Protocol => (ErrorKind::Network, false),
        _ => (ErrorKind::Remote, false),
    }
}

/// The error of the SDK for a failure at a URL.
pub(crate) fn at(url: &Url, source: &WireError) -> Error {
    let (kind, is_final) = kind_of(source.kind());
    let mut error = Error::new(kind, format!("{source} ({url})")).with("host", url.host());
    if let Some(code) = source.code() {
        error = error.with_remote_status(code.into());
    }
    if is_final {
        error = error.with_retry(Retry::Never);
    }
    error
}

/// A failure of our own at a URL.
pub(crate) fn own(kind: ErrorKind, doing: &str, url: &Url, why: &str) -> Error {
    Error::new(kind, format!("{doing} {url}: {why}"))
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
mod tests {
    use super::*;

    #[test]
    fn kinds_and_codes_are_kept_and_servers_of_others_are_final() {
        let url: Url = "gsiftp://h/p".parse().unwrap();
        let source = WireError::new(Wire::NotFound, "look a file up: no").with_code(550);
        let error = at(&url, &source);
        assert_eq!(
            (error.kind(), error.remote_status()),
            (ErrorKind::NotFound, Some(550))
        );
        assert!(error.message().contains("gsiftp://h/p"), "{error}");
        let other = at(&url, &WireError::new(Wire::PeerUntrusted, "x"));
        assert_eq!(
            (other.kind(), other.retry()),
            (ErrorKind::Network, Retry::Never)
        );
        let broken = at(&url, &WireError::new(Wire::Io, "x"));
        assert_eq!(broken.retry(), Retry::Soon);
    }
}
