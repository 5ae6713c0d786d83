//! Deletions: the way of a row from DELETE to its end or its next try.
//!
//! What a user has to delete at a storage is one group. Groups take turns, so a job with a million
//! rows does not keep the others waiting; of a VO at a storage at most so many run as its limit
//! allows.
//!
//! # Invariants
//! - No limit is exceeded and nothing waits that could start: the tests below.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use causeway_model::settings::Operation;
use causeway_model::{Deletion, DeletionState, Fault, FileId};

use crate::board::Place;
use crate::credentials::Owner;
use crate::dispatcher::{Dispatcher, Effect, Subject};
use crate::retry;

/// Time between two attempts at a deletion.
const RETRY_MILLIS: i64 = 120_000;

/// A VO at a storage: what limits are about.
type Corner = (Arc<str>, Arc<str>);

/// What has something in common: whose it is, for which VO, where.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Group {
    pub(crate) owner: Owner,
    pub(crate) vo: Arc<str>,
    pub(crate) storage: Arc<str>,
}

impl Group {
    fn corner(&self) -> Corner {
        (Arc::clone(&self.vo), Arc::clone(&self.storage))
    }
}

/// Deletions that wait, and the number of those that run.
#[derive(Debug, Default)]
pub(crate) struct Deletions {
    waiting: HashMap<Group, VecDeque<FileId>>,
    /// Groups whose turn will come.
    round: VecDeque<Group>,
    /// Groups that stand at the limit of their VO at their storage.
    held: BTreeMap<Corner, Vec<Group>>,
    running: HashMap<FileId, Corner>,
    at: HashMap<Corner, usize>,
}

impl Deletions {
    pub(crate) fn add(&mut self, group: Group, file: FileId) {
        let queue = self.waiting.entry(group.clone()).or_default();
        let is_first = queue.is_empty();
        queue.push_back(file);
        if is_first {
            self.round.push_back(group);
        }
    }

    /// The next that may start. It runs from now on.
    pub(crate) fn next(
        &mut self,
        most: usize,
        limit: impl Fn(&str, &str) -> Option<usize>,
    ) -> Option<FileId> {
        if self.running.len() >= most {
            return None;
        }
        while let Some(group) = self.round.pop_front() {
            let corner = group.corner();
            let count = self.at.get(&corner).copied().unwrap_or(0);
            if limit(&corner.0, &corner.1).is_some_and(|limit| count >= limit) {
                self.held.entry(corner).or_default().push(group);
                continue;
            }
            let Some(queue) = self.waiting.get_mut(&group) else {
                continue;
            };
            let file = queue.pop_front();
            match queue.is_empty() {
                true => drop(self.waiting.remove(&group)),
                false => self.round.push_back(group),
            }
            if let Some(file) = file {
                *self.at.entry(corner.clone()).or_default() += 1;
                self.running.insert(file, corner);
                return Some(file);
            }
        }
        None
    }

    /// A VO may have more at a storage than before.
    pub(crate) fn room_at(&mut self, corner: &Corner) {
        self.round
            .extend(self.held.remove(corner).unwrap_or_default());
    }

    /// Counts again: what waits and what runs.
    ///
    /// # Errors
    /// The first counter that is wrong.
    pub(crate) fn recount(&self) -> Result<usize, String> {
        let mut at: HashMap<&Corner, usize> = HashMap::new();
        for corner in self.running.values() {
            *at.entry(corner).or_default() += 1;
        }
        let same = at.len() == self.at.len()
            && at
                .iter()
                .all(|(corner, count)| self.at.get(*corner) == Some(count));
        if !same {
            return Err(format!("deletions: counted {:?}, found {at:?}", self.at));
        }
        let waiting: usize = self.waiting.values().map(VecDeque::len).sum();
        Ok(waiting + self.running.len())
    }

    /// Limits have gone.
    pub(crate) fn room_everywhere(&mut self) {
        let held = std::mem::take(&mut self.held);
        self.round.extend(held.into_values().flatten());
    }

    /// One that ran does not any more.
    pub(crate) fn ended(&mut self, file: FileId) {
        let Some(corner) = self.running.remove(&file) else {
            return;
        };
        if let Some(count) = self.at.get_mut(&corner) {
            *count -= 1;
            if *count == 0 {
                self.at.remove(&corner);
            }
        }
        self.round
            .extend(self.held.remove(&corner).unwrap_or_default());
    }
}

impl Dispatcher {
    /// Starts whatever deletions may start now.
    pub(crate) fn start_deletions(&mut self) {
        let most = self.config.deletion_max_active;
        loop {
            let limit = &self.operation_limit;
            let limit = |vo: &str, storage: &str| limit(vo, storage, Operation::Delete);
            let Some(file) = self.deletions.next(most, limit) else {
                return;
            };
            self.pick_deletion(file);
        }
    }

