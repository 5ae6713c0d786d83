//! Directories of the gateways, all removed at the very end: a file system that has just lost many
//! thousand files is slow at making new ones, because it passes over the places that were freed
//! within the last minutes. That is no gateway's doing.

use std::path::PathBuf;

/// Where the directories are.
pub(crate) struct States(tempfile::TempDir);

impl States {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary directory"))
    }

    /// An empty directory.
    pub(crate) fn fresh(&self) -> PathBuf {
        let dir = tempfile::tempdir_in(self.0.path()).expect("a temporary directory");
        dir.keep()
    }
}
