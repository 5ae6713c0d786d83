//! Rust projects.
//!
//! Three tool chains can do it, and the first that is there is taken:
//!
//! 1. the one `cargo` names, if it has the target `wasm32-unknown-unknown` installed;
//! 2. the one `cargo` names, if it has the source of its standard library;
//! 3. Debian's `rustc-web` with `rust-web-src`, whose versions always agree.
//!
//! With 2 and 3 the standard library is compiled along, once for each cache.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, anyhow, bail};
use serde_json::Value;

use crate::{Project, answer, encode, place};

/// The target: no system interface at all, only what the world imports.
const TARGET: &str = "wasm32-unknown-unknown";
/// Linkers that Debian's compiler may find, newest first.
const LINKERS: [&str; 4] = ["wasm-ld-21", "wasm-ld-20", "wasm-ld-19", "wasm-ld"];

/// A compiler for components.
#[derive(Clone, Debug)]
struct ToolChain {
    cargo: OsString,
    /// Goes before the others in the search path.
    bin: Option<PathBuf>,
    linker: Option<&'static str>,
    /// The standard library is compiled along.
    with_std: bool,
}

/// Builds a project: a component, or its native library.
///
/// # Errors
/// What the compiler said, or that there is none.
pub fn build(project: &Project) -> anyhow::Result<PathBuf> {
    if project.native {
        return native(project);
    }
    let chain = ToolChain::find()?;
    let module = run(&mut chain.command(project), "wasm")?;
    let bytes = std::fs::read(&module).with_context(|| format!("read {}", module.display()))?;
    let name = module.file_stem().unwrap_or_default().to_string_lossy();
    let output = project.output(&name);
    place(&output, &encode(&bytes)?)?;
    Ok(output)
}

/// Where what is built for the gateway's own machine goes is cargo's matter.
fn native(project: &Project) -> anyhow::Result<PathBuf> {
    let mut cargo = Command::new(own_cargo());
    cargo
        .args(["build", "--release", "--lib"])
        .current_dir(&project.folder);
    let library = run(&mut cargo, "so")?;
    if let Some(output) = &project.output {
        let bytes = std::fs::read(&library)?;
        place(output, &bytes)?;
        return Ok(output.clone());
    }
    Ok(library)
}

fn own_cargo() -> OsString {
    // The cargo that runs us belongs to the tool chain that was meant.
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

impl ToolChain {
    fn find() -> anyhow::Result<Self> {
        let own = Self {
            cargo: own_cargo(),
            bin: None,
            linker: None,
            with_std: false,
        };
        if let Some(libraries) =
            answer(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))
            && Path::new(&libraries).exists()
        {
            return Ok(own);
        }
        if has_source("rustc") {
            return Ok(Self {
                with_std: true,
                ..own
            });
        }
        Self::debian().context(
            "find a compiler for components: install the target with `rustup target add \
             wasm32-unknown-unknown`, or Debian's `rustc-web cargo-web rust-web-src lld-19`",
        )
    }

    fn debian() -> anyhow::Result<Self> {
        let bin = Path::new("/usr/bin");
        if !bin.join("cargo").exists() || !has_source("/usr/bin/rustc") {
            bail!("there is none with its standard library");
        }
        let linker = LINKERS.into_iter().find(|it| bin.join(it).exists());
        Ok(Self {
            cargo: bin.join("cargo").into(),
            bin: Some(bin.to_owned()),
            linker: Some(linker.context("find a linker: install lld")?),
            with_std: true,
        })
    }

    fn command(&self, project: &Project) -> Command {
        let mut cargo = Command::new(&self.cargo);
        cargo.args(["build", "--release", "--lib", "--target", TARGET]);
        cargo.arg("--target-dir").arg(project.cache());
        cargo.current_dir(&project.folder);
        if self.with_std {
            cargo.arg("-Zbuild-std=std,panic_abort");
            cargo.env("RUSTC_BOOTSTRAP", "1");
        }
        if let Some(linker) = self.linker {
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
        if let Some(bin) = &self.bin {
            let path = std::env::var_os("PATH").unwrap_or_default();
            let mut search = bin.clone().into_os_string();
            search.push(":");
            search.push(path);
            cargo.env("PATH", search);
        }
        // Of another tool chain, when cargo runs us.
        for name in ["CARGO", "RUSTC", "RUSTUP_TOOLCHAIN", "RUSTFLAGS"] {
            cargo.env_remove(name);
        }
        for (key, value) in [
            ("LTO", "true"),
            ("CODEGEN_UNITS", "1"),
            ("PANIC", "abort"),
            ("STRIP", "true"),
            ("DEBUG", "false"),
        ] {
            cargo.env(format!("CARGO_PROFILE_RELEASE_{key}"), value);
        }
        cargo
    }
}

/// Whether a compiler has the source of its standard library.
fn has_source(rustc: &str) -> bool {
    let root = answer(Command::new(rustc).args(["--print", "sysroot"]));
    root.is_some_and(|it| {
        Path::new(&it)
            .join("lib/rustlib/src/rust/library/std")
            .exists()
    })
}

/// Runs cargo and returns the dynamic library, or the module, that it made.
fn run(cargo: &mut Command, extension: &str) -> anyhow::Result<PathBuf> {
    cargo.arg("--message-format=json-render-diagnostics");
    let output = cargo
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("run {}", cargo.get_program().to_string_lossy()))?;
    if !output.status.success() {
        bail!("compile the plugin: cargo ended with {}", output.status);
    }
    let messages = String::from_utf8(output.stdout).context("understand cargo")?;
    let made = messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter_map(|message| message["filenames"].as_array().cloned())
        .flatten()
        .filter_map(|file| file.as_str().map(PathBuf::from))
        // The last one is the project's own: cargo builds what it depends on before.
        .rfind(|file| file.extension().is_some_and(|it| it == extension));
    made.ok_or_else(|| {
        anyhow!("find the library: Cargo.toml must say crate-type = [\"cdylib\", \"rlib\"]")
    })
}
