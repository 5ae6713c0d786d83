//! How a storage says that something failed.
//!
//! One struct for every plugin. The kinds speak of storages, not of protocols; a plugin maps what
//! its protocol says in one table of its own. The engine adds scope and phase later: a plugin
//! never learns which side of a transfer it serves.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::secret::mask;

/// Result of a storage call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in terms of the storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The request itself makes no sense (EINVAL).
    Invalid,
    /// Nothing at this URL (ENOENT).
    NotFound,
    /// Something is there already (EEXIST).
    Exists,
    /// A directory that should be empty is not (ENOTEMPTY).
    NotEmpty,
    /// A directory where a file was expected (EISDIR).
    IsDirectory,
    /// A file where a directory was expected (ENOTDIR).
    NotDirectory,
    /// The storage knows the caller and says no (EACCES).
    Denied,
    /// The storage wants a credential and got none it accepts (EACCES).
    AuthRequired,
    /// The credential was good once (EKEYEXPIRED).
    AuthExpired,
    /// The storage or the plugin cannot do this (EOPNOTSUPP).
    Unsupported,
    /// Try later (EBUSY).
    Busy,
    /// Too many requests (EAGAIN).
    Throttled,
    /// Nothing came back in time (ETIMEDOUT).
    Timeout,
    /// The caller gave up (ECANCELED).
    Canceled,
    /// The connection failed (ECOMM).
    Network,
    /// The remote side reported a failure of its own (EREMOTEIO).
    Remote,
    /// Bytes are not what they should be (EIO, as users of the field know it).
    Integrity,
    /// The storage is full (ENOSPC).
    NoSpace,
    /// The file is on tape only (EAGAIN).
    NotOnline,
    /// The object changed underneath (ESTALE).
    Conflict,
    /// A defect of the plugin or of the gateway (EIO).
    Internal,
}

impl ErrorKind {
    /// Every kind, in the order of their codes at the boundary. New ones go to the end.
    pub const ALL: [Self; 21] = [
        Self::Invalid,
        Self::NotFound,
        Self::Exists,
        Self::NotEmpty,
        Self::IsDirectory,
        Self::NotDirectory,
        Self::Denied,
        Self::AuthRequired,
        Self::AuthExpired,
        Self::Unsupported,
        Self::Busy,
        Self::Throttled,
        Self::Timeout,
        Self::Canceled,
        Self::Network,
        Self::Remote,
        Self::Integrity,
        Self::NoSpace,
        Self::NotOnline,
        Self::Conflict,
        Self::Internal,
    ];

    /// The Linux errno that users of the field see for this kind.
    pub fn errno(self) -> i32 {
        match self {
            Self::Invalid => 22,
            Self::NotFound => 2,
            Self::Exists => 17,
            Self::NotEmpty => 39,
            Self::IsDirectory => 21,
            Self::NotDirectory => 20,
            Self::Denied | Self::AuthRequired => 13,
            Self::AuthExpired => 127,
            Self::Unsupported => 95,
            Self::Busy => 16,
            Self::Throttled | Self::NotOnline => 11,
            Self::Timeout => 110,
            Self::Canceled => 125,
            Self::Network => 70,
            Self::Remote => 121,
            Self::Integrity | Self::Internal => 5,
            Self::NoSpace => 28,
            Self::Conflict => 116,
        }
    }

    /// The kind that fits an errno best; [`ErrorKind::Remote`] when none does.
    pub fn from_errno(errno: i32) -> Self {
        match errno {
            1 | 13 => Self::Denied,
            2 => Self::NotFound,
            5 => Self::Internal,
            11 => Self::Throttled,
            16 => Self::Busy,
            17 => Self::Exists,
            20 => Self::NotDirectory,
            21 => Self::IsDirectory,
            22 => Self::Invalid,
            28 | 122 => Self::NoSpace,
            39 => Self::NotEmpty,
            70 | 103 | 104 | 111 | 113 => Self::Network,
            74 => Self::Integrity,
            93 | 95 => Self::Unsupported,
            110 => Self::Timeout,
            116 => Self::Conflict,
            125 => Self::Canceled,
            127 => Self::AuthExpired,
            _ => Self::Remote,
        }
    }

    fn default_retry(self) -> Retry {
        match self {
            Self::Busy | Self::Throttled | Self::Timeout | Self::Network | Self::Integrity => {
                Retry::Soon
            }
            Self::Remote | Self::Conflict => Retry::Soon,
            _ => Retry::Never,
        }
    }
}

/// Advice of the plugin on trying the same call again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// The same call will fail the same way.
    Never,
    /// It may work the next time.
    Soon,
    /// The storage named a time to wait.
    After(Duration),
}

/// A failed storage call.
///
/// Texts are lower-case fragments that fit behind "failed to". They pass through
/// [`secret::mask`](crate::secret::mask), so a token or a key that slipped into one does not get out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Error {
    kind: ErrorKind,
    errno: i32,
    retry: Retry,
    operation: String,
    message: String,
    remote_status: Option<u32>,
    context: Vec<(String, String)>,
}

