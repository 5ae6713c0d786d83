//! The store without a disk behind the ports for settings and for history.

use std::collections::{HashMap, VecDeque};

use async_trait::async_trait;
use causeway_model::ports::{EvolutionQuery, HistoryStore, JobView, SettingsStore, StoreError};
use causeway_model::settings::{AuditRow, Change};
use causeway_model::{EvolutionRow, JobId, OptimizerRow, Timestamp};
use parking_lot::RwLock;

use crate::matching;
use crate::memory::MemoryStore;
use crate::table::{Table, TableWrite};

/// Decisions of the optimizer that are kept.
const DECISIONS: usize = 10_000;

/// What belongs to no job, and jobs that were taken out.
#[derive(Debug, Default)]
pub(crate) struct Aside {
    table: RwLock<Table>,
    /// The newest last.
    decisions: RwLock<VecDeque<EvolutionRow>>,
    archived: RwLock<HashMap<JobId, JobView>>,
}

impl Aside {
    /// Whether a job was taken out and kept.
    pub(crate) fn keeps(&self, id: JobId) -> bool {
        self.archived.read().contains_key(&id)
    }
}

#[async_trait]
impl SettingsStore for MemoryStore {
    async fn settings(&self) -> Result<Vec<Change>, StoreError> {
        Ok(self.aside.table.read().settings())
    }

    async fn change_settings(
        &self,
        changes: Vec<Change>,
        audit: Vec<AuditRow>,
    ) -> Result<(), StoreError> {
        let write = TableWrite::Settings(changes, audit);
        self.aside.table.write().apply(write);
        Ok(())
    }

    async fn audit(&self, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        Ok(self.aside.table.read().audit(limit))
    }

    async fn optimizer(&self) -> Result<Vec<OptimizerRow>, StoreError> {
        Ok(self.aside.table.read().optimizer())
    }

    async fn put_optimizer(
        &self,
        values: Vec<OptimizerRow>,
        decisions: Vec<EvolutionRow>,
    ) -> Result<(), StoreError> {
        let write = TableWrite::Optimizer(values);
        self.aside.table.write().apply(write);
        let mut kept = self.aside.decisions.write();
        kept.extend(decisions);
        let surplus = kept.len().saturating_sub(DECISIONS);
        kept.drain(..surplus);
        Ok(())
    }

    async fn evolution(&self, query: &EvolutionQuery) -> Result<Vec<EvolutionRow>, StoreError> {
        let kept = self.aside.decisions.read();
        let newest_first = kept.iter().rev();
        let fitting = newest_first.filter(|it| matching::evolution(query, it));
        Ok(fitting.take(query.limit).cloned().collect())
    }

    async fn forget_evolution(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let mut kept = self.aside.decisions.write();
        let old = kept.iter().take(limit);
        let old = old.take_while(|it| it.datetime < before).count();
        kept.drain(..old);
        Ok(old)
    }
}

#[async_trait]
impl HistoryStore for MemoryStore {
    async fn retire(
        &self,
        ended_before: Timestamp,
        limit: usize,
        keep: bool,
    ) -> Result<usize, StoreError> {
        let mut hot = self.hot.write();
        let ended = hot.settled().filter_map(|id| {
            let end = hot.jobs.get(&id)?.job.job_finished?;
            (end < ended_before).then_some((end, id))
        });
        let mut ended: Vec<_> = ended.collect();
        // Those that ended first leave first, as they do from a disk.
        ended.sort_unstable();
        let ids: Vec<JobId> = ended.into_iter().take(limit).map(|it| it.1).collect();
        for id in &ids {
            if let Some(job) = hot.remove(*id)
                && keep
            {
                self.aside.archived.write().insert(*id, job.view());
            }
        }
        Ok(ids.len())
    }

    async fn archived(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        Ok(self.aside.archived.read().get(&id).cloned())
    }
}
