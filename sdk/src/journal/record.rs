//! One record is one file: made, held, removed.

use std::fmt::Display;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tokio::task::spawn_blocking;

use crate::{Host, LogLevel};

/// What a file is called that is whole.
const WHOLE: &str = "json";
/// What it is called before it is locked.
pub(super) const NEW: &str = "new";

/// Responsible for one thing. Without a word at its end, somebody else will be.
pub struct Entry {
    pub(super) path: PathBuf,
    host: Host,
    /// Its lock goes when it is closed.
    _file: File,
}

impl Entry {
    /// The thing is gone. A record that stays all the same makes a later life look for it once more.
    pub async fn forget(self) {
        let (path, host) = (self.path.clone(), self.host.clone());
        let removed = spawn_blocking(move || self.remove()).await;
        if let Err(error) = removed.map_err(io::Error::other).flatten() {
            warn(
                &host,
                &format!("remove the record {}", path.display()),
                &error,
            );
        }
    }

    /// Removes the record while it is still locked, so that whoever gets the lock next can tell.
    pub(super) fn remove(self) -> io::Result<()> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }
}

pub(super) fn warn(host: &Host, doing: &str, why: &dyn Display) {
    host.log(LogLevel::Warn, &format!("failed to {doing}: {why}"));
}

pub(super) fn create(dir: &Path, text: &[u8], host: Host) -> io::Result<Entry> {
    let mut make = DirBuilder::new();
    make.recursive(true).mode(0o700).create(dir)?;
    // The standard library's randomly keyed hash: another one in each process and for each call.
    let random = RandomState::new().hash_one(std::process::id());
    let first = dir.join(format!("{random:016x}.{NEW}"));
    let path = first.with_extension(WHOLE);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(&first)?;
    // Somebody who looks at it may hold it for a moment.
    let written = file.lock().and_then(|()| file.write_all(text));
    let entry = |path| Entry {
        path,
        host,
        _file: file,
    };
    match written.and_then(|()| fs::rename(&first, &path)) {
        Ok(()) => Ok(entry(path)),
        Err(error) => match entry(first).remove() {
            Ok(()) => Err(error),
            Err(second) => {
                let text = format!("{error}, and what was begun stays: {second}");
                Err(io::Error::other(text))
            }
        },
    }
}

/// Becomes responsible, unless somebody is, or the record is gone.
pub(super) fn hold(path: &Path, host: &Host) -> io::Result<Option<Entry>> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    Ok(own(&file)?.then(|| Entry {
        path: path.to_owned(),
        host: host.clone(),
        _file: file,
    }))
}

fn own(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        // Somebody may have removed it after it was opened here, and let go of it then.
        Ok(()) => Ok(file.metadata()?.nlink() > 0),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_removed_while_it_was_being_opened_is_nobodys() {
        let dir = tempfile::tempdir().unwrap();
        let entry = create(dir.path(), b"\"x\"", Host::silent()).unwrap();
        let opened = File::open(&entry.path).unwrap();
        assert!(!own(&opened).unwrap(), "somebody is responsible");
        entry.remove().unwrap();
        assert!(!own(&opened).unwrap());
    }
}
