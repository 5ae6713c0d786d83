//! Which directories a directory has, remembered for a moment.
//!
//! Before an object is written the gateway wants to know whether a directory has its name. S3 can only
//! list to tell, which costs servers more than the upload of a small object. Where many such questions
//! come for one directory, it is listed once for all of them.
//!
//! Only that a name is free is believed, for ten seconds at most, and only before a write: what others
//! make meanwhile is not seen. What this process makes is.

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
    /// Somebody lists it.
    Listed(Instant),
    /// These, and no others.
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
        // What was made while it was listed may be missing in it.
        if let Some(known @ Known::Listed(_)) = self.0.lock().get_mut(at) {
            let now = Instant::now();
            *known = names.map_or(Known::TooLarge(now), |names| Known::Has(names, now));
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
                Known::Has(names, _) if !names.contains(name) => {
                    names.insert(name.to_owned());
                }
                Known::Listed(_) => *known = Known::Asked(0, Instant::now()),
                Known::Has(..) | Known::Asked(..) | Known::TooLarge(_) => {}
            }
        }
    }
}

impl Known {
    fn forget_if_old(&mut self) {
        let (since, most) = match self {
            Self::Asked(_, since) | Self::Has(_, since) => (*since, MAX_AGE),
            Self::Listed(since) | Self::TooLarge(since) => (*since, MAX_REST),
        };
        if since.elapsed() >= most {
            *self = Self::Asked(0, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::Endpoint;

    fn place(key: &str) -> Place {
        let endpoint = Endpoint {
            tls: false,
            host: "h".into(),
            region: None,
            is_virtual: false,
            is_amazon: false,
        };
        Place {
            endpoint,
            bucket: "b".into(),
            key: key.into(),
        }
    }

    fn advice(all: &Subdirs, owner: &str, key: &str) -> Advice {
        let place = place(key);
        let (at, name) = Directory::of(owner, &place);
        all.advice(&at, name)
    }

    /// As many questions as lead to a listing, and what it brought.
    fn known(all: &Subdirs, names: &[&str]) {
        for number in 0..FEW {
            assert_eq!(advice(all, "o", &format!("d/{number}")), Advice::Ask);
        }
        assert_eq!(advice(all, "o", "d/x"), Advice::List);
        // The others do not wait for it.
        assert_eq!(advice(all, "o", "d/y"), Advice::Ask);
        let names = names.iter().map(|it| (*it).to_owned()).collect();
        all.learn(&Directory::of("o", &place("d/x")).0, Some(names));
    }

    #[test]
    fn many_questions_are_answered_by_one_listing() {
        let all = Subdirs::default();
        known(&all, &["sub"]);
        assert_eq!(advice(&all, "o", "d/x"), Advice::Free);
        // What is gone may have been removed.
        assert_eq!(advice(&all, "o", "d/sub"), Advice::Ask);
        assert_eq!(advice(&all, "other", "d/x"), Advice::Ask);
        assert_eq!(advice(&all, "o", "x"), Advice::Ask);
    }

    #[test]
    fn what_is_made_is_known_at_every_depth() {
        let all = Subdirs::default();
        known(&all, &[]);
        all.made(&place("d/file"));
        assert_eq!(advice(&all, "o", "d/file"), Advice::Free);
        all.made(&place("d/sub/deeper/file"));
        assert_eq!(advice(&all, "o", "d/sub"), Advice::Ask);
        all.made(&place("d/marker/"));
        assert_eq!(advice(&all, "o", "d/marker"), Advice::Ask);
    }

    #[test]
    fn what_is_made_while_it_is_listed_makes_the_listing_worthless() {
        let all = Subdirs::default();
        for number in 0..FEW {
            advice(&all, "o", &format!("d/{number}"));
        }
        assert_eq!(advice(&all, "o", "d/x"), Advice::List);
        all.made(&place("d/sub/file"));
        all.learn(&Directory::of("o", &place("d/x")).0, Some(HashSet::new()));
        assert_eq!(advice(&all, "o", "d/sub"), Advice::Ask);
    }

    #[test]
    fn a_large_directory_is_left_alone() {
        let all = Subdirs::default();
        for number in 0..FEW {
            advice(&all, "o", &format!("d/{number}"));
        }
        assert_eq!(advice(&all, "o", "d/x"), Advice::List);
        all.learn(&Directory::of("o", &place("d/x")).0, None);
        for _ in 0..2 * FEW {
            assert_eq!(advice(&all, "o", "d/x"), Advice::Ask);
        }
    }
}
