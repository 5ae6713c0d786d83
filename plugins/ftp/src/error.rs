//! Foreign failures to the kinds of the SDK: one table for reply codes, one for what servers write
//! beside the codes that say little, one for the transport.

use std::io;
use std::time::Duration;

use causeway_sdk::trust::tls_error;
use causeway_sdk::{Error, ErrorKind, Result, Retry, Url as Surl};
use rustls::AlertDescription as Alert;
use suppaftp::FtpError;

use crate::reply::Reply;

/// How long to stay away from a server that has too many connections.
const CROWDED: Duration = Duration::from_secs(15);

/// The kind for a reply code (RFC 959, 2228, 2428, 3659, 4217). Codes that stand for many things
/// are looked at more closely in [`kind_in`].
pub(crate) fn kind_of(code: u32) -> ErrorKind {
    match code {
        120 | 421 | 450 => ErrorKind::Busy,
        425 | 426 | 434 => ErrorKind::Network,
        430 | 530 => ErrorKind::AuthRequired,
        452 | 552 => ErrorKind::NoSpace,
        500 | 502 | 504 | 522 | 533..=537 => ErrorKind::Unsupported,
        501 => ErrorKind::Invalid,
        521 => ErrorKind::Exists,
        532 | 553 => ErrorKind::Denied,
        550 => ErrorKind::NotFound,
        _ => ErrorKind::Remote,
    }
}

/// What servers write beside 450, 451, 550 and 553, which stand for many things.
const PHRASES: [(&str, ErrorKind); 22] = [
    ("not empty", ErrorKind::NotEmpty),
    ("no such file", ErrorKind::NotFound),
    ("no such directory", ErrorKind::NotFound),
    ("not found", ErrorKind::NotFound),
    ("does not exist", ErrorKind::NotFound),
    ("doesn't exist", ErrorKind::NotFound),
    ("cannot find", ErrorKind::NotFound),
    ("not a directory", ErrorKind::NotDirectory),
    ("is a directory", ErrorKind::IsDirectory),
    ("not a regular file", ErrorKind::IsDirectory),
    ("not a plain file", ErrorKind::IsDirectory),
    ("already exists", ErrorKind::Exists),
    ("file exists", ErrorKind::Exists),
    ("permission", ErrorKind::Denied),
    ("not permitted", ErrorKind::Denied),
    ("access is denied", ErrorKind::Denied),
    ("access denied", ErrorKind::Denied),
    ("not enough privileges", ErrorKind::Denied),
    ("read-only", ErrorKind::Denied),
    ("no space", ErrorKind::NoSpace),
    ("quota", ErrorKind::NoSpace),
    ("name too long", ErrorKind::Invalid),
];

/// The kind a text of a server speaks of.
pub(crate) fn kind_in(text: &str) -> Option<ErrorKind> {
    let text = text.to_ascii_lowercase();
    PHRASES
        .iter()
        .find(|(phrase, _)| text.contains(phrase))
        .map(|(_, kind)| *kind)
}

/// A refusal. `doing` and `at` say of what.
pub(crate) fn refused(doing: &str, at: &Surl, reply: &Reply) -> Error {
    told(&format!("{doing} {at}"), reply)
}

/// The same as a refusal of this kind, whatever the table says.
pub(crate) fn refused_as(kind: ErrorKind, doing: &str, at: &Surl, reply: &Reply) -> Error {
    let text = format!("{doing} {at}: FTP {}: {}", reply.code, reply.said());
    Error::new(kind, text).with_remote_status(reply.code)
}

/// A refusal of something named in one text.
pub(crate) fn told(what: &str, reply: &Reply) -> Error {
    let said = reply.said();
    let mut kind = kind_of(reply.code);
    if matches!(reply.code, 450 | 451 | 550 | 553) {
        kind = kind_in(&said).unwrap_or(kind);
    }
    // 530 after the login is about the file, not about who asks.
    if reply.code == 530 && kind_in(&said) == Some(ErrorKind::Denied) {
        kind = ErrorKind::Denied;
    }
    let mut text = format!("{what}: FTP {}", reply.code);
    if !said.is_empty() {
        text = format!("{text}: {said}");
    }
    let error = Error::new(kind, text).with_remote_status(reply.code);
    match reply.code {
        421 => error.with_retry(Retry::After(CROWDED)),
        _ => error,
    }
}

/// Something of ours that does not fit a URL.
pub(crate) fn failed(kind: ErrorKind, doing: &str, at: &Surl, why: &str) -> Error {
    Error::new(kind, format!("{doing} {at}: {why}"))
}

/// Nothing came in time.
pub(crate) fn late(what: &str, limit: Duration) -> Error {
    let text = format!("{what}: nothing came within {} s", limit.as_secs());
    Error::new(ErrorKind::Timeout, text)
}

