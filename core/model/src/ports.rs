//! What others need from the rooms at the side: traits, so that another store fits behind them.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use causeway_sdk::Secret;
use serde::{Deserialize, Serialize};

use crate::{Deletion, FileId, FileState, Job, JobId, JobState, RetryLog, Timestamp, Transfer};

/// Why a store could not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A job with this id exists or existed.
    #[error("job id is taken")]
    DuplicateJob,
    /// A live transfer goes to the same destination already.
    #[error("destination is taken by a live transfer: {0}")]
    DuplicateDestination(String),
    /// Try again later.
    #[error("store is busy: {0}")]
    Busy(String),
    /// It is broken.
    #[error("store failed: {0}")]
    Failed(String),
}

/// A job with all that belongs to it, seen at one moment.
#[derive(Clone, Debug)]
pub struct JobView {
    /// The job.
    pub job: Arc<Job>,
    /// Its transfers, by file id.
    pub files: Vec<Arc<Transfer>>,
    /// Its deletions, by file id.
    pub deletions: Vec<Arc<Deletion>>,
}

/// Rows that change together. Whoever reads sees all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Transaction {
    /// Jobs, as they shall be.
    pub jobs: Vec<Arc<Job>>,
    /// Transfers, as they shall be.
    pub files: Vec<Arc<Transfer>>,
    /// Deletions, as they shall be.
    pub deletions: Vec<Arc<Deletion>>,
    /// Failed attempts to remember.
    pub retries: Vec<RetryLog>,
}

impl Transaction {
    /// True when there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
            && self.files.is_empty()
            && self.deletions.is_empty()
            && self.retries.is_empty()
    }
}

/// Which jobs are wanted. Every condition given must hold.
#[derive(Clone, Debug, Default)]
pub struct JobQuery {
    /// Delegation id of the owner.
    pub cred_id: Option<String>,
    /// DN of the owner.
    pub user_dn: Option<String>,
    /// VO.
    pub vo_name: Option<String>,
    /// One of these states; `Some` of an empty list matches nothing.
    pub states: Option<Vec<JobState>>,
    /// Common source storage.
    pub source_se: Option<String>,
    /// Common destination storage.
    pub dest_se: Option<String>,
    /// Only jobs that have not ended.
    pub unfinished_only: bool,
    /// Only jobs that ended at or after this.
    pub finished_since: Option<Timestamp>,
    /// At most so many, the newest submission first.
    pub limit: Option<usize>,
}

/// Which transfers are wanted. Every condition given must hold.
#[derive(Clone, Debug, Default)]
pub struct FileQuery {
    /// VO.
    pub vo_name: Option<String>,
    /// One of these states; `Some` of an empty list matches nothing.
    pub states: Option<Vec<FileState>>,
    /// Source storage.
    pub source_se: Option<String>,
    /// Destination storage.
    pub dest_se: Option<String>,
    /// Destination URL.
    pub dest_surl: Option<String>,
    /// Only transfers that have not ended.
    pub unfinished_only: bool,
    /// Only transfers that ended at or after this.
    pub finished_since: Option<Timestamp>,
    /// At most so many.
    pub limit: usize,
}

/// Jobs, transfers, deletions, retries.
///
/// There is one writer (the engine's dispatcher) and many readers. A write is durable when it
/// returns: it survives the end of the process and of the power.
#[async_trait]
pub trait JobStore: Send + Sync {
    /// Sets numbers aside for transfers; never given out twice, not even after a crash.
    fn reserve_file_ids(&self, count: u64) -> Range<u64>;

    /// Takes a new job with its rows.
    async fn insert(&self, view: JobView) -> Result<(), StoreError>;

    /// Changes rows. Transactions become visible in the order in which they were handed over.
    async fn apply(&self, transaction: Transaction) -> Result<(), StoreError>;

    /// One job.
    async fn job(&self, id: JobId) -> Result<Option<Arc<Job>>, StoreError>;

    /// One job with everything.
    async fn view(&self, id: JobId) -> Result<Option<JobView>, StoreError>;

    /// Failed attempts of a transfer, by attempt.
    async fn retries(&self, id: JobId, file: FileId) -> Result<Vec<RetryLog>, StoreError>;

