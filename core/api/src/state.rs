//! What every handler may use: one struct of trait objects.

use std::sync::Arc;

use causeway_identity::Verifier;
use causeway_model::ports::{Clock, CredentialVault, EngineInsight, JobControl, JobStore};
use causeway_sdk::Storages;

use crate::ApiConfig;
use crate::health::{AlwaysReady, Readiness};
use crate::own::NoInsight;

/// Everything the REST surface depends on. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    /// Rows, for reading.
    pub store: Arc<dyn JobStore>,
    /// Delegated credentials.
    pub vault: Arc<dyn CredentialVault>,
    /// The engine: every change of a job.
    pub control: Arc<dyn JobControl>,
    /// Storages by URL.
    pub storages: Arc<dyn Storages>,
    /// Judges proxies that callers leave here.
    pub verifier: Arc<Verifier>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Settings.
    pub config: Arc<ApiConfig>,
    /// Who and what is banned.
    pub bans: Arc<dyn Bans>,
    /// What the engine has to say about its reasons.
    pub insight: Arc<dyn EngineInsight>,
    /// What else must be well.
    pub readiness: Arc<dyn Readiness>,
    /// Held while a key is made.
    pub(crate) key_making: Arc<tokio::sync::Mutex<()>>,
}

impl ApiState {
    /// A state in which nobody is banned.
    pub fn new(
        store: Arc<dyn JobStore>,
        vault: Arc<dyn CredentialVault>,
        control: Arc<dyn JobControl>,
        storages: Arc<dyn Storages>,
        verifier: Arc<Verifier>,
        clock: Arc<dyn Clock>,
        config: ApiConfig,
    ) -> Self {
        Self {
            store,
            vault,
            control,
            storages,
            verifier,
            clock,
            config: Arc::new(config),
            bans: Arc::new(NoBans),
            insight: Arc::new(NoInsight),
            readiness: Arc::new(AlwaysReady),
            key_making: Arc::default(),
        }
    }

    /// The same, ready only when this one says so, too.
    #[must_use]
    pub fn with_readiness(mut self, readiness: Arc<dyn Readiness>) -> Self {
        self.readiness = readiness;
        self
    }

    /// The same with an engine that tells its reasons.
    #[must_use]
    pub fn with_insight(mut self, insight: Arc<dyn EngineInsight>) -> Self {
        self.insight = insight;
        self
    }

    /// The same with a list of bans.
    #[must_use]
    pub fn with_bans(mut self, bans: Arc<dyn Bans>) -> Self {
        self.bans = bans;
        self
    }
}

/// Who and what is banned. Asked on every request, so an answer must not wait.
pub trait Bans: Send + Sync {
    /// Whether a user is banned.
    fn is_user_banned(&self, dn: &str) -> bool;

    /// How a storage is banned for a VO.
    fn storage_ban(&self, se: &str, vo: &str) -> StorageBan;
}

/// What a ban of a storage means for new transfers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum StorageBan {
    /// There is none.
    None,
    /// They are taken and held.
    Hold,
    /// They are refused.
    Refuse,
}

/// Nobody and nothing is banned.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoBans;

impl Bans for NoBans {
    fn is_user_banned(&self, _dn: &str) -> bool {
        false
    }

    fn storage_ban(&self, _se: &str, _vo: &str) -> StorageBan {
        StorageBan::None
    }
}
