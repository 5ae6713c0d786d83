//! The plugins of this process, exchangeable while transfers run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;
use causeway_host::Host;
use causeway_sdk::{DynStorage, Result, Storages, Url};

use crate::config::PluginsConfig;

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
    let host = Host::load(&dirs, &options, &config.priority);
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
