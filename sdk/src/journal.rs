//! What was begun at servers and is left there when this process dies: a small file for each, in a
//! directory of the gateway's machine.
//!
//! Whoever is responsible for something holds a lock on its file, and the kernel lets go of the lock
//! when the process ends. So files that nobody holds tell what earlier lives left. They are looked for
//! from time to time: a process may end while this one runs. Nothing is synced: they outlive the process, and not
//! always the machine. For native plugins; it knows no protocol, and what is written down only as far as it
//! becomes JSON and a few words for the log.
//!
//! # Invariants
//! - Nobody is given what a living process is responsible for: `journal/tests.rs`.
//! - However much was left, few of its files are open at a time: one for each sweep, of few.

mod look;
mod record;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::fmt::Display;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::{Error, Host, LogLevel};
use look::Look;
pub use record::Entry;
use record::{create, hold, warn};

/// What could not be removed is tried again after this.
const AGAIN: Duration = Duration::from_secs(60);
/// What was looked at lately is not looked at again.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
/// Longest time the removal of one thing may take.
const REMOVED_WITHIN: Duration = Duration::from_secs(120);
/// Most sweeps at a time. Who comes when there are so many leaves it to the next.
const SWEEPS: usize = 16;

/// The directory, and what of it is from earlier lives. Without a directory nothing is written down.
pub struct Journal<T> {
    dir: Option<PathBuf>,
    host: Host,
    seen: Mutex<Seen<T>>,
    turns: Semaphore,
}

struct Seen<T> {
    /// When somebody looked last.
    looked: Option<Instant>,
    /// The oldest first, then what was given back.
    found: Vec<Found<T>>,
    /// What cannot be read is told of once, and left alone.
    odd: HashSet<PathBuf>,
}

struct Found<T> {
    what: T,
    path: PathBuf,
    due: Instant,
}