/// A control connection that broke, or that says what no server should.
pub(crate) fn from_control(what: &str, source: FtpError) -> Error {
    match source {
        FtpError::ConnectionError(source) => from_io(what, &source),
        FtpError::UnexpectedResponse(response) => told(what, &Reply::new(&response)),
        FtpError::BadResponse | FtpError::InvalidAddress(_) => {
            let text = format!("{what}: the server's reply is no FTP");
            Error::new(ErrorKind::Remote, text)
        }
        FtpError::SecureError(text) => Error::new(ErrorKind::Network, format!("{what}: {text}")),
        FtpError::DataConnectionAlreadyOpen => {
            let text = format!("{what}: two transfers on one connection");
            Error::new(ErrorKind::Internal, text)
        }
    }
}

/// A connection that failed.
pub(crate) fn from_io(what: &str, source: &io::Error) -> Error {
    let text = format!("{what}: {source}");
    if let Some(tls) = tls_error(source) {
        let (kind, is_final) = kind_of_tls(tls);
        let error = Error::new(kind, text);
        return if is_final {
            error.with_retry(Retry::Never)
        } else {
            error
        };
    }
    let kind = match source.kind() {
        io::ErrorKind::TimedOut => ErrorKind::Timeout,
        // A reply larger than any server sends.
        io::ErrorKind::InvalidData => ErrorKind::Remote,
        io::ErrorKind::InvalidInput => ErrorKind::Invalid,
        _ => ErrorKind::Network,
    };
    let error = Error::new(kind, text);
    match source.raw_os_error() {
        Some(errno) if kind == ErrorKind::Network => error.with_errno(errno),
        _ => error,
    }
}

/// The kind of a TLS failure, and whether trying again is of no use.
fn kind_of_tls(error: &rustls::Error) -> (ErrorKind, bool) {
    match error {
        rustls::Error::AlertReceived(Alert::CertificateRequired | Alert::UnknownCA) => {
            (ErrorKind::AuthRequired, true)
        }
        rustls::Error::AlertReceived(Alert::AccessDenied) => (ErrorKind::Denied, true),
        rustls::Error::InvalidCertificate(_) => (ErrorKind::Network, true),
        _ => (ErrorKind::Network, false),
    }
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
    use crate::reply::reply;

    #[test]
    fn replies_of_real_servers() {
        use ErrorKind::*;
        for (text, kind) in [
            (
                "421 There are too many connections from your internet address.",
                Busy,
            ),
            ("425 Can't open data connection.", Network),
            ("426 Failure writing network stream.", Network),
            ("450 Requested file action not taken.", Busy),
            ("450 /x: No such file or directory", NotFound),
            ("451 Failure writing to local file.", Remote),
            ("451 No space left on device.", NoSpace),
            ("452 Insufficient storage space.", NoSpace),
            ("500 Unknown command.", Unsupported),
            ("501 Bad parameter.", Invalid),
            ("502 Command not implemented.", Unsupported),
            ("503 Bad sequence of commands.", Remote),
            ("504 Command parameter not implemented.", Unsupported),
            ("521 Directory already exists.", Exists),
            (
                "522 SSL connection failed: session reuse required",
                Unsupported,
            ),
            ("530 Login incorrect.", AuthRequired),
            ("530 Permission denied.", Denied),
            ("532 Need account for storing files.", Denied),
            ("534 Policy requires SSL.", Unsupported),
            ("550 Failed to open file.", NotFound),
            ("550 Permission denied.", Denied),
            ("550 Not enough privileges.", Denied),
            ("550 Directory not empty.", NotEmpty),
            ("550 The directory is not empty. ", NotEmpty),
            ("550 Is a directory.", IsDirectory),
            ("550 No space left on device.", NoSpace),
            ("550 File exists.", Exists),
            ("551 Error on output file.", Remote),
            ("552 Quota exceeded.", NoSpace),
            ("553 Could not create file.", Denied),
            ("553 File name too long.", Invalid),
        ] {
            let error = told("write ftp://h/x", &reply(text));
            assert_eq!(error.kind(), kind, "{text}");
            assert!(error.message().contains(text[4..].trim()), "{error}");
            assert_eq!(error.remote_status(), text[..3].parse().ok());
        }
    }

    #[test]
    fn a_crowded_server_is_left_alone_for_a_while() {
        let error = told("connect", &reply("421 Too many connections"));
        assert_eq!(error.retry(), Retry::After(CROWDED));
    }

    #[test]
    fn the_transport_keeps_its_errno() {
        let refused = io::Error::from_raw_os_error(111);
        let error = from_io("connect", &refused);
        assert_eq!((error.kind(), error.errno()), (ErrorKind::Network, 111));
        let untrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let error = from_io("connect", &io::Error::other(untrusted));
        assert_eq!(error.retry(), Retry::Never);
    }
}
