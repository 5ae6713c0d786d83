//! `plugin.toml`: what a plugin's folder says about the plugin, and whether the file beside it is
//! the one it speaks of.
//!
//! Read before anything is loaded. Unknown keys are errors: a misspelt permission must not be
//! taken for none.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use causeway_abi::preamble::{ABI_MAJOR, ABI_MINOR};
use causeway_sdk::capability::CredentialKind;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::handle::Kind;
use crate::refusal::Refusal;

/// Name of the file in a plugin's folder.
pub(crate) const FILE_NAME: &str = "plugin.toml";
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

/// Limits of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Memory of an instance of a component, for instance `128MiB`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// Calls at the same time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Instances of a component at the same time, in each process. One, where a component keeps
    /// what it stores in its own memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<u32>,
    /// How long a component may compute without a pause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<u32>,
}

impl Limits {
    /// Memory in bytes; `None` when nothing is said, or nothing that is a size.
    pub fn memory_bytes(&self) -> Option<u64> {
        let text = self.memory.as_deref()?.trim();
        let digits = text.trim_end_matches(|it: char| !it.is_ascii_digit());
        let unit: u64 = match text[digits.len()..].trim() {
            "" | "B" => 1,
            "KiB" => 1 << 10,
            "MiB" => 1 << 20,
            "GiB" => 1 << 30,
            _ => return None,
        };
        digits.parse::<u64>().ok()?.checked_mul(unit)
    }
}

/// What a component may do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Permissions {
    /// Hosts and ports it may call, for instance `*.example.org:8443`; with `http://` in front also
    /// without encryption. A network, for instance `10.0.0.0/8`, lets names lead to private addresses.
    #[serde(default)]
    pub http: Vec<String>,
    /// Methods it may use; none for all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// Kinds of credentials that may go with its requests; all when nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Vec<CredentialKind>>,
    /// It may see credentials themselves.
    #[serde(default)]
    pub credential_reveal: bool,
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
        let path = folder.join(FILE_NAME);
        let text = std::fs::read_to_string(&path).map_err(|source| Refusal::Unreadable {
            path: path.clone(),
            source,
        })?;
        Self::parse(&text, &path)
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

/// Refuses what others than root and the gateway's own user could change.
pub(crate) fn check_owner(path: &Path) -> Result<(), Refusal> {
    let unreadable = |source| Refusal::Unreadable {
        path: path.to_owned(),
        source,
    };
    let refuse = |reason| Refusal::Permissions {
        path: path.to_owned(),
        reason,
    };
    let meta = std::fs::metadata(path).map_err(unreadable)?;
    // The owner of /proc/self is the effective user of this process.
    let own = std::fs::metadata("/proc/self").map_err(unreadable)?.uid();
    if meta.uid() != 0 && meta.uid() != own {
        return Err(refuse("it belongs to another user"));
    }
    if meta.mode() & 0o002 != 0 {
        return Err(refuse("everybody may write to it"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(change: impl FnOnce(String) -> String) -> Result<Manifest, String> {
        let manifest = Manifest::native("one", "1.2.3", &["one".into(), "ones".into()], b"library");
        let text = change(toml::to_string(&manifest).unwrap());
        Manifest::parse(&text, Path::new("plugin.toml")).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn reads_what_it_writes() {
        let manifest = parse(|text| text).unwrap();
        assert_eq!(
            manifest.file,
            "libcauseway_plugin_one-1.2.3-cca6b29e.so".replace("cca6b29e", &manifest.sha256[..8])
        );
        assert_eq!(manifest.schemes, ["one", "ones"]);
        manifest.verify(Path::new("f"), b"library").unwrap();
    }

    type Change = fn(String) -> String;

    #[test]
    fn every_mistake_has_its_sentence() {
        let cases: [(&str, Change); 6] = [
            ("unknown field `colour`", |text| {
                format!("colour = 1\n{text}")
            }),
            ("format 0 and this gateway reads format 1", |text| {
                text.replace("manifest = 1", "manifest = 0")
            }),
            ("`manifest = 1` is missing", |text| {
                text.replace("manifest = 1", "")
            }),
            (
                "built for plugin ABI 2.0; this gateway speaks 1.x",
                |text| text.replace("abi = \"1.0\"", "abi = \"2.0\""),
            ),
            ("bare name", |text| {
                text.replace("file = \"", "file = \"../")
            }),
            ("64 hexadecimal digits", |text| {
                text.replace("sha256 = \"", "sha256 = \"0")
            }),
        ];
        for (expected, change) in cases {
            let sentence = parse(change).unwrap_err();
            assert!(sentence.contains(expected), "{sentence}");
            assert!(!sentence.contains('\n'), "{sentence}");
        }
    }

    #[test]
    fn sizes_are_read_with_their_units() {
        let bytes = |text: &str| {
            let limits = Limits {
                memory: Some(text.to_owned()),
                ..Limits::default()
            };
            limits.memory_bytes()
        };
        assert_eq!(bytes("128MiB"), Some(128 << 20));
        assert_eq!(bytes("1 GiB"), Some(1 << 30));
        assert_eq!(bytes("4096"), Some(4096));
        for text in [
            "",
            "MiB",
            "1 MB",
            "-1",
            "99999999999999999999",
            "99999999999GiB",
        ] {
            assert_eq!(bytes(text), None, "{text}");
        }
        let sentence = parse(|text| format!("{text}\n[limits]\nmemory = \"much\"\n")).unwrap_err();
        assert!(
            sentence.contains("limits.memory must be a size"),
            "{sentence}"
        );
    }

    #[test]
    fn unknown_keys_are_refused_in_tables_too() {
        let sentence =
            parse(|text| format!("{text}\n[permissions]\nhtpp = [\"*\"]\n")).unwrap_err();
        assert!(sentence.contains("unknown field `htpp`"), "{sentence}");
    }

    #[test]
    fn another_file_is_noticed() {
        let manifest = parse(|text| text).unwrap();
        let path = Path::new("f");
        assert!(matches!(
            manifest.verify(path, b"librarY"),
            Err(Refusal::Hash { .. })
        ));
        assert!(matches!(
            manifest.verify(path, b"librar"),
            Err(Refusal::Size { .. })
        ));
    }
}
