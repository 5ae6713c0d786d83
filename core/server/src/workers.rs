//! What the API says of workers and plugins: the crew's own words, and a note in the audit when
//! somebody puts a plugin back.

use std::sync::Arc;

use async_trait::async_trait;
use causeway_engine::crew::PluginCard;
use causeway_model::ports::{Clock, SettingsStore, StoreError};
use causeway_model::settings::AuditRow;
use causeway_model::workers::{OutOfService, PluginRow, PutBack, WorkerInsight, WorkerRow};

use crate::plugins::Plugins;

/// The gateway's workers and plugins.
pub struct LiveWorkers {
    /// Where the plugins are.
    pub plugins: Arc<Plugins>,
    /// Where it is noted who did what.
    pub audit: Arc<dyn SettingsStore>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

#[async_trait]
impl WorkerInsight for LiveWorkers {
    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        let crew = self.plugins.crew();
        Ok(crew.map_or_else(Vec::new, |it| it.workers()))
    }

    async fn plugins(&self) -> Result<Vec<PluginRow>, StoreError> {
        let crew = self.plugins.crew();
        let out = crew.map(|it| it.out_of_service()).unwrap_or_default();
        let row = |card: PluginCard| {
            let out = out.get(&card.name).cloned();
            row(card, out)
        };
        Ok(self.plugins.list().into_iter().map(row).collect())
    }

    async fn put_back(&self, by: &str, plugin: &str) -> Result<PutBack, StoreError> {
        let Some(crew) = self.plugins.crew() else {
            let known = self.plugins.list().iter().any(|it| it.name == plugin);
            return Ok(match known {
                true => PutBack::InService,
                false => PutBack::Unknown,
            });
        };
        if crew.out_of_service().contains_key(plugin) {
            // Noted first: what cannot be noted is not done.
            let note = AuditRow::new(self.clock.now(), by, "put-back-plugin", plugin);
            self.audit.change_settings(Vec::new(), vec![note]).await?;
        }
        Ok(crew.put_back(plugin))
    }
}

fn row(card: PluginCard, out_of_service: Option<OutOfService>) -> PluginRow {
    PluginRow {
        name: card.name,
        version: card.version,
        kind: card.kind,
        schemes: card.schemes,
        state: card.state,
        path: card.path,
        sha256: card.sha256,
        out_of_service,
    }
}
