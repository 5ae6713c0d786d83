//! What a gateway that was killed left behind: unfinished files that nobody holds any more.
//!
//! Whoever writes an unfinished file holds a lock on it, and the kernel lets go of the lock when the
//! process ends. The first write into a directory looks for unfinished files that are not locked and
//! removes them, and so does the first one half a day later. Other processes may work in the same
//! directory; their files are locked. Files that may still be gone on with are left for a day.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::fs::{AtFlags, Dir, FlockOperation, Mode, OFlags, flock, fstat, openat, unlinkat};

use crate::temporary::{is_resumable, is_temporary};

/// Most directories remembered; then all are looked at once more.
const REMEMBERED: usize = 65_536;

/// After so long a directory is looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(12 * 3600);
/// So long nobody must have written to a file that could be gone on with.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// When directories were looked at, by device and inode.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leftovers(Arc<Mutex<HashMap<(u64, u64), Instant>>>);

impl Leftovers {
    /// Looks at a directory unless that was done lately. What cannot be looked at stays: the write
    /// at hand is not worse off for it.
    pub(crate) fn sweep(&self, directory: impl AsFd) {
        let directory = directory.as_fd();
        if !self.is_due(directory) {
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

    fn is_due(&self, directory: BorrowedFd<'_>) -> bool {
        let Ok(stat) = fstat(directory) else {
            return false;
        };
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        let key = (stat.st_dev, stat.st_ino);
        let due = seen.get(&key).is_none_or(|at| at.elapsed() >= LOOK_AGAIN);
        if due {
            seen.insert(key, Instant::now());
        }
        due
    }
}

fn remove_unless_held(directory: BorrowedFd<'_>, name: &std::ffi::CStr) {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let Ok(file) = openat(directory, name, flags, Mode::empty()) else {
        return;
    };
    if is_resumable(name.to_bytes()) && age(&file).is_none_or(|age| age < KEPT) {
        return;
    }
    if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
        // It may be gone already, removed by somebody who looked at the same time.
        unlinkat(directory, name, AtFlags::empty()).ok();
    }
}

/// Time since somebody wrote to a file; `None` when that cannot be told.
fn age(file: &OwnedFd) -> Option<Duration> {
    let written = u64::try_from(fstat(file).ok()?.st_mtime).ok()?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(now.saturating_sub(Duration::from_secs(written)))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn only_what_nobody_holds_is_removed_and_not_every_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for name in [".causeway-0.part", ".causeway-1.part", "kept.part"] {
            std::fs::write(path(name), "x").unwrap();
        }
        let held = File::open(path(".causeway-1.part")).unwrap();
        flock(&held, FlockOperation::NonBlockingLockExclusive).unwrap();
        let leftovers = Leftovers::default();
        let directory = File::open(dir.path()).unwrap();
        leftovers.sweep(&directory);
        assert!(!path(".causeway-0.part").exists());
        assert!(path(".causeway-1.part").exists() && path("kept.part").exists());
        std::fs::write(path(".causeway-2.part"), "x").unwrap();
        leftovers.sweep(&directory);
        assert!(path(".causeway-2.part").exists());
    }

    #[test]
    fn what_may_be_gone_on_with_stays_for_a_day() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for (name, hours) in [("young", 23), ("old", 25)] {
            let path = path(&format!(".causeway-resume-{name}.part"));
            let file = File::create(path).unwrap();
            let hours = Duration::from_secs(hours * 3600);
            file.set_modified(SystemTime::now() - hours).unwrap();
        }
        Leftovers::default().sweep(File::open(dir.path()).unwrap());
        assert!(path(".causeway-resume-young.part").exists());
        assert!(!path(".causeway-resume-old.part").exists());
    }
}
