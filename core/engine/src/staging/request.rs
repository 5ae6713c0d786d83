//! Bring-online requests that are under way.
//!
//! Which files a request still brings, who has given up on one, when it is asked about next. Pure
//! bookkeeping: nothing here calls a storage or changes a row.
//!
//! # Invariants
//! - A storage is asked to give back only what nobody else of the request waits for:
//!   `a_shared_url_is_given_back_with_its_last_file`.

use std::collections::BTreeMap;

use causeway_model::{FileId, Timestamp};
use causeway_sdk::Url;
use tokio::time::Instant;

use super::caller::Errand;
use super::gather::{GroupId, Place};

/// Names a request within the life of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct RequestId(pub(crate) u64);

/// A file that a request brings.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) url: Url,
    /// When its time is over.
    pub(crate) deadline: Timestamp,
}

/// A request.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) errand: Errand,
    /// VO and storage, for limits.
    pub(crate) place: Place,
    pub(crate) files: BTreeMap<FileId, Wanted>,
    pub(crate) stage: Stage,
    /// Failed questions in a row.
    pub(crate) failures: u32,
    /// When it is looked at; an alarm for an earlier time is an old one.
    pub(crate) next_look: Option<Instant>,
}

/// How far a request is.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Its rows are being journalled.
    Planned(GroupId),
    /// The storage is being asked; these files were given up meanwhile.
    Sending(GroupId, Vec<Url>),
    /// The storage works on it under this token.
    Working(String),
    /// The storage is being asked how far it is, since then.
    Asking(String, Timestamp),
}

/// What follows when a file is taken out of a request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Dropped {
    /// Nothing.
    Nothing,
    /// The storage shall stop working on it.
    Abort(String, Url),
}

impl Request {
    /// The URLs it brings, each once.
    pub(crate) fn urls(&self) -> Vec<Url> {
        let mut urls: Vec<Url> = self.files.values().map(|it| it.url.clone()).collect();
        urls.sort();
        urls.dedup();
        urls
    }

    /// Takes a file out that nobody wants any more.
    pub(crate) fn give_up(&mut self, file: FileId) -> Dropped {
        let Some(wanted) = self.files.remove(&file) else {
            return Dropped::Nothing;
        };
        if self.files.values().any(|it| it.url == wanted.url) {
            return Dropped::Nothing;
        }
        match &mut self.stage {
            Stage::Planned(_) => Dropped::Nothing,
            Stage::Sending(_, given_up) => {
                given_up.push(wanted.url);
                Dropped::Nothing
            }
            Stage::Working(token) | Stage::Asking(token, _) => {
                Dropped::Abort(token.clone(), wanted.url)
            }
        }
    }

    /// True when there is nothing to wait for.
    pub(crate) fn is_over(&self) -> bool {
        self.files.is_empty() && !matches!(self.stage, Stage::Sending(..))
    }

    /// When its first file runs out of time, of those that have some left.
    pub(crate) fn next_deadline(&self, now: Timestamp) -> Option<Timestamp> {
        let deadlines = self.files.values().map(|it| it.deadline);
        deadlines.filter(|it| *it > now).min()
    }

    /// Files whose time was over then.
    pub(crate) fn overdue(&self, then: Timestamp) -> Vec<FileId> {
        let late = self.files.iter().filter(|it| it.1.deadline <= then);
        late.map(|it| *it.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Owner;

    fn request(stage: Stage, urls: &[&str]) -> Request {
        let wanted = |(number, url): (usize, &&str)| {
            let wanted = Wanted {
                url: url.parse().unwrap(),
                deadline: Timestamp(1000 * (number as i64 + 1)),
            };
            (FileId(number as u64), wanted)
        };
        Request {
            errand: Errand {
                id: "1".into(),
                owner: Owner {
                    cred_id: "c".into(),
                    user_dn: "/CN=u".into(),
                    vo_name: "v".into(),
                },
                space_token: String::new(),
            },
            place: ("vo".into(), "mock://a".into()),
            files: urls.iter().enumerate().map(wanted).collect(),
            stage,
            failures: 0,
            next_look: None,
        }
    }

    #[test]
    fn a_shared_url_is_given_back_with_its_last_file() {
        let mut it = request(
            Stage::Working("t".into()),
            &["mock://a/1", "mock://a/1", "mock://a/2"],
        );
        assert_eq!(it.urls().len(), 2);
        assert_eq!(it.give_up(FileId(0)), Dropped::Nothing);
        assert_eq!(
            it.give_up(FileId(1)),
            Dropped::Abort("t".into(), "mock://a/1".parse().unwrap())
        );
        assert_eq!(it.give_up(FileId(1)), Dropped::Nothing);
        assert!(!it.is_over());
    }

    #[test]
    fn what_is_given_up_before_the_answer_is_remembered() {
        let group = crate::staging::gather::Gathering::default().add(
            crate::staging::gather::GroupKey {
                owner: Owner {
                    cred_id: "c".into(),
                    user_dn: "/CN=u".into(),
                    vo_name: "v".into(),
                },
                vo: "v".into(),
                storage: "s".into(),
                space_token: String::new(),
            },
            FileId(0),
            Instant::now(),
            || 1,
        );
        let mut it = request(Stage::Sending(group, Vec::new()), &["mock://a/1"]);
        assert_eq!(it.give_up(FileId(0)), Dropped::Nothing);
        assert!(!it.is_over(), "its token is still to come");
        assert!(matches!(it.stage, Stage::Sending(_, urls) if urls.len() == 1));
    }

    #[test]
    fn deadlines() {
        let it = request(Stage::Working("t".into()), &["mock://a/1", "mock://a/2"]);
        assert_eq!(it.next_deadline(Timestamp(0)), Some(Timestamp(1000)));
        assert_eq!(it.next_deadline(Timestamp(1000)), Some(Timestamp(2000)));
        assert_eq!(it.overdue(Timestamp(1999)), [FileId(0)]);
        assert_eq!(it.next_deadline(Timestamp(2000)), None);
    }
}
