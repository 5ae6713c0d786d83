//! `causeway plugins`: what is there, and whether one is any good.

mod args;
mod check;
mod new;
mod signing;

use std::path::Path;

use anyhow::bail;
use causeway_componentize::Project;
use causeway_host::{PluginInfo, write_manifest};
use serde_json::Value;

use super::args::LocalArgs;
use super::local::config;
use super::output;

pub use args::PluginsCommand;
use check::CheckArgs;
use new::Language;
use signing::{KeygenArgs, SignArgs};

/// Runs one of the commands.
///
/// # Errors
/// A plugin that is not there, was refused, or does not keep the contract.
pub async fn run(command: &PluginsCommand) -> anyhow::Result<()> {
    match command {
        PluginsCommand::List { local } => list(local),
        PluginsCommand::Info { name, local } => info(name, local),
        PluginsCommand::Check(args) => check::run(args).await,
        PluginsCommand::PutBack { name, remote } => super::workers::put_back(name, remote).await,
        PluginsCommand::New { name, lang, sdk } => {
            let folder = new::new(name, *lang, sdk.as_deref())?;
            println!("made {}: see its README.md", folder.display());
            Ok(())
        }
        PluginsCommand::Build {
            folder,
            native,
            out,
            cache,
        } => {
            let project = Project {
                folder: folder.clone(),
                output: out.clone(),
                cache: cache.clone(),
                native: *native,
            };
            // A compiler is waited for: nothing else is to be done meanwhile.
            println!("built {}", project.build()?.display());
            Ok(())
        }
        PluginsCommand::Keygen(args) => signing::keygen(args),
        PluginsCommand::Sign(args) => signing::sign(args),
        PluginsCommand::Install { file, dir } => install(file, dir),
    }
}

fn list(args: &LocalArgs) -> anyhow::Result<()> {
    let host = crate::plugins::load(&config(args)?.plugins);
    let plugins = host.plugins();
    if args.json {
        let lines: Vec<Value> = plugins
            .iter()
            .map(without_capabilities)
            .collect::<Result<_, _>>()?;
        return output::print_json(&lines);
    }
    if plugins.is_empty() {
        bail!("no plugins found: name their directory with --plugin-dir");
    }
    println!(
        "{:<12} {:<9} {:<9} {:<26} state",
        "plugin", "version", "kind", "schemes"
    );
    for it in &plugins {
        println!(
            "{:<12} {:<9} {:<9} {:<26} {}",
            it.name,
            it.version,
            it.kind.name(),
            it.schemes.join(","),
            it.state
        );
    }
    Ok(())
}

fn without_capabilities(plugin: &PluginInfo) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(plugin)?;
    if let Value::Object(members) = &mut value {
        members.remove("capabilities");
    }
    Ok(value)
}

fn info(name: &str, args: &LocalArgs) -> anyhow::Result<()> {
    let host = crate::plugins::load(&config(args)?.plugins);
    let Some(plugin) = host.plugin(name) else {
        let known: Vec<_> = host.plugins().into_iter().map(|it| it.name).collect();
        bail!("find the plugin {name}: there are {}", known.join(", "));
    };
    let value = serde_json::to_value(&plugin)?;
    if args.json {
        return output::print_json(&value);
    }
    output::pairs(
        &value,
        &[
            "name", "version", "kind", "schemes", "state", "path", "sha256",
        ],
    );
    println!("{}", serde_json::to_string_pretty(&value["capabilities"])?);
    Ok(())
}

fn install(file: &Path, dir: &Path) -> anyhow::Result<()> {
    let folder = write_manifest(file, dir, &Value::Object(serde_json::Map::new()))?;
    println!("installed {}", folder.display());
    Ok(())
}
