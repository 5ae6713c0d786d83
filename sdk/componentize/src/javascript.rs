//! JavaScript projects: a `plugin.js` with the objects of the world `plugin-poll`.
//!
//! `componentize-js` must be installed: beside the project by `npm install`, or in the folder that
//! `CAUSEWAY_COMPONENTIZE_JS` names. It is asked through `node`. Of what its engine can use
//! of a system, clocks and random numbers stay, for `Date` and `Math.random`; by them the gateway knows
//! that a whole language is in the component, and gives it more memory. HTTP goes through the gateway.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};

use crate::{Project, unfinished, world};

/// Version that projects are made for.
pub const VERSION: &str = "0.23.0";

/// Asks the tool: source, world's files, world, output.
const ASK: &str = "
import { componentize } from '@bytecodealliance/componentize-js';
import { writeFile } from 'node:fs/promises';
const [sourcePath, witPath, worldName, output] = process.argv.slice(1);
const disableFeatures = ['http', 'fetch-event', 'stdio'];
const { component } = await componentize({ sourcePath, witPath, worldName, disableFeatures });
await writeFile(output, component);
";

/// Builds a project.
///
/// # Errors
/// What the tool said, or that it is not there.
pub fn build(project: &Project) -> anyhow::Result<PathBuf> {
    let wit = project.cache().join("wit");
    world::write(&wit)?;
    let output = project.output(&project.name());
    let tool = tool(&project.folder);
    if !tool
        .join("node_modules/@bytecodealliance/componentize-js")
        .exists()
    {
        bail!("find componentize-js {VERSION}: run `npm install` in the project");
    }
    let unfinished = unfinished(&output)?;
    let status = Command::new("node")
        .args(["--input-type=module", "-e", ASK, "--"])
        .arg(project.folder.join("plugin.js"))
        .arg(wit)
        .arg(world::POLL)
        .arg(&unfinished)
        // Where node looks for packages.
        .current_dir(&tool)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("run node: install Node.js")?;
    if !status.success() {
        bail!("build the plugin: componentize-js ended with {status}");
    }
    std::fs::rename(&unfinished, &output).with_context(|| format!("write {}", output.display()))?;
    Ok(output)
}

/// The folder with the tool among its packages.
fn tool(folder: &Path) -> PathBuf {
    let told = std::env::var_os("CAUSEWAY_COMPONENTIZE_JS");
    let told = told.filter(|it| !it.is_empty());
    told.map_or_else(|| folder.to_owned(), PathBuf::from)
}
