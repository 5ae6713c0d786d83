//! Files that wait to be brought online, gathered into bulks.
//!
//! Files that can share a request form a group. A full bulk goes at once. A partly filled one goes
//! at once, too, unless a request of its group is just being sent: then it fills until that one is
//! taken or its patience ends, so a storage that is busy gets fewer and fuller requests. Knows
//! neither rows nor storages; what waits costs nothing.
//!
//! # Invariants
//! - Nothing waits that may be sent, nothing goes beyond a bulk or a limit: the tests below.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use causeway_model::FileId;
use tokio::time::Instant;

use crate::credentials::Owner;

/// Names a group as long as something of it waits or is being sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct GroupId(u64);

/// What files must have in common to share a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct GroupKey {
    pub(crate) owner: Owner,
    pub(crate) vo: Arc<str>,
    pub(crate) storage: Arc<str>,
    pub(crate) space_token: String,
}

/// A VO at a storage: what limits are about.
pub(crate) type Place = (Arc<str>, Arc<str>);

impl GroupKey {
    pub(crate) fn place(&self) -> Place {
        (Arc::clone(&self.vo), Arc::clone(&self.storage))
    }
}

#[derive(Debug)]
struct Group {
    key: GroupKey,
    /// Files that fit into one request.
    bulk: usize,
    waiting: BTreeSet<FileId>,
    /// Since when the oldest of them waits.
    since: Instant,
    /// Requests that are being sent.
    sending: u32,
    in_round: bool,
}

/// How freely bulks may be taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) now: Instant,
    /// How long a partly filled bulk waits for the request before it.
    pub(crate) patience: Duration,
}

/// Files of one request to come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Bulk {
    pub(crate) group: GroupId,
    pub(crate) key: GroupKey,
    pub(crate) files: Vec<FileId>,
}

/// All groups.
#[derive(Debug, Default)]
pub(crate) struct Gathering {
    groups: HashMap<GroupId, Group>,
    ids: HashMap<GroupKey, GroupId>,
    last: u64,
    /// Groups that may have something to send.
    round: VecDeque<GroupId>,
    /// Groups that stand at the limit of their VO at their storage.
    held: HashMap<Place, Vec<GroupId>>,
    /// Groups that fill up, and until when at most.
    filling: BTreeSet<(Instant, GroupId)>,
}

impl Gathering {
    /// Lets a file wait. `bulk` is asked for when it is the first of its group.
    pub(crate) fn add(
        &mut self,
        key: GroupKey,
        file: FileId,
        now: Instant,
        bulk: impl FnOnce() -> usize,
    ) -> GroupId {
        let id = match self.ids.get(&key) {
            Some(id) => *id,
            None => self.open(key, now, bulk()),
        };
        let Some(group) = self.groups.get_mut(&id) else {
            return id;
        };
        if group.waiting.is_empty() {
            group.since = now;
        }
        group.waiting.insert(file);
        if group.waiting.len() == 1 || group.waiting.len() == group.bulk {
            self.join_round(id);
        }
        id
    }

    fn open(&mut self, key: GroupKey, now: Instant, bulk: usize) -> GroupId {
        self.last += 1;
        let id = GroupId(self.last);
        self.ids.insert(key.clone(), id);
        let group = Group {
            key,
            bulk: bulk.max(1),
            waiting: BTreeSet::new(),
            since: now,
            sending: 0,
            in_round: false,
        };
        self.groups.insert(id, group);
        id
    }

    /// Takes a file out again; false when it does not wait.
    pub(crate) fn remove(&mut self, id: GroupId, file: FileId) -> bool {
        let group = self.groups.get_mut(&id);
        let was_there = group.is_some_and(|it| it.waiting.remove(&file));
        self.close_if_done(id);
        was_there
    }

    /// Files that wait, over all groups.
    pub(crate) fn waiting(&self) -> usize {
        self.groups.values().map(|it| it.waiting.len()).sum()
    }

    /// A request of a group is sent, well or not.
    pub(crate) fn sent(&mut self, id: GroupId) {
        if let Some(group) = self.groups.get_mut(&id) {
            group.sending = group.sending.saturating_sub(1);
        }
        self.join_round(id);
        self.close_if_done(id);
    }

    /// A VO may have more at a storage than before.
    pub(crate) fn room_at(&mut self, place: &Place) {
        for id in self.held.remove(place).unwrap_or_default() {
            self.join_round(id);
        }
    }

    /// Looks again at all groups that fill up.
    pub(crate) fn wake_filling(&mut self) {
        for (_, id) in std::mem::take(&mut self.filling) {
            self.join_round(id);
        }
    }

    /// Until when the group may wait that fills up and goes first.
    pub(crate) fn next_filled(&self) -> Option<Instant> {
        self.filling.first().map(|it| it.0)
    }

    /// The next bulk that may be sent. `allowance` tells how many more files a VO may have under
    /// way at a storage.
    pub(crate) fn take(&mut self, pace: Pace, allowance: impl Fn(&Place) -> usize) -> Option<Bulk> {
        while let Some(id) = self.round.pop_front() {
            let Some(group) = self.groups.get_mut(&id) else {
                continue;
            };
            group.in_round = false;
            if group.waiting.is_empty() {
                continue;
            }
            let place = group.key.place();
            let room = allowance(&place);
            if room == 0 {
                let held = self.held.entry(place).or_default();
                if !held.contains(&id) {
                    held.push(id);
                }
                continue;
            }
            let until = group.since + pace.patience;
            let full = group.waiting.len() >= group.bulk;
            if !full && group.sending > 0 && pace.now < until {
                self.filling.insert((until, id));
                continue;
            }
            let count = group.bulk.min(room).min(group.waiting.len());
            let files = (0..count).filter_map(|_| group.waiting.pop_first());
            let bulk = Bulk {
                group: id,
                key: group.key.clone(),
                files: files.collect(),
            };
            group.sending += 1;
            // Those left came later.
            group.since = pace.now;
            self.join_round(id);
            return Some(bulk);
        }
        None
    }

    fn join_round(&mut self, id: GroupId) {
        if let Some(group) = self.groups.get_mut(&id)
            && !std::mem::replace(&mut group.in_round, true)
        {
            self.round.push_back(id);
        }
    }

    fn close_if_done(&mut self, id: GroupId) {
        let done = |it: &Group| it.waiting.is_empty() && it.sending == 0;
        if self.groups.get(&id).is_some_and(done)
            && let Some(group) = self.groups.remove(&id)
        {
            self.ids.remove(&group.key);
        }
    }
}

#[cfg(test)]
mod tests;
