//! Puts the rooms together: store, vault, plugins, engine, API.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::routing::any_service;
use causeway_api::{ApiState, Caller, Operations, Readiness, Turn};
use causeway_engine::crew::{Crew, Inside, PluginCard};
use causeway_engine::{Engine, EngineConfig, Parts};
use causeway_identity::token::{Exchange, TokenVerifier};
use causeway_identity::verify::Verifier;
use causeway_messages::Messages;
use causeway_model::Timestamp;
use causeway_model::observe::{Observer, Watched};
use causeway_model::ports::{EngineControl, StoredCredential, SystemClock};
use causeway_sdk::{Secret, Storages};
use causeway_store::{EmbeddedStore, EncryptedVault, OAuthRows, StoreOptions};

use crate::bans::LiveBans;
use crate::callers::LiveCallers;
use crate::clouds::ProviderClient;
use crate::config::{AuthConfig, Config};
use crate::links::{self, LinkBook};
use crate::messages;
use crate::metrics::{self, Metrics, Sources};
use crate::plugins::Plugins;
use crate::settings;
use crate::telemetry::Traces;
use crate::tokens::{self, LiveTokens, Names};
use crate::voms::VomsClient;
use crate::workers::LiveWorkers;

/// At the end, time for receivers to take the last messages.
const LAST_MESSAGES: Duration = Duration::from_secs(3);

/// A gateway without its listeners.
pub struct Gateway {
    engine: Engine,
    plugins: Arc<Plugins>,
    state: ApiState,
    metrics: Option<(Arc<Metrics>, Sources)>,
    messages: Messages,
    tokens: Arc<TokenVerifier>,
    names: Names,
}

