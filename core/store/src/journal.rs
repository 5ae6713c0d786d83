//! The journal: numbered segment files to which frames are appended.
//!
//! Room is made ahead with zeros: a frame that only overwrites what the file has already changes no
//! metadata, so its sync waits for its own bytes and not for whatever else the file system has to
//! write. A reader takes zeros up to the end of the file for its end.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use causeway_model::feed::Position;
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

/// Zeros that are made ahead at least, and at most.
const ROOM: std::ops::RangeInclusive<u64> = 64 << 10..=4 << 20;
static ZEROS: [u8; 64 << 10] = [0; 64 << 10];

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
    /// End of the last frame.
    length: u64,
    /// End of the file: zeros from `length` on.
    size: u64,
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
            size: FILE_HEADER as u64,
        })
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// The place after the last frame.
    pub(crate) fn end(&self) -> Position {
        Position {
            segment: self.number,
            offset: self.length,
            done: 0,
        }
    }

    /// Appends a complete frame; on the disk when this returns.
    pub(crate) fn append(&mut self, frame: &[u8]) -> Result<(), AppendError> {
        if let Err(e) = self.file.write_all_at(frame, self.length) {
            let failed = io_failed("write to", &self.path, &e);
            return Err(match self.cut(self.length) {
                Ok(()) => AppendError::NotWritten(failed),
                Err(e) => AppendError::Broken(io_failed("restore", &self.path, &e)),
            });
        }
        let end = self.length + frame.len() as u64;
        if end > self.size {
            self.make_room(end)
                .map_err(|e| AppendError::Broken(io_failed("restore", &self.path, &e)))?;
        }
        // After a failed sync the kernel may have dropped the pages: trying again would lie.
        self.file
            .sync_data()
            .map_err(|e| AppendError::Broken(io_failed("sync", &self.path, &e)))?;
        self.length = end;
        Ok(())
    }

    /// Takes back the room that no frame will fill.
    pub(crate) fn close(mut self) {
        if let Err(error) = self.cut(self.length) {
            tracing::warn!(%error, file = %self.path.display(), "a journal segment keeps its room");
        }
    }

    /// Writes zeros behind the last frame: the more, the longer the segment is already.
    fn make_room(&mut self, end: u64) -> std::io::Result<()> {
        let wanted = end + end.clamp(*ROOM.start(), *ROOM.end());
        self.size = end;
        while self.size < wanted {
            let length = (wanted - self.size).min(ZEROS.len() as u64);
            let zeros = &ZEROS[..length as usize];
            if let Err(error) = self.file.write_all_at(zeros, self.size) {
                // A full disk, mostly: the frame is in, and the next one has to see for itself.
                tracing::debug!(%error, "no room ahead in the journal");
                return self.cut(end);
            }
            self.size += length;
        }
        Ok(())
    }

    fn cut(&mut self, length: u64) -> std::io::Result<()> {
        self.file.set_len(length)?;
        self.size = length;
        Ok(())
    }
}
