//! Errors, there and back.

use std::time::Duration;

use crate::component::bindings::causeway::storage::types as wit;
use crate::{Error, ErrorKind, Retry};

/// Kinds in the order of [`ErrorKind::ALL`], which is that of the world.
const KINDS: [wit::ErrorKind; 21] = {
    use wit::ErrorKind as Kind;
    [
        Kind::Invalid,
        Kind::NotFound,
        Kind::Exists,
        Kind::NotEmpty,
        Kind::IsDirectory,
        Kind::NotDirectory,
        Kind::Denied,
        Kind::AuthRequired,
        Kind::AuthExpired,
        Kind::Unsupported,
        Kind::Busy,
        Kind::Throttled,
        Kind::Timeout,
        Kind::Canceled,
        Kind::Network,
        Kind::Remote,
        Kind::Integrity,
        Kind::NoSpace,
        Kind::NotOnline,
        Kind::Conflict,
        Kind::Internal,
    ]
};

fn kind(kind: ErrorKind) -> wit::ErrorKind {
    let place = ErrorKind::ALL.iter().position(|it| *it == kind);
    place
        .and_then(|place| KINDS.get(place).copied())
        .unwrap_or(wit::ErrorKind::Internal)
}

fn kind_back(kind: wit::ErrorKind) -> ErrorKind {
    let place = KINDS.iter().position(|it| *it == kind);
    place.map_or(ErrorKind::Internal, |place| ErrorKind::ALL[place])
}

pub(in crate::component) fn error(error: Error) -> wit::Error {
    wit::Error {
        kind: kind(error.kind()),
        errno: error.errno(),
        retry: match error.retry() {
            Retry::Never => wit::Retry::Never,
            Retry::Soon => wit::Retry::Soon,
            Retry::After(time) => {
                wit::Retry::After(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
            }
        },
        operation: error.operation().to_owned(),
        message: error.message().to_owned(),
        remote_status: error.remote_status(),
        context: error.context().to_vec(),
    }
}

pub(in crate::component) fn error_back(error: wit::Error) -> Error {
    let mut back = Error::new(kind_back(error.kind), error.message)
        .with_retry(match error.retry {
            wit::Retry::Never => Retry::Never,
            wit::Retry::Soon => Retry::Soon,
            wit::Retry::After(ms) => Retry::After(Duration::from_millis(ms)),
        })
        .during(&error.operation);
    if error.errno != 0 {
        back = back.with_errno(error.errno);
    }
    if let Some(status) = error.remote_status {
        back = back.with_remote_status(status);
    }
    for (key, value) in error.context {
        back = back.with(&key, value);
    }
    back
}
