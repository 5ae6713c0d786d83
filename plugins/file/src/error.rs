//! From the system's errors to ours: one table.
//!
//! The text is the system's own, which users of the field know and which the engine's retry rules
//! read.

use causeway_sdk::{Error, ErrorKind, Retry};
use rustix::io::Errno;

/// A failed system call.
pub(crate) fn from_errno(errno: Errno) -> Error {
    let code = errno.raw_os_error();
    let plain = Error::from_errno(code, "");
    let kind = match errno {
        // The kernel's answer to a path that leaves the directory it is confined to.
        Errno::XDEV => return left_root(),
        Errno::LOOP | Errno::NAMETOOLONG | Errno::ILSEQ => ErrorKind::Invalid,
        Errno::ROFS | Errno::TXTBSY => ErrorKind::Denied,
        Errno::MFILE | Errno::NFILE | Errno::NOMEM => ErrorKind::Busy,
        Errno::FBIG => ErrorKind::NoSpace,
        Errno::NOSYS | Errno::NXIO | Errno::NODEV => ErrorKind::Unsupported,
        Errno::STALE => ErrorKind::Conflict,
        _ => return plain,
    };
    Error::new(kind, plain.message()).with_errno(code)
}

/// A path, or a link in it, that leads out of the configured directory.
pub(crate) fn left_root() -> Error {
    Error::new(
        ErrorKind::Denied,
        "Permission denied: the path leaves the directory that is served",
    )
}

/// An operation that would change a configured directory itself.
pub(crate) fn is_root() -> Error {
    Error::new(
        ErrorKind::Denied,
        "Permission denied: this is the directory that is served",
    )
}

/// A task of the blocking pool that did not come back, which only a panic or a shutdown causes.
pub(crate) fn lost(source: &tokio::task::JoinError) -> Error {
    Error::new(ErrorKind::Internal, format!("wait for a task: {source}")).with_retry(Retry::Soon)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_texts() {
        let cases = [
            (
                Errno::NOENT,
                ErrorKind::NotFound,
                "No such file or directory",
            ),
            (Errno::EXIST, ErrorKind::Exists, "File exists"),
            (Errno::ACCESS, ErrorKind::Denied, "Permission denied"),
            (Errno::ROFS, ErrorKind::Denied, "Read-only file system"),
            (Errno::NAMETOOLONG, ErrorKind::Invalid, "File name too long"),
            (Errno::NOSPC, ErrorKind::NoSpace, "No space left on device"),
            (Errno::MFILE, ErrorKind::Busy, "Too many open files"),
        ];
        for (errno, kind, text) in cases {
            let error = from_errno(errno);
            assert_eq!((error.kind(), error.message()), (kind, text));
            assert_eq!(error.errno(), errno.raw_os_error());
        }
        assert_eq!(from_errno(Errno::XDEV).kind(), ErrorKind::Denied);
    }
}
