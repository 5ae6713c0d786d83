//! Puts a library or a component into a plugin directory: a name of its own, and the manifest that
//! vouches for it.

use std::io;
use std::path::{Path, PathBuf};

use causeway_sdk::Host as SdkHost;

use crate::description::read;
use crate::folder::folder_name;
use crate::manifest::{FILE_NAME, Manifest};
use crate::native::load_library;
use crate::refusal::Refusal;
use crate::signature::SIGNATURE_NAME;

/// Installs a native library or a component below `directory` and returns the plugin's folder.
///
/// The library is loaded into the calling process, which must therefore trust it, and asked for its
/// name, version and schemes with the options given as JSON. Copy and manifest appear by rename: a
/// gateway that runs keeps the file it has, and one that starts sees the old plugin or the new one.
///
/// # Errors
/// When the library is refused, or the files cannot be written.
pub fn write_manifest(
    library: &Path,
    directory: &Path,
    options: &serde_json::Value,
) -> Result<PathBuf, Refusal> {
    let bytes = read(library)?;
    let name = folder_name(library);
    let manifest = introduced(library, &bytes, &name, options)?;
    let folder = directory.join(&manifest.name);
    let text = toml::to_string(&manifest).map_err(|source| Refusal::Manifest {
        path: folder.join(FILE_NAME),
        reason: source.to_string(),
    })?;
    place(&folder, &manifest.file, &bytes)
        .and_then(|()| remove_signature(&folder))
        .and_then(|()| place(&folder, FILE_NAME, text.as_bytes()))
        .and_then(|()| remove_older(&folder, &manifest))
        .map_err(|source| Refusal::Install {
            path: folder.clone(),
            source,
        })?;
    Ok(folder)
}

/// The manifest by what the plugin says of itself.
fn introduced(
    path: &Path,
    bytes: &[u8],
    name: &str,
    options: &serde_json::Value,
) -> Result<Manifest, Refusal> {
    let log = SdkHost::silent();
    #[cfg(feature = "wasm")]
    if crate::wasm::is_wasm(bytes) {
        return component(path, bytes, name, options, log);
    }
    let started = load_library(path, bytes, name, &options.to_string(), &log)?;
    let about = &started.capabilities;
    Ok(Manifest::native(
        &about.name,
        &about.version,
        &about.schemes,
        bytes,
    ))
}

#[cfg(feature = "wasm")]
fn component(
    path: &Path,
    bytes: &[u8],
    name: &str,
    options: &serde_json::Value,
    log: SdkHost,
) -> Result<Manifest, Refusal> {
    let mut options = options.as_object().cloned().unwrap_or_default();
    let grants = crate::grants::Grants::take(None, &mut options).map_err(Refusal::Grants)?;
    let config = serde_json::Value::Object(options).to_string();
    let started = crate::wasm::load_file(path, bytes, name, &config, None, &grants, log)?;
    let about = &started.capabilities;
    let world = crate::wasm::world_name(started.world);
    Ok(Manifest::component(
        &about.name,
        &about.version,
        &about.schemes,
        world,
        bytes,
    ))
}

fn place(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let unfinished = folder.join(format!(".{name}.{}", std::process::id()));
    std::fs::write(&unfinished, bytes)?;
    std::fs::rename(&unfinished, folder.join(name))
}

/// Removes the signature of an earlier installation, which is about another manifest.
fn remove_signature(folder: &Path) -> io::Result<()> {
    match std::fs::remove_file(folder.join(SIGNATURE_NAME)) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(source),
        _ => Ok(()),
    }
}

/// Removes files of earlier installations. Processes that have one mapped keep it.
fn remove_older(folder: &Path, manifest: &Manifest) -> io::Result<()> {
    let name = &manifest.name;
    let (library, component) = (format!("libcauseway_plugin_{name}-"), format!("{name}-"));
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.file_name();
        let file = file.to_string_lossy();
        let older = (file.starts_with(&library) && file.ends_with(".so"))
            || (file.starts_with(&component) && file.ends_with(".wasm"));
        if older && file != manifest.file.as_str() {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
