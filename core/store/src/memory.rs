//! The store without a disk: the model in memory behind the same port.
//!
//! No thread and no timer, so it runs under any runtime and under a paused clock. Every call is
//! done when it returns; a write takes effect when it is called, not when it is awaited.

use std::future::{Future, ready};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use causeway_model::ports::{FileQuery, JobQuery, JobStore, JobView, StoreError, Transaction};
use causeway_model::{FileId, FileState, Job, JobId, RetryLog, Transfer};
use parking_lot::RwLock;

use crate::check::Pending;
use crate::hot::Hot;
use crate::hot_job::HotJob;
use crate::hot_lists;
use crate::memory_settings::Aside;

/// A store that forgets everything when it is dropped.
#[derive(Debug, Default)]
pub struct MemoryStore {
    pub(crate) hot: RwLock<Hot>,
    pub(crate) aside: Aside,
    next_file: AtomicU64,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    fn insert_now(&self, view: JobView) -> Result<(), StoreError> {
        let rows = rows_of(view);
        let mut hot = self.hot.write();
        if rows.jobs.iter().any(|it| self.aside.keeps(it.job_id)) {
            return Err(StoreError::DuplicateJob);
        }
        Pending::default().check_insert(&hot, &rows)?;
        hot.apply(rows);
        Ok(())
    }

    fn apply_now(&self, rows: Transaction) -> Result<(), StoreError> {
        let mut hot = self.hot.write();
        Pending::default().check_apply(&hot, &rows)?;
        hot.apply(rows);
        Ok(())
    }

    fn read<T>(&self, id: JobId, read: impl FnOnce(&HotJob) -> T) -> Option<T> {
        self.hot.read().jobs.get(&id).map(read)
    }
}

/// The rows of a job as the rows of a transaction.
pub(crate) fn rows_of(view: JobView) -> Transaction {
    Transaction {
        jobs: vec![view.job],
        files: view.files,
        deletions: view.deletions,
        retries: Vec::new(),
        events: Vec::new(),
    }
}

#[async_trait]
impl JobStore for MemoryStore {
    fn reserve_file_ids(&self, count: u64) -> Range<u64> {
        let start = self.next_file.fetch_add(count, Ordering::Relaxed) + 1;
        start..start + count
    }

    fn insert<'a, 'b>(
        &'a self,
        view: JobView,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(ready(self.insert_now(view)))
    }

    fn apply<'a, 'b>(
        &'a self,
        rows: Transaction,
    ) -> Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(ready(self.apply_now(rows)))
    }

    async fn job(&self, id: JobId) -> Result<Option<Arc<Job>>, StoreError> {
        Ok(self.read(id, |it| it.job.clone()))
    }

    async fn view(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        Ok(self.read(id, HotJob::view))
    }

    async fn retries(&self, id: JobId, file: FileId) -> Result<Vec<RetryLog>, StoreError> {
        Ok(self.read(id, |it| it.retries_of(file)).unwrap_or_default())
    }

    async fn list_jobs(&self, query: &JobQuery) -> Result<Vec<Arc<Job>>, StoreError> {
        Ok(self.hot.read().list_jobs(query))
    }

    async fn list_files(&self, query: &FileQuery) -> Result<Vec<Arc<Transfer>>, StoreError> {
        Ok(hot_lists::list_files(&self.hot, query))
    }

    async fn unfinished(&self) -> Result<Vec<JobId>, StoreError> {
        Ok(self.hot.read().unfinished())
    }

    fn file_counts(&self) -> Vec<(FileState, u64)> {
        self.hot.read().file_counts()
    }
}
