//! What is known of a world, as an honest bystander sees it, and the rules that must hold.
//!
//! Whoever stands between the engine and its surroundings (store, crew, observer) tells the record
//! what passes by. The first rule that is broken is kept as the verdict; nothing panics here,
//! because the engine would take that for a failure of its surroundings.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use causeway_engine::messages::AttemptId;
use causeway_model::ports::JobView;
use causeway_model::{Deletion, FileId, FileState, Job, JobId, JobType, Timestamp, Transfer};
use parking_lot::Mutex;

use crate::limits::{Eras, Values};
use crate::tape::Tape;

/// Events that a verdict comes with.
const EVENTS: usize = 50;

/// An attempt that workers have.
#[derive(Clone, Debug)]
pub struct Run {
    pub file: FileId,
    pub source: String,
    /// The same as the source for a deletion.
    pub destination: String,
    pub deletes: bool,
    /// Started ahead of the limits of links and storages.
    pub forced: bool,
}

/// A job as it is in the store.
pub struct Stored {
    pub job: Arc<Job>,
    pub files: Vec<FileId>,
    pub deletions: Vec<FileId>,
}

/// Everything. See the module.
#[derive(Default)]
pub struct Ledger {
    pub jobs: BTreeMap<JobId, Stored>,
    pub files: BTreeMap<FileId, Arc<Transfer>>,
    pub deletions: BTreeMap<FileId, Arc<Deletion>>,
    /// Retries that were written down.
    pub retries: BTreeMap<FileId, u32>,
    /// Jobs whose submitter was told that they are safe.
    pub promised: BTreeSet<JobId>,
    /// Jobs that left the history, and whether they were to be kept elsewhere.
    pub retired: BTreeMap<JobId, bool>,
    /// Transfers whose user was told that they are cancelled.
    pub canceled: BTreeSet<FileId>,
    /// Attempts that workers have.
    pub running: BTreeMap<AttemptId, Run>,
    /// Transfers that were started by force, ever.
    pub forced: BTreeSet<FileId>,
    /// States as the engine announced them in this life.
    pub announced: BTreeMap<FileId, FileState>,
    pub eras: Eras,
    /// What the optimizer allowed.
    pub values: Values,
    pub tape: Tape,
    /// Attempts after the first for jobs that name no number.
    pub default_retry: u32,
    /// Transfers and deletions that may run in all.
    pub most: (usize, usize),
    events: VecDeque<String>,
    verdict: Option<String>,
    pub attempts: u64,
    pub transactions: u64,
}

/// The ledger, shared by those who write into it.
#[derive(Clone, Default)]
pub struct Record(pub Arc<Mutex<Ledger>>);

impl Record {
    pub fn with<T>(&self, look: impl FnOnce(&mut Ledger) -> T) -> T {
        look(&mut self.0.lock())
    }

    pub fn note(&self, now: Timestamp, text: impl Into<String>) {
        self.0.lock().note(now, text);
    }

    pub fn blame(&self, text: impl Into<String>) {
        self.0.lock().blame(text);
    }

    /// Keeps everything that passes by, for those who compare.
    pub fn keep_tape(&self) {
        self.0.lock().tape.roll();
    }

    /// Everything that passed by, if it was kept.
    pub fn tape(&self) -> Vec<String> {
        self.0.lock().tape.lines().to_vec()
    }

    /// The first rule that was broken, with what came before it.
    pub fn verdict(&self) -> Option<String> {
        let ledger = self.0.lock();
        let verdict = ledger.verdict.as_ref()?;
        let events: Vec<&str> = ledger.events.iter().map(String::as_str).collect();
        Some(format!("{verdict}\n{}", events.join("\n")))
    }
}

impl Ledger {
    pub fn note(&mut self, now: Timestamp, text: impl Into<String>) {
        let time = since_the_beginning(now);
        let line = format!("{:>12.3} {}", time as f64 / 1000.0, text.into());
        self.tape.note(&line);
        // What came after the verdict does not explain it.
        if self.verdict.is_some() {
            return;
        }
        if self.events.len() == EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(line);
    }

    /// What happened, in numbers.
    pub fn figures(&self) -> String {
        let (jobs, files, retired) = (self.jobs.len(), self.files.len(), self.retired.len());
        let (attempts, transactions) = (self.attempts, self.transactions);
        let sum = self.tape.sum();
        format!(
            "{jobs} jobs, {retired} of them left, {files} transfers, {attempts} attempts, \
             {transactions} transactions, tape {}",
            &sum[..16]
        )
    }

    pub fn blame(&mut self, text: impl Into<String>) {
        if self.verdict.is_none() {
            self.verdict = Some(text.into());
        }
    }

    pub fn must(&mut self, holds: Result<(), String>) {
        if let Err(text) = holds {
            self.blame(text);
        }
    }

    /// A job was stored.
    pub fn inserted(&mut self, now: Timestamp, view: &JobView) {
        let id = view.job.job_id;
        self.tape.thing(since_the_beginning(now), view);
        self.note(
            now,
            format!("stored job {id} {:?} {}", view.job.job_type, states(view)),
        );
        for row in &view.files {
            if self.files.insert(row.file_id, Arc::clone(row)).is_some() {
                self.blame(format!("number {} was given out twice", row.file_id));
            }
        }
        for row in &view.deletions {
            if self
                .deletions
                .insert(row.file_id, Arc::clone(row))
                .is_some()
            {
                self.blame(format!("number {} was given out twice", row.file_id));
            }
        }
        let stored = Stored {
            job: Arc::clone(&view.job),
            files: view.files.iter().map(|it| it.file_id).collect(),
            deletions: view.deletions.iter().map(|it| it.file_id).collect(),
        };
        if self.jobs.insert(id, stored).is_some() {
            self.blame(format!("job {id} was stored twice"));
        }
    }

    pub fn retries_allowed(&self, id: JobId) -> u32 {
        let Some(stored) = self.jobs.get(&id) else {
            return 0;
        };
        match (stored.job.job_type, stored.job.retry) {
            (Some(JobType::MultiReplica | JobType::Multihop), _) => 0,
            (_, 0) => self.default_retry,
            (_, asked) => u32::try_from(asked).unwrap_or(0),
        }
    }

    /// The engine says that a state changed.
    pub fn announced(&mut self, now: Timestamp, file: FileId, from: FileState, to: FileState) {
        self.tape.thing(since_the_beginning(now), &(file, from, to));
        let known = self.announced.insert(file, to);
        if known.is_some_and(|it| it != from) {
            self.blame(format!(
                "file {file} was {known:?} and left {from} for {to}"
            ));
        }
        if !from.can_become(to) {
            self.blame(format!("file {file} went from {from} to {to}"));
        }
        if from == FileState::ForceStart {
            self.forced.insert(file);
        }
    }
}

/// Milliseconds since the clock of tests began.
pub fn since_the_beginning(now: Timestamp) -> i64 {
    now.0 - 1_767_225_600_000
}

fn states(view: &JobView) -> String {
    let files = view
        .files
        .iter()
        .map(|it| format!("{}={}", it.file_id, it.state));
    let deletions = view
        .deletions
        .iter()
        .map(|it| format!("{}={}", it.file_id, it.state));
    files.chain(deletions).collect::<Vec<_>>().join(" ")
}