impl Error {
    /// A failure of this kind, with its usual errno and retry advice.
    pub fn new(kind: ErrorKind, message: impl AsRef<str>) -> Self {
        Self {
            kind,
            errno: kind.errno(),
            retry: kind.default_retry(),
            operation: String::new(),
            message: mask(message.as_ref()),
            remote_status: None,
            context: Vec::new(),
        }
    }

    /// The answer of a storage that does not offer an operation.
    pub fn unsupported(operation: &str) -> Self {
        Self::new(
            ErrorKind::Unsupported,
            format!("{operation} is not supported by this storage"),
        )
        .during(operation)
    }

    /// A failure known by its errno; the text is the system's when `message` is empty.
    pub fn from_errno(errno: i32, message: impl AsRef<str>) -> Self {
        let message = message.as_ref();
        let text = if message.is_empty() {
            errno_text(errno)
        } else {
            message.to_owned()
        };
        Self::new(ErrorKind::from_errno(errno), text).with_errno(errno)
    }

    /// Sets an errno other than the usual one of the kind.
    #[must_use]
    pub fn with_errno(mut self, errno: i32) -> Self {
        self.errno = errno;
        self
    }

    /// Sets the retry advice.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Notes the status of the remote protocol, for instance 503 or 550.
    #[must_use]
    pub fn with_remote_status(mut self, status: u32) -> Self {
        self.remote_status = Some(status);
        self
    }

    /// Names the operation that failed, unless a deeper layer named one.
    #[must_use]
    pub fn during(mut self, operation: &str) -> Self {
        if self.operation.is_empty() {
            self.operation = operation.to_owned();
        }
        self
    }

    /// Adds a pair of context for the log, for instance `("host", "se1.example.org")`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl fmt::Display) -> Self {
        self.context
            .push((key.to_owned(), mask(&value.to_string())));
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Linux errno.
    pub fn errno(&self) -> i32 {
        self.errno
    }

    /// Retry advice.
    pub fn retry(&self) -> Retry {
        self.retry
    }

    /// The operation, empty when nobody named it.
    pub fn operation(&self) -> &str {
        &self.operation
    }

    /// The text for the user.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Status of the remote protocol.
    pub fn remote_status(&self) -> Option<u32> {
        self.remote_status
    }

    /// Context pairs, in the order they were added.
    pub fn context(&self) -> &[(String, String)] {
        &self.context
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} [{}] {}: {}",
            self.kind, self.errno, self.operation, self.message
        )?;
        if let Some(status) = self.remote_status {
            write!(f, " (remote status {status})")?;
        }
        for (key, value) in &self.context {
            write!(f, " {key}={value}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(source: std::io::Error) -> Self {
        match source.raw_os_error() {
            Some(errno) => Self::from_errno(errno, errno_text(errno)),
            None => Self::new(io_kind(source.kind()), source.to_string()),
        }
    }
}

fn io_kind(kind: std::io::ErrorKind) -> ErrorKind {
    use std::io::ErrorKind as Io;
    match kind {
        Io::NotFound => ErrorKind::NotFound,
        Io::AlreadyExists => ErrorKind::Exists,
        Io::PermissionDenied => ErrorKind::Denied,
        Io::TimedOut => ErrorKind::Timeout,
        Io::UnexpectedEof
        | Io::ConnectionReset
        | Io::ConnectionAborted
        | Io::ConnectionRefused
        | Io::BrokenPipe
        | Io::NotConnected => ErrorKind::Network,
        Io::InvalidInput | Io::InvalidData => ErrorKind::Invalid,
        _ => ErrorKind::Internal,
    }
}

/// The system's text for an errno, for instance `No such file or directory`.
pub fn errno_text(errno: i32) -> String {
    let text = std::io::Error::from_raw_os_error(errno).to_string();
    match text.find(" (os error") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errno_and_kind_agree_where_a_kind_is_unambiguous() {
        for kind in ErrorKind::ALL {
            let ambiguous = [
                ErrorKind::AuthRequired,
                ErrorKind::NotOnline,
                ErrorKind::Integrity,
            ];
            if !ambiguous.contains(&kind) {
                assert_eq!(ErrorKind::from_errno(kind.errno()), kind, "{kind:?}");
            }
        }
    }

    #[test]
    fn system_text_without_the_number() {
        assert_eq!(errno_text(2), "No such file or directory");
    }

    #[test]
    fn secrets_in_messages_and_context_are_masked() {
        let error = Error::new(ErrorKind::Denied, "Bearer abc").with("url", "https://h/p?sig=zzz");
        assert!(!format!("{error} {error:?}").contains("abc"));
        assert!(!format!("{error:?}").contains("zzz"));
    }
}
