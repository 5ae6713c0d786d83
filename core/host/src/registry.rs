//! All plugins of a process, and which of them serves a URL.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_sdk::{DynStorage, Error, ErrorKind, Result, Url};
use serde_json::Value;

use crate::description::read;
use crate::folder::{Found, config, folder_name, log_for};
use crate::handle::{Kind, PluginHandle, PluginInfo, State};
use crate::layers::calls_at_once;
use crate::manifest::{Manifest, digest};
use crate::native;
use crate::refusal::Refusal;

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
        Self::load_without(directories, options, priority, &[])
    }

    /// The same, but leaves plugins out that are out of service: they are listed and not opened.
    pub fn load_without(
        directories: &[PathBuf],
        options: &BTreeMap<String, Value>,
        priority: &[String],
        excluded: &[String],
    ) -> Self {
        let mut host = Self {
            priority: priority.to_vec(),
            ..Self::default()
        };
        let mut found: BTreeMap<String, Vec<Found>> = BTreeMap::new();
        for directory in directories {
            let mut here: BTreeMap<String, Vec<Found>> = BTreeMap::new();
            match Found::all(directory) {
                Ok(folders) => {
                    for it in folders {
                        here.entry(it.name()).or_default().push(it);
                    }
                }
                Err(refusal) => host.refuse(directory, None, &refusal),
            }
            found.extend(here);
        }
        for (name, folders) in found {
            match folders.as_slice() {
                [one] if excluded.contains(&name) => {
                    let manifest = one.manifest.as_ref().ok();
                    host.refuse(&one.folder, manifest, &Refusal::OutOfService);
                }
                [one] => host.take(one, options.get(&name)),
                several => host.refuse_all(&name, several),
            }
        }
        host.settle();
        host
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
            return load_component(path, &bytes, &name, options);
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

    fn take(&mut self, found: &Found, options: Option<&Value>) {
        match found.load(options) {
            Ok(handle) => {
                tracing::info!(
                    plugin.name = handle.name(),
                    plugin.version = handle.version(),
                    "plugin loaded"
                );
                self.plugins.push(handle);
            }
            Err(refusal) => self.refuse(&found.folder, found.manifest.as_ref().ok(), &refusal),
        }
    }

    fn refuse_all(&mut self, name: &str, several: &[Found]) {
        for (index, it) in several.iter().enumerate() {
            let other = &several[(index + 1) % several.len()];
            let refusal = Refusal::Duplicate {
                name: name.to_owned(),
                other: other.folder.clone(),
            };
            self.refuse(&it.folder, it.manifest.as_ref().ok(), &refusal);
        }
    }

    fn refuse(&mut self, folder: &Path, manifest: Option<&Manifest>, refusal: &Refusal) {
        let name = manifest.map_or_else(|| folder_name(folder), |it| it.name.clone());
        tracing::warn!(plugin.name = %name, plugin.path = %folder.display(), "plugin refused: failed to {refusal}");
        self.refused.push(PluginInfo {
            name,
            version: manifest.map(|it| it.version.clone()).unwrap_or_default(),
            kind: manifest.map_or(Kind::Native, |it| it.kind),
            schemes: manifest.map(|it| it.schemes.clone()).unwrap_or_default(),
            state: State::Failed(refusal.to_string()),
            path: Some(manifest.map_or_else(|| folder.to_owned(), |it| it.library(folder))),
            sha256: manifest.map(|it| it.sha256.clone()),
            panics: 0,
            counters: BTreeMap::new(),
            capabilities: None,
        });
    }

    /// Gives every scheme to one plugin. Where several claim one and no priority decides, none of
    /// them stays.
    fn settle(&mut self) {
        let conflicts = self.conflicts();
        for (name, refusal) in &conflicts {
            tracing::warn!(plugin.name = %name, "plugin refused: failed to {refusal}");
        }
        let (out, stay): (Vec<_>, Vec<_>) = std::mem::take(&mut self.plugins)
            .into_iter()
            .partition(|it| conflicts.contains_key(it.name()));
        self.refused.extend(out.iter().map(|handle| PluginInfo {
            state: State::Failed(conflicts[handle.name()].to_string()),
            ..handle.info()
        }));
        self.plugins = stay;
        self.schemes = self
            .claims()
            .into_iter()
            .filter_map(|(scheme, claimants)| Some((scheme, self.winner(&claimants)?.clone())))
            .collect();
    }

    fn claims(&self) -> BTreeMap<String, Vec<PluginHandle>> {
        let mut claims: BTreeMap<String, Vec<PluginHandle>> = BTreeMap::new();
        for handle in &self.plugins {
            let schemes: BTreeSet<_> = handle
                .schemes()
                .iter()
                .map(|it| it.to_ascii_lowercase())
                .collect();
            for scheme in schemes {
                claims.entry(scheme).or_default().push(handle.clone());
            }
        }
        claims
    }

    fn winner<'a>(&self, claimants: &'a [PluginHandle]) -> Option<&'a PluginHandle> {
        match claimants {
            [one] => Some(one),
            several => self
                .priority
                .iter()
                .find_map(|name| several.iter().find(|it| it.name() == name)),
        }
    }

    fn conflicts(&self) -> BTreeMap<String, Refusal> {
        let mut conflicts = BTreeMap::new();
        for (scheme, claimants) in self.claims() {
            if self.winner(&claimants).is_some() {
                continue;
            }
            for (index, it) in claimants.iter().enumerate() {
                let other = &claimants[(index + 1) % claimants.len()];
                conflicts.insert(
                    it.name().to_owned(),
                    Refusal::Conflict {
                        scheme: scheme.clone(),
                        other: other.name().to_owned(),
                    },
                );
            }
        }
        conflicts
    }
}

#[cfg(feature = "wasm")]
fn load_component(
    path: &Path,
    bytes: &[u8],
    name: &str,
    options: &Value,
) -> Result<PluginHandle, Refusal> {
    let mut options = options.as_object().cloned().unwrap_or_default();
    let grants = crate::grants::Grants::take(None, &mut options).map_err(Refusal::Grants)?;
    let config = Value::Object(options).to_string();
    let log = log_for(name);
    let started = crate::wasm::load_file(path, bytes, name, &config, None, &grants, log)?;
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
