//! Which plugins are loaded, and with which options.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Section `plugins`. Every key that is not named here is the name of a plugin, and its table is
/// handed to that plugin.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PluginsConfig {
    /// Directories with one folder per plugin; empty for `plugins` beside the program.
    pub dirs: Vec<PathBuf>,
    /// Plugins, best first, for schemes that several of them serve.
    pub priority: Vec<String>,
    /// Directory for compiled components, which only the gateway's user may write to; `components`
    /// beside the store when it is not set. Programs without a store compile them each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cache_dir: Option<PathBuf>,
    /// Files with public keys of those whose plugins are trusted.
    pub trusted_keys: Vec<PathBuf>,
    /// A plugin must be signed with one of them.
    pub require_signature: bool,
    /// Options by plugin.
    #[serde(flatten)]
    pub options: BTreeMap<String, toml::Value>,
}

impl PluginsConfig {
    /// Sets an option of a plugin unless the operator did.
    pub fn set_default(&mut self, plugin: &str, option: &str, value: impl Into<toml::Value>) {
        let table = self
            .options
            .entry(plugin.to_owned())
            .or_insert_with(|| toml::Value::Table(toml::Table::new()));
        if let toml::Value::Table(table) = table {
            table.entry(option).or_insert_with(|| value.into());
        }
    }
}
