//! What the dispatcher makes of an attempt whose worker is gone.
//!
//! An attempt that had nothing to do with it, or was about to commit, is taken up as after a restart
//! of the gateway: the same number, no retry spent. So is one of which nothing was heard yet, unless
//! it uses the plugin that ended the worker: then it had begun, and was quick. Any other failed.
//! Being taken up may happen so often to one file; then it failed, too, lest it ends workers for
//! ever.

use causeway_model::{DeletionState, FileId, FileState, JobId};

use crate::crew::{Loss, Part};
use crate::dispatcher::{Dispatcher, Subject};
use crate::messages::AttemptId;
use crate::optimizer::window::Ended;

/// Times that a file is taken up again without spending a retry.
const TAKEN_UP_MAX: u32 = 3;

impl Dispatcher {
    /// An attempt was lost with its worker.
    pub(crate) fn lost(&mut self, attempt: AttemptId, subject: Subject, loss: &Loss) {
        let spared = match subject {
            Subject::Transfer(file) => self.may_take_up(file, self.is_spared(file, loss.part)),
            Subject::Deletion(file) => self.may_take_up(file, loss.part == Part::Bystander),
            // What it did not remove is of no use in a day, and goes then.
            Subject::Leavings(_) => false,
        };
        let Some(subject) = self.close_attempt(attempt) else {
            // Left for the next start, which takes it up.
            return;
        };
        tracing::info!(attempt = attempt.0, spared, how = loss.how, "attempt lost");
        if let Subject::Transfer(file) = subject
            && self.config.resume_dir.is_some()
        {
            self.board.broken_off.note(file);
            self.left_behind(file);
        }
        match (subject, spared) {
            (Subject::Transfer(file), true) => {
                if let Some(row) = self.board.file(file).map(|it| it.row.clone()) {
                    self.measure_end(&row, Ended::Stopped);
                }
                self.line_up(file);
            }
            (Subject::Transfer(file), false) => self.transfer_lost(file, loss),
            (Subject::Deletion(file), true) => self.line_up_deletion(file),
            (Subject::Leavings(_), _) => {}
            (Subject::Deletion(file), false) => {
                self.taken_up.remove(&file);
                self.deletion_failed(file, &loss.fault());
            }
        }
    }

    /// An attempt that ended in order begins a new count.
    pub(crate) fn forget_losses(&mut self, attempt: AttemptId) {
        if let Some(work) = self.attempts.get(&attempt) {
            let (Subject::Transfer(file) | Subject::Deletion(file) | Subject::Leavings(file)) =
                work.subject;
            self.taken_up.remove(&file);
        }
    }

    /// A job that ended has no losses, whatever way its files took.
    pub(crate) fn forget_losses_of(&mut self, job: JobId) {
        if self.taken_up.is_empty() {
            return;
        }
        if let Some(entry) = self.board.job(job) {
            for file in entry.files.iter().chain(&entry.deletions) {
                self.taken_up.remove(file);
            }
        }
    }

    /// The attempt failed, but not in order: nobody cleaned up behind it, so what it announced
    /// stays for the next one to find.
    fn transfer_lost(&mut self, file: FileId, loss: &Loss) {
        self.taken_up.remove(&file);
        let Some(row) = self.board.file(file).map(|it| it.row.clone()) else {
            return;
        };
        self.transfer_failed(file, loss.fault().into());
        let tried_again = |it: &crate::board::FileEntry| it.row.state == FileState::Submitted;
        if self.board.file(file).is_some_and(tried_again) {
            self.board.change_file(file, |fresh| {
                fresh.commit_intent = row.commit_intent.clone();
                fresh.destination_cleared = row.destination_cleared;
            });
        }
    }

    /// Whether an attempt is taken up, as far as it is up to its part in the loss.
    fn is_spared(&self, file: FileId, part: Part) -> bool {
        let Some(row) = self.board.file(file).map(|it| &it.row) else {
            return false;
        };
        // What stands at the destination must be compared with what was announced, which only
        // the same attempt does.
        let commits = row.commit_intent.is_some();
        let unheard = row.state == FileState::Ready;
        match part {
            Part::Bystander => true,
            Part::Unknown => commits || unheard,
            Part::Suspect => commits,
        }
    }

    fn may_take_up(&mut self, file: FileId, wanted: bool) -> bool {
        let runs = match (self.board.file(file), self.board.deletion(file)) {
            (Some(it), _) => matches!(it.row.state, FileState::Ready | FileState::Active),
            (_, Some(it)) => it.row.state == DeletionState::Started,
            _ => false,
        };
        if !wanted || !runs {
            return false;
        }
        let times = self.taken_up.entry(file).or_default();
        *times += 1;
        *times <= TAKEN_UP_MAX
    }
}
