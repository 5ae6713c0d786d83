//! One folder of a plugin directory: from its manifest to a plugin that works.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_sdk::{Host as SdkHost, LogLevel};
use serde_json::{Map, Value};

use crate::handle::{Kind, PluginHandle};
use crate::layers::calls_at_once;
use crate::manifest::{FILE_NAME, Manifest, Written, check_owner};
use crate::native;
use crate::refusal::Refusal;
use crate::signature::Signatures;

/// A folder with a manifest, which may be unreadable.
pub(crate) struct Found {
    pub(crate) folder: PathBuf,
    pub(crate) written: Result<Written, Refusal>,
    /// What stands between a component and the network while it is checked.
    #[cfg(feature = "wasm")]
    pub(crate) wire: Option<Arc<dyn crate::wire::Wire>>,
}

impl Found {
    pub(crate) fn all(directory: &Path) -> Result<Vec<Self>, Refusal> {
        let unreadable = |source| Refusal::Unreadable {
            path: directory.to_owned(),
            source,
        };
        let mut folders = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(unreadable)? {
            let folder = entry.map_err(unreadable)?.path();
            if folder.join(FILE_NAME).exists() {
                folders.push(Self::at(folder));
            }
        }
        folders.sort_by(|one, two| one.folder.cmp(&two.folder));
        Ok(folders)
    }

    pub(crate) fn at(folder: PathBuf) -> Self {
        let written = Written::read(&folder);
        Self {
            folder,
            written,
            #[cfg(feature = "wasm")]
            wire: None,
        }
    }

    pub(crate) fn name(&self) -> String {
        match self.manifest() {
            Some(manifest) => manifest.name.clone(),
            None => folder_name(&self.folder),
        }
    }

    pub(crate) fn manifest(&self) -> Option<&Manifest> {
        self.written.as_ref().ok().map(|it| &it.manifest)
    }

    /// Whether the manifest names a scheme.
    pub(crate) fn serves(&self, scheme: &str) -> bool {
        let mut schemes = self.manifest().into_iter().flat_map(|it| &it.schemes);
        schemes.any(|it| it.eq_ignore_ascii_case(scheme))
    }

    pub(crate) fn load(
        &self,
        options: Option<&Value>,
        signatures: &Signatures,
    ) -> Result<PluginHandle, Refusal> {
        // Read again, so that the refusal is owned by whoever reports it.
        let written = match &self.written {
            Ok(written) => written,
            Err(_) => &Written::read(&self.folder)?,
        };
        check_owner(&self.folder.join(FILE_NAME))?;
        let signer = signatures.check(&self.folder, written)?;
        let handle = self.load_as(&written.manifest, options)?;
        Ok(handle.signed_by(signer))
    }

    fn load_as(
        &self,
        manifest: &Manifest,
        options: Option<&Value>,
    ) -> Result<PluginHandle, Refusal> {
        let mut merged = manifest.config.clone();
        if let Some(Value::Object(options)) = options {
            merged.extend(options.clone());
        }
        match manifest.kind {
            Kind::Native => self.load_native(manifest, merged),
            #[cfg(feature = "wasm")]
            Kind::Component => self.load_component(manifest, merged),
            kind => Err(Refusal::Kind { kind: kind.name() }),
        }
    }

    fn load_native(
        &self,
        manifest: &Manifest,
        options: Map<String, Value>,
    ) -> Result<PluginHandle, Refusal> {
        let config = Value::Object(options).to_string();
        let started =
            native::load_installed(&self.folder, manifest, &config, &log_for(&manifest.name))?;
        let limits = manifest.limits.as_ref();
        let most = calls_at_once(&started.capabilities, limits.and_then(|it| it.concurrency));
        Ok(PluginHandle::new(
            Kind::Native,
            Some((manifest.library(&self.folder), manifest.sha256.clone())),
            started.capabilities,
            most,
            Arc::new(started.storage),
        ))
    }

    #[cfg(feature = "wasm")]
    fn load_component(
        &self,
        manifest: &Manifest,
        mut options: Map<String, Value>,
    ) -> Result<PluginHandle, Refusal> {
        let grants = crate::grants::Grants::take(manifest.permissions.as_ref(), &mut options)
            .map_err(Refusal::Grants)?;
        let config = Value::Object(options).to_string();
        let log = log_for(&manifest.name);
        let started = crate::wasm::load_installed(&self.folder, manifest, &config, &grants, log)?;
        if let Some(wire) = &self.wire {
            // Nothing was sent until now: a plugin that is made and asked what it is touches no network.
            started.storage.through(Arc::clone(wire));
        }
        let limits = manifest.limits.as_ref();
        let most = calls_at_once(&started.capabilities, limits.and_then(|it| it.concurrency));
        Ok(PluginHandle::new(
            Kind::Component,
            Some((manifest.library(&self.folder), manifest.sha256.clone())),
            started.capabilities,
            most,
            Arc::new(started.storage),
        )
        .counting(started.counters))
    }
}

pub(crate) fn folder_name(folder: &Path) -> String {
    folder
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

pub(crate) fn config(options: &Value) -> String {
    match options {
        Value::Null => "{}".to_owned(),
        some => some.to_string(),
    }
}

/// The gateway's log under the name of a plugin.
pub(crate) fn log_for(plugin: &str) -> SdkHost {
    let plugin = plugin.to_owned();
    SdkHost::new(move |level, text| match level {
        LogLevel::Debug => tracing::debug!(plugin.name = %plugin, "{text}"),
        LogLevel::Info => tracing::info!(plugin.name = %plugin, "{text}"),
        LogLevel::Warn => tracing::warn!(plugin.name = %plugin, "{text}"),
        LogLevel::Error => tracing::error!(plugin.name = %plugin, "{text}"),
    })
}
