//! What others need from the rooms at the side: traits, so that another store fits behind them.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use causeway_sdk::{Credential, Secret};
use serde::{Deserialize, Serialize};

use crate::cloud_keys::Errand;
use crate::events::Event;
use crate::explain::Explanation;
use crate::settings::{AuditRow, Change, StorageBanRow, UserBanRow};
use crate::{
    Conditions, Deletion, EvolutionRow, FileId, FileState, Forecast, Job, JobId, JobState,
    OptimizerRow, RetryLog, Settings, Timestamp, Transfer,
};

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
    /// What happened, of transfers and jobs that are among the rows.
    pub events: Vec<Event>,
}

impl Transaction {
    /// True when there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.jobs.is_empty()
            && self.files.is_empty()
            && self.deletions.is_empty()
            && self.retries.is_empty()
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.jobs.len() + self.files.len() + self.deletions.len() + self.retries.len()
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

/// What becomes of jobs that ended long ago.
#[async_trait]
pub trait HistoryStore: Send + Sync {
    /// Takes some jobs out that ended before a time, with all their rows; copies
    /// of them are kept for [`HistoryStore::archived`] if so wished. Tells how many.
    async fn retire(
        &self,
        ended_before: Timestamp,
        limit: usize,
        keep: bool,
    ) -> Result<usize, StoreError>;

    /// One job that was retired, with everything.
    async fn archived(&self, id: JobId) -> Result<Option<JobView>, StoreError>;
}

/// Which decisions of the optimizer are wanted. Every condition given must hold.
#[derive(Clone, Debug, Default)]
pub struct EvolutionQuery {
    /// Source storage.
    pub source_se: Option<String>,
    /// Destination storage.
    pub dest_se: Option<String>,
    /// At most so many, the newest first.
    pub limit: usize,
}

/// What operators set, who set it, and what the optimizer found.
#[async_trait]
pub trait SettingsStore: Send + Sync {
    /// All rows ever set and not taken back, as the changes that make them.
    async fn settings(&self) -> Result<Vec<Change>, StoreError>;

    /// Changes rows, all or none. Durable when it returns.
    async fn change_settings(
        &self,
        changes: Vec<Change>,
        audit: Vec<AuditRow>,
    ) -> Result<(), StoreError>;

    /// Who changed what, the newest first. Old rows are forgotten.
    async fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError>;

    /// The value of every link, in no order.
    async fn optimizer(&self) -> Result<Vec<OptimizerRow>, StoreError>;

    /// Takes the values of links, durably, and adds decisions to the history. The newest of those
    /// may be lost when the power goes.
    async fn put_optimizer(
        &self,
        values: Vec<OptimizerRow>,
        decisions: Vec<EvolutionRow>,
    ) -> Result<(), StoreError>;

    /// Decisions by condition, the newest first.
    async fn evolution(&self, query: &EvolutionQuery) -> Result<Vec<EvolutionRow>, StoreError>;

    /// Forgets some decisions made before a time, the oldest first; tells how many.
    async fn forget_evolution(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError>;
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

    /// With what a storage is approached that knows its users by keys; nothing where they have none.
    async fn keys(&self, errand: Errand<'_>) -> Result<Option<Credential>, StoreError>;

    /// Forgets what ended before a time; tells how much that was.
    async fn delete_expired(&self, before: Timestamp) -> Result<usize, StoreError>;
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

    /// Whether work is taken: it answers, and does not come to its end.
    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// Why settings were not changed.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// What was asked for makes no sense; the text says why.
    #[error("{0}")]
    Invalid(String),
    /// It could not be stored.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of a transfer that should start ahead of all limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForceStart {
    /// It starts as soon as there is a worker for it.
    Forced,
    /// It is in this state, from which it cannot be forced.
    NotQueued(FileState),
    /// No such transfer is under way.
    Unknown,
}

/// What an operator may ask of the engine. Every change is stored, audited, and takes effect on
/// work that is queued or runs before the call returns.
#[async_trait]
pub trait EngineControl: Send + Sync {
    /// What is set now.
    fn settings(&self) -> Settings;

    /// Changes rows, all or none.
    async fn change_settings(&self, by: &str, changes: Vec<Change>) -> Result<(), SettingsError>;

    /// Who changed what, the newest first.
    async fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError>;

    /// Bans a storage; gives the jobs whose transfers it cancelled or held.
    async fn ban_storage(&self, ban: StorageBanRow) -> Result<Vec<JobId>, SettingsError>;

    /// Lifts the ban of a storage, if there is one.
    async fn unban_storage(&self, by: &str, se: &str) -> Result<(), SettingsError>;

    /// Bans a user; gives the jobs that it cancelled.
    async fn ban_user(&self, ban: UserBanRow) -> Result<Vec<JobId>, SettingsError>;

    /// Lifts the ban of a user, if there is one.
    async fn unban_user(&self, by: &str, dn: &str) -> Result<(), SettingsError>;

    /// Lets a node take up no work, or take it up again; false when there is no such node.
    async fn set_drain(&self, by: &str, host: &str, drain: bool) -> Result<bool, SettingsError>;

    /// Lets transfers start ahead of all limits; tells of each, in the order given.
    async fn force_start(&self, by: &str, files: &[FileId]) -> Result<Vec<ForceStart>, StoreError>;
}

/// What the outside may ask about the engine's reasons, and set back of what it has found out.
/// Answers cost the same however much is queued; those about everything grow with what was found.
#[async_trait]
pub trait EngineInsight: Send + Sync {
    /// Why a transfer waits; `None` when the engine has no such transfer, or not any more.
    async fn explain(&self, job: JobId, file: FileId) -> Result<Option<Explanation>, StoreError>;

    /// What would become of a job if it were submitted now: one answer for each of its transfers,
    /// in order. Nothing is kept of it.
    async fn forecast(&self, view: JobView) -> Result<Vec<Forecast>, StoreError>;

    /// What the engine has found out about storages and links.
    async fn conditions(&self) -> Result<Conditions, StoreError>;

    /// Uses a storage again that could not be reached; false when it was in use.
    async fn reset_breaker(&self, by: &str, storage: &str) -> Result<bool, StoreError>;

    /// Forgets which ways of copying did not work on a link; false when all did.
    async fn forget_ways(
        &self,
        by: &str,
        source: &str,
        destination: &str,
    ) -> Result<bool, StoreError>;

    /// Sets the value of a link; the optimizer goes on from there.
    async fn set_link_value(&self, by: &str, value: OptimizerRow) -> Result<(), StoreError>;
}
