//! `plugin.toml`: what a plugin's folder says about the plugin, and whether the file beside it is
//! the one it speaks of.
//!
//! Read before anything is loaded. Unknown keys are errors: a misspelt permission must not be
//! taken for none.

mod limits;
mod owner;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use causeway_abi::preamble::{ABI_MAJOR, ABI_MINOR};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::handle::Kind;
use crate::refusal::Refusal;

pub(crate) use limits::{Limits, Permissions};
pub(crate) use owner::check_owner;

/// Name of the file in a plugin's folder.
pub(crate) const FILE_NAME: &str = "plugin.toml";
/// Digits of the name of a version.
const ID: usize = 16;
/// Format this gateway reads and writes.
const FORMAT: u32 = 1;

/// The manifest of a plugin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Format of this file.
    pub manifest: u32,
    /// Name of the plugin.
    pub name: String,
    /// Version of the plugin.
    pub version: String,
    /// How it is loaded.
    pub kind: Kind,
    /// The library or component, beside this file.
    pub file: String,
    /// SHA-256 of that file, in hexadecimal digits.
    pub sha256: String,
    /// Size of that file in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Version of the native boundary, for instance `1.0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abi: Option<String>,
    /// World of a component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
    /// URL schemes; equal to what the plugin says itself.
    pub schemes: Vec<String>,
    /// Machines it was built for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// Limits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
    /// What a component may do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    /// Options; those of the gateway's configuration go before.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub config: serde_json::Map<String, serde_json::Value>,
}

/// Only the format, so that a manifest of another format is not blamed for its keys.
#[derive(Deserialize)]
struct Format {
    manifest: Option<u32>,
}

impl Manifest {
    /// Manifest of a native library.
    pub(crate) fn native(name: &str, version: &str, schemes: &[String], library: &[u8]) -> Self {
        let sha256 = digest(library);
        Self {
            manifest: FORMAT,
            name: name.to_owned(),
            version: version.to_owned(),
            kind: Kind::Native,
            file: format!("libcauseway_plugin_{name}-{version}-{}.so", &sha256[..8]),
            sha256,
            size: Some(library.len() as u64),
            abi: Some(format!("{ABI_MAJOR}.{ABI_MINOR}")),
            world: None,
            schemes: schemes.to_vec(),
            targets: vec![format!("{}-linux", std::env::consts::ARCH)],
            limits: None,
            permissions: None,
            config: serde_json::Map::new(),
        }
    }

    /// Manifest of a component.
    #[cfg(feature = "wasm")]
    pub(crate) fn component(
        name: &str,
        version: &str,
        schemes: &[String],
        world: String,
        component: &[u8],
    ) -> Self {
        let sha256 = digest(component);
        Self {
            kind: Kind::Component,
            file: format!("{name}-{version}-{}.wasm", &sha256[..8]),
            abi: None,
            world: Some(world),
            targets: Vec::new(),
            ..Self::native(name, version, schemes, component)
        }
    }

    /// Reads the manifest of a folder.
    ///
    /// # Errors
    /// When it cannot be read, or is not one this gateway understands.
    pub fn read(folder: &Path) -> Result<Self, Refusal> {
        Written::read(folder).map(|it| it.manifest)
    }

    fn parse(text: &str, path: &Path) -> Result<Self, Refusal> {
        let refuse = |reason: String| Refusal::Manifest {
            path: path.to_owned(),
            reason,
        };
        let one_line = |source: toml::de::Error| refuse(source.message().replace('\n', " "));
        match toml::from_str::<Format>(text).map_err(one_line)?.manifest {
            Some(FORMAT) => {}
            Some(found) => {
                return Err(Refusal::ManifestFormat {
                    path: path.to_owned(),
                    found,
                    known: FORMAT,
                });
            }
            None => return Err(refuse(format!("the key `manifest = {FORMAT}` is missing"))),
        }
        let manifest: Self = toml::from_str(text).map_err(one_line)?;
        manifest.check().map_err(refuse)?;
        manifest.check_abi()?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if !is_word(&self.name) {
            return Err("name must be one word of lower-case letters, digits, - and _".to_owned());
        }
        if Path::new(&self.file).components().count() != 1 || self.file.contains("..") {
            return Err("file must be the bare name of a file in the same folder".to_owned());
        }
        if self.sha256.len() != 64 || !self.sha256.bytes().all(|it| it.is_ascii_hexdigit()) {
            return Err("sha256 must have 64 hexadecimal digits".to_owned());
        }
        let limits = self.limits.as_ref();
        let size = limits.and_then(|it| it.memory.as_ref().map(|_| it.memory_bytes()));
        if size == Some(None) {
            return Err("limits.memory must be a size, for instance 128MiB".to_owned());
        }
        Ok(())
    }

    fn check_abi(&self) -> Result<(), Refusal> {
        let major = |abi: &str| abi.split('.').next().and_then(|it| it.parse::<u32>().ok());
        match &self.abi {
            Some(abi) if major(abi) != Some(ABI_MAJOR) => Err(Refusal::AbiMajor {
                abi: abi.clone(),
                by: String::new(),
                known: ABI_MAJOR,
            }),
            _ => Ok(()),
        }
    }

    /// The file it speaks of.
    pub fn library(&self, folder: &Path) -> PathBuf {
        folder.join(&self.file)
    }

    /// Whether these are the bytes it speaks of.
    pub(crate) fn verify(&self, path: &Path, bytes: &[u8]) -> Result<(), Refusal> {
        let found = bytes.len() as u64;
        if let Some(expected) = self.size.filter(|size| *size != found) {
            return Err(Refusal::Size {
                path: path.to_owned(),
                found,
                expected,
            });
        }
        if !digest(bytes).eq_ignore_ascii_case(&self.sha256) {
            return Err(Refusal::Hash {
                path: path.to_owned(),
            });
        }
        Ok(())
    }
}

/// True for what may be the name of a plugin, and so of a folder.
pub(crate) fn is_word(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-' || it == b'_')
}

/// SHA-256 in lower-case digits.
pub(crate) fn digest(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A manifest with the very bytes it was read from: those are what a signature is about, and what
/// tells one version of a plugin from another.
#[derive(Clone, Debug)]
pub(crate) struct Written {
    pub(crate) manifest: Manifest,
    pub(crate) bytes: Vec<u8>,
}

impl Written {
    pub(crate) fn read(folder: &Path) -> Result<Self, Refusal> {
        let path = folder.join(FILE_NAME);
        let unreadable = |source| Refusal::Unreadable {
            path: path.clone(),
            source,
        };
        let bytes = std::fs::read(&path).map_err(unreadable)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| Refusal::Manifest {
            path: path.clone(),
            reason: "it is no text".to_owned(),
        })?;
        let manifest = Manifest::parse(text, &path)?;
        Ok(Self { manifest, bytes })
    }

    /// The same for the same bytes, another one for others.
    pub(crate) fn id(&self) -> String {
        let mut id = digest(&self.bytes);
        id.truncate(ID);
        id
    }
}
