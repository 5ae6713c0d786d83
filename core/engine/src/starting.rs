//! The dispatcher's way from a queued row to an order: pick, journal, credential, hand over.

use std::sync::Arc;
use std::time::Duration;

use causeway_model::oauth::TokenId;
use causeway_model::{DeletionState, FileId, FileState, JobState, Scope, Timestamp};

use crate::alarm::Alarm;
use crate::board::Place;
use crate::credentials::{Holder, Keys, Owner};
use crate::dispatcher::{Dispatcher, Effect, Stage, Subject};
use crate::messages::{AttemptId, Order};
use crate::order::{self, Decided};
use crate::scheduler::{Lane, Request};
use crate::siblings::is_last_hop;

/// Transfers without a share that are failed at a time; the rest follows with the next event.
const UNSHARED: usize = 1000;
/// Transfers that a ban ends on their way to a slot in one transaction. Whoever is behind them
/// waits until those are durable: the walk for the ban comes by in the same portions.
const BANNED: usize = 500;

impl Dispatcher {
    /// Starts whatever may start now.
    pub(crate) fn schedule(&mut self) {
        if self.closure().is_some() {
            return;
        }
        self.fail_unshared();
        loop {
            self.continue_sessions();
            if self.has_ended_enough() {
                break;
            }
            let Some(file) = self.scheduler.start_next() else {
                break;
            };
            self.session_has_slot(file);
            self.pick(file);
        }
        self.stage_files();
        self.start_deletions();
    }

    /// Whether bans have ended as many on their way to a slot as one transaction should have.
    pub(crate) fn has_ended_enough(&self) -> bool {
        self.banned_on_the_way >= BANNED
    }

    /// Ends transfers that no share of their link will ever start.
    fn fail_unshared(&mut self) {
        let now = self.now;
        for file in self.scheduler.take_unshared(UNSHARED) {
            let change = |row: &mut causeway_model::Transfer| {
                row.finish_time = Some(now);
                row.reason = Some("No share configured for this VO".to_owned());
                row.dest_surl_uuid = None;
            };
            let has_failed = self.board.move_file(file, FileState::Failed, change);
            self.withdraw(file);
            if has_failed {
                self.file_failed(file);
            }
        }
    }

    /// Begins an attempt at a transfer that has a slot.
    pub(crate) fn pick(&mut self, file: FileId) {
        // A ban may be quicker than the walk that follows it.
        if self.obey_bans(file) {
            self.banned_on_the_way += 1;
            self.count_as_met(file);
            self.give_slot_back(file);
            return;
        }
        let Some(entry) = self.board.file(file) else {
            self.scheduler.release(file);
            return;
        };
        let row = &entry.row;
        let log_file = self.log.path(
            self.now,
            &row.source_surl,
            &row.dest_surl,
            row.file_id,
            row.job_id,
        );
        let (state, job_id) = (row.state, row.job_id);
        let (now, host) = (self.now, self.host.clone());
        self.watch_picked(file);
        let change = |row: &mut causeway_model::Transfer| {
            row.start_time = Some(now);
            row.transfer_host = Some(host);
            row.log_file = log_file;
        };
        match state {
            // Begun before a restart: the state is as far as it was.
            FileState::Ready | FileState::Active => self.board.change_file(file, change),
            _ if self.board.move_file(file, FileState::Ready, change) => {}
            _ => {
                self.board.place_file(file, Place::Resting);
                self.give_slot_back(file);
                return;
            }
        }
        self.board.touch(job_id);
        let attempt = self.open_attempt(Subject::Transfer(file));
        self.board.place_file(file, Place::Running(attempt));
        self.effects.push(Effect::Start(attempt));
    }

    /// The row is durable: the attempt may start, as soon as its credentials are there.
    pub(crate) fn start(&mut self, attempt: AttemptId) {
        if self.is_handed_over(attempt) {
            // It waited for two credentials, and for the later one twice.
            return;
        }
        let Some((source, destination)) = self.holders(attempt) else {
            self.drop_unstarted(attempt);
            return;
        };
        let mut get = |holder| self.credentials.get(holder, attempt, self.now);
        // Both are asked for before either is waited for.
        let (source, destination) = (get(source), destination.map(get));
        let Some(source) = source else { return };
        let destination = match destination {
            None => Ok(None),
            Some(None) => return,
            Some(Some(found)) => found.map(Some),
        };
        match (source, destination) {
            (Ok(source), Ok(destination)) => {
                let keys = Keys {
                    source,
                    destination,
                };
                self.give_order(attempt, keys);
            }
            (Err(trouble), _) => self.fail_without_token(attempt, Scope::Source, &trouble),
            (_, Err(trouble)) => self.fail_without_token(attempt, Scope::Destination, &trouble),
        }
    }

