//! Which rows belong to a storage or to a user, without looking at any others.
//!
//! The board keeps it true. Walks go through it in portions: each begins behind the last row of the
//! one before, so rows may come and go in between.
//!
//! # Invariants
//! - It has every transfer of the board that has not ended, and nothing is left when they have:
//!   `rows_come_and_go`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use causeway_model::{FileId, JobId, Transfer};

/// Transfers with the same storages and the same VO.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Lane {
    pub(crate) source: Arc<str>,
    pub(crate) destination: Arc<str>,
    pub(crate) vo: Arc<str>,
}

impl Lane {
    fn of(row: &Transfer) -> Self {
        Self {
            source: Arc::clone(&row.source_se),
            destination: Arc::clone(&row.dest_se),
            vo: Arc::clone(&row.vo_name),
        }
    }
}

/// A job among all, by user.
pub(crate) type Position = (Arc<str>, JobId);

/// The index. See the module.
#[derive(Debug, Default)]
pub(crate) struct Index {
    lanes: HashMap<Lane, BTreeSet<FileId>>,
    of_storage: HashMap<Arc<str>, BTreeSet<Lane>>,
    of_user: BTreeMap<Arc<str>, BTreeSet<JobId>>,
}

impl Index {
    pub(crate) fn add(&mut self, row: &Transfer) {
        let lane = Lane::of(row);
        if let Some(files) = self.lanes.get_mut(&lane) {
            files.insert(row.file_id);
            return;
        }
        for storage in [&lane.source, &lane.destination] {
            let lanes = self.of_storage.entry(Arc::clone(storage)).or_default();
            lanes.insert(lane.clone());
        }
        self.lanes.insert(lane, BTreeSet::from([row.file_id]));
    }

    pub(crate) fn remove(&mut self, row: &Transfer) {
        let lane = Lane::of(row);
        let Some(files) = self.lanes.get_mut(&lane) else {
            return;
        };
        files.remove(&row.file_id);
        if !files.is_empty() {
            return;
        }
        self.lanes.remove(&lane);
        for storage in [&lane.source, &lane.destination] {
            if let Some(lanes) = self.of_storage.get_mut(storage) {
                lanes.remove(&lane);
                if lanes.is_empty() {
                    self.of_storage.remove(storage);
                }
            }
        }
    }

    /// Rows and jobs in it.
    pub(crate) fn len(&self) -> usize {
        let files: usize = self.lanes.values().map(BTreeSet::len).sum();
        let jobs: usize = self.of_user.values().map(BTreeSet::len).sum();
        files + jobs
    }

    pub(crate) fn add_job(&mut self, user: &Arc<str>, id: JobId) {
        self.of_user.entry(Arc::clone(user)).or_default().insert(id);
    }

    pub(crate) fn remove_job(&mut self, user: &Arc<str>, id: JobId) {
        if let Some(jobs) = self.of_user.get_mut(user) {
            jobs.remove(&id);
            if jobs.is_empty() {
                self.of_user.remove(user);
            }
        }
    }

    /// Lanes that begin or end at a storage.
    pub(crate) fn lanes_of(&self, storage: &str) -> Vec<Lane> {
        let lanes = self.of_storage.get(storage);
        lanes.into_iter().flatten().cloned().collect()
    }

    /// The next transfers of a lane behind one.
    pub(crate) fn files(&self, lane: &Lane, after: Option<FileId>, most: usize) -> Vec<FileId> {
        let Some(files) = self.lanes.get(lane) else {
            return Vec::new();
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let files = files.range((from, Bound::Unbounded));
        files.take(most).copied().collect()
    }

    /// The next jobs of a user behind one.
    pub(crate) fn jobs_of(&self, user: &str, after: Option<JobId>, most: usize) -> Vec<JobId> {
        let Some(jobs) = self.of_user.get(user) else {
            return Vec::new();
        };
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let jobs = jobs.range((from, Bound::Unbounded));
        jobs.take(most).copied().collect()
    }

    /// The next of all jobs behind one.
    pub(crate) fn jobs(&self, after: Option<&Position>, most: usize) -> Vec<Position> {
        let from = after.map_or(Bound::Unbounded, |it| Bound::Included(Arc::clone(&it.0)));
        let mut found = Vec::new();
        for (user, jobs) in self.of_user.range((from, Bound::Unbounded)) {
            let from = match after {
                Some((last, id)) if last == user => Bound::Excluded(*id),
                _ => Bound::Unbounded,
            };
            let jobs = jobs.range((from, Bound::Unbounded));
            let left = most - found.len();
            found.extend(jobs.take(left).map(|id| (Arc::clone(user), *id)));
            if found.len() == most {
                break;
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u64, source: &str, destination: &str, vo: &str) -> Transfer {
        let text = serde_json::json!({
            "file_id": id, "file_index": 0, "job_id": uuid::Uuid::nil(), "state": "Submitted",
            "source_surl": "mock://a/f", "dest_surl": "mock://b/f",
            "source_se": source, "dest_se": destination,
            "vo_name": vo, "activity": "default", "priority": 3, "hashed_id": 0,
            "user_filesize": 0, "retry": 0, "destination_cleared": false,
        });
        serde_json::from_value(text).unwrap()
    }

    #[test]
    fn rows_come_and_go() {
        let rows = [
            row(1, "a", "b", "v"),
            row(2, "a", "b", "v"),
            row(3, "b", "a", "v"),
            row(4, "a", "a", "w"),
        ];
        let mut index = Index::default();
        rows.iter().for_each(|it| index.add(it));
        assert_eq!(index.lanes_of("a").len(), 3);
        assert_eq!(index.lanes_of("b").len(), 2);
        let lane = Lane::of(&rows[0]);
        assert_eq!(index.files(&lane, None, 1), [FileId(1)]);
        assert_eq!(index.files(&lane, Some(FileId(1)), 9), [FileId(2)]);
        rows.iter().for_each(|it| index.remove(it));
        assert!(index.lanes.is_empty() && index.of_storage.is_empty());
    }

    #[test]
    fn portions_meet_every_job_once() {
        let mut index = Index::default();
        let users: [Arc<str>; 3] = ["u".into(), "v".into(), "w".into()];
        for n in 0..20 {
            index.add_job(&users[n % 3], JobId(uuid::Uuid::from_u128(n as u128)));
        }
        let (mut met, mut after) = (BTreeSet::new(), None);
        loop {
            let portion = index.jobs(after.as_ref(), 3);
            let Some(last) = portion.last() else { break };
            after = Some(last.clone());
            for (_, id) in portion {
                assert!(met.insert(id));
            }
        }
        assert_eq!(met.len(), 20);
        let of_u = index.jobs_of("u", None, 99);
        assert_eq!(of_u.len(), 7);
        for id in of_u {
            index.remove_job(&users[0], id);
        }
        assert!(index.jobs_of("u", None, 1).is_empty());
    }
}
