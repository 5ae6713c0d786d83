//! What bans do to work that is queued or runs.
//!
//! A transfer obeys the bans of both its storages, the strictest first: it is cancelled, or held
//! until they are lifted. The same rule is applied by the walk after a change, whenever a transfer
//! is about to be queued, and when a start takes it up; so a crash in the middle of a walk, a
//! replica that is enabled later, and a submission that slips in all end alike.

use causeway_model::settings::BanStatus;
use causeway_model::{FileId, FileState, JobId, JobType, Timestamp, Transfer};

use crate::dispatcher::Dispatcher;

/// Reason of what a ban of a storage cancels.
pub(crate) const STORAGE_BANNED: &str = "Storage banned";
/// Reason of what a ban of a user cancels.
const USER_BANNED: &str = "User banned";

/// What bans mean for a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Free,
    Held,
    Canceled,
}

impl Dispatcher {
    fn fate(&self, row: &Transfer) -> Fate {
        let bans = [&row.source_se, &row.dest_se]
            .into_iter()
            .filter_map(|se| self.settings.storage_ban(se, &row.vo_name));
        bans.fold(Fate::Free, |fate, ban| match ban.status {
            BanStatus::Cancel => Fate::Canceled,
            _ if fate == Fate::Canceled => fate,
            BanStatus::Wait | BanStatus::WaitAndSubmit => Fate::Held,
        })
    }

    /// Lets a transfer obey the bans of its storages; true when that changed it.
    pub(crate) fn obey_bans(&mut self, file: FileId) -> bool {
        use FileState as S;
        let Some(entry) = self.board.file(file) else {
            return false;
        };
        let state = entry.row.state;
        if state.is_terminal() {
            return false;
        }
        match (self.fate(&entry.row), state) {
            (Fate::Canceled, _) => self.cancel_for_banned_storage(file),
            (Fate::Held, S::Submitted) => self.put_on_hold(file, S::OnHold),
            (Fate::Held, S::Staging) => self.put_on_hold(file, S::OnHoldStaging),
            (Fate::Held, S::OnHold | S::OnHoldStaging) => {
                // Since when it was held is not in its row.
                let since = self
                    .board
                    .job(entry.row.job_id)
                    .map(|it| it.job.submit_time);
                self.watch_hold(file, since.unwrap_or(self.now));
                false
            }
            (Fate::Free, S::OnHold) => self.let_go(file, S::Submitted),
            (Fate::Free, S::OnHoldStaging) => self.let_go(file, S::Staging),
            _ => false,
        }
    }

    fn put_on_hold(&mut self, file: FileId, state: FileState) -> bool {
        self.withdraw(file);
        let held = self.board.move_file(file, state, |_| {});
        self.watch_hold(file, self.now);
        held
    }

    fn let_go(&mut self, file: FileId, state: FileState) -> bool {
        self.time_limits.held.remove(file);
        let freed = self.board.move_file(file, state, |_| {});
        self.line_up(file);
        freed
    }

    /// Notes when a held transfer is cancelled.
    fn watch_hold(&mut self, file: FileId, since: Timestamp) {
        let Some(row) = self.board.file(file).map(|it| &it.row) else {
            return;
        };
        let storages = [&row.source_se, &row.dest_se].into_iter();
        let bans = storages.filter_map(|se| self.settings.storage_ban(se, &row.vo_name));
        let ends = bans.filter(|ban| ban.wait_timeout > 0).map(|ban| {
            let timeout = i64::try_from(ban.wait_timeout).unwrap_or(i64::MAX);
            let begun = ban.addition_time.max(since);
            begun.plus_millis(timeout.saturating_mul(1000))
        });
        match ends.min() {
            Some(end) => self.time_limits.held.set(file, end),
            None => self.time_limits.held.remove(file),
        }
    }

    /// A held transfer has waited as long as its ban allows.
    pub(crate) fn hold_is_over(&mut self, file: FileId) {
        let held = |state| matches!(state, FileState::OnHold | FileState::OnHoldStaging);
        if self.board.file(file).is_some_and(|it| held(it.row.state)) {
            self.cancel_for_banned_storage(file);
        }
    }

    /// Cancels a transfer, whether it waits, runs or was never enabled, with what that means for
    /// the rest of its job.
    fn cancel_for_banned_storage(&mut self, file: FileId) -> bool {
        let Some((job, row)) = self.rows(file) else {
            return false;
        };
        let canceled = match row.state {
            FileState::NotUsed => {
                let now = self.now;
                self.board.move_file(file, FileState::Canceled, |row| {
                    row.finish_time = Some(now);
                    row.reason = Some(STORAGE_BANNED.to_owned());
                })
            }
            _ => self.cancel_file(file, STORAGE_BANNED),
        };
        match job.job_type {
            Some(JobType::MultiReplica) if row.state != FileState::NotUsed => {
                self.file_failed(file);
            }
            // A chain that lost a hop leads nowhere.
            Some(JobType::Multihop) => self.cancel_all_files(job.job_id),
            _ => {}
        }
        self.end_if_nothing_is_left(job.job_id, STORAGE_BANNED);
        canceled
    }

    fn cancel_all_files(&mut self, id: JobId) {
        let files = self.board.job(id).map(|it| it.files.clone());
        for file in files.unwrap_or_default() {
            self.cancel_file(file, STORAGE_BANNED);
        }
    }

    /// Cancels a job if its user is banned; true when that changed anything.
    pub(crate) fn cancel_for_banned_user(&mut self, id: JobId) -> bool {
        let Some(job) = self.board.job(id).map(|it| &it.job) else {
            return false;
        };
        if self.settings.user_ban(&job.user_dn).is_none() {
            return false;
        }
        let (was_terminal, _) = self.cancel(id, USER_BANNED);
        !was_terminal
    }
}
