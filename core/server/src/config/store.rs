//! Where jobs and credentials are kept.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Section `store`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoreConfig {
    /// `embedded:PATH`.
    pub url: String,
    /// Key that encrypts delegated credentials; made when missing. Empty: `vault.key` beside the store.
    pub key_file: PathBuf,
    /// Cache of the store, in bytes.
    pub cache_bytes: u64,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            url: "embedded:/var/lib/causeway/db".into(),
            key_file: PathBuf::new(),
            cache_bytes: 64 << 20,
        }
    }
}

impl StoreConfig {
    /// Directory of the embedded store.
    ///
    /// # Errors
    /// A sentence that says what to write, for any other kind of URL.
    pub fn embedded_path(&self) -> Result<PathBuf, String> {
        match self.url.strip_prefix("embedded:") {
            Some(path) if !path.is_empty() => Ok(PathBuf::from(path)),
            _ => Err(format!(
                "store.url {:?} is not known: write embedded:PATH",
                self.url
            )),
        }
    }
}
