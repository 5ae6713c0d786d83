//! Worker processes and plugins as an operator sees them, and putting a plugin back that was taken
//! out of service.
//!
//! Whoever keeps workers implements [`WorkerInsight`]; nothing here knows what a process is.

use async_trait::async_trait;
use serde::Serialize;

use crate::ports::StoreError;

/// A worker process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WorkerRow {
    /// Process id, as long as it has one.
    pub pid: Option<u32>,
    /// Which set of plugins it has; the newest counts highest.
    pub generation: u64,
    /// What it does.
    pub state: WorkerState,
    /// Attempts that it has.
    pub attempts: usize,
    /// Metadata calls that it has.
    pub calls: usize,
    /// Memory that it takes, in bytes, at the last look.
    pub rss_bytes: u64,
}

/// What a worker process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkerState {
    /// It loads its plugins.
    Starting,
    /// It takes work.
    Working,
    /// It ends what it has and takes nothing new.
    Retiring,
}

/// A plugin, loaded or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PluginRow {
    /// Name.
    pub name: String,
    /// Version, empty when it is not known.
    pub version: String,
    /// How it is loaded.
    pub kind: String,
    /// URL schemes.
    pub schemes: Vec<String>,
    /// Whether it works, and if not, why.
    pub state: String,
    /// Its file.
    pub path: Option<String>,
    /// SHA-256 of its file.
    pub sha256: Option<String>,
    /// Set when it ended too many workers.
    pub out_of_service: Option<OutOfService>,
}

/// Why a plugin is not used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct OutOfService {
    /// What it did.
    pub reason: String,
    /// Workers that load it again are being started.
    pub returning: bool,
}

/// What came of putting a plugin back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutBack {
    /// Workers that load it again are being started; it is back when they have.
    Begun,
    /// It was not out of service.
    InService,
    /// There is no such plugin.
    Unknown,
}

/// What the outside may ask about workers and plugins.
#[async_trait]
pub trait WorkerInsight: Send + Sync {
    /// Every worker process; none where plugins run in the service itself.
    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError>;

    /// Every plugin, by name.
    async fn plugins(&self) -> Result<Vec<PluginRow>, StoreError>;

    /// Lets workers load a plugin again that was taken out of service.
    async fn put_back(&self, by: &str, plugin: &str) -> Result<PutBack, StoreError>;
}
