//! Between the SDK's types and those of the world: one function per type, named after it; `_back`
//! where it comes from the gateway.

use std::time::Duration;

use super::bindings::causeway::storage::types as wit;
use super::bindings::exports::causeway::storage::staging as tape;
use crate::{
    Algorithm, Checksum, DirPage, Entry, EntryKind, Error, ErrorKind, FileState, Locality,
    LogLevel, Opened, Page, ReadOptions, Result, Retry, Space, StagingState, Stat, Url,
    WriteOptions, Written,
};

pub(crate) fn level(level: LogLevel) -> wit::LogLevel {
    match level {
        LogLevel::Debug => wit::LogLevel::Debug,
        LogLevel::Info => wit::LogLevel::Info,
        LogLevel::Warn => wit::LogLevel::Warn,
        LogLevel::Error => wit::LogLevel::Error,
    }
}

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

pub(super) fn error(error: Error) -> wit::Error {
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

pub(super) fn error_back(error: wit::Error) -> Error {
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

pub(super) fn url_back(text: &str) -> Result<Url, wit::Error> {
    text.parse().map_err(|reason| {
        error(Error::new(
            ErrorKind::Invalid,
            format!("understand the URL: {reason}"),
        ))
    })
}

pub(super) fn urls_back(texts: &[String]) -> Result<Vec<Url>, wit::Error> {
    texts.iter().map(|it| url_back(it)).collect()
}

pub(super) fn algorithm_back(algorithm: wit::Algorithm) -> Algorithm {
    match algorithm {
        wit::Algorithm::Adler32 => Algorithm::Adler32,
        wit::Algorithm::Crc32 => Algorithm::Crc32,
        wit::Algorithm::Crc32c => Algorithm::Crc32c,
        wit::Algorithm::Md5 => Algorithm::Md5,
        wit::Algorithm::Sha1 => Algorithm::Sha1,
        wit::Algorithm::Sha256 => Algorithm::Sha256,
    }
}

pub(super) fn checksum(checksum: Checksum) -> wit::ChecksumValue {
    wit::ChecksumValue {
        algorithm: match checksum.algorithm {
            Algorithm::Adler32 => wit::Algorithm::Adler32,
            Algorithm::Crc32 => wit::Algorithm::Crc32,
            Algorithm::Crc32c => wit::Algorithm::Crc32c,
            Algorithm::Md5 => wit::Algorithm::Md5,
            Algorithm::Sha1 => wit::Algorithm::Sha1,
            Algorithm::Sha256 => wit::Algorithm::Sha256,
        },
        hex: checksum.hex,
    }
}

pub(super) fn checksum_back(checksum: wit::ChecksumValue) -> Checksum {
    Checksum::new(algorithm_back(checksum.algorithm), checksum.hex)
}

fn checksums(checksums: Vec<Checksum>) -> Vec<wit::ChecksumValue> {
    checksums.into_iter().map(checksum).collect()
}

pub(super) fn stat(stat: Stat) -> wit::FileStat {
    wit::FileStat {
        kind: match stat.kind {
            EntryKind::File => wit::EntryKind::File,
            EntryKind::Directory => wit::EntryKind::Directory,
            EntryKind::Symlink => wit::EntryKind::Symlink,
            EntryKind::Other => wit::EntryKind::Other,
        },
        size: stat.size,
        mode: stat.mode,
        nlink: stat.nlink,
        mtime: stat.mtime,
        atime: stat.atime,
        ctime: stat.ctime,
        etag: stat.etag,
        locality: match stat.locality {
            Locality::Unknown => wit::Locality::Unknown,
            Locality::Online => wit::Locality::Online,
            Locality::Nearline => wit::Locality::Nearline,
            Locality::OnlineAndNearline => wit::Locality::OnlineAndNearline,
            Locality::Lost => wit::Locality::Lost,
        },
        checksums: checksums(stat.checksums),
    }
}

pub(super) fn page_back(page: wit::Page) -> Page {
    Page {
        cursor: page.cursor,
        limit: page.limit,
    }
}

pub(super) fn dir_page(page: DirPage) -> wit::DirPage {
    let entry = |it: Entry| wit::Entry {
        name: it.name,
        stat: stat(it.stat),
    };
    wit::DirPage {
        entries: page.entries.into_iter().map(entry).collect(),
        next: page.next,
    }
}

pub(super) fn space(space: Space) -> wit::SpaceInfo {
    wit::SpaceInfo {
        total: space.total,
        used: space.used,
        free: space.free,
    }
}

/// Smallest chunk that an author is asked for, in bytes.
const SMALLEST_CHUNK: u32 = 4096;

pub(super) fn read_options_back(options: wit::ReadOptions) -> ReadOptions {
    ReadOptions {
        offset: options.offset,
        len: options.len,
        // Each chunk crosses the boundary by itself, which costs more than a few bytes are worth.
        chunk_hint: options.chunk_hint.max(SMALLEST_CHUNK),
        if_match: options.if_match,
    }
}

pub(super) fn opened(opened: Opened) -> wit::Opened {
    wit::Opened {
        size: opened.size,
        etag: opened.etag,
    }
}

pub(super) fn write_options_back(options: wit::WriteOptions) -> WriteOptions {
    WriteOptions {
        size: options.size,
        overwrite: options.overwrite,
        parents: options.parents,
        expect: options.expect.map(checksum_back),
        resume: options.resume,
    }
}

pub(super) fn written(written: Written) -> wit::Written {
    wit::Written {
        bytes: written.bytes,
        etag: written.etag,
        checksums: checksums(written.checksums),
    }
}

pub(super) fn file_states(states: Vec<FileState>) -> Vec<tape::FileState> {
    let one = |it: FileState| tape::FileState {
        url: it.url.as_str().to_owned(),
        state: match it.state {
            StagingState::Pending => tape::StagingState::Pending,
            StagingState::Done => tape::StagingState::Done,
            StagingState::Failed(reason) => tape::StagingState::Failed(error(reason)),
        },
    };
    states.into_iter().map(one).collect()
}
