//! What the API says of workers and plugins: the crew's own words, and a note in the audit when
//! somebody puts a plugin back.

use std::sync::Arc;

use async_trait::async_trait;
use causeway_engine::crew::PluginCard;
use causeway_model::ports::{Clock, SettingsStore, StoreError};
use causeway_model::settings::AuditRow;
use causeway_model::workers::{
    KeptVersion, PluginAction, PluginChange, PluginRow, PutBack, RefusedVersion, WorkerInsight,
    WorkerRow,
};

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
        Ok(rows(&self.plugins))
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

    async fn change_plugins(
        &self,
        by: &str,
        action: PluginAction,
    ) -> Result<PluginChange, StoreError> {
        if let Some(obstacle) = self.plugins.obstacle(&action) {
            return Ok(obstacle);
        }
        let (what, name) = in_words(&action);
        let note = AuditRow::new(self.clock.now(), by, what, name);
        self.audit.change_settings(Vec::new(), vec![note]).await?;
        let plugins = Arc::clone(&self.plugins);
        // A task of its own: a caller who goes away leaves no half of a change behind.
        let changing = tokio::spawn(async move { plugins.change(&action).await });
        let failed = |error: anyhow::Error| StoreError::Failed(format!("{error:#}"));
        let changed = changing.await.map_err(|error| failed(error.into()))?;
        changed.map_err(failed)
    }
}

/// For the audit.
fn in_words(action: &PluginAction) -> (&'static str, &str) {
    match action {
        PluginAction::Reload => ("reload-plugins", ""),
        PluginAction::Disable(name) => ("disable-plugin", name),
        PluginAction::Enable(name) => ("enable-plugin", name),
        PluginAction::RollBack(name) => ("roll-back-plugin", name),
    }
}

fn rows(plugins: &Plugins) -> Vec<PluginRow> {
    let crew = plugins.crew();
    let mut out = crew.map(|it| it.out_of_service()).unwrap_or_default();
    let (mut versions, marks) = (plugins.versions(), plugins.marks());
    let mut counters = plugins.counters();
    let row = |card: PluginCard| {
        let known = plugins.known(&card.name);
        let instead_of = card.instead_of.map(|reason| RefusedVersion {
            version: card.version.clone(),
            sha256: card.sha256.clone(),
            reason,
        });
        let previous = |(version, sha256)| KeptVersion { version, sha256 };
        PluginRow {
            out_of_service: out.remove(&card.name),
            disabled: known.disabled,
            refused: known.refused.or(instead_of),
            previous: known.previous.map(previous),
            versions: versions.remove(&card.name).unwrap_or_default(),
            marks: marks.get(&card.name).copied().unwrap_or_default(),
            counters: counters.remove(&card.name).unwrap_or_default(),
            ended_workers: crew.map_or(0, |it| it.ended_by(&card.name)),
            name: card.name,
            version: card.version,
            kind: card.kind,
            schemes: card.schemes,
            state: card.state,
            path: card.path,
            sha256: card.sha256,
            signed_by: card.signed_by,
        }
    };
    plugins.list().into_iter().map(row).collect()
}
