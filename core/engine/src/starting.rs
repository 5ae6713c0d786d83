//! The dispatcher's way from a queued row to an order: pick, journal, credential, hand over.

use std::cmp::Reverse;
use std::time::Duration;

use causeway_model::{DeletionState, FileId, FileState, JobState, Timestamp};
use causeway_sdk::Credential;
use tokio::time::Instant;

use crate::board::Place;
use crate::credentials::Owner;
use crate::dispatcher::{Dispatcher, Effect, Stage, Subject};
use crate::messages::{AttemptId, Order};
use crate::order::{self, Decided};
use crate::siblings::is_last_hop;

/// Comes before every priority a user can give: work that had begun goes on first.
const BEGUN: i32 = i32::MAX;

impl Dispatcher {
    /// Starts whatever may start now.
    pub(crate) fn schedule(&mut self) {
        while let Some((_, file)) = self.scheduler.start_next() {
            self.pick(file);
        }
        while self.deletions_active < self.config.deletion_max_active
            && let Some(file) = self.deletion_queue.pop_front()
        {
            self.pick_deletion(file);
        }
    }

    fn pick(&mut self, file: FileId) {
        let Some(entry) = self.board.file(file) else {
            return;
        };
        let (link, row) = (entry.link, &entry.row);
        let log_file = self.log.path(
            self.now,
            &row.source_surl,
            &row.dest_surl,
            row.file_id,
            row.job_id,
        );
        let (state, job_id) = (row.state, row.job_id);
        let (now, host) = (self.now, self.host.clone());
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
                self.scheduler.release(link);
                return;
            }
        }
        self.board.touch(job_id);
        let attempt = self.open_attempt(Subject::Transfer(file));
        self.board.place_file(file, Place::Running(attempt));
        self.effects.push(Effect::Start(attempt));
    }

    fn pick_deletion(&mut self, file: FileId) {
        let (now, host) = (self.now, self.host.clone());
        let picked = self.board.change_deletion(file, |row| {
            row.state = DeletionState::Started;
            row.start_time = Some(now);
            row.host = Some(host);
        });
        if !picked {
            return;
        }
        self.deletions_active += 1;
        let attempt = self.open_attempt(Subject::Deletion(file));
        self.board.place_deletion(file, Place::Running(attempt));
        self.effects.push(Effect::Start(attempt));
    }

    /// The row is durable: the attempt may start, as soon as its credential is there.
    pub(crate) fn start(&mut self, attempt: AttemptId) {
        let Some(owner) = self.owner(attempt) else {
            self.drop_unstarted(attempt);
            return;
        };
        if let Some(credential) = self.credentials.get(owner, attempt, self.now) {
            self.give_order(attempt, credential);
        }
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
        };
        if !matches!(self.stage, Stage::Open) {
            return None;
        }
        let job = &self.board.job(job_id)?.job;
        Some(Owner {
            cred_id: job.cred_id.clone(),
            user_dn: job.user_dn.clone(),
        })
    }

    /// Ends an attempt that no worker has seen.
    fn drop_unstarted(&mut self, attempt: AttemptId) {
        match self.stage {
            Stage::Open => drop(self.close_attempt(attempt)),
            // Its rows wait for the next start.
            _ => drop(self.attempts.remove(&attempt)),
        }
    }

    /// Hands an attempt to the worker with the least to do.
    pub(crate) fn give_order(&mut self, attempt: AttemptId, credential: Credential) {
        if self.owner(attempt).is_none() {
            self.drop_unstarted(attempt);
            return;
        }
        let Some(order) = self.order(attempt, credential) else {
            self.drop_unstarted(attempt);
            return;
        };
        let least = (0..self.workers.len()).min_by_key(|it| self.workers[*it].running);
        let Some(worker) = least else { return };
        self.workers[worker].running += 1;
        if let Some(work) = self.attempts.get_mut(&attempt) {
            work.worker = Some(worker);
        }
        if self.workers[worker].orders.send(order).is_err() {
            tracing::error!(worker, "worker is gone, the engine stops");
            self.broken = true;
        }
    }

    fn order(&self, attempt: AttemptId, credential: Credential) -> Option<Order> {
        match self.attempts.get(&attempt)?.subject {
            Subject::Transfer(file) => {
                let row = &self.board.file(file)?.row;
                let job = &self.board.job(row.job_id)?.job;
                let decided = Decided {
                    attempt,
                    credential,
                    is_last_hop: is_last_hop(&self.board, file),
                    log: row.log_file.is_some(),
                };
                let spec = order::attempt(&self.config, job, row, decided);
                Some(Order::Start(Box::new(spec)))
            }
            Subject::Deletion(file) => {
                let row = &self.board.deletion(file)?.row;
                let spec = order::deletion(row, attempt, credential);
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
        let worker = self.attempts.get(&attempt).and_then(|it| it.worker);
        if let Some(worker) = worker
            && self.workers[worker].orders.send(order).is_err()
        {
            tracing::debug!(attempt = attempt.0, "worker is gone, order dropped");
        }
    }

    /// Puts a transfer where its state says: into its queue, to the delayed ones, or to rest.
    pub(crate) fn line_up(&mut self, file: FileId) {
        let Some(entry) = self.board.file(file) else {
            return;
        };
        let row = &entry.row;
        let priority = match row.state {
            FileState::Submitted => {
                if let Some(due) = row.retry_timestamp.filter(|due| *due > self.now) {
                    self.board.place_file(file, Place::Delayed);
                    self.delay(file, due);
                    return;
                }
                row.priority
            }
            FileState::ForceStart | FileState::Ready | FileState::Active => BEGUN,
            _ => return,
        };
        let link = entry.link;
        self.scheduler.enqueue(link, priority, file);
        self.board.place_file(file, Place::Queued(priority));
    }

    /// The same for a deletion.
    pub(crate) fn line_up_deletion(&mut self, file: FileId) {
        let Some(entry) = self.board.deletion(file) else {
            return;
        };
        let row = &entry.row;
        if row.state.is_terminal() {
            return;
        }
        if let Some(due) = row.retry_timestamp.filter(|due| *due > self.now) {
            self.board.place_deletion(file, Place::Delayed);
            self.delay(file, due);
            return;
        }
        self.board.place_deletion(file, Place::Queued(0));
        self.deletion_queue.push_back(file);
    }

    fn delay(&mut self, file: FileId, due: Timestamp) {
        let wait = u64::try_from(due.0 - self.now.0).unwrap_or(0);
        let due = Instant::now() + Duration::from_millis(wait);
        self.timers.push(Reverse((due, file)));
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
        if view.job.state.is_terminal() {
            return;
        }
        let files: Vec<FileId> = view.files.iter().map(|it| it.file_id).collect();
        let deletions: Vec<FileId> = view.deletions.iter().map(|it| it.file_id).collect();
        let scheduler = &mut self.scheduler;
        let link = |row: &causeway_model::Transfer| scheduler.link(&row.source_se, &row.dest_se);
        if !self.board.adopt(view, link) {
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

fn job_is_behind(entry: &crate::board::JobEntry) -> bool {
    entry.job.state == JobState::Ready
}
