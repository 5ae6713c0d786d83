//! What stands behind the service in tests: a vault, an engine, a clock, bans.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use causeway_api::{Bans, StorageBan};
use causeway_model::cloud_keys::Errand;
use causeway_model::ports::{
    CancelCounts, Clock, CredentialVault, FileCancel, JobCancel, JobControl, JobStore, JobView,
    PendingDelegation, StoreError, StoredCredential, Transaction,
};
use causeway_model::{DeletionState, FileId, FileState, Job, JobId, JobState, Timestamp};
use causeway_sdk::Credential;
use causeway_store::{MemoryStore, MemoryVault};

use crate::support::NOW;

#[derive(Default)]
pub(crate) struct TestVault {
    pub(crate) pending: Mutex<BTreeMap<(String, String), PendingDelegation>>,
    pub(crate) stored: Mutex<BTreeMap<(String, String), StoredCredential>>,
    pub(crate) clouds: Arc<MemoryVault>,
}

pub(crate) fn key(id: &str, dn: &str) -> (String, String) {
    (id.to_owned(), dn.to_owned())
}

#[async_trait]
impl CredentialVault for TestVault {
    async fn pending(&self, id: &str, dn: &str) -> Result<Option<PendingDelegation>, StoreError> {
        Ok(self.pending.lock().unwrap().get(&key(id, dn)).cloned())
    }
    async fn put_pending(
        &self,
        id: &str,
        dn: &str,
        it: &PendingDelegation,
    ) -> Result<(), StoreError> {
        self.pending.lock().unwrap().insert(key(id, dn), it.clone());
        Ok(())
    }
    async fn credential(&self, id: &str, dn: &str) -> Result<Option<StoredCredential>, StoreError> {
        Ok(self.stored.lock().unwrap().get(&key(id, dn)).cloned())
    }
    async fn put_credential(
        &self,
        id: &str,
        dn: &str,
        it: &StoredCredential,
    ) -> Result<(), StoreError> {
        self.stored.lock().unwrap().insert(key(id, dn), it.clone());
        Ok(())
    }
    async fn delete_credential(&self, id: &str, dn: &str) -> Result<bool, StoreError> {
        Ok(self.stored.lock().unwrap().remove(&key(id, dn)).is_some())
    }
    async fn keys(&self, errand: Errand<'_>) -> Result<Option<Credential>, StoreError> {
        errand.keys(&*self.clouds).await
    }
    async fn delete_expired(&self, before: Timestamp) -> Result<usize, StoreError> {
        let mut stored = self.stored.lock().unwrap();
        let all = stored.len();
        stored.retain(|_, it| it.termination_time >= before);
        Ok(all - stored.len())
    }
}

/// Does what the engine does to rows, at once.
pub(crate) struct TestControl {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) submitted: AtomicU64,
    pub(crate) fails_with: Mutex<Option<StoreError>>,
}

impl TestControl {
    async fn cancel_rows(&self, view: JobView, only: Option<&[FileId]>) -> CancelCounts {
        let wanted = |id: FileId| only.is_none_or(|ids| ids.contains(&id));
        let mut counts = CancelCounts::default();
        let mut change = Transaction::default();
        for file in view
            .files
            .iter()
            .filter(|it| wanted(it.file_id) && it.state.is_cancelable())
        {
            let mut file = (**file).clone();
            file.state = FileState::Canceled;
            file.reason = Some("Job canceled by the user".into());
            file.finish_time = Some(Timestamp::from_seconds(NOW));
            change.files.push(Arc::new(file));
            counts.files += 1;
        }
        for row in view.deletions.iter().filter(|it| !it.state.is_terminal()) {
            let mut row = (**row).clone();
            row.state = DeletionState::Canceled;
            row.finish_time = Some(Timestamp::from_seconds(NOW));
            change.deletions.push(Arc::new(row));
            counts.deletions += 1;
        }
        let touched = |id: FileId| change.files.iter().any(|it| it.file_id == id);
        let live = view
            .files
            .iter()
            .any(|it| it.state.is_cancelable() && !touched(it.file_id));
        if !live {
            let mut job = (*view.job).clone();
            job.state = JobState::Canceled;
            job.cancel_job = true;
            job.reason = Some("Job canceled by the user".into());
            job.job_finished = Some(Timestamp::from_seconds(NOW));
            change.jobs.push(Arc::new(job));
            counts.jobs += 1;
        }
        self.store.apply(change).await.unwrap();
        counts
    }

