//! Who has to be waited for, and the segments that are kept for them.
//!
//! ```text
//! held/reader-NAME          how far a reader is, one line
//! held/journal-NUMBER.log   a segment that a snapshot stands for, but not for a reader
//! ```

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use causeway_model::feed::Position;
use causeway_model::ports::StoreError;

use crate::frame::{self, io_failed};
use crate::journal::{segment_path, segments};

const READER: &str = "reader-";

/// Where all of it is.
pub(crate) fn place(dir: &Path) -> PathBuf {
    dir.join("held")
}

fn reader_path(dir: &Path, name: &str) -> PathBuf {
    place(dir).join(format!("{READER}{name}"))
}

/// Names that can be part of a file name, and nothing else.
fn is_name(name: &str) -> bool {
    let harmless = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
    (1..=100).contains(&name.len()) && name.bytes().all(harmless)
}

/// How far each reader is.
fn readers(dir: &Path) -> Result<Vec<(String, Position)>, StoreError> {
    let held = place(dir);
    let failed = |e: std::io::Error| io_failed("list", &held, &e);
    let entries = match std::fs::read_dir(&held) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        other => other.map_err(failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(failed)?.file_name();
        if let Some(name) = name.to_str().and_then(|it| it.strip_prefix(READER)) {
            found.push((name.to_owned(), position(dir, name)?));
        }
    }
    Ok(found)
}

/// How far one reader is. What cannot be read counts as the beginning: it is better told twice.
fn position(dir: &Path, name: &str) -> Result<Position, StoreError> {
    let path = reader_path(dir, name);
    let text = std::fs::read(&path).map_err(|e| io_failed("read", &path, &e))?;
    let known = std::str::from_utf8(&text)
        .ok()
        .and_then(|it| it.parse().ok());
    Ok(known.unwrap_or_else(|| {
        tracing::error!(
            file = %path.display(),
            "nobody knows how far this reader of events is; it begins with the oldest that is kept"
        );
        Position::default()
    }))
}

/// The first segment that somebody has not acknowledged; `None` when nobody is held.
pub(crate) fn lowest(dir: &Path) -> Result<Option<u64>, StoreError> {
    Ok(readers(dir)?.iter().map(|it| it.1.segment).min())
}

/// Holds these readers and no others.
pub(crate) fn hold(
    dir: &Path,
    names: &[String],
    end: Position,
) -> Result<Vec<Position>, StoreError> {
    let known = readers(dir)?;
    for (name, _) in known.iter().filter(|(name, _)| !names.contains(name)) {
        tracing::info!(
            reader = name,
            "nobody reads events under this name any more"
        );
        let path = reader_path(dir, name);
        std::fs::remove_file(&path).map_err(|e| io_failed("remove", &path, &e))?;
    }
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let at = match known.iter().find(|it| it.0 == *name) {
            Some((_, position)) => *position,
            None => {
                let held = place(dir);
                std::fs::create_dir_all(&held).map_err(|e| io_failed("create", &held, &e))?;
                put(dir, name, end)?;
                frame::sync_dir(&reader_path(dir, name))?;
                end
            }
        };
        found.push(at);
    }
    Ok(found)
}

/// Notes how far a reader is.
pub(crate) fn put(dir: &Path, name: &str, position: Position) -> Result<(), StoreError> {
    if !is_name(name) {
        return Err(StoreError::Failed(format!(
            "hold a reader of events: {name:?} is no name"
        )));
    }
    let path = reader_path(dir, name);
    let fresh = place(dir).join(format!("new-{name}"));
    let written = File::create(&fresh).and_then(|mut file| {
        writeln!(file, "{position}")?;
        file.sync_data()
    });
    written.map_err(|e| io_failed("write", &fresh, &e))?;
    std::fs::rename(&fresh, &path).map_err(|e| io_failed("rename", &fresh, &e))
}

/// Removes a segment that a snapshot stands for, or keeps it for a reader.
pub(crate) fn let_go(dir: &Path, number: u64, lowest: Option<u64>) -> Result<(), StoreError> {
    let path = segment_path(dir, number);
    let done = match lowest {
        Some(lowest) if number >= lowest => {
            std::fs::rename(&path, segment_path(&place(dir), number))
        }
        _ => std::fs::remove_file(&path),
    };
    done.map_err(|e| io_failed("remove", &path, &e))
}

/// Removes kept segments that nobody needs, and the oldest of those beyond a limit. Gives the bytes
/// that somebody still needed.
pub(crate) fn tidy(dir: &Path, limit: u64) -> Result<u64, StoreError> {
    let held = place(dir);
    if !held.exists() {
        return Ok(0);
    }
    let lowest = lowest(dir)?;
    let mut kept = Vec::new();
    for number in segments(&held)? {
        let path = segment_path(&held, number);
        if lowest.is_none_or(|it| number < it) {
            std::fs::remove_file(&path).map_err(|e| io_failed("remove", &path, &e))?;
            continue;
        }
        let size = std::fs::metadata(&path).map_err(|e| io_failed("read", &path, &e))?;
        kept.push((path, size.len()));
    }
    let mut total: u64 = kept.iter().map(|it| it.1).sum();
    let mut given_up = 0;
    for (path, size) in kept {
        if total <= limit {
            break;
        }
        std::fs::remove_file(&path).map_err(|e| io_failed("remove", &path, &e))?;
        tracing::error!(
            file = %path.display(),
            bytes = size,
            limit,
            "events that were not delivered are given up: what is kept for them grew too large"
        );
        total -= size;
        given_up += size;
    }
    Ok(given_up)
}
