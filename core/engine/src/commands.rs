//! What the dispatcher does when it is asked: take a job, cancel, change a priority.
//!
//! A job that is not on the board has ended or never was; then the store knows, and is asked from
//! a task of its own.

use std::sync::Arc;

use causeway_model::observe::Observation;
use causeway_model::ports::{CancelCounts, FileCancel, JobCancel, JobStore, StoreError};
use causeway_model::{DeletionState, FileId, FileState, JobId, JobState};

use crate::board::Place;
use crate::control::{Answer, Command, Reply};
use crate::dispatcher::{Dispatcher, Effect};
use crate::messages::Order;

/// Reason of everything a user cancels.
const BY_USER: &str = "Job canceled by the user";

impl Dispatcher {
    pub(crate) fn command(&mut self, command: Command) {
        let job = match &command {
            Command::CancelJob(id, _)
            | Command::CancelFiles(id, _, _)
            | Command::SetPriority(id, _, _) => Some(*id),
            _ => None,
        };
        if let Some(waiting) = job.and_then(|id| self.inserting.get_mut(&id)) {
            waiting.push(command);
            return;
        }
        match command {
            Command::Inserting(id) => drop(self.inserting.entry(id).or_default()),
            Command::Inserted(view) => {
                let id = view.job.job_id;
                self.watched.observe(&Observation::JobTaken {
                    vo: &view.job.vo_name,
                    files: view.files.len(),
                    deletions: view.deletions.len(),
                });
                self.adopt(*view);
                self.catch_up(id);
            }
            Command::NotInserted(id) => self.catch_up(id),
            Command::CancelJob(id, answer) => self.cancel_job(id, answer),
            Command::CancelFiles(id, files, answer) => self.cancel_files(id, &files, answer),
            Command::CancelAll(vo_name, answer) => self.cancel_all(vo_name.as_deref(), answer),
            Command::SetPriority(id, priority, answer) => self.set_priority(id, priority, answer),
            Command::ForceStart(files, answer) => self.force_start(&files, answer),
            Command::Settings(settings, changes, answer) => {
                self.apply_settings(*settings, &changes, answer);
            }
            Command::Ask(question) => self.reply(question),
            Command::Ready(answer) => drop(answer.send(self.readiness())),
            Command::Recount(answer) => {
                let census = self.recount().map_err(StoreError::Failed);
                // A caller who went away does not hear it.
                drop(answer.send(census));
            }
            Command::Shutdown(grace, done) => {
                self.stopped.push(done);
                self.begin_stop(grace);
            }
        }
    }

    /// Does what was asked while a job was being written.
    fn catch_up(&mut self, id: JobId) {
        for command in self.inserting.remove(&id).unwrap_or_default() {
            self.command(command);
        }
    }

    fn cancel_job(&mut self, id: JobId, answer: Answer<Option<JobCancel>>) {
        if self.board.job(id).is_none() {
            ask_store_for_job(Arc::clone(&self.store), id, answer);
            return;
        }
        let (before, _) = self.cancel(id, BY_USER);
        self.answer_with_job(id, before, answer);
    }

    fn answer_with_job(
        &mut self,
        id: JobId,
        was_terminal: bool,
        answer: Answer<Option<JobCancel>>,
    ) {
        let cancel = self.board.job(id).map(|it| JobCancel {
            job: Arc::clone(&it.job),
            was_terminal,
        });
        self.effects
            .push(Effect::Answer(Reply::Job(answer, cancel)));
    }

    /// Cancels a job on the board. Tells whether it had ended before, and what changed.
    pub(crate) fn cancel(&mut self, id: JobId, reason: &str) -> (bool, CancelCounts) {
        let mut counts = CancelCounts::default();
        let Some(entry) = self.board.job(id) else {
            return (true, counts);
        };
        if entry.job.state.is_terminal() {
            return (true, counts);
        }
        let (files, deletions) = (entry.files.clone(), entry.deletions.clone());
        for file in files {
            counts.files += u64::from(self.cancel_file(file, reason));
        }
        for file in deletions {
            counts.deletions += u64::from(self.cancel_deletion(file, reason));
        }
        self.end_as_canceled(id, reason);
        counts.jobs = 1;
        (false, counts)
    }

    pub(crate) fn end_as_canceled(&mut self, id: JobId, reason: &str) {
        self.board.change_job(id, |job| {
            job.state = JobState::Canceled;
            job.cancel_job = true;
            job.reason = Some(reason.to_owned());
        });
        self.board.end_job(id, self.now);
    }

    /// Cancels a transfer if it has not ended. A running one gets its finish time when its attempt
    /// is over.
    pub(crate) fn cancel_file(&mut self, file: FileId, reason: &str) -> bool {
        let Some(entry) = self.board.file(file) else {
            return false;
        };
        if !entry.row.state.is_cancelable() {
            return false;
        }
        let place = entry.place;
        let now = self.now;
        let canceled = self.board.move_file(file, FileState::Canceled, |row| {
            let runs = matches!(place, Place::Running(_)) && row.pid.is_some();
            row.finish_time = (!runs).then_some(now);
            row.reason = Some(reason.to_owned());
            row.dest_surl_uuid = None;
        });
        self.withdraw(file);
        // One that runs gives its pin back when its attempt is over; one that was copied did.
        if !matches!(place, Place::Running(_) | Place::AwaitingTape) {
            self.give_pin_back(file);
        }
        canceled
    }

