//! Jobs whose files share one session.
//!
//! Such a job is one unit for the scheduler: its first file takes a slot, and when its attempt ends
//! the next takes over that slot, in the order of their numbers, until none waits. A file that is
//! tried again later joins the session if there still is one, and begins another if not. Keeping the
//! connection from file to file is the storages' business, whose pools know it; those pools live in
//! worker processes, so the files of a session go to one worker as long as it lives.
//!
//! # Invariants
//! - Of a session at most one file runs, and it has one slot: `tests/sessions.rs`.
//! - A session that nobody waits for gives its slot back before anything else starts.

use std::collections::{BTreeSet, HashMap};

use causeway_model::{FileId, FileState, JobId, JobType, Transfer};

use crate::board::Place;
use crate::dispatcher::Dispatcher;
use crate::scheduler::Lane;

/// Texts that say a worker is gone, and the session with it.
const WORKER_GONE: [&str; 7] = [
    "Transfer terminate handler called",
    "Transfer process died",
    "because it was stalled",
    "canceled by the user",
    "undefined symbol",
    "canceled because it was not responding",
    "Out of range value",
];

/// A session of a job, from the first file that waits for it to the last that left it.
#[derive(Debug, Default)]
struct Session {
    /// Files that wait for their turn.
    waiting: BTreeSet<FileId>,
    /// Under whose name the slot is queued or taken.
    ticket: Option<FileId>,
    /// The slot is taken.
    has_slot: bool,
}

/// Where a transfer stands in its session.
pub(crate) struct SessionTurn {
    /// Under whose name the session is queued, if it has no slot yet.
    pub(crate) queued_as: Option<FileId>,
    /// Files before it.
    pub(crate) ahead: u64,
    /// False when that is an estimate.
    pub(crate) exact: bool,
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    open: HashMap<JobId, Session>,
    /// Those whose file has ended: the next may run.
    between: Vec<JobId>,
}

impl Sessions {
    /// Sessions that are open, and those that have a slot.
    pub(crate) fn recount(&self) -> (usize, usize) {
        let with_slot = self.open.values().filter(|it| it.has_slot).count();
        (self.open.len(), with_slot)
    }
}

impl Dispatcher {
    /// The job with which a transfer shares a session.
    pub(crate) fn session_of(&self, file: FileId) -> Option<JobId> {
        let job_id = self.board.file(file)?.row.job_id;
        let is_reuse = self.board.job(job_id)?.job.job_type == Some(JobType::Reuse);
        (is_reuse && self.config.allow_session_reuse).then_some(job_id)
    }

    /// Puts a transfer into the line of its session; false when it has none.
    pub(crate) fn join_session(&mut self, file: FileId, lane: Lane) -> bool {
        let Some(job) = self.session_of(file) else {
            return false;
        };
        let session = self.sessions.open.entry(job).or_default();
        if session.ticket == Some(file) && !session.has_slot {
            // Queued already: what it is queued with has changed.
            self.queue_session(job, file, lane);
        } else if session.ticket.is_none() {
            session.ticket = Some(file);
            self.queue_session(job, file, lane);
        } else {
            session.waiting.insert(file);
            self.board.place_file(file, Place::InSession);
        }
        true
    }

    fn queue_session(&mut self, job: JobId, file: FileId, lane: Lane) {
        let files = u32::try_from(self.board.live(job)).unwrap_or(u32::MAX);
        self.enqueue(file, lane, files);
    }

    /// Whom a transfer lets go first in its session. What runs or is queued for the session counts
    /// as one; the number is exact when the files that wait follow each other without a gap.
    pub(crate) fn turn_in_session(&self, file: FileId) -> Option<SessionTurn> {
        let job = self.session_of(file)?;
        let session = self.sessions.open.get(&job)?;
        let files = &self.board.job(job)?.files;
        let index = |file: &FileId| files.partition_point(|it| it < file);
        let first = index(session.waiting.first()?);
        let last = index(session.waiting.last()?);
        Some(SessionTurn {
            queued_as: session.ticket.filter(|_| !session.has_slot),
            ahead: index(&file).saturating_sub(first) as u64 + 1,
            exact: last - first + 1 == session.waiting.len(),
        })
    }

    /// The slot of a session is there.
    pub(crate) fn session_has_slot(&mut self, file: FileId) {
        if let Some(job) = self.session_of(file)
            && let Some(session) = self.sessions.open.get_mut(&job)
            && session.ticket == Some(file)
        {
            session.has_slot = true;
        }
    }

    /// The attempt at a transfer has ended: its slot goes back, or to the next of its session.
    pub(crate) fn give_slot_back(&mut self, file: FileId) {
        let sessions = &mut self.sessions;
        let job = self.board.file(file).map(|it| it.row.job_id);
        let session = job.and_then(|job| Some((job, sessions.open.get(&job)?)));
        match session {
            Some((job, session)) if session.has_slot => sessions.between.push(job),
            _ => drop(self.scheduler.release(file)),
        }
    }

    /// Lets sessions go on whose file has ended.
    pub(crate) fn continue_sessions(&mut self) {
        while !self.has_ended_enough()
            && let Some(job) = self.sessions.between.pop()
        {
            let Some(session) = self.sessions.open.get_mut(&job) else {
                continue;
            };
            if let Some(next) = session.waiting.pop_first() {
                self.pick(next);
                continue;
            }
            let ticket = session.ticket;
            self.sessions.open.remove(&job);
            if let Some(ticket) = ticket {
                self.scheduler.release(ticket);
            }
        }
    }

    /// A transfer leaves its session before its turn.
    pub(crate) fn leave_session(&mut self, file: FileId) {
        let Some(job) = self.session_of(file) else {
            return;
        };
        let Some(session) = self.sessions.open.get_mut(&job) else {
            return;
        };
        session.waiting.remove(&file);
        if session.has_slot || session.ticket != Some(file) {
            return;
        }
        session.ticket = session.waiting.pop_first();
        match session.ticket {
            Some(next) => self.queue_session(job, next, Lane::Normal),
            None => drop(self.sessions.open.remove(&job)),
        }
    }

    /// Fails what is left of a session or a chain whose worker is gone.
    pub(crate) fn end_with_worker(&mut self, failed: FileId) {
        let Some((job, row)) = self.rows(failed) else {
            return;
        };
        let belong = matches!(job.job_type, Some(JobType::Reuse | JobType::Multihop));
        let reason = row.reason.clone().unwrap_or_default();
        if !belong || !WORKER_GONE.iter().any(|text| reason.contains(text)) {
            return;
        }
        let files = self.board.job(job.job_id).map(|it| it.files.clone());
        let now = self.now;
        for file in files.unwrap_or_default() {
            let end = |row: &mut Transfer| {
                row.reason = Some(reason.clone());
                row.finish_time = Some(now);
                row.dest_surl_uuid = None;
            };
            if self.board.move_file(file, FileState::Failed, end) {
                self.withdraw(file);
                self.give_pin_back(file);
            }
        }
    }
}
