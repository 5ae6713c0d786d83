//! A file that is not there yet: written under a name of its own beside the final one.
//!
//! # Invariants
//! - Under the final name there is what was there before, or everything; nothing in between, not
//!   even after a power cut: content first, then the name, then the directory.
//! - Dropped without [`Temporary::publish`] or [`Temporary::leave`] the file is gone.

use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher as _, RandomState};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use causeway_sdk::{Error, ErrorKind, Result};
use rustix::fs::{
    AtFlags, FileType, FlockOperation, Mode, OFlags, RenameFlags, fchmod, fdatasync, flock, fstat,
    fsync, linkat, openat, renameat, renameat_with, unlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;

use crate::confine::open_parent;
use crate::error::from_errno;
use crate::leftovers::Leftovers;
use crate::path::Place;

const PREFIX: &str = ".causeway-";
/// What the name of one that may be gone on with has behind the prefix, before its key.
const RESUMABLE: &str = "resume-";
const SUFFIX: &str = ".part";
/// Tries to find a name that is free.
const TRIES: usize = 16;

/// Whether a name is that of an unfinished file, which listings leave out.
pub(crate) fn is_temporary(name: &[u8]) -> bool {
    name.starts_with(PREFIX.as_bytes()) && name.ends_with(SUFFIX.as_bytes())
}

/// Whether it is the name of an unfinished file that may be gone on with.
pub(crate) fn is_resumable(name: &[u8]) -> bool {
    let rest = name.strip_prefix(PREFIX.as_bytes());
    rest.is_some_and(|rest| rest.starts_with(RESUMABLE.as_bytes())) && is_temporary(name)
}

/// An unfinished file.
#[derive(Debug)]
pub(crate) struct Temporary {
    pub(crate) file: OwnedFd,
    directory: OwnedFd,
    name: String,
    target: OsString,
    gone: AtomicBool,
    resumable: bool,
}

impl Temporary {
    /// Creates an empty file beside the place where it shall be. With a key it may be one that
    /// was left under that key, and then it is not empty.
    pub(crate) fn create(place: &Place, leftovers: &Leftovers, key: Option<&str>) -> Result<Self> {
        let (parent, target) = open_parent(place)?;
        // Opened for real, because only such a descriptor can be synced.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let directory = openat(&parent, ".", flags, Mode::empty()).map_err(from_errno)?;
        leftovers.sweep(&directory);
        let left = key.and_then(|key| take_up_in(&directory, key));
        let resumable = left.is_some();
        let (file, name) = match left {
            Some(left) => left,
            None => create_in(&directory)?,
        };
        Ok(Self {
            file,
            directory,
            name,
            target,
            gone: AtomicBool::new(false),
            resumable,
        })
    }

    /// How many bytes are there.
    pub(crate) fn size(&self) -> Result<u64> {
        let stat = fstat(&self.file).map_err(from_errno)?;
        Ok(stat.st_size.max(0) as u64)
    }

    /// Leaves the file as it is for who comes with the same key, or removes it if there was none.
    pub(crate) fn leave(&self) {
        if !self.resumable {
            return self.remove();
        }
        self.gone.store(true, Ordering::SeqCst);
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

/// The file of a key, made if it is not there; `None` when somebody else writes to it, or when it is
/// not what we would have left.
fn take_up_in(directory: &OwnedFd, key: &str) -> Option<(OwnedFd, String)> {
    let name = format!("{PREFIX}{RESUMABLE}{key}{SUFFIX}");
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mode = Mode::from_raw_mode(0o600);
    let file = openat(directory, &name, flags | OFlags::NONBLOCK, mode).ok()?;
    let ours = hold_soon(&file) && fstat(&file).is_ok_and(|stat| is_ours(&stat));
    ours.then_some((file, name))
}

/// Who wrote it before may need a moment to notice that its gateway is gone.
fn hold_soon(file: &OwnedFd) -> bool {
    (0..TRIES).any(|attempt| {
        if attempt > 0 {
            std::thread::sleep(Duration::from_millis(100));
        }
        hold(file)
    })
}

/// A file of our own that nobody else has a name for.
fn is_ours(stat: &rustix::fs::Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile
        && stat.st_uid == geteuid().as_raw()
        && stat.st_nlink == 1
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
        let one = Temporary::create(&place(root.path()), &Leftovers::default(), None).unwrap();
        assert!(is_temporary(one.name.as_bytes()));
        assert_eq!(entries(), 1);
        drop(one);
        assert_eq!(entries(), 0);
        let two = Temporary::create(&place(root.path()), &Leftovers::default(), None).unwrap();
        two.publish(false).unwrap();
        drop(two);
        assert!(root.path().join("x").exists());
        assert_eq!(entries(), 1);
    }

    #[test]
    fn a_taken_name_stays_and_a_removed_file_is_not_published() {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("x"), "old").unwrap();
        let it = Temporary::create(&place(root.path()), &Leftovers::default(), None).unwrap();
        assert_eq!(it.publish(false).unwrap_err().kind(), ErrorKind::Exists);
        assert_eq!(std::fs::read(root.path().join("x")).unwrap(), b"old");
        it.remove();
        assert_eq!(it.publish(true).unwrap_err().kind(), ErrorKind::Canceled);
        assert_eq!(std::fs::read(root.path().join("x")).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_was_left_under_a_key_is_taken_up_by_one() {
        let root = tempfile::tempdir().unwrap();
        let open =
            |key| Temporary::create(&place(root.path()), &Leftovers::default(), Some(key)).unwrap();
        let one = open("k1");
        rustix::io::pwrite(&one.file, b"left", 0).unwrap();
        assert_eq!(open("k1").size().unwrap(), 0, "it is held");
        one.leave();
        drop(one);
        assert_eq!(open("k2").size().unwrap(), 0);
        let again = open("k1");
        assert_eq!(again.size().unwrap(), 4);
        drop(again);
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_others_put_under_our_name_is_not_touched() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        std::fs::write(path("mine"), "precious").unwrap();
        let name = ".causeway-resume-k.part";
        for link in [std::fs::hard_link, |a: _, b: _| {
            std::os::unix::fs::symlink(a, b)
        }] {
            link(path("mine"), path(name)).unwrap();
            let it = Temporary::create(&place(root.path()), &Leftovers::default(), Some("k"));
            assert!(!it.unwrap().resumable);
            assert_eq!(std::fs::read(path("mine")).unwrap(), b"precious");
            std::fs::remove_file(path(name)).unwrap();
        }
    }
}
