//! The plugins of the gateway, exchangeable while transfers run: in worker processes, or in this one for
//! whoever wants that.
//!
//! | to learn about | read |
//! |---|---|
//! | what an operator does to them | `changing` |
//! | which version is used | `deciding`, `trial`, `settling` |
//! | what is remembered | `book` |
//! | plugins in this process | `live` |

mod book;
mod changing;
mod deciding;
mod live;
mod settling;
mod trial;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use causeway_engine::crew::{PluginCard, PluginNews, Processes};
use causeway_host::{Decided, Host, PluginHandle, PluginInfo, SignaturePolicy, State, Wanted};
use causeway_model::workers::{PluginCounters, PluginMarks, RunningVersion, VersionState};
use causeway_sdk::Url;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};

use crate::config::{Config, PluginsConfig};

pub use changing::Plugins;
pub use live::LivePlugins;
pub use trial::run as try_plugin;

/// Address space beyond the limit of memory: what is reserved and not used counts there.
const RESERVED: u64 = 4 << 30;

/// Where the plugins of a gateway are.
pub enum At {
    /// In worker processes. This process opens no library.
    Elsewhere(Processes),
    /// In this process.
    Here(Arc<LivePlugins>),
}

impl At {
    fn cards(&self) -> Vec<PluginCard> {
        match self {
            Self::Elsewhere(crew) => crew.plugins(),
            Self::Here(plugins) => plugins.host().plugins().iter().map(card).collect(),
        }
    }

    fn marks(&self) -> BTreeMap<String, PluginMarks> {
        match self {
            Self::Elsewhere(crew) => crew.marks(),
            Self::Here(plugins) => plugins.marks(),
        }
    }

    fn counters(&self) -> BTreeMap<String, PluginCounters> {
        match self {
            Self::Elsewhere(crew) => crew.counters(),
            Self::Here(plugins) => plugins.counters(),
        }
    }

    fn versions(&self) -> BTreeMap<String, Vec<RunningVersion>> {
        let here = |card: PluginCard| {
            let version = RunningVersion {
                version: card.version,
                sha256: card.sha256,
                state: VersionState::Serving,
                workers: 0,
                attempts: 0,
            };
            (card.name, vec![version])
        };
        match self {
            Self::Elsewhere(crew) => crew.versions(),
            Self::Here(_) => {
                let works = |it: &PluginCard| it.capabilities.is_some();
                self.cards().into_iter().filter(works).map(here).collect()
            }
        }
    }
}

/// What a worker process is told. It may hold secrets.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ForWorkers {
    /// What was decided about plugins.
    pub decided: BTreeMap<String, Decided>,
    /// The configuration.
    pub config: Config,
}

impl ForWorkers {
    fn text(config: &Config, decided: BTreeMap<String, Decided>) -> anyhow::Result<String> {
        let config = config.clone();
        toml::to_string(&Self { decided, config }).context("hand the configuration to workers")
    }

    /// What it shall load, but for plugins out of service.
    pub fn wanted(&self, excluded: &[String]) -> Wanted {
        Wanted {
            excluded: excluded.to_vec(),
            decided: self.decided.clone(),
            ..wanted(&self.config.plugins)
        }
    }
}

/// What a configuration wants to be loaded.
pub fn wanted(config: &PluginsConfig) -> Wanted {
    let directories = match config.dirs.is_empty() {
        true => vec![beside_the_program()],
        false => config.dirs.clone(),
    };
    let option = |(name, value): (&String, &toml::Value)| {
        Some((name.clone(), serde_json::to_value(value).ok()?))
    };
    Wanted {
        directories,
        options: config.options.iter().filter_map(option).collect(),
        priority: config.priority.clone(),
        signatures: SignaturePolicy {
            required: config.require_signature,
            keys: config.trusted_keys.clone(),
        },
        ..Wanted::default()
    }
}

fn beside_the_program() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    program
        .parent()
        .map_or_else(|| "plugins".into(), |dir| dir.join("plugins"))
}

/// Compiled components are kept in this directory from now on.
pub fn keep_compiled_in(dir: Option<PathBuf>) {
    #[cfg(feature = "wasm")]
    causeway_host::keep_compiled_in(dir);
    #[cfg(not(feature = "wasm"))]
    drop(dir);
}

/// Loads the plugins of a configuration as they lie there.
pub fn load(config: &PluginsConfig) -> Host {
    load_for(config, &[])
}

/// Loads those of them that serve some URLs: a command that needs two of many starts sooner.
pub fn load_for(config: &PluginsConfig, urls: &[&Url]) -> Host {
    keep_compiled_in(config.cache_dir.clone());
    load_wanted(&Wanted {
        schemes: urls.iter().map(|url| url.scheme().to_owned()).collect(),
        ..wanted(config)
    })
}

/// Loads plugins, and says in the log which were refused.
pub fn load_wanted(wanted: &Wanted) -> Host {
    let host = Host::load_wanted(wanted);
    for plugin in host.plugins() {
        if let State::Failed(reason) = &plugin.state {
            tracing::warn!(plugin.name = plugin.name, "plugin refused: {reason}");
        }
    }
    host
}

/// Bounds the memory of this process, which loads plugins.
///
/// # Errors
/// When the system does not want to.
pub fn limit_memory(bytes: u64) -> std::io::Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    let most = bytes.saturating_add(RESERVED);
    let limit = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    Ok(setrlimit(Resource::Data, limit)?)
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
        signed_by: plugin.signed_by.clone(),
        instead_of: plugin.instead_of.clone(),
        capabilities: plugin.capabilities.clone(),
    }
}

/// What is told of a plugin from time to time.
pub fn news(plugin: &PluginHandle) -> PluginNews {
    PluginNews {
        name: plugin.name().to_owned(),
        marks: marks(plugin),
        counters: plugin.counters().into_iter().collect(),
        is_degraded: plugin.marks().is_degraded,
    }
}

fn marks(plugin: &PluginHandle) -> PluginMarks {
    let marks = plugin.marks();
    PluginMarks {
        calls: marks.calls,
        failures: marks.failures,
        panics: marks.panics,
        traps: marks.traps,
        slow_polls: marks.slow,
        call_micros: marks.micros,
    }
}