    fn pick_deletion(&mut self, file: FileId) {
        let (now, host) = (self.now, Arc::clone(&self.host));
        let picked = self.board.change_deletion(file, |row| {
            row.state = DeletionState::Started;
            row.start_time = Some(now);
            row.host = Some(host);
        });
        if !picked {
            // Cancelled in its queue.
            self.deletions.ended(file);
            return;
        }
        let attempt = self.open_attempt(Subject::Deletion(file));
        self.board.place_deletion(file, Place::Running(attempt));
        self.effects.push(Effect::Start(attempt));
    }

    /// Puts a deletion where it waits for its turn, or for the time of its next attempt.
    pub(crate) fn line_up_deletion(&mut self, file: FileId) {
        let Some(row) = self.board.deletion(file).map(|it| Arc::clone(&it.row)) else {
            return;
        };
        if row.state.is_terminal() {
            return;
        }
        if let Some(due) = row.retry_timestamp.filter(|due| *due > self.now) {
            self.board.place_deletion(file, Place::Delayed);
            self.delay(file, due);
            return;
        }
        let Some(job) = self.board.job(row.job_id).map(|it| &it.job) else {
            return;
        };
        let group = Group {
            owner: Owner::of(job),
            vo: Arc::clone(&row.vo_name),
            storage: Arc::clone(&row.source_se),
        };
        self.board.place_deletion(file, Place::Queued);
        self.deletions.add(group, file);
    }

    pub(crate) fn deletion_finished(&mut self, file: FileId, seconds: f64) {
        let now = self.now;
        // One that was cancelled stays so.
        self.board.change_deletion(file, |row| {
            row.state = DeletionState::Finished;
            row.finish_time = Some(now);
            row.tx_duration = Some(seconds);
            row.reason = None;
        });
    }

    pub(crate) fn deletion_failed(&mut self, file: FileId, fault: &Fault) {
        let Some(row) = self.board.deletion(file).map(|it| Arc::clone(&it.row)) else {
            return;
        };
        let Some(job) = self.board.job(row.job_id).map(|it| Arc::clone(&it.job)) else {
            return;
        };
        if row.state.is_terminal() {
            return;
        }
        let now = self.now;
        let left =
            retry::attempts_after_first(self.retry_defaults(&job), &job).saturating_sub(row.retry);
        if left > 0 && fault.is_recoverable() {
            self.board.change_deletion(file, |row| {
                row.state = DeletionState::Delete;
                row.retry += 1;
                row.retry_timestamp = Some(now.plus_millis(RETRY_MILLIS));
                row.reason = Some(fault.to_string());
            });
            self.line_up_deletion(file);
            return;
        }
        let state = match fault.is_cancellation() {
            true => DeletionState::Canceled,
            false => DeletionState::Failed,
        };
        let end = |row: &mut Deletion| {
            row.state = state;
            row.finish_time = Some(now);
            row.reason = Some(fault.to_string());
        };
        self.board.change_deletion(file, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(vo: &str, storage: &str) -> Group {
        Group {
            owner: Owner {
                cred_id: "c".into(),
                user_dn: "/CN=u".into(),
                vo_name: "v".into(),
            },
            vo: vo.into(),
            storage: storage.into(),
        }
    }

    fn drain(deletions: &mut Deletions, most: usize) -> Vec<u64> {
        let mut files = Vec::new();
        while let Some(file) = deletions.next(most, |vo, _| (vo == "small").then_some(2)) {
            files.push(file.0);
        }
        files
    }

    #[test]
    fn groups_take_turns() {
        let mut it = Deletions::default();
        for file in 0..4 {
            it.add(group("a", "s"), FileId(file));
        }
        it.add(group("a", "t"), FileId(10));
        it.add(group("b", "s"), FileId(20));
        assert_eq!(drain(&mut it, 5), [0, 10, 20, 1, 2]);
        it.ended(FileId(20));
        assert_eq!(drain(&mut it, 5), [3]);
    }

    #[test]
    fn a_limit_holds_its_own_only() {
        let mut it = Deletions::default();
        for file in 0..4 {
            it.add(group("small", "s"), FileId(file));
        }
        it.add(group("big", "s"), FileId(10));
        assert_eq!(drain(&mut it, 100), [0, 10, 1]);
        it.ended(FileId(10));
        assert_eq!(drain(&mut it, 100), [] as [u64; 0]);
        it.ended(FileId(0));
        assert_eq!(drain(&mut it, 100), [2]);
        for file in [1, 2] {
            it.ended(FileId(file));
        }
        assert_eq!(drain(&mut it, 100), [3]);
        it.ended(FileId(3));
        assert!(it.waiting.is_empty() && it.at.is_empty() && it.held.is_empty());
    }
}
