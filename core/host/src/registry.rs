//! All plugins of a process, and which of them serves a URL.
//!
//! What is loaded is decided in `filling`, who gets a scheme in `schemes`.

mod filling;
mod schemes;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_sdk::{DynStorage, Error, ErrorKind, Result, Url};
use serde_json::Value;

use crate::description::read;
use crate::folder::{config, log_for};
use crate::handle::{Kind, PluginHandle, PluginInfo, State};
use crate::layers::calls_at_once;
use crate::manifest::digest;
use crate::native;
use crate::refusal::Refusal;
use crate::wanted::Wanted;

/// "Protocol not supported", which users of the field see for an unknown scheme.
const EPROTONOSUPPORT: i32 = 93;

/// The plugins of a process.
#[derive(Clone, Debug, Default)]
pub struct Host {
    plugins: Vec<PluginHandle>,
    refused: Vec<PluginInfo>,
    schemes: BTreeMap<String, PluginHandle>,
    priority: Vec<String>,
}

impl Host {
    /// A host without plugins.
    pub fn new() -> Self {
        Self::default()
    }

    /// Loads every plugin below the directories.
    ///
    /// A later directory wins over an earlier one for the same name. `options` are the plugins'
    /// tables of the configuration, by name. `priority` names plugins, best first, for schemes that
    /// several claim. A plugin that cannot be loaded is listed with its reason by
    /// [`plugins`](Self::plugins); a directory that cannot be read counts as one of those.
    pub fn load(
        directories: &[PathBuf],
        options: &BTreeMap<String, Value>,
        priority: &[String],
    ) -> Self {
        Self::load_wanted(&Wanted {
            directories: directories.to_vec(),
            options: options.clone(),
            priority: priority.to_vec(),
            ..Wanted::default()
        })
    }

    /// Adds a storage that is linked into the program.
    #[must_use]
    pub fn builtin(mut self, storage: Arc<dyn DynStorage>) -> Self {
        let capabilities = storage.describe();
        let most = calls_at_once(&capabilities, None);
        let handle = PluginHandle::new(Kind::Builtin, None, capabilities, most, storage);
        self.plugins.push(handle);
        self.settle();
        self
    }

    /// Loads one library or component without a manifest, for checking it. Nobody vouches for its bytes: do it in
    /// a process that may die of it.
    ///
    /// # Errors
    /// Why it was refused.
    pub fn load_file(path: &Path, options: &Value) -> Result<PluginHandle, Refusal> {
        // A bare name would be looked for where the system keeps its libraries.
        let path = &std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let bytes = read(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        #[cfg(feature = "wasm")]
        if crate::wasm::is_wasm(&bytes) {
            return load_component(path, &bytes, &name, options, None);
        }
        let log = log_for(&name);
        let started = native::load_library(path, &bytes, &name, &config(options), &log)?;
        let most = calls_at_once(&started.capabilities, None);
        Ok(PluginHandle::new(
            Kind::Native,
            Some((path.to_owned(), digest(&bytes))),
            started.capabilities,
            most,
            Arc::new(started.storage),
        ))
    }

    /// Loads one component as [`load_file`](Self::load_file) does, with something between it and the network.
    ///
    /// # Errors
    /// Why it was refused. A native library makes its own connections.
    #[cfg(feature = "wasm")]
    pub fn load_file_through(
        path: &Path,
        options: &Value,
        wire: Arc<dyn crate::wire::Wire>,
    ) -> Result<PluginHandle, Refusal> {
        let bytes = read(path)?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        load_component(path, &bytes, &name, options, Some(wire))
    }

    /// Whether a file is WebAssembly, as a component is.
    ///
    /// # Errors
    /// When it cannot be read.
    #[cfg(feature = "wasm")]
    pub fn is_component(path: &Path) -> Result<bool, Refusal> {
        Ok(crate::wasm::is_wasm(&read(path)?))
    }

    /// The storage that serves a URL.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] with EPROTONOSUPPORT when none does.
    pub fn storage_for(&self, url: &Url) -> Result<Arc<dyn DynStorage>> {
        self.handle_for(url).map(|handle| handle.storage())
    }

    /// The plugin that serves a URL.
    ///
    /// # Errors
    /// As [`storage_for`](Self::storage_for).
    pub fn handle_for(&self, url: &Url) -> Result<&PluginHandle> {
        self.handle_for_scheme(url.scheme())
    }

    /// The plugin that serves a scheme.
    ///
    /// # Errors
    /// As [`storage_for`](Self::storage_for).
    pub fn handle_for_scheme(&self, scheme: &str) -> Result<&PluginHandle> {
        let scheme = scheme.to_ascii_lowercase();
        self.schemes
            .get(&scheme)
            .ok_or_else(|| self.no_plugin(&scheme))
    }

    fn no_plugin(&self, scheme: &str) -> Error {
        let refused = self
            .refused
            .iter()
            .find(|it| it.schemes.iter().any(|one| one == scheme));
        let text = match refused {
            Some(it) if it.state == State::Disabled => format!(
                "no plugin serves the scheme {scheme}: plugin {} is disabled",
                it.name
            ),
            Some(it) => format!(
                "no plugin serves the scheme {scheme}: plugin {} {}",
                it.name, it.state
            ),
            None => format!(
                "no plugin serves the scheme {scheme} (loaded: {})",
                self.schemes().collect::<Vec<_>>().join(", ")
            ),
        };
        Error::new(ErrorKind::Unsupported, text).with_errno(EPROTONOSUPPORT)
    }

    /// Schemes that are served, sorted.
    pub fn schemes(&self) -> impl Iterator<Item = &str> {
        self.schemes.keys().map(String::as_str)
    }

    /// Plugins that work.
    pub fn handles(&self) -> &[PluginHandle] {
        &self.plugins
    }

    /// Every plugin, refused ones with their reason, sorted by name.
    pub fn plugins(&self) -> Vec<PluginInfo> {
        let loaded = self.plugins.iter().map(PluginHandle::info);
        let mut all: Vec<_> = loaded.chain(self.refused.iter().cloned()).collect();
        all.sort_by(|one, two| one.name.cmp(&two.name));
        all
    }

    /// One plugin by name, refused or not.
    pub fn plugin(&self, name: &str) -> Option<PluginInfo> {
        self.plugins().into_iter().find(|it| it.name == name)
    }
}

#[cfg(feature = "wasm")]
fn load_component(
    path: &Path,
    bytes: &[u8],
    name: &str,
    options: &Value,
    wire: Option<Arc<dyn crate::wire::Wire>>,
) -> Result<PluginHandle, Refusal> {
    let mut options = options.as_object().cloned().unwrap_or_default();
    let grants = crate::grants::Grants::take(None, &mut options).map_err(Refusal::Grants)?;
    let config = Value::Object(options).to_string();
    let log = log_for(name);
    let started = crate::wasm::load_file(path, bytes, name, &config, None, &grants, log)?;
    if let Some(wire) = wire {
        // Nothing was sent until now: a plugin that is made and asked what it is touches no network.
        started.storage.through(wire);
    }
    let most = calls_at_once(&started.capabilities, None);
    Ok(PluginHandle::new(
        Kind::Component,
        Some((path.to_owned(), digest(bytes))),
        started.capabilities,
        most,
        Arc::new(started.storage),
    )
    .counting(started.counters))
}
