//! A file that is not there yet: written under a name of its own beside the final one.
//!
//! # Invariants
//! - Under the final name there is what was there before, or everything; nothing in between, not
//!   even after a power cut: content first, then the name, then the directory.
//! - Dropped without [`Temporary::publish`] the file is gone.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher as _, RandomState};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use causeway_sdk::{Error, ErrorKind, Result};
use rustix::fs::{
    AtFlags, FlockOperation, Mode, OFlags, RenameFlags, fchmod, fdatasync, flock, fstat, fsync,
    linkat, openat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;

use crate::confine::open_parent;
use crate::error::from_errno;
use crate::leftovers::Leftovers;
use crate::path::Place;

const PREFIX: &str = ".causeway-";
const SUFFIX: &str = ".part";
/// Tries to find a name that is free.
const TRIES: usize = 16;

/// Whether a name is that of an unfinished file, which listings leave out.
pub(crate) fn is_temporary(name: &[u8]) -> bool {
    name.starts_with(PREFIX.as_bytes()) && name.ends_with(SUFFIX.as_bytes())
}

/// An unfinished file.
#[derive(Debug)]
pub(crate) struct Temporary {
    pub(crate) file: OwnedFd,
    directory: OwnedFd,
    name: String,
    target: OsString,
    gone: AtomicBool,
}

impl Temporary {
    /// Creates an empty file beside the place where it shall be.
    pub(crate) fn create(place: &Place, leftovers: &Leftovers) -> Result<Self> {
        let (parent, target) = open_parent(place)?;
        // Opened for real, because only such a descriptor can be synced.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(&parent, ".", flags, Mode::empty()).map_err(from_errno)?;
        leftovers.sweep_once(&directory);
        let (file, name) = create_in(&directory)?;
        Ok(Self {
            file,
            directory,
            name,
            target,
            gone: AtomicBool::new(false),
        })
    }

    /// Gives the file its final name, durably.
    pub(crate) fn publish(&self, overwrite: bool) -> Result<()> {
        fchmod(&self.file, Mode::from_raw_mode(0o644)).map_err(from_errno)?;
        fdatasync(&self.file).map_err(from_errno)?;
        if self.gone.swap(true, Ordering::SeqCst) {
            return Err(Error::new(
                ErrorKind::Canceled,
                "commit: the caller gave up",
            ));
        }
        let name = OsStr::new(&self.name);
        if let Err(error) = move_name(
            &self.directory,
            name,
            &self.directory,
            &self.target,
            overwrite,
        ) {
            self.gone.store(false, Ordering::SeqCst);
            return Err(error);
        }
        fsync(&self.directory).map_err(from_errno)
    }

    /// Removes the file, unless it was published or removed already.
    pub(crate) fn remove(&self) {
        if !self.gone.swap(true, Ordering::SeqCst) {
            // Nobody is left to tell; a leftover is invisible and named so that it can be found.
            unlinkat(&self.directory, self.name.as_str(), AtFlags::empty()).ok();
        }
    }
}

impl AsFd for Temporary {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        self.remove();
    }
}

fn create_in(directory: &OwnedFd) -> Result<(OwnedFd, String)> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    for _ in 0..TRIES {
        // The standard library's randomly keyed hash; `O_EXCL` settles the rest.
        let random = RandomState::new().hash_one(std::process::id());
        let name = format!("{PREFIX}{random:016x}{SUFFIX}");
        match openat(directory, &name, flags, Mode::from_raw_mode(0o600)) {
            // Held as long as it is open, so that nobody takes it for a leftover. Somebody who did in
            // the moment before has the lock, or has removed it: then another name is tried.
            Ok(file) if hold(&file) => return Ok((file, name)),
            Ok(_) => {}
            Err(Errno::EXIST) => {}
            Err(errno) => return Err(from_errno(errno)),
        }
    }
    Err(from_errno(Errno::EXIST))
}

fn hold(file: &OwnedFd) -> bool {
    let held = flock(file, FlockOperation::NonBlockingLockExclusive);
    match held {
        // File systems without locks: no leftover is ever found there either.
        Err(Errno::NOSYS | Errno::INVAL | Errno::NOTSUP) => true,
        Err(_) => false,
        Ok(()) => fstat(file).is_ok_and(|stat| stat.st_nlink > 0),
    }
}

/// Renames; without `overwrite` an existing target is left alone in one indivisible step.
pub(crate) fn move_name(
    from: &OwnedFd,
    name: &OsStr,
    to: &OwnedFd,
    target: &OsStr,
    overwrite: bool,
) -> Result<()> {
    if overwrite {
        return renameat(from, name, to, target).map_err(from_errno);
    }
    match renameat_with(from, name, to, target, RenameFlags::NOREPLACE) {
        // File systems without the flag: a second link fails if the name is taken.
        Err(Errno::INVAL | Errno::NOSYS) => {
            linkat(from, name, to, target, AtFlags::empty()).map_err(from_errno)?;
            unlinkat(from, name, AtFlags::empty()).map_err(from_errno)
        }
        other => other.map_err(from_errno),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(root: &std::path::Path) -> Place {
        Place {
            root: root.to_owned(),
            below: "x".into(),
        }
    }

    #[test]
    fn published_or_gone() {
        let root = tempfile::tempdir().unwrap();
        let entries = || std::fs::read_dir(root.path()).unwrap().count();
        let one = Temporary::create(&place(root.path()), &Leftovers::default()).unwrap();
        assert!(is_temporary(one.name.as_bytes()));
        assert_eq!(entries(), 1);
        drop(one);
        assert_eq!(entries(), 0);
        let two = Temporary::create(&place(root.path()), &Leftovers::default()).unwrap();
        two.publish(false).unwrap();
        drop(two);
        assert!(root.path().join("x").exists());
        assert_eq!(entries(), 1);
    }

    #[test]
    fn a_taken_name_stays_and_a_removed_file_is_not_published() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("x"), "old").unwrap();
        let it = Temporary::create(&place(root.path()), &Leftovers::default()).unwrap();
        assert_eq!(it.publish(false).unwrap_err().kind(), ErrorKind::Exists);
        assert_eq!(std::fs::read(root.path().join("x")).unwrap(), b"old");
        it.remove();
        assert_eq!(it.publish(true).unwrap_err().kind(), ErrorKind::Canceled);
        assert_eq!(std::fs::read(root.path().join("x")).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
