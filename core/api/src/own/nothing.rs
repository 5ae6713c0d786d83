//! An engine that tells nothing: for a surface without one.

use async_trait::async_trait;
use causeway_model::explain::Explanation;
use causeway_model::ports::{EngineInsight, JobView, StoreError};
use causeway_model::workers::{
    PluginAction, PluginChange, PluginRow, PutBack, WorkerInsight, WorkerRow,
};
use causeway_model::{Conditions, FileId, Forecast, JobId, OptimizerRow};

/// Answers that nobody can say.
pub(crate) struct NoInsight;

fn nobody<T>() -> Result<T, StoreError> {
    Err(StoreError::Busy("no engine tells its reasons".into()))
}

#[async_trait]
impl EngineInsight for NoInsight {
    async fn explain(&self, _: JobId, _: FileId) -> Result<Option<Explanation>, StoreError> {
        nobody()
    }

    async fn forecast(&self, _: JobView) -> Result<Vec<Forecast>, StoreError> {
        nobody()
    }

    async fn conditions(&self) -> Result<Conditions, StoreError> {
        nobody()
    }

    async fn reset_breaker(&self, _: &str, _: &str) -> Result<bool, StoreError> {
        nobody()
    }

    async fn forget_ways(&self, _: &str, _: &str, _: &str) -> Result<bool, StoreError> {
        nobody()
    }

    async fn set_link_value(&self, _: &str, _: OptimizerRow) -> Result<(), StoreError> {
        nobody()
    }
}

#[async_trait]
impl WorkerInsight for NoInsight {
    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        nobody()
    }

    async fn plugins(&self) -> Result<Vec<PluginRow>, StoreError> {
        nobody()
    }

    async fn put_back(&self, _: &str, _: &str) -> Result<PutBack, StoreError> {
        nobody()
    }

    async fn change_plugins(&self, _: &str, _: PluginAction) -> Result<PluginChange, StoreError> {
        nobody()
    }
}
