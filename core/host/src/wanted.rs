//! What a process shall load: where plugins are, who of them, in which version, and whom to trust.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::signature::SignaturePolicy;

/// What to load. Can be handed to another process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Wanted {
    /// Directories with one folder per plugin; a later one wins for the same name.
    pub directories: Vec<PathBuf>,
    /// Options by plugin.
    pub options: BTreeMap<String, Value>,
    /// Plugins, best first, for schemes that several of them serve.
    pub priority: Vec<String>,
    /// Whose plugins are loaded.
    pub signatures: SignaturePolicy,
    /// Plugins out of service: listed, and not opened.
    pub excluded: Vec<String>,
    /// Schemes that are needed. Plugins whose manifest names none of them are left alone, as if they were not
    /// there; empty, or with a scheme that nobody serves: all are loaded.
    pub schemes: Vec<String>,
    /// What was decided about plugins, by name. One that is not here is loaded as it is found.
    pub decided: BTreeMap<String, Decided>,
}

/// What was decided about a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decided {
    /// Exactly this version: the one in the directories if it is that, else the copy that was kept.
    Version {
        /// Which one, see [`Version::id`](crate::Version::id).
        id: String,
        /// Folder with the copy.
        kept: PathBuf,
    },
    /// An operator disabled it.
    Disabled,
    /// It was tried, and must not be loaded.
    Refused(String),
}
