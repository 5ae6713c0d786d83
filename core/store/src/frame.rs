//! Frames: bytes with their length and their checksum, and files that consist of them.
//!
//! A file has a header (what it is, format, number) and then frames. Whoever writes syncs after
//! each frame before writing the next, so a damaged frame with a sound one behind it had been
//! synced and was damaged later, while a damaged frame with nothing behind it was never finished.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use causeway_model::ports::StoreError;

use crate::record::FORMAT;

pub(crate) const FILE_HEADER: usize = 24;
const FRAME_HEADER: usize = 12;
const FRAME_MAGIC: [u8; 4] = *b"CwF1";
/// No frame is larger, so a length beyond it is damage.
pub(crate) const FRAME_MAX: usize = 1 << 30;

/// What a file of frames is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Journal,
    Snapshot,
}

impl Kind {
    fn magic(self) -> [u8; 8] {
        match self {
            Self::Journal => *b"CwJourn\n",
            Self::Snapshot => *b"CwSnaps\n",
        }
    }
}

/// How reading a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Every byte was good.
    Clean,
    /// Only this many bytes are good; what follows was never finished.
    Torn(u64),
}

/// Makes the header of a file.
pub(crate) fn file_header(kind: Kind, number: u64) -> [u8; FILE_HEADER] {
    let mut header = [0; FILE_HEADER];
    header[..8].copy_from_slice(&kind.magic());
    header[8..12].copy_from_slice(&FORMAT.to_le_bytes());
    header[12..20].copy_from_slice(&number.to_le_bytes());
    let crc = crc32c::crc32c(&header[..20]);
    header[20..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// A buffer with room for the header of a frame.
pub(crate) fn begin() -> Vec<u8> {
    begin_for(0)
}

/// The same, with room for so many bytes more.
pub(crate) fn begin_for(payload: usize) -> Vec<u8> {
    let mut frame = Vec::with_capacity(FRAME_HEADER + payload);
    frame.resize(FRAME_HEADER, 0);
    frame
}

/// Completes a frame that [`begin`] began.
pub(crate) fn finish(frame: &mut [u8]) -> Result<(), StoreError> {
    let payload = frame.len() - FRAME_HEADER;
    if payload > FRAME_MAX {
        return Err(StoreError::Failed(format!(
            "write {payload} bytes at once: too many"
        )));
    }
    let crc = crc32c::crc32c(&frame[FRAME_HEADER..]);
    frame[..4].copy_from_slice(&FRAME_MAGIC);
    frame[4..8].copy_from_slice(&(payload as u32).to_le_bytes());
    frame[8..12].copy_from_slice(&crc.to_le_bytes());
    Ok(())
}

/// Payload of the frame at the start of `bytes`, if it is sound.
fn sound(bytes: &[u8]) -> Option<&[u8]> {
    let header = bytes.get(..FRAME_HEADER)?;
    let (length, crc) = lengths(header)?;
    let payload = bytes.get(FRAME_HEADER..FRAME_HEADER + length)?;
    (crc32c::crc32c(payload) == crc).then_some(payload)
}

fn lengths(header: &[u8]) -> Option<(usize, u32)> {
    let word = |at: usize| Some(u32::from_le_bytes(header.get(at..at + 4)?.try_into().ok()?));
    let length = word(4)? as usize;
    (header.get(..4)? == FRAME_MAGIC && length <= FRAME_MAX).then_some((length, word(8)?))
}

/// What stands at a place in a file of frames.
pub(crate) enum At {
    /// A sound frame: its payload.
    Frame(Vec<u8>),
    /// Nothing any more.
    End,
    /// Something that is no sound frame.
    Damaged,
}

/// Opens a file of frames; `None` when there is none.
pub(crate) fn open(path: &Path, kind: Kind, number: u64) -> Result<Option<File>, StoreError> {
    let file = match File::open(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|e| io_failed("open", path, &e))?,
    };
    let mut header = [0; FILE_HEADER];
    let read = file.read_exact_at(&mut header, 0);
    read.map_err(|e| io_failed("read", path, &e))?;
    check_header(path, kind, number, &header)?;
    Ok(Some(file))
}

/// Reads what stands at a place; nothing from `limit` on counts.
pub(crate) fn read_at(file: &File, at: u64, limit: u64) -> std::io::Result<At> {
    let mut header = [0; FRAME_HEADER];
    let room = limit.saturating_sub(at);
    if room < FRAME_HEADER as u64 {
        return Ok(At::End);
    }
    file.read_exact_at(&mut header, at)?;
    if header == [0; FRAME_HEADER] {
        return Ok(At::End);
    }
    let known = lengths(&header).filter(|it| (FRAME_HEADER + it.0) as u64 <= room);
    let Some((length, crc)) = known else {
        return Ok(At::Damaged);
    };
    let mut payload = vec![0; length];
    file.read_exact_at(&mut payload, at + FRAME_HEADER as u64)?;
    Ok(match crc32c::crc32c(&payload) == crc {
        true => At::Frame(payload),
        false => At::Damaged,
    })
}

/// Bytes that a payload takes in its file.
pub(crate) fn length_of(payload: &[u8]) -> u64 {
    (FRAME_HEADER + payload.len()) as u64
}

/// Reads a file and gives each payload to `each`.
///
/// Fails when the file is not what it should be, or when it is damaged before its end.
pub(crate) fn read_file(
    path: &Path,
    kind: Kind,
    number: u64,
    mut each: impl FnMut(&[u8]) -> Result<(), StoreError>,
) -> Result<End, StoreError> {
    let failed = |e: std::io::Error| io_failed("read", path, &e);
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut header = [0; FILE_HEADER];
    if size < FILE_HEADER as u64 {
        return Ok(End::Torn(0));
    }
    reader.read_exact(&mut header).map_err(failed)?;
    // The power went away before the header was on the disk; no frame was written before that.
    if size == FILE_HEADER as u64 && header == [0; FILE_HEADER] {
        return Ok(End::Torn(0));
    }
    check_header(path, kind, number, &header)?;
    let mut at = FILE_HEADER as u64;
    let mut payload = Vec::new();
    while at < size {
        let mut frame = [0; FRAME_HEADER];
        let left = size - at;
        let known = left >= FRAME_HEADER as u64;
        if known {
            reader.read_exact(&mut frame).map_err(failed)?;
        }
        if frame == [0; FRAME_HEADER] && only_zeros(&mut reader).map_err(failed)? {
            return Ok(End::Clean);
        }
        let good = match lengths(&frame).filter(|_| known) {
            Some((length, crc)) if length as u64 <= left - FRAME_HEADER as u64 => {
                payload.resize(length, 0);
                reader.read_exact(&mut payload).map_err(failed)?;
                crc32c::crc32c(&payload) == crc
            }
            _ => false,
        };
        if !good {
            return torn_or_damaged(path, at, size);
        }
        each(&payload)?;
        at += (FRAME_HEADER + payload.len()) as u64;
    }
    Ok(End::Clean)
}

/// Whether nothing else comes: room that was made ahead and never used.
fn only_zeros(reader: &mut impl BufRead) -> std::io::Result<bool> {
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(true);
        }
        if bytes.iter().any(|it| *it != 0) {
            return Ok(false);
        }
        let length = bytes.len();
        reader.consume(length);
    }
}