impl Gateway {
    /// Opens the store, loads the plugins, takes up work, and is ready to serve. `local` is the URL
    /// of this service on this machine.
    ///
    /// # Errors
    /// A store that cannot be opened, with a sentence that says why.
    pub async fn start(
        config: &Config,
        local: &str,
        verifier: Verifier,
        traces: Option<Arc<Traces>>,
    ) -> anyhow::Result<Self> {
        let dir = config.store.embedded_path().map_err(anyhow::Error::msg)?;
        let options = StoreOptions {
            archive_cache_bytes: config.store.cache_bytes,
            held_bytes: config.messages.max_held_bytes,
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
        let clock = Arc::new(SystemClock);
        let Staff {
            plugins,
            crew,
            storages,
        } = Staff::hire(config, clock.clone()).await?;
        let settling = Arc::clone(&plugins);
        tokio::spawn(async move { settling.settle().await });
        // Traces begin with what the engine tells its observer, too.
        let observed = config.metrics.enabled || traces.is_some();
        let mut metrics = observed.then(|| {
            let known = Arc::clone(&plugins);
            let plugin_of = move |scheme: &str| plugin_of(&known, scheme);
            let sources = Sources {
                store: store.clone(),
                store_dir: dir.clone(),
                plugins: Arc::clone(&plugins),
                messages: None,
            };
            let metrics = Metrics::new(&config.metrics, traces, plugin_of);
            (Arc::new(metrics), sources)
        });
        let links = Arc::new(LinkBook::new(clock.clone()));
        let mut observers: Vec<Arc<dyn Observer>> = vec![links.clone()];
        if let Some((metrics, _)) = &metrics {
            observers.push(metrics.clone());
        }
        let observer = Watched::by(links::all(observers));
        if let Some(crew) = plugins.crew() {
            crew.watch(observer.clone());
        }
        let host = hostname(&config.server.hostname);
        let listen = &config.server.listen;
        let public = messages::endpoint_for_users(&config.messages, listen, local, &host);
        let names = Names {
            local: local.to_owned(),
            public,
            host: host.clone(),
        };
        let tokens = tokens::verifier(config, &names)?;
        let parts = Parts {
            store: store.clone(),
            vault: Some(vault.clone()),
            clock: clock.clone(),
            storages: storages.clone(),
            host: host.as_str().into(),
            observer,
            settings: Some(store.clone()),
            history: Some(store.clone()),
            tokens: Some(Arc::new(Exchange::new(
                vault.clone(),
                tokens.clone(),
                clock.clone(),
            ))),
        };
        let tuned = EngineConfig {
            optimizer: config.optimizer.clone(),
            ..config.engine.clone()
        };
        let engine = Engine::start_with(tuned, parts, crew)
            .await
            .context("take up work")?;
        let messages =
            messages::start(config, &names.public, store.clone(), &engine, clock.clone()).await?;
        if let Some((_, sources)) = &mut metrics {
            sources.messages = Some((messages.tally(), store.clone()));
        }
        let api = settings::of_api(config, format!("{}/", names.public), host);
        let control = Arc::new(engine.clone());
        let operations = Operations {
            control: control.clone(),
            settings: store.clone(),
            history: store.clone(),
            clouds: vault.clone(),
            providers: Arc::new(ProviderClient::new(&config.tls.ca_dir, clock.clone())?),
            links,
            vo_names: store.clone(),
            user_names: vault.clone(),
            optimizer_enabled: config.optimizer.enabled,
            turn: Turn::default(),
        };
        let workers = LiveWorkers {
            plugins: Arc::clone(&plugins),
            audit: store.clone(),
            clock: clock.clone(),
        };
        let oauth = match config.auth.oauth2_provider {
            true => Some(OAuthRows::open(&vault).context("open the applications in the vault")?),
            false => None,
        };
        let transfer_tokens = vault.clone();
        let voms = VomsClient::new(config.tls.vomses.clone(), verifier.clone());
        let mut state = ApiState::new(
            store,
            vault,
            control,
            storages,
            Arc::new(verifier),
            clock,
            api,
        )
        .with_bans(Arc::new(LiveBans(Arc::new(engine.clone()))))
        .with_insight(Arc::new(engine.clone()))
        .with_workers(Arc::new(workers))
        .with_operations(operations)
        .with_vo_servers(Arc::new(voms))
        .with_events(messages.hub())
        .with_transfer_tokens(transfer_tokens)
        .with_readiness(Arc::new(PluginsLoaded(Arc::clone(&plugins))));
        if let Some(oauth) = oauth {
            state = state.with_oauth(Arc::new(oauth));
        }
        Ok(Self {
            engine,
            plugins,
            state,
            metrics: metrics.filter(|_| config.metrics.enabled),
            messages,
            tokens,
            names,
        })
    }

    /// Knows holders of tokens from now on, and judges them like these callers.
    #[must_use]
    pub fn recognising(mut self, callers: Arc<LiveCallers>) -> Self {
        let identity = LiveTokens::new(Arc::clone(&self.tokens), callers);
        self.state = self.state.with_header_identity(Arc::new(identity));
        self
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

    /// What operators ask of the engine, and what it knows of them.
    pub fn control(&self) -> Arc<dyn EngineControl> {
        Arc::new(self.engine.clone())
    }

    /// Lets these VOs use the service, from the next request on.
    pub fn authorize_vos(&self, list: &[String]) {
        self.state.set_authorized_vos(list);
    }

    /// Believes the issuers of tokens that the configuration names now.
    ///
    /// # Errors
    /// One that cannot be used; those before stay.
    pub fn follow_issuers(&self, auth: &AuthConfig) -> anyhow::Result<()> {
        tokens::follow(&self.tokens, auth, &self.names)
    }

    /// Every route, counted; with `/metrics` unless that has a listener of its own.
    pub fn router(&self, with_metrics: bool) -> Router {
        let api = causeway_api::router(self.state.clone());
        let Some((metrics, sources)) = &self.metrics else {
            return api;
        };
        let api = metrics::count_requests(api, Arc::clone(metrics));
        match with_metrics {
            true => api.merge(metrics::route(Arc::clone(metrics), sources.clone())),
            false => api,
        }
    }

    /// What the listener for metrics answers: those, and the probes.
    pub fn metrics_router(&self) -> Router {
        let api = causeway_api::router(self.state.clone());
        let probes = Router::new()
            .route("/healthz", any_service(api.clone()))
            .route("/readyz", any_service(api));
        match &self.metrics {
            Some((metrics, sources)) => {
                probes.merge(metrics::route(Arc::clone(metrics), sources.clone()))
            }
            None => probes,
        }
    }

    /// The plugins, to load them again.
    pub fn plugins(&self) -> Arc<Plugins> {
        Arc::clone(&self.plugins)
    }

    /// Stops taking up work and waits for what runs.
    pub async fn stop(self, grace: Duration) {
        self.engine.shutdown(grace).await;
        // The engine has written its last event.
        self.messages.stop(LAST_MESSAGES).await;
        if let Some(crew) = self.plugins.crew() {
            crew.dismiss().await;
        }
    }
}

/// Name of the first plugin that works and speaks a scheme.
fn plugin_of(plugins: &Plugins, scheme: &str) -> Option<Arc<str>> {
    let all = plugins.list();
    let speaks = |it: &&PluginCard| it.schemes.iter().any(|known| known == scheme);
    let found = all
        .iter()
        .filter(speaks)
        .find(|it| it.capabilities.is_some());
    found.map(|it| it.name.as_str().into())
}

/// A gateway without plugins can do nothing for anybody.
struct PluginsLoaded(Arc<Plugins>);

impl Readiness for PluginsLoaded {
    fn obstacle(&self) -> Option<String> {
        let works = |it: &PluginCard| it.capabilities.is_some();
        let any = self.0.list().iter().any(works);
        (!any).then(|| "No plugin is loaded".to_owned())
    }
}

/// Who does the work, and what the rest sees of it.
struct Staff {
    plugins: Arc<Plugins>,
    crew: Arc<dyn Crew>,
    storages: Arc<dyn Storages>,
}

impl Staff {
    async fn hire(config: &Config, clock: Arc<SystemClock>) -> anyhow::Result<Self> {
        let plugins = Arc::new(Plugins::start(config).await?);
        let (crew, storages): (Arc<dyn Crew>, Arc<dyn Storages>) =
            match (plugins.crew(), plugins.here()) {
                (Some(crew), _) => (Arc::new(crew.clone()), crew.storages()),
                (None, here) => {
                    let here = here.context("plugins are somewhere")?;
                    (Arc::new(Inside::new(here.clone(), clock)), here.clone())
                }
            };
        Ok(Self {
            plugins,
            crew,
            storages,
        })
    }
}

/// Name of this node.
pub fn hostname(configured: &str) -> String {
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
