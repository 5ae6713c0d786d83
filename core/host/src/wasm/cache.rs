//! Compiled components on disk, so that a component is compiled once and not by every worker.
//!
//! What lies there is code that will be run, so only the gateway's own user may be able to write to
//! the directory; one that others could write to is not used. A file is named after the component's
//! SHA-256 and everything else the code depends on, and appears by rename.

// Reading compiled code back is what this module is for; the block says what makes it sound.
#![allow(unsafe_code)]

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::engine::fingerprint;
use crate::manifest::digest;

/// Where compiled components are kept, when somewhere.
static DIRECTORY: Mutex<Option<PathBuf>> = Mutex::new(None);

/// From now on compiled components are kept there; with `None` they are not kept.
///
/// The directory is made when it is first needed. Only the user of this process may write to it.
pub fn use_directory(directory: Option<PathBuf>) {
    *DIRECTORY.lock() = directory;
}

/// The component, from the cache or compiled now.
pub(super) fn compile(engine: &Engine, bytes: &[u8]) -> Result<Component, String> {
    let directory = DIRECTORY.lock().clone();
    let Some(directory) = directory else {
        return fresh(engine, bytes);
    };
    let path = directory.join(format!("{}-{}.cwasm", digest(bytes), fingerprint(engine)));
    if let Err(reason) = prepare(&directory) {
        tracing::warn!(path = %directory.display(), "compiled components are not kept: {reason}");
        return fresh(engine, bytes);
    }
    if let Some(component) = read(engine, &path) {
        return Ok(component);
    }
    let component = fresh(engine, bytes)?;
    if let Err(source) = keep(&component, &path) {
        tracing::warn!(path = %path.display(), "a compiled component is not kept: {source}");
    }
    Ok(component)
}

fn fresh(engine: &Engine, bytes: &[u8]) -> Result<Component, String> {
    Component::from_binary(engine, bytes).map_err(|source| one_line(&source))
}

/// The first thing an error chain says, and the last.
pub(super) fn one_line(error: &wasmtime::Error) -> String {
    let text = format!("{error:#}");
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.unwrap_or("no details").chars().take(300).collect()
}

fn prepare(directory: &Path) -> Result<(), String> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(|source| source.to_string())?;
    let own = std::fs::metadata("/proc/self").map_err(|source| source.to_string())?;
    let meta = std::fs::metadata(directory).map_err(|source| source.to_string())?;
    if meta.uid() != own.uid() {
        return Err("the directory belongs to another user".to_owned());
    }
    if meta.mode() & 0o022 != 0 {
        return Err("others may write to the directory".to_owned());
    }
    Ok(())
}

fn read(engine: &Engine, path: &Path) -> Option<Component> {
    if !path.exists() {
        return None;
    }
    // SAFETY: the file was written by `keep` of a gateway of this user: `prepare` has just found
    // that nobody else can write to its directory. The engine checks version and settings itself.
    match unsafe { Component::deserialize_file(engine, path) } {
        Ok(component) => Some(component),
        Err(source) => {
            tracing::warn!(path = %path.display(), "a compiled component is made anew: {source}");
            None
        }
    }
}

fn keep(component: &Component, path: &Path) -> io::Result<()> {
    let code = component.serialize().map_err(io::Error::other)?;
    let unfinished = path.with_extension(format!("{}", std::process::id()));
    std::fs::write(&unfinished, code)?;
    std::fs::rename(&unfinished, path)
}
