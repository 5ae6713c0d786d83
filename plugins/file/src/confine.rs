//! Opening what lies below a root, and nothing else, whatever links and other processes do.
//!
//! The kernel confines the look-up itself (`openat2` with `RESOLVE_BENEATH`), so there is no moment
//! between check and use. Where it cannot decide (an absolute link that may point back inside, or
//! a kernel without the call) the path is walked component by component over open directories,
//! and links are resolved by us. Everything else in this plugin works on descriptors from here.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use causeway_sdk::Result;
use rustix::fs::{
    AtFlags, FileType, Mode, OFlags, ResolveFlags, mkdirat, open, openat, openat2, readlinkat,
    statat,
};
use rustix::io::Errno;

use crate::error::{from_errno, is_root};
use crate::path::Place;

/// Links followed in one path before it counts as a loop; the kernel's own number.
const MOST_LINKS: usize = 40;
/// Tries of a look-up that other processes keep disturbing.
const TRIES: usize = 16;
/// Mode of new directories; the process's umask applies.
const NEW_DIRECTORY: Mode = Mode::from_raw_mode(0o775);

/// A directory, to work in: enough for every `*at` call, no permission to list needed.
const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);

/// Opens what stands at a place; links are followed inside the root.
pub(crate) fn open_at(place: &Place, flags: OFlags) -> Result<OwnedFd> {
    let root = open_root(&place.root).map_err(from_errno)?;
    open_below(&root, &place.root, &place.below, flags).map_err(from_errno)
}

/// Opens the directory above a place, for work on the name in it.
pub(crate) fn open_parent(place: &Place) -> Result<(OwnedFd, OsString)> {
    let (above, name) = place.split().ok_or_else(is_root)?;
    let root = open_root(&place.root).map_err(from_errno)?;
    let parent = open_below(&root, &place.root, above, DIRECTORY).map_err(from_errno)?;
    Ok((parent, name.to_owned()))
}

/// Creates the directories on the way to a place and, if `whole`, at it. Existing ones are fine.
pub(crate) fn make_directories(place: &Place, whole: bool) -> Result<()> {
    let root = open_root(&place.root).map_err(from_errno)?;
    let all: Vec<&OsStr> = place.below.iter().collect();
    let depth = if whole {
        all.len()
    } else {
        all.len().saturating_sub(1)
    };
    let mut below = PathBuf::new();
    let mut parent = None;
    for name in &all[..depth] {
        let within = parent.as_ref().unwrap_or(&root);
        match mkdirat(within, *name, NEW_DIRECTORY) {
            Ok(()) | Err(Errno::EXIST) => {}
            // Where we may not write, what is needed may be there already.
            Err(Errno::ACCESS | Errno::ROFS | Errno::PERM)
                if statat(within, *name, AtFlags::empty()).is_ok() => {}
            Err(errno) => return Err(from_errno(errno)),
        }
        below.push(name);
        parent = Some(open_below(&root, &place.root, &below, DIRECTORY).map_err(from_errno)?);
    }
    Ok(())
}