    async fn outcome(&self, id: JobId, was_terminal: bool) -> Option<JobCancel> {
        let job = self.store.job(id).await.unwrap()?;
        Some(JobCancel { job, was_terminal })
    }
}

#[async_trait]
impl JobControl for TestControl {
    async fn ready(&self) -> Result<(), StoreError> {
        self.fails_with.lock().unwrap().take().map_or(Ok(()), Err)
    }

    async fn submit(&self, view: JobView) -> Result<(), StoreError> {
        if let Some(error) = self.fails_with.lock().unwrap().take() {
            return Err(error);
        }
        self.store.insert(view).await?;
        self.submitted.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    async fn cancel_job(&self, id: JobId) -> Result<Option<JobCancel>, StoreError> {
        let Some(view) = self.store.view(id).await? else {
            return Ok(None);
        };
        let was_terminal = view.job.state.is_terminal();
        if !was_terminal {
            self.cancel_rows(view, None).await;
        }
        Ok(self.outcome(id, was_terminal).await)
    }
    async fn cancel_files(
        &self,
        id: JobId,
        files: &[FileId],
    ) -> Result<Option<Vec<FileCancel>>, StoreError> {
        let Some(view) = self.store.view(id).await? else {
            return Ok(None);
        };
        let outcome = |id: &FileId| match view.files.iter().find(|it| it.file_id == *id) {
            None => FileCancel::NotInJob,
            Some(file) if file.state.is_terminal() => FileCancel::AlreadyTerminal(file.state),
            Some(_) => FileCancel::Canceled,
        };
        let outcomes = files.iter().map(outcome).collect();
        self.cancel_rows(view.clone(), Some(files)).await;
        Ok(Some(outcomes))
    }
    async fn cancel_all(&self, vo_name: Option<&str>) -> Result<CancelCounts, StoreError> {
        let mut sum = CancelCounts::default();
        for id in self.store.unfinished().await? {
            let view = self.store.view(id).await?.unwrap();
            if vo_name.is_none_or(|vo| *view.job.vo_name == *vo) {
                let counts = self.cancel_rows(view, None).await;
                sum.files += counts.files;
                sum.deletions += counts.deletions;
                sum.jobs += counts.jobs;
            }
        }
        Ok(sum)
    }
    async fn set_priority(
        &self,
        id: JobId,
        priority: i32,
    ) -> Result<Option<JobCancel>, StoreError> {
        let Some(view) = self.store.view(id).await? else {
            return Ok(None);
        };
        let was_terminal = view.job.state.is_terminal();
        if !was_terminal {
            let job = Job {
                priority,
                ..(*view.job).clone()
            };
            let change = Transaction {
                jobs: vec![Arc::new(job)],
                ..Transaction::default()
            };
            self.store.apply(change).await?;
        }
        Ok(self.outcome(id, was_terminal).await)
    }
}

pub(crate) struct TestClock(pub(crate) AtomicU64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.0.load(Ordering::SeqCst) as i64)
    }
}

/// Bans by list.
#[derive(Default)]
pub(crate) struct TestBans {
    pub(crate) users: Mutex<Vec<String>>,
    pub(crate) storages: Mutex<BTreeMap<String, bool>>,
}

impl Bans for TestBans {
    fn is_user_banned(&self, dn: &str) -> bool {
        self.users.lock().unwrap().iter().any(|it| it == dn)
    }
    fn storage_ban(&self, se: &str, _vo: &str) -> StorageBan {
        match self.storages.lock().unwrap().get(se) {
            None => StorageBan::None,
            Some(true) => StorageBan::Hold,
            Some(false) => StorageBan::Refuse,
        }
    }
}