fn torn_or_damaged(path: &Path, at: u64, size: u64) -> Result<End, StoreError> {
    let bytes = std::fs::read(path).map_err(|e| io_failed("read", path, &e))?;
    let rest = bytes.get(at as usize + 1..).unwrap_or_default();
    let starts = rest.windows(FRAME_MAGIC.len()).enumerate();
    let mut later = starts.filter(|(_, it)| *it == FRAME_MAGIC);
    match later.find(|(start, _)| sound(&rest[*start..]).is_some()) {
        None => Ok(End::Torn(at)),
        Some((start, _)) => Err(damaged(path, at, size, at + 1 + start as u64)),
    }
}

/// What an operator reads when rows that were acknowledged cannot be read any more.
fn damaged(path: &Path, at: u64, size: u64, next: u64) -> StoreError {
    StoreError::Failed(format!(
        "read {}: damaged at byte {at} of {size}, sound again at {next}; acknowledged rows are in \
         the damaged part. Restore the store's directory from a backup, or, to go on without \
         those rows, cut this file to {at} bytes and move every file with a higher number away",
        path.display()
    ))
}

fn check_header(
    path: &Path,
    kind: Kind,
    number: u64,
    header: &[u8; FILE_HEADER],
) -> Result<(), StoreError> {
    let wanted = file_header(kind, number);
    if *header == wanted {
        return Ok(());
    }
    let crc = crc32c::crc32c(&header[..20]).to_le_bytes();
    let text = if header[20..] == crc
        && header[..8] == wanted[..8]
        && header[8..12] != wanted[8..12]
    {
        "written by another version of the gateway, which this one cannot read; start that \
         version, let its jobs end, and begin with an empty store"
    } else {
        "its header is damaged or it belongs elsewhere; restore the store's directory from a backup"
    };
    let path = path.display();
    Err(StoreError::Failed(format!("read {path}: {text}")))
}