    /// Where the credentials of an attempt come from: one for both sides, or one for each.
    fn holders(&mut self, attempt: AttemptId) -> Option<(Holder, Option<Holder>)> {
        let owner = self.owner(attempt)?;
        let (file, at) = match self.attempts.get(&attempt)?.subject {
            Subject::Transfer(file) | Subject::Leavings(file) => (file, &mut self.credentials),
            Subject::Deletion(file) => {
                let storage = &self.board.deletion(file)?.row.source_se;
                return Some((self.credentials.holder(owner, storage, self.now), None));
            }
        };
        let row = &self.board.file(file)?.row;
        let mut of = |id: Option<TokenId>, storage| match id {
            Some(token) => Holder::Token(token),
            None => at.holder(owner.clone(), storage, self.now),
        };
        let source = of(row.src_token_id, &row.source_se);
        let destination = of(row.dst_token_id, &row.dest_se);
        let other = (destination != source).then_some(destination);
        Some((source, other))
    }

    /// Whose credential an attempt uses; `None` when the attempt is not wanted any more.
    fn owner(&self, attempt: AttemptId) -> Option<Owner> {
        let work = self.attempts.get(&attempt)?;
        let job_id = match work.subject {
            Subject::Transfer(file) => {
                let row = &self.board.file(file)?.row;
                let wanted = matches!(row.state, FileState::Ready | FileState::Active);
                wanted.then_some(row.job_id)?
            }
            Subject::Deletion(file) => {
                let row = &self.board.deletion(file)?.row;
                (row.state == DeletionState::Started).then_some(row.job_id)?
            }
            Subject::Leavings(file) => self.board.file(file)?.row.job_id,
        };
        if !matches!(self.stage, Stage::Open) {
            return None;
        }
        Some(Owner::of(&self.board.job(job_id)?.job))
    }

    /// Ends an attempt that no worker has seen.
    fn drop_unstarted(&mut self, attempt: AttemptId) {
        match self.stage {
            Stage::Open => {
                if let Some(Subject::Transfer(file)) = self.close_attempt(attempt) {
                    self.note_end_of_canceled(file);
                    self.left_behind(file);
                }
            }
            // Its rows wait for the next start.
            _ => drop(self.attempts.remove(&attempt)),
        }
    }

    /// Hands an attempt to the workers.
    fn give_order(&mut self, attempt: AttemptId, keys: Keys) {
        if self.owner(attempt).is_none() {
            self.drop_unstarted(attempt);
            return;
        }
        let Some(order) = self.order(attempt, keys) else {
            self.drop_unstarted(attempt);
            return;
        };
        if let Some(work) = self.attempts.get_mut(&attempt) {
            work.handed_over = true;
        }
        self.crew.order(order);
    }

    fn order(&self, attempt: AttemptId, keys: Keys) -> Option<Order> {
        let subject = self.attempts.get(&attempt)?.subject;
        match subject {
            Subject::Transfer(file) | Subject::Leavings(file) => {
                let row = &self.board.file(file)?.row;
                let job = &self.board.job(row.job_id)?.job;
                let decided = Decided {
                    attempt,
                    keys,
                    is_last_hop: is_last_hop(&self.board, file),
                    log: row.log_file.is_some(),
                    streams: self.tuning.streams(&row.source_se, &row.dest_se),
                    avoid: self.avoided_ways(row),
                    trace: self.watched.trace(row.job_id, file),
                    session: self.session_of(file),
                    only_clean_up: matches!(subject, Subject::Leavings(_)),
                };
                let spec = order::attempt(&self.config, &self.settings, job, row, decided);
                Some(Order::Start(Box::new(spec)))
            }
            Subject::Deletion(file) => {
                let row = &self.board.deletion(file)?.row;
                let spec = order::deletion(row, attempt, keys.source);
                Some(Order::Delete(Box::new(spec)))
            }
        }
    }

    /// What the attempt announced is durable.
    pub(crate) fn grant(&mut self, attempt: AttemptId) {
        self.tell(attempt, Order::CommitGranted(attempt));
    }

    /// Sends an order about an attempt to the worker that has it.
    pub(crate) fn tell(&self, attempt: AttemptId, order: Order) {
        if self.is_handed_over(attempt) {
            self.crew.order(order);
        }
    }

