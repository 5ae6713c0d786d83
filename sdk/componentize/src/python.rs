//! Python projects: a `plugin.py` with the classes of the world `plugin`, or of `plugin-poll` where open
//! files are in a `storage_poll.py`.
//!
//! `componentize-py` must be installed: beside the project in `.venv`, where
//! `CAUSEWAY_COMPONENTIZE_PY` says, or in the search path.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::{Project, unfinished, world};

/// Version that the examples are built with.
pub const VERSION: &str = "0.25.1";

/// Builds a project.
///
/// # Errors
/// What the tool said, or that it is not there.
pub fn build(project: &Project) -> anyhow::Result<PathBuf> {
    let folder = &project.folder;
    let wit = project.cache().join("wit");
    world::write(&wit)?;
    let output = project.output(&project.name());
    let tool = tool(folder);
    let unfinished = unfinished(&output)?;
    let status = Command::new(&tool)
        .arg("-d")
        .arg(wit)
        .args(["-w", world_of(folder), "componentize", "plugin", "-o"])
        .arg(&unfinished)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .with_context(|| {
            format!(
                "run {}: install it with `pip install componentize-py=={VERSION}`",
                tool.to_string_lossy()
            )
        })?;
    if !status.success() {
        bail!("build the plugin: componentize-py ended with {status}");
    }
    std::fs::rename(&unfinished, &output).with_context(|| format!("write {}", output.display()))?;
    Ok(output)
}

/// The tool looks for the classes of resources in a module of the interface's name.
fn world_of(folder: &Path) -> &'static str {
    match folder.join("storage_poll.py").exists() {
        true => world::POLL,
        false => world::PLUGIN,
    }
}

fn tool(folder: &Path) -> OsString {
    if let Some(told) = std::env::var_os("CAUSEWAY_COMPONENTIZE_PY") {
        return told;
    }
    let beside = folder.join(".venv/bin/componentize-py");
    match beside.exists() {
        true => beside.into(),
        false => "componentize-py".into(),
    }
}
