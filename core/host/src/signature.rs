//! Signatures of manifests: who vouches for a plugin, and whether the operator trusts them.
//!
//! The signature is Ed25519 over the exact bytes of `plugin.toml`, which holds name, version, schemes
//! and the SHA-256 of the file, and so covers the file as well. It lies beside the manifest, in base64.
//! Keys are PEM as other tools write and read it: PKCS#8, and the public half as a
//! `SubjectPublicKeyInfo`. What a signature does not say is when it was made: an older version
//! that was signed is still signed.
//!
//! # Invariants
//! - Where signatures are required, what cannot be checked is refused: `signature/tests.rs`.

mod keys;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::manifest::{FILE_NAME, Written};
use crate::refusal::Refusal;
pub use keys::{KeyError, generate};
use keys::{PublicKey, private};

/// Name of the file beside the manifest.
pub(crate) const SIGNATURE_NAME: &str = "plugin.toml.sig";

/// Whose plugins are loaded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SignaturePolicy {
    /// A plugin must be signed with one of the keys.
    pub required: bool,
    /// Files with public keys.
    pub keys: Vec<PathBuf>,
}

/// The policy with its keys read.
pub(crate) struct Signatures {
    required: bool,
    keys: Vec<PublicKey>,
    /// Why a key could not be read.
    broken: Option<KeyError>,
}

impl Signatures {
    /// Reads the keys. One that cannot be read is told, and nothing that must be signed is trusted then.
    pub(crate) fn read(policy: &SignaturePolicy) -> Self {
        let mut all = Self {
            required: policy.required,
            keys: Vec::new(),
            broken: None,
        };
        for path in &policy.keys {
            match PublicKey::read(path) {
                Ok(key) => all.keys.push(key),
                Err(error) => {
                    tracing::error!(path = %path.display(), "plugins.trusted_keys: failed to {error}");
                    all.broken = Some(error);
                }
            }
        }
        all
    }

    /// Name of the trusted key that a manifest is signed with, if there is one.
    ///
    /// # Errors
    /// When a signature is required, and there is none that is trusted.
    pub(crate) fn check(
        &self,
        folder: &Path,
        written: &Written,
    ) -> Result<Option<String>, Refusal> {
        if self.keys.is_empty() && !self.required {
            return Ok(None);
        }
        let checked = self.signer(folder, written);
        if self.required {
            return checked.map(Some);
        }
        Ok(checked.ok())
    }

    fn signer(&self, folder: &Path, written: &Written) -> Result<String, Refusal> {
        if let Some(error) = self.broken.as_ref().filter(|_| self.required) {
            return Err(Refusal::TrustedKeys(error.to_string()));
        }
        if self.keys.is_empty() {
            let reason = "plugins.require_signature is set and plugins.trusted_keys names no key";
            return Err(Refusal::TrustedKeys(reason.to_owned()));
        }
        let path = folder.join(FILE_NAME);
        let Some(signature) = read_signature(folder)? else {
            return Err(Refusal::Unsigned {
                path,
                folder: folder.to_owned(),
            });
        };
        let by = |key: &&PublicKey| {
            let key = UnparsedPublicKey::new(&ED25519, &key.bytes);
            key.verify(&written.bytes, &signature).is_ok()
        };
        let found = self.keys.iter().find(by);
        found
            .map(|key| key.name.clone())
            .ok_or(Refusal::Signature { path })
    }
}

/// The signature beside a manifest. One that is no base64 is one that fits nothing.
fn read_signature(folder: &Path) -> Result<Option<Vec<u8>>, Refusal> {
    let path = folder.join(SIGNATURE_NAME);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Refusal::Unreadable { path, source }),
    };
    Ok(Some(STANDARD.decode(text.trim_ascii()).unwrap_or_default()))
}

/// Signs the manifest of a plugin's folder and returns the file with the signature. What is signed
/// must be whole: the file beside it is compared with what the manifest says.
///
/// # Errors
/// When the folder is no whole plugin, the key is none, or the signature cannot be written.
pub fn sign(folder: &Path, key: &Path) -> Result<PathBuf, Refusal> {
    let written = Written::read(folder)?;
    let library = written.manifest.library(folder);
    let bytes = crate::description::read(&library)?;
    written.manifest.verify(&library, &bytes)?;
    let key = private(key).map_err(|error| Refusal::TrustedKeys(error.to_string()))?;
    let signature = STANDARD.encode(key.sign(&written.bytes)) + "\n";
    let path = folder.join(SIGNATURE_NAME);
    let unfinished = folder.join(format!(".{SIGNATURE_NAME}.{}", std::process::id()));
    std::fs::write(&unfinished, signature)
        .and_then(|()| std::fs::rename(&unfinished, &path))
        .map_err(|source| Refusal::Install {
            path: path.clone(),
            source,
        })?;
    Ok(path)
}
