//! What the engine tells of itself while it works, for metrics and traces.
//!
//! A port: the engine calls an [`Observer`], the server has one that counts. An observation borrows
//! what the engine holds anyway, so that making one costs nothing. What a number is called outside,
//! and how many label values there may be, is not known here.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{DeletionState, Fault, FileId, FileState, JobId, JobState, Timestamp};

/// Who watches. Called from the engine's event loop: it must be cheap and must never wait.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn observe(&self, what: &Observation<'_>);

    /// The trace that the attempts at a transfer belong to, as a W3C `traceparent`; nothing when it
    /// is not traced.
    fn trace(&self, _job: JobId, _file: FileId) -> Option<String> {
        None
    }
}

/// An observer that may be absent. Cheap to clone.
#[derive(Clone, Default)]
pub struct Watched(Option<Arc<dyn Observer>>);

impl Watched {
    /// Watched by this one.
    pub fn by(observer: Arc<dyn Observer>) -> Self {
        Self(Some(observer))
    }

    /// Tells the observer, if there is one.
    #[inline]
    pub fn observe(&self, what: &Observation<'_>) {
        if let Some(observer) = &self.0 {
            observer.observe(what);
        }
    }

    /// As [`Observer::trace`].
    pub fn trace(&self, job: JobId, file: FileId) -> Option<String> {
        self.0.as_ref()?.trace(job, file)
    }
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watched").field(&self.0.is_some()).finish()
    }
}

/// Whose transfer it is, and between which storages.
#[derive(Clone, Copy, Debug)]
pub struct Lane<'a> {
    /// VO of the job.
    pub vo: &'a Arc<str>,
    /// Storage of the source.
    pub source_se: &'a Arc<str>,
    /// Storage of the destination.
    pub dest_se: &'a Arc<str>,
}

/// A step of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Step {
    /// Looking at both sides, clearing the destination.
    Prepare,
    /// The source's checksum.
    SourceChecksum,
    /// Bytes move.
    Copy,
    /// What was streamed becomes visible.
    Commit,
    /// Size and checksum of the destination.
    Verify,
    /// What a failed attempt left is removed.
    CleanUp,
}

impl Step {
    /// All, in the order in which they come.
    pub const ALL: [Self; 6] = [
        Self::Prepare,
        Self::SourceChecksum,
        Self::Copy,
        Self::Commit,
        Self::Verify,
        Self::CleanUp,
    ];

    /// Name in metrics and traces.
    pub fn name(self) -> &'static str {
        match self {
            Self::Prepare => "prepare",
            Self::SourceChecksum => "source_checksum",
            Self::Copy => "copy",
            Self::Commit => "commit",
            Self::Verify => "verify",
            Self::CleanUp => "clean_up",
        }
    }
}

/// How long each step took, in microseconds, in the order of [`Step::ALL`]; 0 when it did not come.
/// A commit is part of its copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTimes(pub [u64; Step::ALL.len()]);

impl StepTimes {
    /// Adds to a step.
    pub fn add(&mut self, step: Step, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let at = &mut self.0[step as usize];
        // A step that came is told from one that did not, however short it was.
        *at = at.saturating_add(micros.max(1));
    }

    /// The steps that came, with their seconds.
    pub fn seconds(&self) -> impl Iterator<Item = (Step, f64)> + '_ {
        let steps = Step::ALL.into_iter().zip(self.0);
        let came = steps.filter(|(_, micros)| *micros > 0);
        came.map(|(step, micros)| (step, micros as f64 / 1e6))
    }
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug)]
pub enum AttemptOutcome<'a> {
    /// It worked; so many bytes are at the destination.
    Finished {
        /// Size of the file, if anybody knows it.
        bytes: Option<u64>,
    },
    /// It did not.
    Failed {
        /// Why.
        fault: &'a Fault,
        /// Whether another attempt follows.
        retried: bool,
    },
}