    /// Jobs by condition.
    async fn list_jobs(&self, query: &JobQuery) -> Result<Vec<Arc<Job>>, StoreError>;

    /// Transfers by condition.
    async fn list_files(&self, query: &FileQuery) -> Result<Vec<Arc<Transfer>>, StoreError>;

    /// Ids of all jobs that have not ended, oldest first: what a start takes up again.
    async fn unfinished(&self) -> Result<Vec<JobId>, StoreError>;

    /// Number of transfers in each state, kept as they change.
    fn file_counts(&self) -> Vec<(FileState, u64)>;
}

/// A key pair that waits for its certificate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PendingDelegation {
    /// Certificate request, PEM.
    pub request_pem: String,
    /// Private key, PEM.
    pub private_key_pem: Secret,
    /// Length of the key.
    pub key_bits: u32,
    /// FQANs of the caller, joined by a blank.
    pub voms_attrs: String,
}

/// A proxy a user left with us.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredCredential {
    /// Certificate, key, chain, PEM.
    pub proxy_pem: Secret,
    /// FQANs, joined by a blank.
    pub voms_attrs: String,
    /// When it ends.
    pub termination_time: Timestamp,
}

/// Delegated credentials, kept encrypted.
#[async_trait]
pub trait CredentialVault: Send + Sync {
    /// The request that waits for a caller's certificate.
    async fn pending(
        &self,
        dlg_id: &str,
        dn: &str,
    ) -> Result<Option<PendingDelegation>, StoreError>;

    /// Keeps a request.
    async fn put_pending(
        &self,
        dlg_id: &str,
        dn: &str,
        pending: &PendingDelegation,
    ) -> Result<(), StoreError>;

    /// What a caller delegated.
    async fn credential(
        &self,
        dlg_id: &str,
        dn: &str,
    ) -> Result<Option<StoredCredential>, StoreError>;

    /// Keeps what a caller delegated.
    async fn put_credential(
        &self,
        dlg_id: &str,
        dn: &str,
        credential: &StoredCredential,
    ) -> Result<(), StoreError>;

    /// Forgets it; false when there was nothing.
    async fn delete_credential(&self, dlg_id: &str, dn: &str) -> Result<bool, StoreError>;
}

/// What time it is. Timers use the runtime's clock; this one is for rows and comparisons.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
}

/// The system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

/// What became of a job that should be cancelled.
#[derive(Clone, Debug)]
pub struct JobCancel {
    /// The job as it is now.
    pub job: Arc<Job>,
    /// It had ended before; nothing was changed.
    pub was_terminal: bool,
}

/// What became of a transfer that should be cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileCancel {
    /// It is cancelled now.
    Canceled,
    /// It had ended before, in this state.
    AlreadyTerminal(FileState),
    /// The job has no such transfer.
    NotInJob,
}

/// Number of rows that a cancellation of everything changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CancelCounts {
    /// Transfers.
    pub files: u64,
    /// Deletions.
    pub deletions: u64,
    /// Jobs.
    pub jobs: u64,
}

/// What the outside may ask of the engine. Every change of a job goes through here, because the
/// engine's dispatcher is the only writer.
#[async_trait]
pub trait JobControl: Send + Sync {
    /// Takes a job. When it returns the job survives the end of the process.
    async fn submit(&self, view: JobView) -> Result<(), StoreError>;

    /// Cancels a job with all its transfers and deletions; `None` when there is no such job.
    async fn cancel_job(&self, id: JobId) -> Result<Option<JobCancel>, StoreError>;

    /// Cancels some transfers of a job, in the order given; `None` when there is no such job.
    async fn cancel_files(
        &self,
        id: JobId,
        files: &[FileId],
    ) -> Result<Option<Vec<FileCancel>>, StoreError>;

    /// Cancels everything, or everything of a VO.
    async fn cancel_all(&self, vo_name: Option<&str>) -> Result<CancelCounts, StoreError>;

    /// Changes the priority of a job that has not ended; gives the job as it is now.
    async fn set_priority(&self, id: JobId, priority: i32)
    -> Result<Option<JobCancel>, StoreError>;
}
