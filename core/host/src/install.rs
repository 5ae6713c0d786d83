//! Puts a library into a plugin directory: a name of its own, and the manifest that vouches for it.

use std::io;
use std::path::{Path, PathBuf};

use causeway_sdk::Host as SdkHost;

use crate::folder::folder_name;
use crate::manifest::{FILE_NAME, Manifest};
use crate::native::{load_library, read};
use crate::refusal::Refusal;

/// Installs a native library below `directory` and returns the plugin's folder.
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
    let options = options.to_string();
    let started = load_library(library, &bytes, &name, &options, &SdkHost::silent())?;
    let about = &started.capabilities;
    let manifest = Manifest::native(&about.name, &about.version, &about.schemes, &bytes);
    let folder = directory.join(&about.name);
    let text = toml::to_string(&manifest).map_err(|source| Refusal::Manifest {
        path: folder.join(FILE_NAME),
        reason: source.to_string(),
    })?;
    place(&folder, &manifest.file, &bytes)
        .and_then(|()| place(&folder, FILE_NAME, text.as_bytes()))
        .and_then(|()| remove_older(&folder, &about.name, &manifest.file))
        .map_err(|source| Refusal::Install {
            path: folder.clone(),
            source,
        })?;
    Ok(folder)
}

fn place(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let unfinished = folder.join(format!(".{name}.{}", std::process::id()));
    std::fs::write(&unfinished, bytes)?;
    std::fs::rename(&unfinished, folder.join(name))
}

/// Removes libraries of earlier installations. Processes that have one mapped keep it.
fn remove_older(folder: &Path, name: &str, current: &str) -> io::Result<()> {
    let prefix = format!("libcauseway_plugin_{name}-");
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let file = entry.file_name();
        let file = file.to_string_lossy();
        if file.starts_with(&prefix) && file.ends_with(".so") && file != current {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
