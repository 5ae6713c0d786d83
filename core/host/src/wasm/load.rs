//! From a file to a storage: verified, compiled, its imports looked through, linked, started and
//! asked what it is. Each step has its own refusal.

use std::path::Path;
use std::sync::Arc;

use causeway_sdk::Capabilities;

use super::bridge::Bridge;
use super::cache::{compile, one_line};
use super::component::Plugin;
use super::counters::Counters;
use super::engine::shared;
use super::http::Outbound;
use super::imports;
use super::limits::Bounds;
use super::state::About;
use super::v0_1::Indices;
use crate::description::{compare, read, understand};
use crate::grants::Grants;
use crate::manifest::{Limits, Manifest, check_owner};
use crate::refusal::Refusal;

/// A component that was started.
pub(crate) struct Started {
    pub(crate) storage: Bridge,
    pub(crate) capabilities: Capabilities,
    pub(crate) world: &'static str,
    /// What it counts.
    pub(crate) counters: Arc<Counters>,
}

/// First bytes of everything WebAssembly, and what follows them in a component.
const MAGIC: &[u8] = b"\0asm";
const LAYER: [u8; 4] = [0x0d, 0x00, 0x01, 0x00];

/// True for WebAssembly, which is no library.
pub(crate) fn is_wasm(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// Loads the component of a folder, after it was found to be what the manifest says.
pub(crate) fn load_installed(
    folder: &Path,
    manifest: &Manifest,
    config: &str,
    grants: &Grants,
    log: causeway_sdk::Host,
) -> Result<Started, Refusal> {
    let path = manifest.library(folder);
    check_owner(folder)?;
    check_owner(&path)?;
    let bytes = read(&path)?;
    manifest.verify(&path, &bytes)?;
    let limits = manifest.limits.as_ref();
    let started = load_file(&path, &bytes, &manifest.name, config, limits, grants, log)?;
    compare(manifest, &started.capabilities)?;
    let world = world_name(started.world);
    if let Some(said) = manifest.world.as_ref().filter(|said| **said != world) {
        return Err(Refusal::Mismatch {
            what: "world",
            manifest: said.clone(),
            library: world,
        });
    }
    Ok(started)
}

/// Full name of a world.
pub(crate) fn world_name(world: &str) -> String {
    format!("{}{world}@{}", super::v0_1::PACKAGE, super::v0_1::VERSION)
}

/// Loads a component whose bytes were read.
pub(crate) fn load_file(
    path: &Path,
    bytes: &[u8],
    name: &str,
    config: &str,
    limits: Option<&Limits>,
    grants: &Grants,
    log: causeway_sdk::Host,
) -> Result<Started, Refusal> {
    let refuse = |reason: String| Refusal::Component {
        path: path.to_owned(),
        reason,
    };
    let inside = bytes.strip_prefix(MAGIC);
    let inside = inside.ok_or_else(|| refuse("it is no WebAssembly".to_owned()))?;
    if !inside.starts_with(&LAYER) {
        let reason = "it is a core module of WebAssembly, of which a component has yet to be made";
        return Err(refuse(reason.to_owned()));
    }
    let shared = shared().map_err(refuse)?;
    let component = compile(&shared.engine, bytes).map_err(refuse)?;
    let needs = imports::check(&shared.engine, &component).map_err(refuse)?;
    let linker = imports::linker(&shared.engine, &needs).map_err(refuse)?;
    let pre = linker
        .instantiate_pre(&component)
        .map_err(|source| refuse(one_line(&source)))?;
    let indices = Indices::new(&pre).map_err(|_| {
        refuse(
            "it exports no storage: components are made for a world of causeway:storage".to_owned(),
        )
    })?;
    let outbound = Outbound::new(name, grants).map_err(refuse)?;
    let counters = Arc::new(Counters::default());
    let about = Arc::new(About {
        name: name.to_owned(),
        config: config.to_owned(),
        log,
        reveal: grants.reveal,
        outbound,
        counters: Arc::clone(&counters),
    });
    let world = indices.world();
    let bounds = Bounds::new(limits, needs.runtime);
    let plugin = Plugin::new(shared, pre, indices, about, bounds);
    let json = Bridge::begin(&plugin).map_err(Refusal::Create)?;
    let capabilities = understand(&json)?;
    plugin.at_most(capabilities.instances);
    Ok(Started {
        storage: Bridge::new(plugin, capabilities.clone()),
        capabilities,
        world,
        counters,
    })
}
