//! Settings at run time: where they are kept, and how an operator changes them.
//!
//! A change is checked, stored with its audit, then shown to whoever asks, then obeyed by the
//! dispatcher; only then its caller hears of it. A crash in between costs the obedience only, and
//! the next start catches up on it. Changes come one after the other.
//!
//! # Invariants
//! - What the API refuses because of a ban, no later than when the ban's caller hears of it:
//!   `tests/bans.rs`.

use std::sync::Arc;

use async_trait::async_trait;
use causeway_model::ports::{
    Clock, EngineControl, ForceStart, SettingsError, SettingsStore, StoreError,
};
use causeway_model::settings::{
    ANY, AuditRow, Change, HostRow, Initial, LinkRow, StorageBanRow, StorageRow, UserBanRow, VoRow,
};
use causeway_model::{FileId, JobId, Settings, Timestamp};
use parking_lot::RwLock;
use tokio::sync::Mutex;

use crate::config::EngineConfig;
use crate::control::{Answer, Command, Engine, stopped};

/// Where settings are kept. See the module.
pub(crate) struct Room {
    current: RwLock<Settings>,
    store: Option<Arc<dyn SettingsStore>>,
    clock: Arc<dyn Clock>,
    host: Arc<str>,
    /// Held from the check of a change until the dispatcher has it.
    changing: Mutex<()>,
}

impl Room {
    /// With what a former life left. Without a store settings last as long as the engine.
    pub(crate) async fn open(
        config: &EngineConfig,
        store: Option<Arc<dyn SettingsStore>>,
        clock: Arc<dyn Clock>,
        host: Arc<str>,
    ) -> Result<Self, StoreError> {
        let mut settings = Settings::with(initial(config));
        if let Some(store) = &store {
            for change in store.settings().await? {
                settings.apply(&change);
            }
        }
        Ok(Self {
            current: RwLock::new(settings),
            store,
            clock,
            host,
            changing: Mutex::new(()),
        })
    }

    pub(crate) fn now(&self) -> Settings {
        self.current.read().clone()
    }

    /// A value out of the settings as they are now.
    pub(crate) fn ask<T>(&self, question: impl FnOnce(&Settings) -> T) -> T {
        question(&self.current.read())
    }

    async fn keep(&self, by: &str, changes: &[Change]) -> Result<Settings, SettingsError> {
        let mut settings = self.now();
        let mut audit = Vec::with_capacity(changes.len());
        for change in changes {
            change.check().map_err(SettingsError::Invalid)?;
            settings.apply(change);
            let text = text_of(change).map_err(SettingsError::Invalid)?;
            audit.push(AuditRow::new(self.clock.now(), by, change.action(), &text));
        }
        if let Some(store) = &self.store {
            store.change_settings(changes.to_vec(), audit).await?;
        }
        self.current.write().clone_from(&settings);
        Ok(settings)
    }

    pub(crate) fn time(&self) -> Timestamp {
        self.clock.now()
    }

    /// Notes what an operator did that is no change of settings.
    pub(crate) async fn note(&self, by: &str, action: &str, what: &str) -> Result<(), StoreError> {
        let row = AuditRow::new(self.clock.now(), by, action, what);
        match &self.store {
            Some(store) => store.change_settings(Vec::new(), vec![row]).await,
            None => Ok(()),
        }
    }

    fn knows_host(&self, host: &str) -> bool {
        *self.host == *host || self.ask(|it| it.knows_host(host))
    }
}

/// The rows of the configuration, for everything that has no row of its own.
fn initial(config: &EngineConfig) -> Initial {
    let usual = Initial::usual();
    let max_active = config.link_max_active.max(1);
    Initial {
        link: usual.link.map(|row| LinkRow {
            min_active: row.min_active.min(max_active),
            max_active,
            ..row
        }),
        storage: Some(StorageRow {
            inbound_max_active: Some(config.inbound_max_active.max(1)),
            outbound_max_active: Some(config.outbound_max_active.max(1)),
            ..StorageRow::new(ANY)
        }),
        vo: Some(VoRow::new(ANY)),
    }
}