impl<T: Serialize + DeserializeOwned + Clone + Display + Send + 'static> Journal<T> {
    /// In this directory, which is made when something is written down. What goes wrong with it is told to
    /// the gateway's log: nobody's write fails for it.
    pub fn new(dir: Option<PathBuf>, host: &Host) -> Self {
        Self {
            dir,
            host: host.clone(),
            seen: Mutex::new(Seen {
                looked: None,
                found: Vec::new(),
                odd: HashSet::new(),
            }),
            turns: Semaphore::new(SWEEPS),
        }
    }

    // What it guards is changed in single steps, so a panic elsewhere leaves it whole.
    fn seen(&self) -> MutexGuard<'_, Seen<T>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes something down. `None` without a directory, and when it cannot be written, which is told to
    /// the log.
    pub async fn note_or_warn(&self, what: &T) -> Option<Entry> {
        match self.note(what).await {
            Ok(entry) => entry,
            Err(error) => {
                warn(&self.host, &format!("write down {what}"), &error);
                None
            }
        }
    }

    async fn note(&self, what: &T) -> io::Result<Option<Entry>> {
        let Some(dir) = self.dir.clone() else {
            return Ok(None);
        };
        let text = serde_json::to_vec(what)?;
        let host = self.host.clone();
        let made = spawn_blocking(move || create(&dir, &text, host)).await;
        made.map_err(io::Error::other)?.map(Some)
    }

    /// Whether a sweep may find something that fits. It costs next to nothing, so it is asked before a
    /// task is spawned for a sweep.
    pub fn may_fit(&self, fits: impl Fn(&T) -> bool) -> bool {
        if self.dir.is_none() || self.turns.available_permits() == 0 {
            return false;
        }
        let (seen, now) = (self.seen(), Instant::now());
        seen.is_due() || seen.found.iter().any(|it| it.due <= now && fits(&it.what))
    }

    /// Removes what earlier lives left, as far as it fits, one after the other. What came of it is told to
    /// the log; what cannot be removed is tried again later, in this life or another.
    pub async fn sweep<F: Future<Output = Result<(), Error>>>(
        &self,
        fits: impl Fn(&T) -> bool + Sync,
        remove: impl Fn(T) -> F,
    ) {
        let Ok(_turn) = self.turns.try_acquire() else {
            return;
        };
        self.look().await;
        // What is given back meanwhile is for another sweep, so that this one ends.
        let began = Instant::now();
        while let Some((what, entry)) = self.take(began, &fits).await {
            match timeout(REMOVED_WITHIN, remove(what.clone())).await {
                Ok(Ok(())) => {
                    entry.forget().await;
                    let text = format!("removed what an earlier life left: {what}");
                    self.host.log(LogLevel::Info, &text);
                }
                Ok(Err(error)) => self.give_back(what, entry, &error),
                Err(_) => {
                    self.give_back(what, entry, &"no answer in time");
                    // The rest would wait for the same server.
                    return;
                }
            }
        }
    }

    /// Becomes responsible for the first that fits and was due at this time.
    async fn take(&self, at: Instant, fits: &(impl Fn(&T) -> bool + Sync)) -> Option<(T, Entry)> {
        loop {
            let found = self.seen().extract(at, fits)?;
            let (path, host) = (found.path.clone(), self.host.clone());
            let held = spawn_blocking(move || hold(&path, &host)).await;
            match held.map_err(io::Error::other).flatten() {
                Ok(Some(entry)) => return Some((found.what, entry)),
                // Somebody else removes it, or has.
                Ok(None) => {}
                Err(error) => self.leave_alone(found.path, &error),
            }
        }
    }

    fn give_back(&self, what: T, entry: Entry, why: &dyn Display) {
        let doing = format!("remove what an earlier life left: {what}");
        self.seen().found.push(Found {
            what,
            path: entry.path.clone(),
            due: Instant::now() + AGAIN,
        });
        // Not before it is known here: a look would find it anew, and try again at once.
        drop(entry);
        warn(&self.host, &doing, why);
    }

    fn leave_alone(&self, path: PathBuf, why: &dyn Display) {
        let doing = format!("read the record {}", path.display());
        if self.seen().odd.insert(path) {
            warn(&self.host, &doing, why);
        }
    }

    /// Looks for more than what is known already.
    async fn look(&self) {
        let Some(dir) = self.dir.clone() else {
            return;
        };
        let Some(known) = self.seen().begin_look().map(Arc::new) else {
            return;
        };
        let (at, shared, host) = (dir.clone(), Arc::clone(&known), self.host.clone());
        let look = spawn_blocking(move || Look::inside(&at, &shared, &host)).await;
        match look.map_err(io::Error::other).flatten() {
            Ok(look) => {
                let odd = self.seen().learn(look, &known);
                for (path, why) in odd {
                    self.leave_alone(path, &why);
                }
            }
            Err(error) => self.leave_alone(dir, &error),
        }
    }
}

impl<T> Seen<T> {
    fn is_due(&self) -> bool {
        self.looked.is_none_or(|at| at.elapsed() >= LOOK_AGAIN)
    }

    /// What is known already; nothing when somebody looked lately.
    fn begin_look(&mut self) -> Option<HashSet<PathBuf>> {
        if !self.is_due() {
            return None;
        }
        self.looked = Some(Instant::now());
        let found = self.found.iter().map(|it| &it.path);
        Some(found.chain(&self.odd).cloned().collect())
    }

    /// Takes over what a look brought, and forgets what was known before it and is there no more. What
    /// is odd comes back.
    fn learn(&mut self, look: Look<T>, known: &HashSet<PathBuf>) -> Vec<(PathBuf, io::Error)> {
        let stays = |path: &PathBuf| look.listed.contains(path) || !known.contains(path);
        self.found.retain(|it| stays(&it.path));
        self.odd.retain(stays);
        // Given back while somebody looked.
        let ours: HashSet<PathBuf> = self.found.iter().map(|it| it.path.clone()).collect();
        let mut found = look.found;
        found.retain(|it| !ours.contains(&it.path));
        self.found.extend(found);
        look.odd
    }

    fn extract(&mut self, at: Instant, fits: impl Fn(&T) -> bool) -> Option<Found<T>> {
        let mut found = self.found.iter();
        let first = found.position(|it| it.due <= at && fits(&it.what))?;
        Some(self.found.remove(first))
    }
}
