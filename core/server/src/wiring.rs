//! Puts the rooms together: store, vault, plugins, engine, API.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use causeway_api::{ApiConfig, ApiState, Caller};
use causeway_engine::{Engine, Parts};
use causeway_identity::verify::Verifier;
use causeway_model::Timestamp;
use causeway_model::ports::{StoredCredential, SystemClock};
use causeway_sdk::Secret;
use causeway_store::{EmbeddedStore, EncryptedVault, StoreOptions};

use crate::config::Config;
use crate::plugins::LivePlugins;

/// A gateway without its listeners.
pub struct Gateway {
    engine: Engine,
    plugins: Arc<LivePlugins>,
    state: ApiState,
}

impl Gateway {
    /// Opens the store, loads the plugins, takes up work, and is ready to serve.
    ///
    /// # Errors
    /// A store that cannot be opened, with a sentence that says why.
    pub async fn start(
        config: &Config,
        endpoint: &str,
        verifier: Verifier,
    ) -> anyhow::Result<Self> {
        let dir = config.store.embedded_path().map_err(anyhow::Error::msg)?;
        let options = StoreOptions {
            archive_cache_bytes: config.store.cache_bytes,
            ..StoreOptions::default()
        };
        let store = Arc::new(
            EmbeddedStore::open(&dir.join("jobs"), options)
                .with_context(|| format!("open the store {}", dir.display()))?,
        );
        let key = key_file(&config.store.key_file, &dir);
        let vault = Arc::new(
            EncryptedVault::open(&dir.join("vault"), &key).context("open the credential vault")?,
        );
        let plugins = Arc::new(LivePlugins::load(&config.plugins));
        let clock = Arc::new(SystemClock);
        let host = hostname(&config.server.hostname);
        let parts = Parts {
            store: store.clone(),
            vault: Some(vault.clone()),
            clock: clock.clone(),
            storages: plugins.clone(),
            host: host.as_str().into(),
        };
        let engine = Engine::start(config.engine.clone(), parts)
            .await
            .context("take up work")?;
        let api = ApiConfig {
            public_url: format!("{endpoint}/"),
            submit_host: host,
            body_limit_bytes: config.server.max_body_bytes,
            request_timeout: Duration::from_secs(config.server.request_timeout_seconds),
            cors_origins: config.auth.cors_origins.clone(),
            authorized_vos: config.auth.authorized_vos.clone(),
            ..ApiConfig::default()
        };
        let control = Arc::new(engine.clone());
        let state = ApiState::new(
            store,
            vault,
            control,
            plugins.clone(),
            Arc::new(verifier),
            clock,
            api,
        );
        Ok(Self {
            engine,
            plugins,
            state,
        })
    }

    /// Keeps a caller's own proxy as if it had been delegated, unless something is kept already.
    ///
    /// # Errors
    /// The vault cannot be written.
    pub async fn adopt(
        &self,
        caller: &Caller,
        proxy_pem: Secret,
        ends: Timestamp,
    ) -> anyhow::Result<()> {
        let Some(id) = &caller.principal.delegation_id else {
            return Ok(());
        };
        let dn = &caller.principal.user_dn;
        let kept = self.state.vault.credential(id, dn).await?;
        if kept.is_none_or(|kept| kept.termination_time < ends) {
            let voms_attrs = caller.principal.voms_cred.join(" ");
            let credential = StoredCredential {
                proxy_pem,
                voms_attrs,
                termination_time: ends,
            };
            self.state.vault.put_credential(id, dn, &credential).await?;
        }
        Ok(())
    }

    /// Every route.
    pub fn router(&self) -> Router {
        causeway_api::router(self.state.clone())
    }

    /// The plugins, to load them again.
    pub fn plugins(&self) -> &LivePlugins {
        &self.plugins
    }

    /// Stops taking up work and waits for what runs.
    pub async fn stop(self, grace: Duration) {
        self.engine.shutdown(grace).await;
    }
}

/// Name of this node.
fn hostname(configured: &str) -> String {
    if !configured.is_empty() {
        return configured.to_owned();
    }
    rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned()
}

fn key_file(configured: &std::path::Path, store: &std::path::Path) -> PathBuf {
    if configured.as_os_str().is_empty() {
        store.with_file_name("vault.key")
    } else {
        configured.to_owned()
    }
}
