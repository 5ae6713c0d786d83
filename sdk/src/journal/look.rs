//! A look into the directory: what nobody is responsible for. It takes as long as the disk does, so it
//! is for threads that may wait.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::de::DeserializeOwned;

use super::Found;
use super::record::{NEW, hold};
use crate::Host;

/// Most things that are read.
const MOST: usize = 10_000;
/// After so long whoever runs the server has removed it, or nobody ever may.
pub(super) const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// A file gets its lock at once.
const LOCKED_WITHIN: Duration = Duration::from_secs(3600);

/// What a look brought.
pub(super) struct Look<T> {
    /// All that stays, known before or not.
    pub(super) listed: HashSet<PathBuf>,
    /// What was not known.
    pub(super) found: Vec<Found<T>>,
    /// What cannot be read, or is old and cannot be removed, and why.
    pub(super) odd: Vec<(PathBuf, io::Error)>,
}

struct Listed {
    path: PathBuf,
    age: Duration,
}

impl<T: DeserializeOwned> Look<T> {
    /// Removes what is old on the way.
    pub(super) fn inside(dir: &Path, known: &HashSet<PathBuf>, host: &Host) -> io::Result<Self> {
        let mut look = Self {
            listed: HashSet::new(),
            found: Vec::new(),
            odd: Vec::new(),
        };
        let mut all = list(dir)?;
        all.sort_by_key(|it| Reverse(it.age));
        for it in all {
            look.at(it, known, host);
        }
        Ok(look)
    }

    fn at(&mut self, Listed { path, age }: Listed, known: &HashSet<PathBuf>, host: &Host) {
        let is_new = path.extension().is_some_and(|it| it == NEW);
        let is_old = age > if is_new { LOCKED_WITHIN } else { KEPT };
        if is_new && !is_old {
            // Its maker is about to lock it, and must not find it locked.
            return;
        }
        if known.contains(&path) && !is_old {
            self.listed.insert(path);
            return;
        }
        let outcome = match hold(&path, host) {
            Ok(Some(held)) if is_old => held.remove(),
            Ok(Some(held)) => {
                let outcome = self.read(&path);
                drop(held);
                outcome
            }
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        if let Err(error) = outcome {
            self.listed.insert(path.clone());
            self.odd.push((path, error));
        }
    }

    fn read(&mut self, path: &Path) -> io::Result<()> {
        let text = match fs::read(path) {
            // Somebody may tidy up by hand.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            text => text?,
        };
        self.found.push(Found {
            what: serde_json::from_slice(&text)?,
            path: path.to_owned(),
            due: Instant::now(),
        });
        self.listed.insert(path.to_owned());
        Ok(())
    }
}

fn list(dir: &Path) -> io::Result<Vec<Listed>> {
    let entries = match fs::read_dir(dir) {
        // It is made with the first record.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let now = SystemTime::now();
    let listed = |entry: DirEntry| -> io::Result<Listed> {
        Ok(Listed {
            path: entry.path(),
            age: age(&entry, now)?,
        })
    };
    let all = entries.take(MOST).map(|entry| listed(entry?));
    // Somebody has removed it meanwhile.
    let is_gone =
        |it: &io::Result<Listed>| matches!(it, Err(why) if why.kind() == io::ErrorKind::NotFound);
    all.filter(|it| !is_gone(it)).collect()
}

/// What is from a time to come, by a clock that was put back, counts as new, and stays.
fn age(entry: &DirEntry, now: SystemTime) -> io::Result<Duration> {
    let written = entry.metadata()?.modified()?;
    Ok(match now.duration_since(written) {
        Ok(age) => age,
        Err(_to_come) => Duration::ZERO,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_gone_when_it_is_read_is_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut look =
            Look::<String>::inside(dir.path(), &HashSet::new(), &Host::silent()).unwrap();
        look.read(&dir.path().join("gone.json")).unwrap();
        assert!(look.found.is_empty() && look.listed.is_empty() && look.odd.is_empty());
    }

    #[test]
    fn a_file_whose_maker_is_about_to_lock_it_is_not_touched() {
        let dir = tempfile::tempdir().unwrap();
        // Whoever opens it fails.
        symlink("1.new", dir.path().join("1.new")).unwrap();
        let look = Look::<String>::inside(dir.path(), &HashSet::new(), &Host::silent()).unwrap();
        assert!(look.odd.is_empty() && look.listed.is_empty());
    }
}
