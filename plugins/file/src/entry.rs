//! The system's metadata as ours.

use causeway_sdk::{EntryKind, Locality, Stat};
use rustix::fs::FileType;

/// Metadata with everything POSIX tells.
pub(crate) fn from_system(it: &rustix::fs::Stat) -> Stat {
    let kind = match FileType::from_raw_mode(it.st_mode) {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::Symlink,
        _ => EntryKind::Other,
    };
    Stat {
        kind,
        size: Some(it.st_size.max(0) as u64),
        mode: Some(it.st_mode),
        nlink: Some(wide(it.st_nlink)),
        mtime: Some(it.st_mtime),
        atime: Some(it.st_atime),
        ctime: Some(it.st_ctime),
        etag: (kind == EntryKind::File).then(|| etag(it)),
        locality: Locality::Online,
        checksums: Vec::new(),
    }
}

/// Changes whenever the content does: file, size and time of the last write to the nanosecond.
pub(crate) fn etag(it: &rustix::fs::Stat) -> String {
    let nanos = wide(it.st_mtime_nsec);
    format!(
        "\"{:x}-{:x}-{:x}.{nanos:x}\"",
        it.st_ino, it.st_size, it.st_mtime
    )
}

/// Widths of some fields differ between architectures.
fn wide(value: impl TryInto<u64>) -> u64 {
    value.try_into().unwrap_or(0)
}
