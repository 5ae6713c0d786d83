//! Counts what the engine holds, and compares every counter with what it stands for.
//!
//! For tests: the cost grows with all that is queued, so nothing in the engine asks for it. Knows
//! no rule of its own; a difference it finds is a bug of whoever keeps the counter.

use causeway_model::{DeletionState, FileState, JobType};

use crate::board::{FileEntry, Place};
use crate::control::{Command, Engine};
use crate::dispatcher::{Dispatcher, Subject};

/// What the engine holds: how many of each kind.
#[doc(hidden)]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census(pub Vec<(&'static str, usize)>);

impl Census {
    /// The kinds of which there are any.
    pub fn held(&self) -> Vec<(&'static str, usize)> {
        self.0.iter().filter(|it| it.1 > 0).copied().collect()
    }
}

impl Engine {
    /// Recounts everything in the dispatcher, between two events.
    ///
    /// # Errors
    /// The first difference between a counter and what it counts.
    #[doc(hidden)]
    pub async fn recount(&self) -> Result<Census, String> {
        let census = self.ask(Command::Recount).await;
        census.map_err(|error| error.to_string())
    }
}

impl Dispatcher {
    pub(crate) fn recount(&mut self) -> Result<Census, String> {
        self.scheduler.recount()?;
        self.recount_board()?;
        self.recount_attempts()?;
        let (sessions, slots) = self.sessions.recount();
        self.recount_slots(slots)?;
        let deleting = self.deletions.recount()?;
        let staging = self.staging.recount()?;
        let tape = self.archiving.recount()?;
        let mut census = vec![
            ("jobs", self.board.jobs.len()),
            ("transfers", self.board.files.len()),
            ("deletions", self.board.deletions.len()),
            ("indexed", self.board.index.len()),
            ("attempts", self.attempts.len()),
            ("queued", self.scheduler.queued()),
            ("slots", self.scheduler.active()),
            ("sessions", sessions),
            ("deleting", deleting),
            ("tape", tape),
            ("taken up", self.taken_up.len()),
            ("being written", self.inserting.len()),
            ("campaigns", self.campaigns.len()),
            ("broken off", self.board.broken_off.len()),
            ("limits of time", self.time_limits.len()),
        ];
        census.extend(staging);
        Ok(Census(census))
    }

    fn recount_board(&mut self) -> Result<(), String> {
        let jobs: Vec<_> = self.board.jobs.keys().copied().collect();
        for id in jobs {
            if self.board.recount(id) {
                return Err(format!("counters of job {id} were wrong"));
            }
        }
        for (id, entry) in &self.board.files {
            if !fits(entry) {
                let state = entry.row.state;
                return Err(format!("transfer {id} is {state} and {:?}", entry.place));
            }
        }
        for (id, entry) in &self.board.deletions {
            let (state, place) = (entry.row.state, entry.place);
            let fits = match state {
                DeletionState::Delete => matches!(place, Place::Queued | Place::Delayed),
                // Queued: taken up after a restart, or after the loss of a worker.
                DeletionState::Started => matches!(place, Place::Running(_) | Place::Queued),
                _ => matches!(place, Place::Running(_) | Place::Resting),
            };
            if !fits {
                return Err(format!("deletion {id} is {state} and {place:?}"));
            }
        }
        Ok(())
    }

    fn recount_attempts(&self) -> Result<(), String> {
        for (id, work) in &self.attempts {
            let place = match work.subject {
                Subject::Transfer(file) | Subject::Leavings(file) => {
                    self.board.file(file).map(|it| it.place)
                }
                Subject::Deletion(file) => self.board.deletion(file).map(|it| it.place),
            };
            if place != Some(Place::Running(*id)) {
                return Err(format!("attempt {id:?} at {:?} is {place:?}", work.subject));
            }
        }
        let files = self.board.files.values().map(|it| it.place);
        let deletions = self.board.deletions.values().map(|it| it.place);
        let running = |it: &Place| matches!(it, Place::Running(_));
        let running = files.chain(deletions).filter(running).count();
        match running == self.attempts.len() {
            true => Ok(()),
            false => Err(format!(
                "{running} rows run, with {} attempts",
                self.attempts.len()
            )),
        }
    }

    /// Every slot and every ticket of the scheduler is somebody's. `sessions` is the number of
    /// sessions that have a slot.
    fn recount_slots(&self, sessions: usize) -> Result<(), String> {
        let in_session = |it: &&FileEntry| {
            let job = self.board.job(it.row.job_id).map(|it| &it.job);
            let is_reuse = job.is_some_and(|it| it.job_type == Some(JobType::Reuse));
            is_reuse && self.config.allow_session_reuse
        };
        let files = || self.board.files.values();
        let has_slot = |it: &&FileEntry| match it.place {
            Place::Running(id) => {
                let subject = self.attempts.get(&id).map(|it| it.subject);
                !matches!(subject, Some(Subject::Leavings(_)))
            }
            _ => false,
        };
        let running = files().filter(has_slot);
        let alone = running.filter(|it| !in_session(it)).count();
        let queued = files().filter(|it| it.place == Place::Queued).count();
        let found = (alone + sessions, queued);
        let counted = (self.scheduler.active(), self.scheduler.queued());
        match found == counted {
            true => Ok(()),
            false => Err(format!(
                "slots and tickets: counted {counted:?}, found {found:?}"
            )),
        }
    }
}

/// Whether a transfer is where its state says.
fn fits(entry: &FileEntry) -> bool {
    use FileState as S;
    let place = entry.place;
    match entry.row.state {
        S::Submitted => matches!(place, Place::Queued | Place::Delayed | Place::InSession),
        S::ForceStart => matches!(place, Place::Queued | Place::InSession),
        // Queued: begun before a restart, or before the loss of a worker.
        S::Ready | S::Active => {
            matches!(place, Place::Running(_) | Place::Queued | Place::InSession)
        }
        S::Staging => matches!(place, Place::Gathering(_) | Place::Delayed),
        S::Started => matches!(place, Place::Staging(_)),
        S::Archiving => place == Place::AwaitingTape,
        S::OnHold | S::OnHoldStaging | S::NotUsed => place == Place::Resting,
        S::Finished | S::Failed | S::Canceled => {
            matches!(place, Place::Running(_) | Place::Resting)
        }
        S::QosTransition | S::QosRequestSubmitted | S::TokenPrep => true,
    }
}
