//! What was begun at servers and is left there when this process dies: a small file for each, in a
//! directory of the gateway's machine.
//!
//! Whoever is responsible for something holds a lock on its file, and the kernel lets go of the lock
//! when the process ends. So files that nobody holds tell what earlier lives left. They are looked for
//! from time to time: a process may end while this one runs. Nothing is synced: they outlive the process, and not
//! always the machine. For native plugins; it knows no protocol, and what is written down only as far as it
//! becomes JSON.
//!
//! # Invariants
//! - Nobody is given what a living process is responsible for: the test here.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher as _, RandomState};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::task::spawn_blocking;

/// What a file is called that is whole.
const WHOLE: &str = "json";
/// What it is called before it is locked.
const NEW: &str = "new";
/// Most things that are read.
const MOST: usize = 10_000;
/// After so long whoever runs the server has removed it, or nobody ever may.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// A file gets its lock at once.
const LOCKED_WITHIN: Duration = Duration::from_secs(3600);
/// What could not be removed is tried again after this.
const AGAIN: Duration = Duration::from_secs(60);
/// What was looked at lately is not looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// The directory, and what of it is from earlier lives. Without a directory nothing is written down.
pub struct Journal<T> {
    dir: Option<PathBuf>,
    seen: Mutex<Seen<T>>,
}

struct Seen<T> {
    /// When somebody looked last.
    looked: Option<Instant>,
    found: Vec<Found<T>>,
}

struct Found<T> {
    what: T,
    path: PathBuf,
    due: Instant,
}

/// Responsible for one thing. Without a word at its end, somebody else will be.
pub struct Entry {
    path: PathBuf,
    // Its lock goes when it is closed.
    _file: File,
}

impl Entry {
    /// The thing is gone.
    pub fn forget(self) {
        // If it stays, a later life looks for something that is gone, and tries once more.
        fs::remove_file(&self.path).ok();
    }
}

impl<T: Serialize + DeserializeOwned + Send + 'static> Journal<T> {
    /// In this directory, which is made when something is written down.
    pub fn new(dir: Option<PathBuf>) -> Self {
        Self {
            dir,
            seen: Mutex::new(Seen {
                looked: None,
                found: Vec::new(),
            }),
        }
    }

    // What it guards is changed in single steps, so a panic elsewhere leaves it whole.
    fn seen(&self) -> MutexGuard<'_, Seen<T>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether nothing was left when somebody looked lately.
    pub fn is_empty(&self) -> bool {
        let seen = self.seen();
        self.dir.is_none() || (!seen.is_due() && seen.found.is_empty())
    }

    /// Writes something down; `None` without a directory.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn note(&self, what: &T) -> io::Result<Option<Entry>> {
        let Some(dir) = self.dir.clone() else {
            return Ok(None);
        };
        let text = serde_json::to_vec(what)?;
        let made = spawn_blocking(move || create(&dir, &text)).await;
        made.map_err(io::Error::other)?.map(Some)
    }

    /// Takes over what earlier lives left, as far as it fits.
    pub async fn take(&self, fits: impl Fn(&T) -> bool) -> Vec<(T, Entry)> {
        self.look().await;
        let now = Instant::now();
        let fits = |it: &mut Found<T>| it.due <= now && fits(&it.what);
        let taken: Vec<Found<T>> = self.seen().found.extract_if(.., fits).collect();
        let held = taken.into_iter();
        held.filter_map(|it| Some((it.what, hold(&it.path)?)))
            .collect()
    }

    /// It could not be removed: it is tried again later, in this life or another.
    pub fn give_back(&self, what: T, entry: Entry) {
        let found = Found {
            what,
            path: entry.path.clone(),
            due: Instant::now() + AGAIN,
        };
        drop(entry);
        self.seen().found.push(found);
    }

    /// Looks for more than what is known already.
    async fn look(&self) {
        let known: Vec<PathBuf> = {
            let mut seen = self.seen();
            if !seen.is_due() {
                return;
            }
            seen.looked = Some(Instant::now());
            seen.found.iter().map(|it| it.path.clone()).collect()
        };
        let Some(dir) = self.dir.clone() else {
            return;
        };
        // It panics for nobody; if it does, nothing was found.
        let read = spawn_blocking(move || read(&dir, &known)).await;
        self.seen().found.extend(read.unwrap_or_default());
    }
}

impl<T> Seen<T> {
    fn is_due(&self) -> bool {
        self.looked.is_none_or(|at| at.elapsed() >= LOOK_AGAIN)
    }
}