/// Creates a file of frames, durable with its name before it is given out.
pub(crate) fn create(path: &Path, kind: Kind, number: u64) -> Result<File, StoreError> {
    let failed = |e: std::io::Error| io_failed("create", path, &e);
    let mut options = File::options();
    let mut file = options
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(failed)?;
    file.write_all(&file_header(kind, number)).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    sync_dir(path)?;
    Ok(file)
}

/// Makes names in the directory of `path` durable.
pub(crate) fn sync_dir(path: &Path) -> Result<(), StoreError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let synced = File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|e| io_failed("sync", dir, &e))
}

pub(crate) fn io_failed(what: &str, path: &Path, e: &std::io::Error) -> StoreError {
    StoreError::Failed(format!("{what} {}: {e}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(path: &Path, payloads: &[&[u8]]) -> Vec<u8> {
        let mut bytes = file_header(Kind::Journal, 7).to_vec();
        for payload in payloads {
            let mut frame = begin();
            frame.extend_from_slice(payload);
            finish(&mut frame).unwrap();
            bytes.extend(frame);
        }
        std::fs::write(path, &bytes).unwrap();
        bytes
    }

    fn read(path: &Path) -> Result<(End, Vec<Vec<u8>>), StoreError> {
        let mut found = Vec::new();
        let end = read_file(path, Kind::Journal, 7, |it| {
            found.push(it.to_vec());
            Ok(())
        })?;
        Ok((end, found))
    }

    #[test]
    fn the_last_frame_torn_at_any_byte_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let bytes = write(&path, &[b"first", b"the second frame"]);
        let first = FILE_HEADER + FRAME_HEADER + 5;
        assert_eq!(read(&path).unwrap().0, End::Clean);
        for length in first + 1..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let (end, found) = read(&path).unwrap();
            assert_eq!((end, found.len()), (End::Torn(first as u64), 1), "{length}");
        }
        for byte in first..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[byte] ^= 0x20;
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(read(&path).unwrap().0, End::Torn(first as u64), "{byte}");
        }
    }

    #[test]
    fn damage_in_the_middle_is_an_error_that_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let bytes = write(&path, &[b"first", b"second"]);
        for byte in FILE_HEADER..FILE_HEADER + FRAME_HEADER + 5 {
            let mut bytes = bytes.clone();
            bytes[byte] ^= 0x01;
            std::fs::write(&path, &bytes).unwrap();
            let text = read(&path).unwrap_err().to_string();
            assert!(text.contains("damaged at byte 24"), "{byte}: {text}");
            assert!(text.contains("Restore the store's directory"), "{text}");
        }
    }

    #[test]
    fn room_that_was_made_ahead_is_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let bytes = write(&path, &[b"first"]);
        for room in [1, FRAME_HEADER - 1, FRAME_HEADER, 5000] {
            let mut bytes = bytes.clone();
            bytes.resize(bytes.len() + room, 0);
            std::fs::write(&path, &bytes).unwrap();
            assert_eq!(read(&path).unwrap().1, [b"first"], "{room}");
            if room >= FRAME_HEADER {
                assert_eq!(read(&path).unwrap().0, End::Clean, "{room}");
            }
            // A frame of which only the end has reached the disk.
            let last = bytes.len() - 1;
            bytes[last] = 1;
            std::fs::write(&path, &bytes).unwrap();
            let torn = (FILE_HEADER + FRAME_HEADER + 5) as u64;
            assert_eq!(read(&path).unwrap().0, End::Torn(torn), "{room}");
        }
    }

    #[test]
    fn a_file_without_a_header_was_never_begun() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        for bytes in [&[][..], b"CwJourn", &[0; FILE_HEADER]] {
            std::fs::write(&path, bytes).unwrap();
            assert_eq!(read(&path).unwrap().0, End::Torn(0));
        }
        std::fs::write(&path, [0; FILE_HEADER + 1]).unwrap();
        assert!(
            read(&path)
                .unwrap_err()
                .to_string()
                .contains("header is damaged")
        );
    }

    #[test]
    fn another_format_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("f");
        let mut bytes = write(&path, &[]);
        bytes[8] = 99;
        let crc = crc32c::crc32c(&bytes[..20]);
        bytes[20..24].copy_from_slice(&crc.to_le_bytes());
        std::fs::write(&path, &bytes).unwrap();
        let text = read(&path).unwrap_err().to_string();
        assert!(text.contains("another version"), "{text}");
    }
}
