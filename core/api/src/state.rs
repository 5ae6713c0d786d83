//! What every handler may use: one struct of trait objects.

use std::sync::{Arc, PoisonError, RwLock};

use causeway_identity::Verifier;
use causeway_model::oauth::{OAuthStore, TransferTokens};
use causeway_model::ports::{Clock, CredentialVault, EngineInsight, JobControl, JobStore};
use causeway_model::workers::WorkerInsight;
use causeway_sdk::Storages;

use crate::ApiConfig;
use crate::authorization::{HeaderIdentity, NobodyKnown};
use crate::health::{AlwaysReady, Readiness};
use crate::operations::Operations;
use crate::own::NoInsight;
use crate::vo_servers::{NoVoServers, VoServers};

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
    /// What is to be said of worker processes and plugins.
    pub workers: Arc<dyn WorkerInsight>,
    /// What else must be well.
    pub readiness: Arc<dyn Readiness>,
    /// Where VO attributes are to be had.
    pub vo_servers: Arc<dyn VoServers>,
    /// What the operators' routes use; nothing without an engine.
    pub operations: Option<Arc<Operations>>,
    /// Says who holds a token of another issuer.
    pub identity: Arc<dyn HeaderIdentity>,
    /// Applications that act for users; nothing when there may be none.
    pub oauth: Option<Arc<dyn OAuthStore>>,
    /// What happens, for whoever listens; nothing where nobody tells it.
    pub events: Option<causeway_messages::Hub>,
    /// Tokens that transfers bring; without it none may.
    pub transfer_tokens: Option<Arc<dyn TransferTokens>>,
    /// VOs that may use the service now.
    authorized_vos: Arc<RwLock<Arc<[String]>>>,
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
        let authorized_vos = Arc::new(RwLock::new(config.authorized_vos.clone().into()));
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
            workers: Arc::new(NoInsight),
            readiness: Arc::new(AlwaysReady),
            vo_servers: Arc::new(NoVoServers),
            operations: None,
            identity: Arc::new(NobodyKnown),
            oauth: None,
            events: None,
            transfer_tokens: None,
            authorized_vos,
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

    /// The same with workers and plugins that can be asked about.
    #[must_use]
    pub fn with_workers(mut self, workers: Arc<dyn WorkerInsight>) -> Self {
        self.workers = workers;
        self
    }

    /// The same with the operators' routes at work.
    #[must_use]
    pub fn with_operations(mut self, operations: Operations) -> Self {
        self.operations = Some(Arc::new(operations));
        self
    }

    /// The same for holders of tokens.
    #[must_use]
    pub fn with_header_identity(mut self, identity: Arc<dyn HeaderIdentity>) -> Self {
        self.identity = identity;
        self
    }

    /// The same with applications that act for users.
    #[must_use]
    pub fn with_oauth(mut self, oauth: Arc<dyn OAuthStore>) -> Self {
        self.oauth = Some(oauth);
        self
    }

    /// The same with events for those who listen.
    #[must_use]
    pub fn with_events(mut self, events: causeway_messages::Hub) -> Self {
        self.events = Some(events);
        self
    }

    /// The same for transfers that bring tokens.
    #[must_use]
    pub fn with_transfer_tokens(mut self, tokens: Arc<dyn TransferTokens>) -> Self {
        self.transfer_tokens = Some(tokens);
        self
    }

    /// The same with servers of VOs that may be asked.
    #[must_use]
    pub fn with_vo_servers(mut self, vo_servers: Arc<dyn VoServers>) -> Self {
        self.vo_servers = vo_servers;
        self
    }

    /// VOs that may use the service now; empty or `*` for all.
    pub fn authorized_vos(&self) -> Arc<[String]> {
        // The list is replaced in one step, so it is whole whoever panicked.
        let list = self.authorized_vos.read();
        list.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets other VOs use the service, from the next request on.
    pub fn set_authorized_vos(&self, list: &[String]) {
        let mut current = self
            .authorized_vos
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        *current = list.into();
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
