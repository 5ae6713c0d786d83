//! One job in memory, with its rows.

use std::sync::Arc;

use causeway_model::ports::JobView;
use causeway_model::{Deletion, FileId, Job, RetryLog, Transfer};

/// A job with its rows, sorted by number.
#[derive(Clone, Debug)]
pub(crate) struct HotJob {
    pub(crate) job: Arc<Job>,
    pub(crate) files: Vec<Arc<Transfer>>,
    pub(crate) deletions: Vec<Arc<Deletion>>,
    pub(crate) retries: Vec<RetryLog>,
    /// Grows with every change of anything in the job.
    pub(crate) version: u64,
    /// The archive has an older image of it.
    pub(crate) archived: bool,
    live_rows: usize,
}

impl HotJob {
    /// A job with the rows it came with.
    pub(crate) fn new(
        job: Arc<Job>,
        mut files: Vec<Arc<Transfer>>,
        mut deletions: Vec<Arc<Deletion>>,
        mut retries: Vec<RetryLog>,
    ) -> Self {
        files.sort_by_key(|it| it.file_id);
        deletions.sort_by_key(|it| it.file_id);
        retries.sort_by_key(|it| (it.file_id, it.attempt));
        let live_rows = files.iter().filter(|it| it.is_live()).count()
            + deletions
                .iter()
                .filter(|it| !it.state.is_terminal())
                .count();
        Self {
            job,
            files,
            deletions,
            retries,
            version: 0,
            archived: false,
            live_rows,
        }
    }

    pub(crate) fn view(&self) -> JobView {
        JobView {
            job: self.job.clone(),
            files: self.files.clone(),
            deletions: self.deletions.clone(),
        }
    }

    pub(crate) fn file(&self, id: FileId) -> Option<&Arc<Transfer>> {
        let at = self.files.binary_search_by_key(&id, |it| it.file_id).ok()?;
        Some(&self.files[at])
    }

    /// Failed attempts of one transfer, by attempt.
    pub(crate) fn retries_of(&self, file: FileId) -> Vec<RetryLog> {
        let of = |it: &&RetryLog| it.file_id == file;
        self.retries.iter().filter(of).cloned().collect()
    }

    /// Nothing will happen to it any more: it ended, and so did each of its rows.
    pub(crate) fn is_settled(&self) -> bool {
        self.job.state.is_terminal() && self.live_rows == 0
    }

    pub(crate) fn rows(&self) -> usize {
        1 + self.files.len() + self.deletions.len() + self.retries.len()
    }
    /// Takes a transfer as it is now; gives it as it was.
    pub(crate) fn put_file(&mut self, file: Arc<Transfer>) -> Option<Arc<Transfer>> {
        self.live_rows += usize::from(file.is_live());
        let at = self
            .files
            .binary_search_by_key(&file.file_id, |it| it.file_id);
        match at {
            Ok(at) => {
                let old = std::mem::replace(&mut self.files[at], file);
                self.live_rows -= usize::from(old.is_live());
                Some(old)
            }
            Err(at) => {
                self.files.insert(at, file);
                None
            }
        }
    }

    /// Takes a deletion as it is now.
    pub(crate) fn put_deletion(&mut self, row: Arc<Deletion>) {
        self.live_rows += usize::from(!row.state.is_terminal());
        let at = self
            .deletions
            .binary_search_by_key(&row.file_id, |it| it.file_id);
        match at {
            Ok(at) => {
                let old = std::mem::replace(&mut self.deletions[at], row);
                self.live_rows -= usize::from(!old.state.is_terminal());
            }
            Err(at) => self.deletions.insert(at, row),
        }
    }

    /// Takes a failed attempt; the same one twice is one.
    pub(crate) fn put_retry(&mut self, row: RetryLog) {
        let key = (row.file_id, row.attempt);
        let at = self
            .retries
            .binary_search_by_key(&key, |it| (it.file_id, it.attempt));
        match at {
            Ok(at) => self.retries[at] = row,
            Err(at) => self.retries.insert(at, row),
        }
    }
}
