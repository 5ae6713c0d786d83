//! A plugin as the rest of the gateway sees it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_sdk::{Capabilities, DynStorage};
use serde::{Deserialize, Serialize, Serializer};

use crate::layers::{Health, Marks};

/// How a plugin came into the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A native library.
    Native,
    /// A WebAssembly component.
    #[serde(alias = "wasm")]
    Component,
    /// Linked into the program.
    Builtin,
}

impl Kind {
    /// Name as in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Component => "component",
            Self::Builtin => "builtin",
        }
    }
}

/// Whether a plugin works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// It works.
    Ready,
    /// It works, but panicked often of late, or blocked a thread.
    Degraded,
    /// It was not loaded because an operator disabled it.
    Disabled,
    /// It was not loaded, for this reason.
    Failed(String),
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::Degraded => f.write_str("degraded"),
            Self::Disabled => f.write_str("disabled"),
            Self::Failed(reason) => write!(f, "failed: {reason}"),
        }
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A plugin that was loaded. Cheap to clone.
#[derive(Clone)]
pub struct PluginHandle(Arc<Loaded>);

struct Loaded {
    kind: Kind,
    path: Option<PathBuf>,
    sha256: Option<String>,
    capabilities: Capabilities,
    health: Arc<Health>,
    storage: Arc<dyn DynStorage>,
    bare: Arc<dyn DynStorage>,
    signed_by: Option<String>,
    instead_of: Option<String>,
    #[cfg(feature = "wasm")]
    counters: Option<Arc<crate::wasm::Counters>>,
}

impl PluginHandle {
    /// Puts the layers around a storage.
    pub(crate) fn new(
        kind: Kind,
        file: Option<(PathBuf, String)>,
        capabilities: Capabilities,
        calls_at_once: usize,
        storage: Arc<dyn DynStorage>,
    ) -> Self {
        let health = Arc::new(Health::new(&capabilities.name));
        let bare = Arc::clone(&storage);
        let watch = Arc::clone(&health);
        let storage = crate::layers::around(storage, &capabilities, calls_at_once, watch);
        let (path, sha256) = file.unzip();
        Self(Arc::new(Loaded {
            kind,
            path,
            sha256,
            capabilities,
            health,
            storage,
            bare,
            signed_by: None,
            instead_of: None,
            #[cfg(feature = "wasm")]
            counters: None,
        }))
    }

    /// Notes where the plugin counts. For a handle nobody else has yet.
    #[cfg(feature = "wasm")]
    pub(crate) fn counting(mut self, counters: Arc<crate::wasm::Counters>) -> Self {
        if let Some(loaded) = Arc::get_mut(&mut self.0) {
            loaded.counters = Some(counters);
        }
        self
    }

    /// Notes with which trusted key it was signed. For a handle nobody else has yet.
    pub(crate) fn signed_by(mut self, key: Option<String>) -> Self {
        if let Some(loaded) = Arc::get_mut(&mut self.0) {
            loaded.signed_by = key;
        }
        self
    }

    /// Notes why what lies in the plugin directory was not loaded instead. The same holds.
    pub(crate) fn instead_of(mut self, refusal: String) -> Self {
        if let Some(loaded) = Arc::get_mut(&mut self.0) {
            loaded.instead_of = Some(refusal);
        }
        self
    }

    /// Counters that the plugin adds to, by name.
    pub fn counters(&self) -> BTreeMap<String, u64> {
        #[cfg(feature = "wasm")]
        if let Some(counters) = &self.0.counters {
            return counters.all();
        }
        BTreeMap::new()
    }

    /// Name of the plugin.
    pub fn name(&self) -> &str {
        &self.0.capabilities.name
    }

    /// Version of the plugin.
    pub fn version(&self) -> &str {
        &self.0.capabilities.version
    }

    /// How it came into the process.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// URL schemes it speaks.
    pub fn schemes(&self) -> &[String] {
        &self.0.capabilities.schemes
    }

    /// Whether it works.
    pub fn state(&self) -> State {
        if self.0.health.is_degraded() {
            State::Degraded
        } else {
            State::Ready
        }
    }

    /// Panics that were caught since it was loaded.
    pub fn panics(&self) -> u64 {
        self.0.health.panics()
    }

    /// What was counted of its calls since it was loaded.
    pub fn marks(&self) -> Marks {
        let marks = self.0.health.marks();
        #[cfg(feature = "wasm")]
        if let Some(counters) = &self.0.counters {
            let traps = counters.stopped();
            return Marks { traps, ..marks };
        }
        marks
    }

    /// Its file.
    pub fn path(&self) -> Option<&Path> {
        self.0.path.as_deref()
    }

    /// SHA-256 of its file.
    pub fn sha256(&self) -> Option<&str> {
        self.0.sha256.as_deref()
    }

    /// What it can do.
    pub fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }

    /// The storage, with capability gate, deadlines, the limit of calls and the watch around it.
    pub fn storage(&self) -> Arc<dyn DynStorage> {
        Arc::clone(&self.0.storage)
    }

    /// The storage without the layers, for measuring what they cost. Nothing guards its calls.
    pub fn bare_storage(&self) -> Arc<dyn DynStorage> {
        Arc::clone(&self.0.bare)
    }

    /// What is shown of it.
    pub fn info(&self) -> PluginInfo {
        PluginInfo {
            name: self.name().to_owned(),
            version: self.version().to_owned(),
            kind: self.kind(),
            schemes: self.schemes().to_vec(),
            state: self.state(),
            path: self.0.path.clone(),
            sha256: self.0.sha256.clone(),
            signed_by: self.0.signed_by.clone(),
            instead_of: self.0.instead_of.clone(),
            panics: self.panics(),
            counters: self.counters(),
            capabilities: Some(self.0.capabilities.clone()),
        }
    }
}

impl fmt::Debug for PluginHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PluginHandle")
            .field("name", &self.name())
            .field("version", &self.version())
            .field("kind", &self.kind())
            .finish_non_exhaustive()
    }
}

/// What is shown of a plugin, loaded or refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PluginInfo {
    /// Name; the folder's when the manifest could not be read.
    pub name: String,
    /// Version, empty when it is not known.
    pub version: String,
    /// How it came, or should come, into the process.
    pub kind: Kind,
    /// URL schemes.
    pub schemes: Vec<String>,
    /// Whether it works.
    pub state: State,
    /// Its file.
    pub path: Option<PathBuf>,
    /// SHA-256 of its file.
    pub sha256: Option<String>,
    /// The trusted key that it is signed with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
    /// Why the version in the plugin directory was not loaded, where an earlier one was kept and works.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// Panics that were caught.
    pub panics: u64,
    /// Counters that the plugin adds to.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub counters: BTreeMap<String, u64>,
    /// What it can do; nothing when it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capabilities: Option<Capabilities>,
}
