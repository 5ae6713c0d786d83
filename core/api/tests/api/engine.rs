//! An engine for the operators' routes: it keeps settings and their audit like the real one, and
//! says about work what it was told to say.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use causeway_model::ports::{
    EngineControl, FileQuery, ForceStart, JobStore, SettingsError, SettingsStore, StoreError,
};
use causeway_model::settings::{AuditRow, Change, HostRow, StorageBanRow, UserBanRow};
use causeway_model::{FileId, FileState, JobId, Level, Settings, Timestamp};
use causeway_store::MemoryStore;
use serde_json::Value;

use crate::support::{Answer, NOW, Service};

/// Name of the node in tests.
pub(crate) const HOST: &str = "localhost";

pub(crate) struct TestEngine {
    settings: Mutex<Settings>,
    store: Arc<MemoryStore>,
    /// The jobs that the next ban concerns.
    pub(crate) concerned: Mutex<Vec<JobId>>,
}

fn locked<T>(it: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    it.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TestEngine {
    pub(crate) fn new(store: Arc<MemoryStore>) -> Self {
        Self {
            settings: Mutex::default(),
            store,
            concerned: Mutex::default(),
        }
    }

    async fn change(&self, by: &str, changes: Vec<Change>) -> Result<(), SettingsError> {
        let mut settings = locked(&self.settings).clone();
        let mut audit = Vec::new();
        for change in &changes {
            change.check().map_err(SettingsError::Invalid)?;
            settings.apply(change);
            let text = serde_json::to_string(change).unwrap();
            let now = Timestamp::from_seconds(NOW);
            audit.push(AuditRow::new(now, by, change.action(), &text));
        }
        self.store.change_settings(changes, audit).await?;
        *locked(&self.settings) = settings;
        Ok(())
    }
}

#[async_trait]
impl EngineControl for TestEngine {
    fn settings(&self) -> Settings {
        locked(&self.settings).clone()
    }
    async fn change_settings(&self, by: &str, changes: Vec<Change>) -> Result<(), SettingsError> {
        self.change(by, changes).await
    }
    async fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        self.store.audit(limit).await
    }
    async fn ban_storage(&self, ban: StorageBanRow) -> Result<Vec<JobId>, SettingsError> {
        let ban = StorageBanRow {
            addition_time: Timestamp::from_seconds(NOW),
            ..ban
        };
        let by = Arc::clone(&ban.admin_dn);
        self.change(&by, vec![Change::BanStorage(ban)]).await?;
        Ok(std::mem::take(&mut *locked(&self.concerned)))
    }
    async fn unban_storage(&self, by: &str, se: &str) -> Result<(), SettingsError> {
        self.change(by, vec![Change::UnbanStorage(se.into())]).await
    }
    async fn ban_user(&self, ban: UserBanRow) -> Result<Vec<JobId>, SettingsError> {
        let ban = UserBanRow {
            addition_time: Timestamp::from_seconds(NOW),
            ..ban
        };
        let by = Arc::clone(&ban.admin_dn);
        self.change(&by, vec![Change::BanUser(ban)]).await?;
        Ok(std::mem::take(&mut *locked(&self.concerned)))
    }
    async fn unban_user(&self, by: &str, dn: &str) -> Result<(), SettingsError> {
        self.change(by, vec![Change::UnbanUser(dn.into())]).await
    }
    async fn set_drain(&self, by: &str, host: &str, drain: bool) -> Result<bool, SettingsError> {
        if host != HOST && !self.settings().knows_host(host) {
            return Ok(false);
        }
        let hostname = host.into();
        let change = Change::PutHost(HostRow { hostname, drain });
        self.change(by, vec![change]).await.map(|()| true)
    }
    async fn force_start(&self, by: &str, files: &[FileId]) -> Result<Vec<ForceStart>, StoreError> {
        let row = AuditRow::new(Timestamp::from_seconds(NOW), by, "force-start", "");
        self.store.change_settings(Vec::new(), vec![row]).await?;
        let query = FileQuery {
            limit: 100,
            ..FileQuery::default()
        };
        let rows = self.store.list_files(&query).await?;
        let outcome = |id: &FileId| match rows.iter().find(|it| it.file_id == *id) {
            None => ForceStart::Unknown,
            Some(row) if row.state == FileState::Submitted => ForceStart::Forced,
            Some(row) => ForceStart::NotQueued(row.state),
        };
        Ok(files.iter().map(outcome).collect())
    }
}

impl Service {
    /// A service whose caller may configure.
    pub(crate) fn of_operator() -> Self {
        let mut service = Self::new();
        service.acting_as(|it| {
            it.level.insert("config".into(), Level::All);
        });
        service
    }

    /// Names of the changes in the audit, the newest first.
    pub(crate) async fn audited(&self) -> Vec<String> {
        let rows = self.store.audit(100).await.unwrap();
        rows.into_iter().map(|it| it.action).collect()
    }

    /// Sends bodies that must be refused, and checks that nothing has changed.
    pub(crate) async fn refuses(&self, path: &str, bodies: &[(Value, &str)]) {
        let before = self.engine.settings();
        let audited = self.audited().await.len();
        for (body, text) in bodies {
            let answer = self.post(path, body).await;
            assert_eq!(answer.status, 400, "{body}: {}", answer.text());
            assert_eq!(answer.message(), *text, "{body}");
        }
        assert_eq!(self.engine.settings(), before);
        assert_eq!(self.audited().await.len(), audited);
    }
}

impl Answer {
    /// The body of a 200.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    #[track_caller]
    pub(crate) fn is_empty_204(&self) {
        assert_eq!(self.status, 204, "{}", self.text());
        assert!(self.body.is_empty());
    }
}
