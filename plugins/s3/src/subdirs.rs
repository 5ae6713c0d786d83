//! Which directories a directory has, remembered for a moment.
//!
//! Before an object is written the gateway wants to know whether a directory has its name. S3 can only
//! list to tell, which costs servers more than the upload of a small object. Where many such questions
//! come for one directory, it is listed once for all of them.
//!
//! Only that a name is free is believed, until ten seconds after the listing began, and only before a
//! write: what others make meanwhile is not seen. What this process makes is.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::place::Place;

/// Older knowledge counts for nothing.
const MAX_AGE: Duration = Duration::from_secs(10);
/// A directory that is too large to be listed is not tried again so soon.
const MAX_REST: Duration = Duration::from_secs(60);
/// Questions about one directory that are asked one by one.
const FEW: u32 = 4;
/// Most directories of which anything is known.
const MAX_DIRECTORIES: usize = 1024;
/// A directory that has more is too large, so that not too many names are kept in all.
pub(crate) const MAX_NAMES: usize = 1000;

/// Whose eyes saw it, and which directory it is: nobody learns what others may list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Directory {
    owner: String,
    endpoint: String,
    bucket: String,
    /// Ends with a slash, or is empty.
    prefix: String,
}

#[derive(Debug)]
enum Known {
    /// So many questions since then.
    Asked(u32, Instant),
    /// Somebody lists it since then.
    Listed(Instant),
    /// These, and no others, when the listing began.
    Has(HashSet<String>, Instant),
    /// More than anybody wants to list.
    TooLarge(Instant),
}

/// What to do about a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Advice {
    /// No directory has that name.
    Free,
    /// Ask for this one.
    Ask,
    /// List the directory, tell what came of it, then ask again.
    List,
}

/// What is known of directories.
#[derive(Default)]
pub(crate) struct Subdirs(Mutex<HashMap<Directory, Known>>);

impl Directory {
    /// The one in which a name is, and the name.
    pub(crate) fn of<'a>(owner: &str, place: &'a Place) -> (Self, &'a str) {
        let cut = place.key.rfind('/').map_or(0, |it| it + 1);
        let (prefix, name) = place.key.split_at(cut);
        let directory = Self {
            owner: owner.to_owned(),
            endpoint: place.endpoint.host.clone(),
            bucket: place.bucket.clone(),
            prefix: prefix.to_owned(),
        };
        (directory, name)
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }
}

impl Subdirs {
    /// How to find out whether a directory of that name is there.
    pub(crate) fn advice(&self, at: &Directory, name: &str) -> Advice {
        let mut all = self.0.lock();
        if all.len() >= MAX_DIRECTORIES && !all.contains_key(at) {
            all.clear();
        }
        let fresh = Known::Asked(0, Instant::now());
        let known = all.entry(at.clone()).or_insert(fresh);
        known.forget_if_old();
        match known {
            Known::Has(names, _) if !names.contains(name) => Advice::Free,
            Known::Asked(times, _) if *times >= FEW => {
                *known = Known::Listed(Instant::now());
                Advice::List
            }
            Known::Asked(times, _) => {
                *times += 1;
                Advice::Ask
            }
            Known::Has(..) | Known::Listed(_) | Known::TooLarge(_) => Advice::Ask,
        }
    }

    /// What came of a listing; nothing when there was too much.
    pub(crate) fn learn(&self, at: &Directory, names: Option<HashSet<String>>) {
        let mut all = self.0.lock();
        all.retain(|_, known| !known.is_old());
        // What was made while it was listed may be missing in it.
        let Some(known) = all.get_mut(at) else {
            return;
        };
        if let Known::Listed(since) = *known {
            // What takes longer to list than it is believed is not worth it.
            let is_fresh = since.elapsed() < MAX_AGE;
            *known = match names.filter(|it| it.len() <= MAX_NAMES && is_fresh) {
                Some(names) => Known::Has(names, since),
                None => Known::TooLarge(Instant::now()),
            };
        }
    }

    /// Something was made: every directory above it is there now.
    pub(crate) fn made(&self, place: &Place) {
        for (at, known) in self.0.lock().iter_mut() {
            let is_there = at.endpoint == place.endpoint.host && at.bucket == place.bucket;
            let below = place.key.strip_prefix(&at.prefix).filter(|_| is_there);
            let Some((name, _)) = below.and_then(|it| it.split_once('/')) else {
                continue;
            };
            match known {
                Known::Has(names, _) if names.contains(name) => {}
                Known::Has(names, _) if names.len() < MAX_NAMES => {
                    names.insert(name.to_owned());
                }
                Known::Has(..) => *known = Known::TooLarge(Instant::now()),
                Known::Listed(_) => *known = Known::Asked(0, Instant::now()),
                Known::Asked(..) | Known::TooLarge(_) => {}
            }
        }
    }
}

impl Known {
    fn forget_if_old(&mut self) {
        if self.is_old() {
            *self = Self::Asked(0, Instant::now());
        }
    }

    fn is_old(&self) -> bool {
        let (since, most) = match self {
            Self::Asked(_, since) | Self::Has(_, since) => (*since, MAX_AGE),
            Self::Listed(since) | Self::TooLarge(since) => (*since, MAX_REST),
        };
        since.elapsed() >= most
    }
}

#[cfg(test)]
#[path = "subdirs_tests.rs"]
mod tests;
