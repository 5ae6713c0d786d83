//! The plugins of the gateway, exchangeable while transfers run: in worker processes, or in this
//! one for whoever wants that.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use causeway_engine::crew::{PluginCard, Processes};
use causeway_host::{Host, PluginInfo};
use causeway_sdk::{DynStorage, Result, Storages, Url};

use crate::config::{Config, PluginsConfig};

/// Where the plugins of a gateway are.
pub enum Plugins {
    /// In worker processes. This process opens no library.
    Elsewhere(Processes),
    /// In this process.
    Here(Arc<LivePlugins>),
}

impl Plugins {
    /// Loads what a configuration names. What runs is not disturbed: it ends with the plugins it
    /// began with.
    ///
    /// # Errors
    /// A configuration that cannot be handed to workers.
    pub fn reload(&self, config: &Config) -> anyhow::Result<()> {
        match self {
            Self::Elsewhere(crew) => crew.renew(for_workers(config)?),
            Self::Here(plugins) => plugins.reload(&config.plugins),
        }
        Ok(())
    }

    /// Every plugin and its state.
    pub fn list(&self) -> Vec<PluginCard> {
        match self {
            Self::Elsewhere(crew) => crew.plugins(),
            Self::Here(plugins) => plugins.0.load().plugins().iter().map(card).collect(),
        }
    }

    /// The worker processes, where there are any.
    pub fn crew(&self) -> Option<&Processes> {
        match self {
            Self::Elsewhere(crew) => Some(crew),
            Self::Here(_) => None,
        }
    }
}

/// A configuration as a text for worker processes. It may hold secrets.
///
/// # Errors
/// A configuration that has no form as TOML, which was none to begin with.
pub fn for_workers(config: &Config) -> anyhow::Result<String> {
    let mut config = config.clone();
    if config.plugins.cache_dir.is_none() {
        let state = config.store.embedded_path().map_err(anyhow::Error::msg)?;
        config.plugins.cache_dir = Some(state.join("components"));
    }
    toml::to_string(&config).context("hand the configuration to workers")
}

/// What is shown of a plugin, as workers tell it.
pub fn card(plugin: &PluginInfo) -> PluginCard {
    PluginCard {
        name: plugin.name.clone(),
        version: plugin.version.clone(),
        kind: plugin.kind.name().to_owned(),
        schemes: plugin.schemes.clone(),
        state: plugin.state.to_string(),
        path: plugin.path.as_ref().map(|it| it.display().to_string()),
        sha256: plugin.sha256.clone(),
        capabilities: plugin.capabilities.clone(),
    }
}

/// Serves every call from the newest set of plugins. A transfer keeps the storage it began with.
#[derive(Debug)]
pub struct LivePlugins(ArcSwap<Host>);

impl LivePlugins {
    /// Loads what the configuration names.
    pub fn load(config: &PluginsConfig) -> Self {
        Self(ArcSwap::from_pointee(load(config)))
    }

    /// Loads again; running transfers are not disturbed.
    pub fn reload(&self, config: &PluginsConfig) {
        self.0.store(Arc::new(load(config)));
    }
}

impl Storages for LivePlugins {
    fn storage_for(&self, url: &Url) -> Result<Arc<dyn DynStorage>> {
        self.0.load().storage_for(url)
    }
}

/// Loads the plugins of a configuration, and says in the log which were refused.
pub fn load(config: &PluginsConfig) -> Host {
    load_without(config, &[])
}

/// The same without those that are out of service.
pub fn load_without(config: &PluginsConfig, excluded: &[String]) -> Host {
    let dirs = if config.dirs.is_empty() {
        vec![beside_the_program()]
    } else {
        config.dirs.clone()
    };
    let options: BTreeMap<String, serde_json::Value> = config
        .options
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), serde_json::to_value(value).ok()?)))
        .collect();
    causeway_host::keep_compiled_in(config.cache_dir.clone());
    let host = Host::load_without(&dirs, &options, &config.priority, excluded);
    for plugin in host.plugins() {
        if let causeway_host::State::Failed(reason) = &plugin.state {
            tracing::warn!(plugin.name = plugin.name, "plugin refused: {reason}");
        }
    }
    host
}

fn beside_the_program() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program
        .parent()
        .map_or_else(|| "plugins".into(), |dir| dir.join("plugins"))
}