fn create(dir: &Path, text: &[u8]) -> io::Result<Entry> {
    let mut make = DirBuilder::new();
    make.recursive(true).mode(0o700).create(dir)?;
    // The standard library's randomly keyed hash: another one in each process and for each call.
    let random = RandomState::new().hash_one(std::process::id());
    let first = dir.join(format!("{random:016x}.{NEW}"));
    let path = first.with_extension(WHOLE);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(&first)?;
    let written = file.try_lock().map_err(io::Error::from);
    let written = written.and_then(|()| file.write_all(text));
    if let Err(error) = written.and_then(|()| fs::rename(&first, &path)) {
        // Nobody reads it, and it goes when it is old.
        fs::remove_file(&first).ok();
        return Err(error);
    }
    Ok(Entry { path, _file: file })
}

/// What is there, held by nobody and not known. What cannot be read is left alone.
fn read<T: DeserializeOwned>(dir: &Path, known: &[PathBuf]) -> Vec<Found<T>> {
    let Ok(entries) = fs::read_dir(dir) else {
        // Made with the first entry.
        return Vec::new();
    };
    let (mut found, due) = (Vec::new(), Instant::now());
    for entry in entries.flatten().take(MOST) {
        let path = entry.path();
        if known.contains(&path) {
            continue;
        }
        let written = entry.metadata().and_then(|it| it.modified());
        let age = written.map(|it| SystemTime::now().duration_since(it).unwrap_or_default());
        let is_new = path.extension().is_some_and(|it| it == NEW);
        let limit = if is_new { LOCKED_WITHIN } else { KEPT };
        let is_old = age.is_ok_and(|age| age > limit);
        let Some(held) = hold(&path) else {
            continue;
        };
        if is_old {
            held.forget();
        } else if !is_new
            && let Ok(text) = fs::read(&path)
            && let Ok(what) = serde_json::from_slice(&text)
        {
            found.push(Found { what, path, due });
        }
    }
    found
}

/// Becomes responsible, unless somebody is.
fn hold(path: &Path) -> Option<Entry> {
    let file = File::open(path).ok()?;
    file.try_lock().ok()?;
    Some(Entry {
        path: path.to_owned(),
        _file: file,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> usize {
        fs::read_dir(dir).unwrap().count()
    }

    #[tokio::test]
    async fn only_what_nobody_is_responsible_for_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let open = || Journal::<String>::new(Some(dir.path().join("journal")));
        let note = async |what: &str| open().note(&what.to_owned()).await.unwrap().unwrap();
        let living = note("living").await;
        drop(note("left").await);
        drop(note("elsewhere").await);
        note("gone").await.forget();
        let later = open();
        assert!(!later.is_empty());
        let taken = later.take(|it| it != "elsewhere").await;
        let [(what, entry)] = <[_; 1]>::try_from(taken).ok().unwrap();
        assert_eq!(what, "left");
        // Another life at the same time finds what is left to be taken.
        let other = open().take(|_| true).await;
        assert_eq!(other.len(), 1);
        assert_eq!(other[0].0, "elsewhere");
        later.give_back(what, entry);
        assert!(
            later.take(|it| it == "left").await.is_empty(),
            "not at once"
        );
        drop(other);
        let last = open();
        for (_, entry) in last.take(|_| true).await {
            entry.forget();
        }
        // A process may have ended since.
        drop(note("late").await);
        assert!(last.is_empty() && last.take(|_| true).await.is_empty());
        last.seen().looked = Instant::now().checked_sub(LOOK_AGAIN);
        assert!(!last.is_empty());
        let late = last.take(|_| true).await;
        assert_eq!(late[0].0, "late");
        late.into_iter().for_each(|(_, entry)| entry.forget());
        assert_eq!(names(&dir.path().join("journal")), 1);
        living.forget();
        assert_eq!(names(&dir.path().join("journal")), 0);
    }

    #[tokio::test]
    async fn without_a_directory_nothing_is_written_down() {
        let journal = Journal::<String>::new(None);
        assert!(journal.note(&"x".to_owned()).await.unwrap().is_none());
        assert!(journal.is_empty() && journal.take(|_| true).await.is_empty());
    }

    #[tokio::test]
    async fn what_is_old_or_garbled_is_not_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for (name, text) in [("old.json", "\"x\""), ("odd.json", "{"), ("1.new", "\"x\"")] {
            fs::write(at(name), text).unwrap();
        }
        let past = SystemTime::now() - KEPT - Duration::from_secs(1);
        let old = File::options().write(true).open(at("old.json")).unwrap();
        old.set_modified(past).unwrap();
        let journal = Journal::<String>::new(Some(dir.path().to_owned()));
        assert!(journal.take(|_| true).await.is_empty());
        assert!(!at("old.json").exists() && at("odd.json").exists() && at("1.new").exists());
    }
}
