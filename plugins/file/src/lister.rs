//! Directories, a page at a time, without keeping anything between two pages.
//!
//! The cursor is the position that the kernel puts at every entry (`d_off`), the same that NFS
//! servers hand to their clients: it survives restarts, costs no table of open directories, and
//! entries that come or go meanwhile shift nothing. One page reads about as much as it returns.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use causeway_sdk::{DirPage, Entry, Error, ErrorKind, Page, Result};
use rustix::fs::{AtFlags, OFlags, RawDir, SeekFrom, seek, statat};
use rustix::io::Errno;

use crate::confine::open_at;
use crate::entry::from_system;
use crate::error::from_errno;
use crate::path::Place;
use crate::temporary::is_temporary;

/// Entries of a page when the caller names no number, and at most.
const USUAL_PAGE: u32 = 1000;
const LARGEST_PAGE: u32 = 10_000;
/// Room for one entry with the longest name, rounded up.
const ENTRY: usize = 320;

/// Reads one page of the directory at a place.
pub(crate) fn page(place: &Place, page: &Page) -> Result<DirPage> {
    let directory =
        open_at(place, OFlags::RDONLY | OFlags::DIRECTORY).map_err(from_non_directory)?;
    if let Some(cursor) = &page.cursor {
        let position = u64::from_str_radix(cursor, 16)
            .map_err(|_| Error::new(ErrorKind::Invalid, "continue a listing: unknown cursor"))?;
        seek(&directory, SeekFrom::Start(position)).map_err(from_errno)?;
    }
    let limit = match page.limit {
        0 => USUAL_PAGE,
        limit => limit.min(LARGEST_PAGE),
    };
    read(&directory, limit as usize)
}

fn read(directory: &OwnedFd, limit: usize) -> Result<DirPage> {
    let mut buffer = vec![MaybeUninit::uninit(); (limit * 64).clamp(ENTRY, 64 << 10)];
    let mut names = RawDir::new(directory, &mut buffer);
    let mut entries = Vec::new();
    while let Some(found) = names.next() {
        let found = found.map_err(from_errno)?;
        let name = found.file_name();
        let bytes = name.to_bytes();
        if matches!(bytes, b"." | b"..") || is_temporary(bytes) {
            continue;
        }
        match statat(directory, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => entries.push(Entry {
                name: String::from_utf8_lossy(bytes).into_owned(),
                stat: from_system(&stat),
            }),
            // Removed since the directory was read.
            Err(Errno::NOENT) => continue,
            Err(errno) => return Err(from_errno(errno)),
        }
        if entries.len() == limit {
            let next = Some(format!("{:x}", found.next_entry_cookie()));
            return Ok(DirPage { entries, next });
        }
    }
    Ok(DirPage {
        entries,
        next: None,
    })
}

fn from_non_directory(error: Error) -> Error {
    // A pipe or a device answers otherwise on some systems; nothing else is no directory.
    match error.kind() {
        ErrorKind::Unsupported => from_errno(Errno::NOTDIR),
        _ => error,
    }
}