/// The row of a change as JSON, for people.
fn text_of(change: &Change) -> Result<String, String> {
    let json = serde_json::to_value(change).map_err(|error| error.to_string())?;
    // One member: the name of the change, which is the audit's action already.
    let row = json.as_object().and_then(|it| it.values().next());
    Ok(row.unwrap_or(&json).to_string())
}

impl Engine {
    /// Changes settings and waits until they are obeyed; gives the jobs that were affected.
    async fn steer(&self, by: &str, changes: Vec<Change>) -> Result<Vec<JobId>, SettingsError> {
        let (engine, by) = (self.clone(), by.to_owned());
        // A task of its own: a caller who goes away must not leave a change behind that is stored
        // but not obeyed.
        let task = tokio::spawn(async move {
            let (answer, answered) = tokio::sync::oneshot::channel();
            let changing = engine.room.changing.lock().await;
            let settings = engine.room.keep(&by, &changes).await?;
            let command = Command::Settings(Box::new(settings), changes, answer);
            engine.tell(command).await?;
            drop(changing);
            Ok(answered.await.map_err(|_| stopped())??)
        });
        task.await
            .map_err(|error| StoreError::Failed(format!("change settings: {error}")))?
    }
}

#[async_trait]
impl EngineControl for Engine {
    fn settings(&self) -> Settings {
        self.room.now()
    }

    async fn change_settings(&self, by: &str, changes: Vec<Change>) -> Result<(), SettingsError> {
        self.steer(by, changes).await.map(drop)
    }

    async fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        match &self.room.store {
            Some(store) => store.audit(limit).await,
            None => Ok(Vec::new()),
        }
    }

    async fn ban_storage(&self, ban: StorageBanRow) -> Result<Vec<JobId>, SettingsError> {
        let by = Arc::clone(&ban.admin_dn);
        let ban = StorageBanRow {
            addition_time: self.room.clock.now(),
            ..ban
        };
        self.steer(&by, vec![Change::BanStorage(ban)]).await
    }

    async fn unban_storage(&self, by: &str, se: &str) -> Result<(), SettingsError> {
        self.steer(by, vec![Change::UnbanStorage(se.into())])
            .await
            .map(drop)
    }

    async fn ban_user(&self, ban: UserBanRow) -> Result<Vec<JobId>, SettingsError> {
        let by = Arc::clone(&ban.admin_dn);
        let ban = UserBanRow {
            addition_time: self.room.clock.now(),
            ..ban
        };
        self.steer(&by, vec![Change::BanUser(ban)]).await
    }

    async fn unban_user(&self, by: &str, dn: &str) -> Result<(), SettingsError> {
        self.steer(by, vec![Change::UnbanUser(dn.into())])
            .await
            .map(drop)
    }

    async fn set_drain(&self, by: &str, host: &str, drain: bool) -> Result<bool, SettingsError> {
        if !self.room.knows_host(host) {
            return Ok(false);
        }
        let hostname = host.into();
        let change = Change::PutHost(HostRow { hostname, drain });
        self.steer(by, vec![change]).await.map(|_| true)
    }

    async fn force_start(&self, by: &str, files: &[FileId]) -> Result<Vec<ForceStart>, StoreError> {
        let ids: Vec<String> = files.iter().map(FileId::to_string).collect();
        self.room.note(by, "force-start", &ids.join(",")).await?;
        let files = files.to_vec();
        self.ask(|answer: Answer<_>| Command::ForceStart(files, answer))
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_audit_has_the_row() {
        let change = Change::UnbanStorage("mock://a".into());
        assert_eq!(text_of(&change).unwrap(), "\"mock://a\"");
        let change = Change::PutHost(HostRow {
            hostname: "h".into(),
            drain: true,
        });
        assert_eq!(
            text_of(&change).unwrap(),
            r#"{"drain":true,"hostname":"h"}"#
        );
    }

    #[test]
    fn the_configuration_gives_the_rows_that_all_share() {
        let config = EngineConfig {
            link_max_active: 1,
            inbound_max_active: 7,
            ..EngineConfig::default()
        };
        let settings = Settings::with(initial(&config));
        let link = settings.link("a", "b").unwrap();
        assert_eq!((link.min_active, link.max_active), (1, 1));
        assert_eq!(settings.inbound_limit("a"), 7);
        assert_eq!(settings.outbound_limit("a"), 200);
    }
}
