//! Settings, their audit, and the optimizer's values, in memory.
//!
//! They change in the journal like jobs do, and stand in the snapshot before them. Unlike rows of
//! jobs they are not all post-images (taking a link away takes its shares too), so the snapshot has
//! them exactly as they were where its segment ended, and the journal goes on from there.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use causeway_model::OptimizerRow;
use causeway_model::ports::StoreError;
use causeway_model::settings::{AuditRow, Change, Settings};

use crate::record::RecordRef;

/// Rows of the audit that are kept.
const AUDIT: usize = 1000;

type Pair = (Arc<str>, Arc<str>);

/// What belongs to no job. A copy shares everything.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    settings: Settings,
    /// The newest last.
    audit: Arc<VecDeque<AuditRow>>,
    optimizer: Arc<HashMap<Pair, OptimizerRow>>,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            settings: Settings::empty(),
            audit: Arc::default(),
            optimizer: Arc::default(),
        }
    }
}

/// A change of the table.
#[derive(Clone, Debug)]
pub(crate) enum TableWrite {
    Settings(Vec<Change>, Vec<AuditRow>),
    Optimizer(Vec<OptimizerRow>),
}

impl TableWrite {
    pub(crate) fn encode(&self, into: Vec<u8>) -> Result<Vec<u8>, StoreError> {
        match self {
            Self::Settings(changes, audit) => RecordRef::Settings(changes, audit),
            Self::Optimizer(rows) => RecordRef::Optimizer(rows),
        }
        .encode(into)
    }
}

impl Table {
    pub(crate) fn apply(&mut self, write: TableWrite) {
        match write {
            TableWrite::Settings(changes, audit) => {
                for change in &changes {
                    self.settings.apply(change);
                }
                let rows = Arc::make_mut(&mut self.audit);
                rows.extend(audit);
                let surplus = rows.len().saturating_sub(AUDIT);
                rows.drain(..surplus);
            }
            TableWrite::Optimizer(rows) => {
                let values = Arc::make_mut(&mut self.optimizer);
                for row in rows {
                    let pair = (row.source_se.clone(), row.dest_se.clone());
                    values.insert(pair, row);
                }
            }
        }
    }

    /// Everything, as the records that make it.
    pub(crate) fn writes(&self) -> Vec<TableWrite> {
        vec![
            TableWrite::Settings(self.settings(), self.audit.iter().cloned().collect()),
            TableWrite::Optimizer(self.optimizer()),
        ]
    }

    pub(crate) fn settings(&self) -> Vec<Change> {
        self.settings.rows()
    }

    pub(crate) fn audit(&self, limit: usize) -> Vec<AuditRow> {
        self.audit.iter().rev().take(limit).cloned().collect()
    }

    pub(crate) fn optimizer(&self) -> Vec<OptimizerRow> {
        self.optimizer.values().cloned().collect()
    }
}