    fn is_handed_over(&self, attempt: AttemptId) -> bool {
        self.attempts.get(&attempt).is_some_and(|it| it.handed_over)
    }

    /// Puts a transfer where its state says: into its queue, to what waits, or to rest.
    pub(crate) fn line_up(&mut self, file: FileId) {
        if self.obey_bans(file) {
            return;
        }
        self.check_queue_time(file);
        let Some(row) = self.board.file(file).map(|it| &it.row) else {
            return;
        };
        let due = row.retry_timestamp.filter(|due| *due > self.now);
        match (row.state, due) {
            (FileState::Submitted | FileState::Staging, Some(due)) => {
                self.board.place_file(file, Place::Delayed);
                self.delay(file, due);
            }
            (FileState::Submitted, None) => self.queue(file, Lane::Normal),
            (FileState::ForceStart, _) => self.queue(file, Lane::Forced),
            (FileState::Ready | FileState::Active, _) => self.queue(file, Lane::Begun),
            (FileState::Staging, None) => self.gather(file),
            (FileState::Started, _) => self.resume_staging(file),
            (FileState::Archiving, _) => self.await_tape(file),
            (FileState::QosTransition | FileState::QosRequestSubmitted, _) => {
                self.refuse_transition(file);
            }
            (FileState::TokenPrep, _) => self.prepare_tokens(file),
            _ => {}
        }
    }

    fn queue(&mut self, file: FileId, lane: Lane) {
        if !self.join_session(file, lane) {
            self.enqueue(file, lane, 1);
        }
    }

    /// Puts a transfer into its queue, on behalf of so many.
    pub(crate) fn enqueue(&mut self, file: FileId, lane: Lane, files: u32) {
        let Some(row) = self.board.file(file).map(|it| &it.row) else {
            return;
        };
        let row = Arc::clone(row);
        self.introduce_link(&row.source_se, &row.dest_se);
        self.tune_new_link(&row.source_se, &row.dest_se);
        self.scheduler.enqueue(Request {
            file,
            source: &row.source_se,
            destination: &row.dest_se,
            vo: &row.vo_name,
            activity: &row.activity,
            priority: row.priority,
            lane,
            files,
        });
        self.board.place_file(file, Place::Queued);
    }

    pub(crate) fn delay(&mut self, file: FileId, due: Timestamp) {
        let wait = u64::try_from(due.0 - self.now.0).unwrap_or(0);
        self.set_alarm(Duration::from_millis(wait), Alarm::Delay(file));
    }

    pub(crate) fn delay_is_over(&mut self, file: FileId) {
        let delayed = |place| place == Place::Delayed;
        if self.board.file(file).is_some_and(|it| delayed(it.place)) {
            self.line_up(file);
        } else if self
            .board
            .deletion(file)
            .is_some_and(|it| delayed(it.place))
        {
            self.line_up_deletion(file);
        }
    }

    /// Takes a job up: from a caller, or after a restart.
    pub(crate) fn adopt(&mut self, view: causeway_model::ports::JobView) {
        let id = view.job.job_id;
        let ended = view.job.state.is_terminal();
        if ended && view.files.iter().all(|it| !it.is_live()) {
            return;
        }
        let files: Vec<FileId> = view.files.iter().map(|it| it.file_id).collect();
        let deletions: Vec<FileId> = view.deletions.iter().map(|it| it.file_id).collect();
        if !self.board.adopt(view) {
            return;
        }
        self.end_canceled(&files);
        if ended || (files.is_empty() && deletions.is_empty()) {
            self.check_job(id);
            self.board.touch(id);
            return;
        }
        if self.cancel_for_banned_user(id) {
            return;
        }
        for file in files {
            self.line_up(file);
        }
        for file in deletions {
            self.line_up_deletion(file);
        }
        // A job whose rows have all ended ends now.
        if self.board.live(id) == 0 || self.board.job(id).is_some_and(job_is_behind) {
            self.board.touch(id);
        }
    }
}

impl Dispatcher {
    /// Attempts at cancelled transfers ended with the engine that ran them.
    fn end_canceled(&mut self, files: &[FileId]) {
        for file in files {
            let row = self.board.file(*file).map(|it| &it.row);
            if row.is_some_and(|it| it.state == FileState::Canceled && it.is_live()) {
                self.note_end_of_canceled(*file);
            }
        }
    }
}

fn job_is_behind(entry: &crate::board::JobEntry) -> bool {
    entry.job.state == JobState::Ready
}