/// What a worker did or what was done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkerChange {
    /// It takes orders.
    Up,
    /// It has ended as it was told to.
    Ended,
    /// It died or was killed.
    Lost,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum Observation<'a> {
    /// The engine took a transfer up: of a new job, or after a start.
    FileTaken {
        /// Where.
        lane: Lane<'a>,
        /// State it is in.
        state: FileState,
    },
    /// The state of a transfer changed.
    FileMoved {
        /// Its job.
        job: JobId,
        /// The transfer.
        file: FileId,
        /// Where.
        lane: Lane<'a>,
        /// State before.
        from: FileState,
        /// State now.
        to: FileState,
        /// When the job was submitted.
        submitted: Timestamp,
    },
    /// The engine forgets a transfer that never ended: a replica nobody needed.
    FileLeft {
        /// Where.
        lane: Lane<'a>,
        /// State it was in.
        state: FileState,
    },
    /// A job was taken.
    JobTaken {
        /// Its VO.
        vo: &'a Arc<str>,
        /// Transfers in it.
        files: usize,
        /// Deletions in it.
        deletions: usize,
    },
    /// The state of a job changed.
    JobMoved {
        /// Its VO.
        vo: &'a Arc<str>,
        /// State now.
        to: JobState,
    },
    /// A transfer was picked from its queue.
    Picked {
        /// Where.
        lane: Lane<'a>,
        /// How long it could have started.
        waited: Duration,
    },
    /// Bytes of a running copy moved since the last time.
    Moved {
        /// Where.
        lane: Lane<'a>,
        /// So many.
        bytes: u64,
    },
    /// An attempt ended.
    AttemptEnded {
        /// Where.
        lane: Lane<'a>,
        /// Scheme of the source: which plugin read.
        source_scheme: &'a str,
        /// Scheme of the destination: which plugin wrote.
        dest_scheme: &'a str,
        /// How the bytes moved, if they did.
        rung: Option<&'static str>,
        /// What became of it.
        outcome: AttemptOutcome<'a>,
        /// Seconds the copy took.
        copy_seconds: f64,
        /// How long each step took.
        steps: StepTimes,
    },
    /// A deletion ended.
    DeletionEnded {
        /// VO of its job.
        vo: &'a Arc<str>,
        /// Its state.
        state: DeletionState,
    },
    /// Attempts and deletions that run, and for how many there is room.
    Slots {
        /// Running.
        used: usize,
        /// Room.
        total: usize,
    },
    /// A storage was asked about bringing files online.
    StagingAsked {
        /// What it was asked: a fixed word such as `bring_online` or `poll`.
        request: &'static str,
        /// Files in the request.
        files: usize,
        /// Whether it answered.
        answered: bool,
    },
    /// A transaction is durable.
    Journalled {
        /// Rows in it.
        rows: usize,
        /// How long it took.
        took: Duration,
    },
    /// A worker changed.
    Worker {
        /// How.
        change: WorkerChange,
    },
    /// Storages and users that are banned now.
    Bans {
        /// Storages.
        storages: usize,
        /// Users.
        users: usize,
    },
    /// The breaker of a storage opened or closed.
    Breaker {
        /// The storage.
        se: &'a Arc<str>,
        /// Whether it lets nothing through.
        open: bool,
    },
    /// The optimizer decided.
    Decided {
        /// Source storage.
        source_se: &'a Arc<str>,
        /// Destination storage.
        dest_se: &'a Arc<str>,
        /// Transfers that may run at the same time now.
        active: u32,
        /// Change against the value before.
        diff: i64,
        /// Smoothed throughput, bytes per second.
        throughput: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_where_their_number_says() {
        for (number, step) in Step::ALL.into_iter().enumerate() {
            assert_eq!(step as usize, number);
        }
    }

    #[test]
    fn a_step_that_took_no_time_came_all_the_same() {
        let mut times = StepTimes::default();
        times.add(Step::Copy, Duration::ZERO);
        times.add(Step::Verify, Duration::from_millis(1500));
        times.add(Step::Verify, Duration::from_millis(500));
        let seconds: Vec<_> = times.seconds().collect();
        assert_eq!(seconds, [(Step::Copy, 1e-6), (Step::Verify, 2.0)]);
    }

    #[test]
    fn nobody_watches_by_default() {
        let nobody = Watched::default();
        nobody.observe(&Observation::Slots { used: 1, total: 2 });
        assert!(nobody.trace(JobId::random(), FileId(1)).is_none());
    }
}
