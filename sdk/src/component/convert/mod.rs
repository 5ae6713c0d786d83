//! Between the SDK's types and those of the world: one function per type, named after it; `_back`
//! where it comes from the gateway.

mod abilities;
mod errors;

use super::bindings::causeway::storage::types as wit;
use crate::{
    Algorithm, Checksum, DirPage, Entry, EntryKind, Error, ErrorKind, Locality, LogLevel, Opened,
    Page, ReadOptions, Result, Space, Stat, Url, WriteOptions, Written,
};

pub(super) use abilities::{
    copied, copy_request_back, file_states, outcome_back, stage_request_back, staged, transfer_url,
    transfer_url_back, turl_request_back,
};
pub(super) use errors::{error, error_back};

pub(crate) fn level(level: LogLevel) -> wit::LogLevel {
    match level {
        LogLevel::Debug => wit::LogLevel::Debug,
        LogLevel::Info => wit::LogLevel::Info,
        LogLevel::Warn => wit::LogLevel::Warn,
        LogLevel::Error => wit::LogLevel::Error,
    }
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

/// `None` for an algorithm that is younger than the world.
pub(super) fn checksum(checksum: Checksum) -> Option<wit::ChecksumValue> {
    Some(wit::ChecksumValue {
        algorithm: match checksum.algorithm {
            Algorithm::Adler32 => wit::Algorithm::Adler32,
            Algorithm::Crc32 => wit::Algorithm::Crc32,
            Algorithm::Crc32c => wit::Algorithm::Crc32c,
            Algorithm::Md5 => wit::Algorithm::Md5,
            Algorithm::Sha1 => wit::Algorithm::Sha1,
            Algorithm::Sha256 => wit::Algorithm::Sha256,
            Algorithm::Crc64Nvme => return None,
        },
        hex: checksum.hex,
    })
}

pub(super) fn checksum_back(checksum: wit::ChecksumValue) -> Checksum {
    Checksum::new(algorithm_back(checksum.algorithm), checksum.hex)
}

fn checksums(checksums: Vec<Checksum>) -> Vec<wit::ChecksumValue> {
    checksums.into_iter().filter_map(checksum).collect()
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
