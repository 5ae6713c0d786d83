//! C projects: a `plugin.c`, and other C files beside it, with the functions of the world `plugin-poll`.
//!
//! `clang` with the target `wasm32` and a linker for it must be installed, and wasi-libc, of which a
//! component can use what asks nothing of a system: memory, texts, numbers. Header and glue of the world are
//! written for each build, under short names, into `bindings` beside the compiler's other files.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow, bail};
use wit_bindgen_c::Opts;
use wit_bindgen_core::Files;
use wit_bindgen_core::wit_parser::Resolve;

use crate::{Project, answer, encode, place, world};

/// Compilers, the first that can do it is taken.
const COMPILERS: [&str; 5] = ["clang", "clang-21", "clang-20", "clang-19", "clang-18"];

/// What begins the names of an interface in C, in place of its full name.
const NAMES: [(&str, &str); 6] = [
    ("types", "types"),
    ("host", "host"),
    ("http-types", "http_types"),
    ("http-poll", "http"),
    ("timer-poll", "timer"),
    ("storage-poll", "storage"),
];

/// Builds a project.
///
/// # Errors
/// What the compiler said, or that there is none.
pub fn build(project: &Project) -> anyhow::Result<PathBuf> {
    let compiler = compiler()?;
    let bindings = project.cache().join("bindings");
    write_bindings(&project.cache().join("wit"), &bindings)?;
    let module = project.cache().join("plugin.wasm");
    let status = Command::new(compiler)
        .args(["--target=wasm32-wasi", "-O2", "-std=c11", "-Wall"])
        // There is no `main`, nothing to start, and nothing of the compiler's own to link.
        .args(["-nostartfiles", "-nodefaultlibs", "-Wl,--no-entry"])
        .arg("-I")
        .arg(&bindings)
        .args(sources(&project.folder)?)
        .arg(bindings.join("world.c"))
        .arg(bindings.join("world_component_type.o"))
        .args(["-lc", "-o"])
        .arg(&module)
        .current_dir(&project.folder)
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("run {compiler}"))?;
    if !status.success() {
        bail!("compile the plugin: {compiler} ended with {status}");
    }
    let bytes = std::fs::read(&module).with_context(|| format!("read {}", module.display()))?;
    let encoded = encode(&bytes)
        .context("make a component: a C library's files, clocks and sockets are not there")?;
    let output = project.output(&project.name());
    place(&output, &encoded)?;
    Ok(output)
}

fn compiler() -> anyhow::Result<&'static str> {
    let knows = |it: &&str| {
        let targets = answer(Command::new(it).arg("--print-targets"));
        targets.is_some_and(|it| it.contains("wasm32"))
    };
    COMPILERS.into_iter().find(knows).context(
        "find a compiler for components: install Debian's `clang-19 lld-19 wasi-libc`, or another clang \
         with the target wasm32 and wasi-libc",
    )
}

/// The C files of a project, in order.
fn sources(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let list = std::fs::read_dir(folder).with_context(|| format!("list {}", folder.display()))?;
    for entry in list {
        let path = entry?.path();
        if path.extension().is_some_and(|it| it == "c") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Writes header, glue and the object that holds the world's types.
fn write_bindings(wit: &Path, bindings: &Path) -> anyhow::Result<()> {
    world::write(wit)?;
    let files = bindings_of(wit).map_err(|reason| anyhow!("make the bindings: {reason:#}"))?;
    for (name, content) in files.iter() {
        place(&bindings.join(name), content)?;
    }
    Ok(())
}

fn bindings_of(wit: &Path) -> anyhow::Result<Files> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit)?;
    let chosen = resolve.select_world(&[package], Some(world::POLL))?;
    let full = |interface| format!("{}/{interface}@{}", world::PACKAGE, world::VERSION);
    let names = NAMES.map(|(interface, name)| (full(interface), name.to_owned()));
    let options = Opts {
        rename_world: Some("world".to_owned()),
        rename: names.into(),
        ..Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, chosen, &mut files)?;
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_interface_has_a_short_name() {
        let folder = tempfile::tempdir().unwrap();
        world::write(folder.path()).unwrap();
        let files = bindings_of(folder.path()).unwrap();
        let header = files.iter().find(|(name, _)| *name == "world.h").unwrap();
        let header = String::from_utf8(header.1.to_vec()).unwrap();
        assert!(header.contains("bool exports_storage_stat("), "{header}");
        let long = header
            .lines()
            .find(|it| it.contains("causeway_storage") && !it.starts_with("//"));
        assert_eq!(long, None);
    }
}