    /// Takes a transfer that has ended, or must not go on, away from wherever it is.
    pub(crate) fn withdraw(&mut self, file: FileId) {
        self.time_limits.held.remove(file);
        let Some((place, row)) = self.board.file(file).map(|it| (it.place, it.row.clone())) else {
            return;
        };
        if matches!(place, Place::Delayed | Place::Queued) {
            self.measure_given_up(&row);
        }
        match place {
            // What is left to do for it is done when its attempt is over.
            Place::Running(attempt) => self.tell(attempt, Order::Cancel(attempt)),
            Place::Queued => {
                self.scheduler.remove(file);
                self.board.place_file(file, Place::Resting);
                self.leave_session(file);
            }
            Place::InSession => {
                self.board.place_file(file, Place::Resting);
                self.leave_session(file);
            }
            Place::Gathering(_) | Place::Staging(_) => self.abort_staging(file, place),
            Place::AwaitingTape => self.leave_tape(file),
            Place::Delayed | Place::Resting => {
                self.board.place_file(file, Place::Resting);
            }
        }
    }

    fn cancel_deletion(&mut self, file: FileId, reason: &str) -> bool {
        let Some(entry) = self.board.deletion(file) else {
            return false;
        };
        let place = entry.place;
        let now = self.now;
        let canceled = self.board.change_deletion(file, |row| {
            row.state = DeletionState::Canceled;
            row.finish_time = Some(now);
            row.reason = Some(reason.to_owned());
        });
        match place {
            Place::Running(attempt) => self.tell(attempt, Order::Cancel(attempt)),
            // In its queue it is found ended when its turn comes.
            _ => drop(self.board.place_deletion(file, Place::Resting)),
        }
        canceled
    }

    fn cancel_files(
        &mut self,
        id: JobId,
        files: &[FileId],
        answer: Answer<Option<Vec<FileCancel>>>,
    ) {
        let Some(entry) = self.board.job(id) else {
            ask_store_for_files(Arc::clone(&self.store), id, files.to_vec(), answer);
            return;
        };
        let was_terminal = entry.job.state.is_terminal();
        let mut any = false;
        let mut answers = Vec::with_capacity(files.len());
        for file in files {
            let row = self.board.file(*file).map(|it| &it.row);
            answers.push(match row.filter(|it| it.job_id == id) {
                None => FileCancel::NotInJob,
                Some(row) if !row.state.is_cancelable() => FileCancel::AlreadyTerminal(row.state),
                Some(_) => {
                    any |= self.cancel_file(*file, BY_USER);
                    FileCancel::Canceled
                }
            });
        }
        if any && !was_terminal && self.board.live(id) == 0 {
            // As users know it: whatever the others did, the last cancel decides.
            self.end_as_canceled(id, BY_USER);
        }
        let reply = Reply::Files(answer, answers);
        self.effects.push(Effect::Answer(reply));
    }

    fn cancel_all(&mut self, vo_name: Option<&str>, answer: Answer<CancelCounts>) {
        let wanted =
            |it: &&crate::board::JobEntry| vo_name.is_none_or(|vo| it.job.vo_name.as_ref() == vo);
        let jobs = self.board.jobs.values().filter(wanted);
        let mut jobs: Vec<JobId> = jobs.map(|it| it.job.job_id).collect();
        // In an order, so that a run can be repeated.
        jobs.sort_unstable();
        let mut all = CancelCounts::default();
        for id in jobs {
            let (_, counts) = self.cancel(id, BY_USER);
            all.files += counts.files;
            all.deletions += counts.deletions;
            all.jobs += counts.jobs;
        }
        self.effects
            .push(Effect::Answer(Reply::Counts(answer, all)));
    }

    fn set_priority(&mut self, id: JobId, priority: i32, answer: Answer<Option<JobCancel>>) {
        let Some(entry) = self.board.job(id) else {
            ask_store_for_job(Arc::clone(&self.store), id, answer);
            return;
        };
        let was_terminal = entry.job.state.is_terminal();
        if !was_terminal {
            let files = entry.files.clone();
            self.board.change_job(id, |job| job.priority = priority);
            for file in files {
                self.change_priority(file, priority);
            }
        }
        self.answer_with_job(id, was_terminal, answer);
    }

    fn change_priority(&mut self, file: FileId, priority: i32) {
        let Some(entry) = self.board.file(file) else {
            return;
        };
        if entry.row.state.is_terminal() {
            return;
        }
        let (place, state) = (entry.place, entry.row.state);
        self.board.change_file(file, |row| row.priority = priority);
        if place == Place::Queued && state == FileState::Submitted {
            self.scheduler.remove(file);
            self.line_up(file);
        }
    }
}

fn ask_store_for_job(store: Arc<dyn JobStore>, id: JobId, answer: Answer<Option<JobCancel>>) {
    tokio::spawn(async move {
        let job = store.job(id).await;
        let job = job.map(|it| {
            it.map(|job| JobCancel {
                job,
                was_terminal: true,
            })
        });
        // A caller who went away does not hear it.
        drop(answer.send(job));
    });
}

fn ask_store_for_files(
    store: Arc<dyn JobStore>,
    id: JobId,
    files: Vec<FileId>,
    answer: Answer<Option<Vec<FileCancel>>>,
) {
    tokio::spawn(async move {
        let view = store.view(id).await.map(|view| {
            let view = view?;
            let state = |file: &FileId| {
                let row = view.files.iter().find(|it| it.file_id == *file);
                row.map_or(FileCancel::NotInJob, |it| {
                    FileCancel::AlreadyTerminal(it.state)
                })
            };
            Some(files.iter().map(state).collect())
        });
        // A caller who went away does not hear it.
        drop(answer.send(view));
    });
}
