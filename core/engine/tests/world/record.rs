//! What is known of a world, as an honest bystander sees it, and the rules that must hold.
//!
//! Whoever stands between the engine and its surroundings (store, crew, observer) tells the record
//! what passes by. The first rule that is broken is kept as the verdict; nothing panics here,
//! because the engine would take that for a failure of its surroundings.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use causeway_engine::messages::AttemptId;
use causeway_model::ports::{JobView, Transaction};
use causeway_model::{Deletion, FileId, FileState, Job, JobId, JobType, Timestamp, Transfer};
use parking_lot::Mutex;

use crate::limits::Eras;
use crate::rules;

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
    pub jobs: HashMap<JobId, Stored>,
    pub files: HashMap<FileId, Arc<Transfer>>,
    pub deletions: HashMap<FileId, Arc<Deletion>>,
    /// Retries that were written down.
    pub retries: HashMap<FileId, u32>,
    /// Jobs whose submitter was told that they are safe.
    pub promised: HashSet<JobId>,
    /// Transfers whose user was told that they are cancelled.
    pub canceled: HashSet<FileId>,
    /// Attempts that workers have.
    pub running: HashMap<AttemptId, Run>,
    /// Transfers that were started by force, ever.
    pub forced: HashSet<FileId>,
    /// States as the engine announced them in this life.
    pub announced: HashMap<FileId, FileState>,
    pub eras: Eras,
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
        // What came after the verdict does not explain it.
        if self.verdict.is_some() {
            return;
        }
        if self.events.len() == EVENTS {
            self.events.pop_front();
        }
        let time = now.0 - 1_767_225_600_000;
        self.events
            .push_back(format!("{:>12.3} {}", time as f64 / 1000.0, text.into()));
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

    /// Rows were changed.
    pub fn applied(&mut self, now: Timestamp, rows: &Transaction) {
        self.transactions += 1;
        let mut touched: HashSet<JobId> = rows.jobs.iter().map(|it| it.job_id).collect();
        for row in &rows.files {
            touched.insert(row.job_id);
            self.file_changed(now, row);
        }
        for row in &rows.deletions {
            touched.insert(row.job_id);
            self.deletion_changed(now, row);
        }
        for retry in &rows.retries {
            let known = self.retries.entry(retry.file_id).or_default();
            *known += 1;
            if retry.attempt != *known {
                let text = format!("retry {known} of {} is {}", retry.file_id, retry.attempt);
                self.blame(text);
            }
        }
        for id in touched {
            let new = rows.jobs.iter().find(|it| it.job_id == id);
            self.job_changed(now, id, new);
        }
    }

    fn file_changed(&mut self, now: Timestamp, row: &Arc<Transfer>) {
        let Some(before) = self.files.get(&row.file_id).cloned() else {
            self.blame(format!("transfer {} came from nowhere", row.file_id));
            return;
        };
        if before.state != row.state {
            self.note(
                now,
                format!("file {} {} > {}", row.file_id, before.state, row.state),
            );
        }
        self.must(rules::transfer_may_become(&before, row));
        let retries = self.retries_allowed(row.job_id);
        if row.retry > retries {
            self.blame(format!(
                "file {} has {} of {retries} retries",
                row.file_id, row.retry
            ));
        }
        self.files.insert(row.file_id, Arc::clone(row));
    }

    fn deletion_changed(&mut self, now: Timestamp, row: &Arc<Deletion>) {
        let Some(before) = self.deletions.get(&row.file_id).cloned() else {
            self.blame(format!("deletion {} came from nowhere", row.file_id));
            return;
        };
        if before.state != row.state {
            self.note(
                now,
                format!("deletion {} {} > {}", row.file_id, before.state, row.state),
            );
        }
        self.must(rules::deletion_may_become(&before, row));
        let retries = self.retries_allowed(row.job_id);
        if row.retry > retries {
            self.blame(format!(
                "deletion {} has {} of {retries} retries",
                row.file_id, row.retry
            ));
        }
        self.deletions.insert(row.file_id, Arc::clone(row));
    }

    fn job_changed(&mut self, now: Timestamp, id: JobId, new: Option<&Arc<Job>>) {
        let Some(stored) = self.jobs.get(&id) else {
            self.blame(format!("job {id} came from nowhere"));
            return;
        };
        let before = Arc::clone(&stored.job);
        let after = new.cloned().unwrap_or_else(|| Arc::clone(&before));
        let files: Vec<_> = stored
            .files
            .iter()
            .map(|it| Arc::clone(&self.files[it]))
            .collect();
        let deletions = stored.deletions.iter();
        let deletions: Vec<_> = deletions.map(|it| self.deletions[it].state).collect();
        if before.state != after.state {
            self.note(now, format!("job {id} {} > {}", before.state, after.state));
        }
        self.must(rules::job_follows(&before, &after, &files, &deletions));
        if let Some(stored) = self.jobs.get_mut(&id) {
            stored.job = after;
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
    pub fn announced(&mut self, file: FileId, from: FileState, to: FileState) {
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
