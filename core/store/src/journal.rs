//! The journal: numbered segment files to which frames are appended.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use causeway_model::ports::StoreError;

use crate::frame::{self, FILE_HEADER, Kind, io_failed};

/// Path of a segment.
pub(crate) fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("journal-{number:016x}.log"))
}

/// Numbers of the files `prefix-NUMBER.suffix` in a directory, ascending.
pub(crate) fn numbers(dir: &Path, prefix: &str, suffix: &str) -> Result<Vec<u64>, StoreError> {
    let failed = |e: std::io::Error| io_failed("list", dir, &e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let number = name
            .to_str()
            .and_then(|it| it.strip_prefix(prefix)?.strip_suffix(suffix))
            .and_then(|it| u64::from_str_radix(it, 16).ok());
        found.extend(number);
    }
    found.sort_unstable();
    Ok(found)
}

/// Numbers of the segments in a directory, ascending.
pub(crate) fn segments(dir: &Path) -> Result<Vec<u64>, StoreError> {
    numbers(dir, "journal-", ".log")
}

/// Why a frame did not get in.
pub(crate) enum AppendError {
    /// It is not in the file, which is as before; the next one may get in.
    NotWritten(StoreError),
    /// Nobody knows what is on the disk; nothing may be written any more.
    Broken(StoreError),
}

/// The segment that is being written.
pub(crate) struct Segment {
    file: File,
    path: PathBuf,
    number: u64,
    length: u64,
}

impl Segment {
    /// Begins a segment.
    pub(crate) fn create(dir: &Path, number: u64) -> Result<Self, StoreError> {
        let path = segment_path(dir, number);
        Ok(Self {
            file: frame::create(&path, Kind::Journal, number)?,
            path,
            number,
            length: FILE_HEADER as u64,
        })
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Appends a complete frame; on the disk when this returns.
    pub(crate) fn append(&mut self, frame: &[u8]) -> Result<(), AppendError> {
        if let Err(e) = self.file.write_all(frame) {
            let failed = io_failed("write to", &self.path, &e);
            return Err(match self.back_to(self.length) {
                Ok(()) => AppendError::NotWritten(failed),
                Err(e) => AppendError::Broken(io_failed("restore", &self.path, &e)),
            });
        }
        // After a failed sync the kernel may have dropped the pages: trying again would lie.
        self.file
            .sync_data()
            .map_err(|e| AppendError::Broken(io_failed("sync", &self.path, &e)))?;
        self.length += frame.len() as u64;
        Ok(())
    }

    fn back_to(&mut self, length: u64) -> std::io::Result<()> {
        self.file.set_len(length)?;
        self.file.seek(SeekFrom::Start(length))?;
        Ok(())
    }
}
