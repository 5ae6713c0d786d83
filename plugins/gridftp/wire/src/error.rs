//! Offers [`Error`]: everything that fails here is one of its kinds, with a text for people and the
//! code of the server's reply where there was one.
//!
//! Replies become kinds in `reply::failure`; TLS, sockets and timers become kinds through the
//! constructors here. Texts are lower-case fragments that fit behind "failed to", except what a
//! server said, which is kept as it came. No text holds key material.

use std::time::Duration;

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// No such file or directory.
    NotFound,
    /// Something is there already.
    Exists,
    /// A directory that should be empty is not.
    NotEmpty,
    /// A directory where a file was expected.
    IsDirectory,
    /// A file where a directory was expected.
    NotDirectory,
    /// The server knows the caller and says no.
    Denied,
    /// The server has no account for the caller.
    NotMapped,
    /// The server refuses the caller's credential, or wants one.
    AuthRefused,
    /// A credential was good once: ours, or one the server holds for us.
    CredentialExpired,
    /// The credential given to this crate cannot be used.
    BadCredential,
    /// The server does not know the command, or not this way of it.
    Unsupported,
    /// The server asks to come back later.
    Busy,
    /// The disk is full or a quota reached.
    NoSpace,
    /// Bytes are not what they should be.
    Integrity,
    /// The request makes no sense: a name with a line break, a range behind the end.
    Invalid,
    /// The file must come from tape first.
    NotOnline,
    /// A refusal of the server that is none of the above.
    Refused,
    /// The peer's certificate is not trusted, or is not the expected peer's.
    PeerUntrusted,
    /// TLS failed otherwise.
    Tls,
    /// The peer does not speak the protocol.
    Protocol,
    /// The connection failed.
    Io,
    /// Nothing came in time.
    TimedOut,
    /// The caller gave up.
    Canceled,
}

/// A failure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    kind: ErrorKind,
    message: String,
    code: Option<u16>,
}

impl Error {
    /// A failure of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            code: None,
        }
    }

    /// The peer said something it must not say.
    pub fn protocol(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Protocol, message)
    }

    /// A socket failed while doing `what` ("read from the server").
    pub fn io(what: &str, source: &std::io::Error) -> Self {
        // rustls hides its own errors in those of sockets.
        if let Some(tls) = source.get_ref().and_then(|it| it.downcast_ref()) {
            return Self::tls(what, tls);
        }
        Self::new(ErrorKind::Io, format!("{what}: {source}"))
    }

    /// TLS failed while doing `what` ("agree on security").
    pub fn tls(what: &str, source: &rustls::Error) -> Self {
        use rustls::{AlertDescription as Alert, CertificateError as Certificate, Error as Tls};
        let kind = match source {
            Tls::InvalidCertificate(Certificate::Expired | Certificate::ExpiredContext { .. })
            | Tls::InvalidCertificate(_)
            | Tls::NoCertificatesPresented => ErrorKind::PeerUntrusted,
            Tls::AlertReceived(Alert::CertificateExpired) => ErrorKind::CredentialExpired,
            Tls::AlertReceived(
                Alert::AccessDenied
                | Alert::BadCertificate
                | Alert::CertificateRevoked
                | Alert::CertificateUnknown
                | Alert::CertificateRequired
                | Alert::UnknownCA
                | Alert::UnsupportedCertificate,
            ) => ErrorKind::AuthRefused,
            _ => ErrorKind::Tls,
        };
        Self::new(kind, format!("{what}: {source}"))
    }

    /// Nothing came in time while doing `what`.
    pub fn timed_out(what: &str, after: Duration) -> Self {
        let seconds = after.as_secs_f32();
        Self::new(
            ErrorKind::TimedOut,
            format!("{what}: nothing came for {seconds} s"),
        )
    }

    /// The caller gave up.
    pub fn canceled() -> Self {
        Self::new(ErrorKind::Canceled, "finish: the caller gave up")
    }

    /// Notes the code of the server's reply.
    #[must_use]
    pub fn with_code(mut self, code: u16) -> Self {
        self.code = Some(code);
        self
    }

    /// Puts what was being done in front of the text.
    #[must_use]
    pub fn during(mut self, what: &str) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Code of the server's reply, when there was one.
    pub fn code(&self) -> Option<u16> {
        self.code
    }

    /// True when the session it happened on can still be used: the server answered, and said no.
    pub fn is_reply(&self) -> bool {
        self.code.is_some()
    }
}
