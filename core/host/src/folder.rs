//! One folder of a plugin directory: from its manifest to a plugin that works.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway_sdk::{Host as SdkHost, LogLevel};
use serde_json::{Map, Value};

use crate::handle::{Kind, PluginHandle};
use crate::layers::calls_at_once;
use crate::manifest::{FILE_NAME, Manifest};
use crate::native;
use crate::refusal::Refusal;

/// A folder with a manifest, which may be unreadable.
pub(crate) struct Found {
    pub(crate) folder: PathBuf,
    pub(crate) manifest: Result<Manifest, Refusal>,
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
                let manifest = Manifest::read(&folder);
                folders.push(Self { folder, manifest });
            }
        }
        folders.sort_by(|one, two| one.folder.cmp(&two.folder));
        Ok(folders)
    }

    pub(crate) fn name(&self) -> String {
        match &self.manifest {
            Ok(manifest) => manifest.name.clone(),
            Err(_) => folder_name(&self.folder),
        }
    }

    pub(crate) fn load(&self, options: Option<&Value>) -> Result<PluginHandle, Refusal> {
        // Read again, so that the refusal is owned by whoever reports it.
        let manifest = match &self.manifest {
            Ok(manifest) => manifest,
            Err(_) => &Manifest::read(&self.folder)?,
        };
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
