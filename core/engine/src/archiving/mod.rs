//! Waiting for the tape copy of files that were copied.
//!
//! Storages are asked about many files at once, at an interval; each file has its own time at which
//! it is asked about next, so files that come later fill up what is asked anyway. A file whose time
//! is over is asked about once more before it fails. What waits costs nothing between questions.
//!
//! # Invariants
//! - A storage is asked a few questions at a time, however many files wait for it.
//! - A file leaves when it is cancelled, and an answer that comes later changes nothing.
//!
//! Both by `tests/archiving.rs`.

mod asking;
mod outcome;
mod recount;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use causeway_model::{FileId, Timestamp};
use causeway_sdk::{FileState, Result, Url};
use tokio::time::Instant;

use crate::board::Place;
use crate::credentials::Owner;
use crate::dispatcher::Dispatcher;

/// Time until the first question about a file, unless questions are asked more often anyway.
const FIRST_QUESTION: Duration = Duration::from_secs(300);
/// Time after the end of a file's time at which it fails whatever its storage is about to say.
const GUARD_MILLIS: i64 = 800_000;
/// Questions that a storage gets at the same time on behalf of one user.
const QUESTIONS_AT_ONCE: u32 = 4;

/// Names a group of files that can share a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct GroupId(u64);

/// An answer of a storage.
pub(crate) struct News {
    group: GroupId,
    files: Vec<FileId>,
    asked: Timestamp,
    answer: Result<Vec<FileState>>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Key {
    owner: Owner,
    storage: Arc<str>,
    space_token: String,
}

struct Group {
    key: Key,
    /// Files by the time at which they are asked about.
    due: BTreeSet<(Instant, FileId)>,
    /// Files in questions without an answer.
    asked: BTreeSet<FileId>,
    /// Number of those questions.
    asking: u32,
    /// When the next alarm comes.
    alarm: Option<Instant>,
}

struct Waiting {
    group: GroupId,
    url: Url,
    /// When it is asked about; `None` while it is in a question.
    due: Option<Instant>,
    /// Failed questions in a row.
    failures: u32,
}

/// What waits for tape.
#[derive(Default)]
pub(crate) struct Archiving {
    groups: HashMap<GroupId, Group>,
    ids: HashMap<Key, GroupId>,
    files: HashMap<FileId, Waiting>,
    last: u64,
}

impl Archiving {
    fn group(&mut self, key: Key) -> GroupId {
        if let Some(id) = self.ids.get(&key) {
            return *id;
        }
        self.last += 1;
        let id = GroupId(self.last);
        self.ids.insert(key.clone(), id);
        let group = Group {
            key,
            due: BTreeSet::new(),
            asked: BTreeSet::new(),
            asking: 0,
            alarm: None,
        };
        self.groups.insert(id, group);
        id
    }

    /// Sets when a file is asked about; `None` for now.
    fn set_due(&mut self, file: FileId, due: Option<Instant>) {
        let Some(waiting) = self.files.get_mut(&file) else {
            return;
        };
        let before = std::mem::replace(&mut waiting.due, due);
        if let Some(group) = self.groups.get_mut(&waiting.group) {
            group.take_out(file, before);
            match due {
                Some(due) => drop(group.due.insert((due, file))),
                None => drop(group.asked.insert(file)),
            }
        }
    }

    /// Forgets a file.
    fn leave(&mut self, file: FileId) {
        let Some(waiting) = self.files.remove(&file) else {
            return;
        };
        if let Some(group) = self.groups.get_mut(&waiting.group) {
            group.take_out(file, waiting.due);
        }
        self.close_if_done(waiting.group);
    }

    fn close_if_done(&mut self, id: GroupId) {
        // Of a question that is being taken in, some files may have gone and others not yet.
        let done = |it: &Group| it.due.is_empty() && it.asked.is_empty() && it.asking == 0;
        if self.groups.get(&id).is_some_and(done)
            && let Some(group) = self.groups.remove(&id)
        {
            self.ids.remove(&group.key);
        }
    }

    /// The first files of a group whose time has come, if it may be asked about any.
    fn due(&self, id: GroupId, now: Instant, most: usize) -> Vec<FileId> {
        let group = self.groups.get(&id);
        let Some(group) = group.filter(|it| it.asking < QUESTIONS_AT_ONCE) else {
            return Vec::new();
        };
        let due = group.due.iter().take_while(|it| it.0 <= now);
        due.map(|it| it.1).take(most).collect()
    }
}

impl Group {
    fn take_out(&mut self, file: FileId, due: Option<Instant>) {
        match due {
            Some(due) => drop(self.due.remove(&(due, file))),
            None => drop(self.asked.remove(&file)),
        }
    }
}

impl Dispatcher {
    /// Lets a file wait for its tape copy.
    pub(crate) fn await_tape(&mut self, file: FileId) {
        let Some((job, row)) = self.rows(file) else {
            return;
        };
        let group = self.archiving.group(Key {
            owner: Owner::of(&job),
            storage: Arc::clone(&row.dest_se),
            space_token: job.space_token.clone(),
        });
        // One that was asked about before a restart need not wait again.
        let wait = match row.archive_start_time {
            Some(_) => Duration::ZERO,
            None => FIRST_QUESTION.min(self.question_interval()),
        };
        let due = Instant::now() + wait;
        let waiting = Waiting {
            group,
            url: row.dest_surl.clone(),
            due: Some(due),
            failures: 0,
        };
        self.archiving.files.insert(file, waiting);
        self.archiving.set_due(file, Some(due));
        self.board.place_file(file, Place::AwaitingTape);
        self.set_question_alarm(group);
    }

    /// Lets nobody wait for the tape copy of a file any more.
    pub(crate) fn leave_tape(&mut self, file: FileId) {
        self.archiving.leave(file);
        self.board.place_file(file, Place::Resting);
    }
}