fn open_root(root: &Path) -> rustix::io::Result<OwnedFd> {
    open(root, DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

fn open_below(
    root: &OwnedFd,
    root_path: &Path,
    below: &Path,
    flags: OFlags,
) -> rustix::io::Result<OwnedFd> {
    let flags = flags | OFlags::CLOEXEC;
    let below = if below.as_os_str().is_empty() {
        Path::new(".")
    } else {
        below
    };
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    for _ in 0..TRIES {
        match openat2(root, below, flags, Mode::empty(), resolve) {
            // Something above was renamed meanwhile and the kernel could not be sure.
            Err(Errno::AGAIN) => {}
            Err(Errno::XDEV | Errno::NOSYS | Errno::PERM) => {
                return walk(root, root_path, below, flags);
            }
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

/// Follows a path over open directories. `..` never goes above the root, because the way back is
/// the stack of descriptors and not the disk.
fn walk(
    root: &OwnedFd,
    root_path: &Path,
    below: &Path,
    flags: OFlags,
) -> rustix::io::Result<OwnedFd> {
    let mut stack: Vec<OwnedFd> = Vec::new();
    let mut names = steps(below);
    let mut links = 0;
    while let Some(name) = names.pop() {
        let here = stack.last().map_or(root.as_fd(), AsFd::as_fd);
        if name == ".." {
            if stack.pop().is_none() {
                return Err(Errno::XDEV);
            }
            continue;
        }
        let look = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let found = openat(here, &name, look, Mode::empty())?;
        match FileType::from_raw_mode(rustix::fs::fstat(&found)?.st_mode) {
            FileType::Symlink => {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Errno::LOOP);
                }
                let target = readlinkat(&found, "", Vec::new())?;
                let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
                if target.is_absolute() {
                    names.extend(steps(strip_root(&target, root_path)?));
                    stack.clear();
                } else {
                    names.extend(steps(&target));
                }
            }
            FileType::Directory => stack.push(found),
            _ if names.is_empty() => {
                // Should it have become a link just now, NOFOLLOW refuses it.
                return openat(here, &name, flags | OFlags::NOFOLLOW, Mode::empty());
            }
            _ => return Err(Errno::NOTDIR),
        }
    }
    let here = stack.last().map_or(root.as_fd(), AsFd::as_fd);
    openat(here, ".", flags, Mode::empty())
}

/// The components of a path, last one first, for a stack.
fn steps(path: &Path) -> Vec<OsString> {
    let named = path.components().filter_map(|it| match it {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some(OsString::from("..")),
        _ => None,
    });
    let mut names: Vec<OsString> = named.collect();
    names.reverse();
    names
}

/// The part of an absolute link's target below the root, under either of the root's names.
fn strip_root<'a>(target: &'a Path, root: &Path) -> rustix::io::Result<&'a Path> {
    if let Ok(rest) = target.strip_prefix(root) {
        return Ok(rest);
    }
    let real = std::fs::canonicalize(root).map_err(|_| Errno::XDEV)?;
    target.strip_prefix(real).map_err(|_| Errno::XDEV)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn scratch() -> (tempfile::TempDir, PathBuf) {
        let scratch = tempfile::tempdir().unwrap();
        let root = scratch.path().join("root");
        std::fs::create_dir_all(root.join("a/b")).unwrap();
        std::fs::create_dir(scratch.path().join("outside")).unwrap();
        std::fs::write(scratch.path().join("outside/secret"), "x").unwrap();
        std::fs::write(root.join("a/b/file"), "inside").unwrap();
        symlink("b", root.join("a/relative")).unwrap();
        symlink("../a/b/../b", root.join("a/winding")).unwrap();
        symlink(root.join("a/b"), root.join("absolute")).unwrap();
        symlink("../outside", root.join("up")).unwrap();
        symlink(scratch.path().join("outside"), root.join("away")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        symlink("../../outside/secret", root.join("a/leaf")).unwrap();
        (scratch, root)
    }

    type Open = fn(&OwnedFd, &Path, &Path, OFlags) -> rustix::io::Result<OwnedFd>;

    #[test]
    fn links_inside_lead_on_and_links_outside_do_not() {
        let (_scratch, root) = scratch();
        let fd = open_root(&root).unwrap();
        for open in [open_below as Open, walk as Open] {
            let at = |path: &str| open(&fd, &root, Path::new(path), OFlags::RDONLY);
            for path in [
                "a/b/file",
                "a/relative/file",
                "a/winding/file",
                "absolute/file",
            ] {
                let mut buffer = [0; 16];
                let len = rustix::io::read(at(path).unwrap(), &mut buffer).unwrap();
                assert_eq!(&buffer[..len], b"inside", "{path}");
            }
            for path in [
                "up/secret",
                "away/secret",
                "a/leaf",
                "..",
                "a/../../outside",
                "up",
            ] {
                assert_eq!(at(path).unwrap_err(), Errno::XDEV, "{path}");
            }
            assert_eq!(at("loop").unwrap_err(), Errno::LOOP);
            assert_eq!(at("a/none").unwrap_err(), Errno::NOENT);
            assert_eq!(at("a/b/file/x").unwrap_err(), Errno::NOTDIR);
        }
    }

    #[test]
    fn directories_are_not_made_through_links_that_lead_out() {
        let (scratch, root) = scratch();
        let place = |below: &str| Place {
            root: root.clone(),
            below: below.into(),
        };
        make_directories(&place("absolute/x/y"), true).unwrap();
        assert!(root.join("a/b/x/y").is_dir());
        for below in ["up/x", "away/x", "up/x/y"] {
            assert!(make_directories(&place(below), true).is_err(), "{below}");
        }
        assert!(!scratch.path().join("outside/x").exists());
    }
}
