//! The embedded store behind the ports for settings and for history.

use async_trait::async_trait;
use causeway_model::ports::{EvolutionQuery, HistoryStore, JobView, SettingsStore, StoreError};
use causeway_model::settings::{AuditRow, Change};
use causeway_model::{EvolutionRow, JobId, OptimizerRow, Timestamp};
use tokio::sync::oneshot;

use crate::archiver::{Request, Retirement};
use crate::embedded::{EmbeddedStore, closed};
use crate::record::RecordRef;
use crate::table::TableWrite;
use crate::writer::{Command, TableChange};

impl EmbeddedStore {
    /// `decisions` go with it for readers of the feed.
    async fn write_table(
        &self,
        write: TableWrite,
        decisions: &[EvolutionRow],
    ) -> Result<(), StoreError> {
        let mut encoded = write.encode(Vec::new())?;
        if !decisions.is_empty() {
            encoded = RecordRef::Decided(decisions).encode(encoded)?;
        }
        let (reply, done) = oneshot::channel();
        let change = TableChange {
            write,
            encoded,
            reply,
        };
        let sent = self.writer.send(Command::Table(change));
        sent.map_err(|_| closed())?;
        done.await.unwrap_or_else(|_| Err(closed()))
    }
}

#[async_trait]
impl SettingsStore for EmbeddedStore {
    async fn settings(&self) -> Result<Vec<Change>, StoreError> {
        Ok(self.inner.table.read().settings())
    }

    async fn change_settings(
        &self,
        changes: Vec<Change>,
        audit: Vec<AuditRow>,
    ) -> Result<(), StoreError> {
        self.write_table(TableWrite::Settings(changes, audit), &[])
            .await
    }

    async fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        Ok(self.inner.table.read().audit(limit))
    }

    async fn optimizer(&self) -> Result<Vec<OptimizerRow>, StoreError> {
        Ok(self.inner.table.read().optimizer())
    }

    async fn put_optimizer(
        &self,
        values: Vec<OptimizerRow>,
        decisions: Vec<EvolutionRow>,
    ) -> Result<(), StoreError> {
        if !values.is_empty() {
            self.write_table(TableWrite::Optimizer(values), &decisions)
                .await?;
        }
        if decisions.is_empty() {
            return Ok(());
        }
        let inner = self.inner.clone();
        self.list_readers
            .run(move || inner.archive.evolution.append(&decisions))
            .await
    }

    async fn evolution(&self, query: &EvolutionQuery) -> Result<Vec<EvolutionRow>, StoreError> {
        let (inner, query) = (self.inner.clone(), query.clone());
        self.list_readers
            .run(move || inner.archive.evolution.list(&query))
            .await
    }

    async fn forget_evolution(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let inner = self.inner.clone();
        self.list_readers
            .run(move || inner.archive.evolution.forget(before, limit))
            .await
    }
}

#[async_trait]
impl HistoryStore for EmbeddedStore {
    async fn retire(
        &self,
        ended_before: Timestamp,
        limit: usize,
        keep: bool,
    ) -> Result<usize, StoreError> {
        let (reply, done) = oneshot::channel();
        let retirement = Retirement {
            before: ended_before,
            limit,
            keep,
            reply,
        };
        let asked = self.inner.archiver.send(Request::Retire(retirement));
        asked.map_err(|_| closed())?;
        done.await.unwrap_or_else(|_| Err(closed()))
    }

    async fn archived(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        let inner = self.inner.clone();
        self.keyed_readers
            .run(move || Ok(inner.archive.load_backup(id)?.map(|it| it.view())))
            .await
    }
}
