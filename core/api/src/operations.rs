//! What the operators' routes use: the engine's settings, its history, and what is kept for clouds.
//!
//! Optional in [`ApiState`](crate::ApiState): a surface without an engine behind it answers these
//! routes with 503.

use std::sync::Arc;

use causeway_model::Settings;
use causeway_model::clouds::{CloudProviders, CloudStorageStore};
use causeway_model::links::LinkReports;
use causeway_model::names::NameIndex;
use causeway_model::ports::{EngineControl, HistoryStore, SettingsStore};
use causeway_model::settings::Change;
use tokio::sync::{Mutex, MutexGuard};

use crate::error::ApiError;
use crate::extract::Call;

/// The ports behind the operators' routes. Cheap to clone.
#[derive(Clone)]
pub struct Operations {
    /// The engine: every change of a setting.
    pub control: Arc<dyn EngineControl>,
    /// What the optimizer found, and audit rows of what is no setting.
    pub settings: Arc<dyn SettingsStore>,
    /// Jobs that ended long ago.
    pub history: Arc<dyn HistoryStore>,
    /// Providers of cloud storage.
    pub clouds: Arc<dyn CloudStorageStore>,
    /// How those providers are asked.
    pub providers: Arc<dyn CloudProviders>,
    /// How links are doing.
    pub links: Arc<dyn LinkReports>,
    /// VOs with jobs.
    pub vo_names: Arc<dyn NameIndex>,
    /// Users with credentials.
    pub user_names: Arc<dyn NameIndex>,
    /// Whether the optimizer decides at all.
    pub optimizer_enabled: bool,
    /// Held from reading a row to writing what became of it.
    pub turn: Turn,
}

/// One change of a row at a time, so that of two operators none undoes what the other did.
#[derive(Clone, Default)]
pub struct Turn(Arc<Mutex<()>>);

impl Turn {
    /// Waits for those before.
    pub async fn take(&self) -> MutexGuard<'_, ()> {
        self.0.lock().await
    }
}

impl Operations {
    /// What is set now.
    pub fn now(&self) -> Settings {
        self.control.settings()
    }
}

impl Call {
    /// What the operators' routes use.
    ///
    /// # Errors
    /// 503 when there is no engine behind the surface.
    pub fn operations(&self) -> Result<&Operations, ApiError> {
        let found = self.state.operations.as_deref();
        found.ok_or_else(|| ApiError::unavailable("There is no engine behind this service"))
    }

    /// Changes settings in the caller's name, all or none.
    ///
    /// # Errors
    /// 400 for rows that make no sense.
    pub(crate) async fn change(&self, changes: Vec<Change>) -> Result<(), ApiError> {
        let by = &self.principal().user_dn;
        let control = &self.operations()?.control;
        Ok(control.change_settings(by, changes).await?)
    }
}
