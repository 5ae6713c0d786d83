//! One process per directory.

use std::fs::{File, TryLockError};
use std::path::Path;

use causeway_model::ports::StoreError;

use crate::frame::io_failed;

/// Held as long as the store is open; the system gives it up when the process ends.
#[derive(Debug)]
pub(crate) struct DirLock {
    _file: File,
}

impl DirLock {
    /// Takes the lock of a directory, or says that somebody has it.
    pub(crate) fn take(dir: &Path) -> Result<Self, StoreError> {
        let path = dir.join("lock");
        let failed = |e: std::io::Error| io_failed("lock", &path, &e);
        let mut options = File::options();
        let file = options.write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(StoreError::Failed(format!(
                "open {}: another process has this store open",
                dir.display()
            ))),
            Err(TryLockError::Error(e)) => Err(failed(e)),
        }
    }
}
