//! What a gateway that was killed left behind: unfinished files that nobody holds any more.
//!
//! Whoever writes an unfinished file holds a lock on it, and the kernel lets go of the lock when the
//! process ends. The first write into a directory looks for unfinished files that are not locked and
//! removes them. Other processes may work in the same directory; their files are locked.

use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags, flock, fstat, openat, unlinkat};

use crate::temporary::is_temporary;

/// Most directories remembered; then all are looked at once more.
const REMEMBERED: usize = 65_536;

/// Directories that were looked at, by device and inode.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leftovers(Arc<Mutex<HashSet<(u64, u64)>>>);

impl Leftovers {
    /// Looks at a directory unless that was done before. What cannot be looked at stays: the write
    /// at hand is not worse off for it.
    pub(crate) fn sweep_once(&self, directory: impl AsFd) {
        let directory = directory.as_fd();
        if !self.is_new(directory) {
            return;
        }
        let Ok(entries) = Dir::read_from(directory) else {
            return;
        };
        for entry in entries.flatten() {
            if is_temporary(entry.file_name().to_bytes()) {
                remove_unless_held(directory, entry.file_name());
            }
        }
    }

    fn is_new(&self, directory: BorrowedFd<'_>) -> bool {
        let Ok(stat) = fstat(directory) else {
            return false;
        };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert((stat.st_dev, stat.st_ino))
    }
}

fn remove_unless_held(directory: BorrowedFd<'_>, name: &std::ffi::CStr) {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let Ok(file) = openat(directory, name, flags, Mode::empty()) else {
        return;
    };
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
        // It may be gone already, removed by somebody who looked at the same time.
        unlinkat(directory, name, AtFlags::empty()).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn only_what_nobody_holds_is_removed_and_only_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in [".causeway-0.part", ".causeway-1.part", "kept.part"] {
            std::fs::write(path(name), "x").unwrap();
        }
        let held = File::open(path(".causeway-1.part")).unwrap();
        flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
        let leftovers = Leftovers::default();
        let directory = File::open(dir.path()).unwrap();
        leftovers.sweep_once(&directory);
        assert!(!path(".causeway-0.part").exists());
        assert!(path(".causeway-1.part").exists() && path("kept.part").exists());
        std::fs::write(path(".causeway-2.part"), "x").unwrap();
        leftovers.sweep_once(&directory);
        assert!(path(".causeway-2.part").exists());
    }
}
