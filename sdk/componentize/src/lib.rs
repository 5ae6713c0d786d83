//! From the source of a plugin to a component, with no other tool than the language's own.
//!
//! A project with a `Cargo.toml` is Rust, one with a `plugin.py` is Python, one with a `plugin.js` is
//! JavaScript, one with a `plugin.c` is C. What comes out is one file that the gateway installs. This crate knows how compilers are called; it knows nothing of
//! what a plugin does, and loads none.
//!
//! | to learn about | read |
//! |---|---|
//! | which compiler is taken, and why | [`rust`] |
//! | Python | [`python`] |
//! | JavaScript | [`javascript`] |
//! | C | [`c`] |
//! | the contract, as files | [`world`] |
#![warn(missing_docs)]

pub mod c;
pub mod javascript;
pub mod python;
pub mod rust;
pub mod world;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use wit_component::ComponentEncoder;

/// A language, and the file that tells it.
struct Mark {
    file: &'static str,
    native: bool,
    build: fn(&Project) -> anyhow::Result<PathBuf>,
}

const MARKS: [Mark; 4] = [
    Mark {
        file: "Cargo.toml",
        native: true,
        build: rust::build,
    },
    Mark {
        file: "plugin.py",
        native: false,
        build: python::build,
    },
    Mark {
        file: "plugin.js",
        native: false,
        build: javascript::build,
    },
    Mark {
        file: "plugin.c",
        native: false,
        build: c::build,
    },
];

/// A project, and where its files go.
#[derive(Clone, Debug)]
pub struct Project {
    /// Folder of the project.
    pub folder: PathBuf,
    /// The component that is to be written; beside the project's other output unless told.
    pub output: Option<PathBuf>,
    /// What a compiler leaves behind for the next time. Several projects may share it.
    pub cache: Option<PathBuf>,
    /// The library of a native plugin instead of a component.
    pub native: bool,
}

impl Project {
    /// Builds it and returns the file.
    ///
    /// # Errors
    /// What the compiler said, or which part of the tool chain is missing.
    pub fn build(&self) -> anyhow::Result<PathBuf> {
        self.absolute()?.build_here()
    }

    /// Compilers run in the project's folder, where a relative path means something else.
    fn absolute(&self) -> anyhow::Result<Self> {
        let absolute = |it: &PathBuf| std::path::absolute(it).context("find the folder");
        Ok(Self {
            folder: absolute(&self.folder)?,
            output: self.output.as_ref().map(absolute).transpose()?,
            cache: self.cache.as_ref().map(absolute).transpose()?,
            native: self.native,
        })
    }

    fn build_here(&self) -> anyhow::Result<PathBuf> {
        let known = MARKS.iter().find(|it| self.folder.join(it.file).exists());
        let Some(known) = known else {
            let files = MARKS.map(|it| it.file).join(", ");
            bail!(
                "find a project in {}: there is none of {files}",
                self.folder.display()
            )
        };
        if self.native && !known.native {
            bail!(
                "build a native library: of {} a component is made",
                known.file
            );
        }
        (known.build)(self)
    }

    /// Name of the project's folder.
    fn name(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// Where the compiler's files go.
    fn cache(&self) -> PathBuf {
        let own = || self.folder.join("target/guest");
        self.cache.clone().unwrap_or_else(own)
    }

    /// The file that is to be written.
    fn output(&self, name: &str) -> PathBuf {
        let own = || self.folder.join("target").join(format!("{name}.wasm"));
        self.output.clone().unwrap_or_else(own)
    }
}

/// Makes a component of a module that was compiled for `wasm32-unknown-unknown` with the SDK.
///
/// # Errors
/// When it is no module, or was not made for a world of the gateway.
pub fn encode(module: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = ComponentEncoder::default();
    let encoded = encoder
        .module(module)
        .and_then(|it| it.validate(true).encode());
    encoded.map_err(|reason| anyhow::anyhow!("make a component of the module: {reason:#}"))
}

/// Writes a file so that whoever looks sees the old one or the new one.
fn place(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let what = || format!("write {}", path.display());
    let unfinished = unfinished(path)?;
    std::fs::write(&unfinished, bytes).with_context(what)?;
    std::fs::rename(&unfinished, path).with_context(what)
}

/// Where a file is written before it is renamed, in the same folder, which is there then.
fn unfinished(path: &Path) -> anyhow::Result<PathBuf> {
    if let Some(folder) = path.parent() {
        let what = || format!("make the folder {}", folder.display());
        std::fs::create_dir_all(folder).with_context(what)?;
    }
    Ok(path.with_extension(format!("{}.unfinished", std::process::id())))
}

/// What a command says on standard output.
fn answer(command: &mut Command) -> Option<String> {
    // A tool that is not there, or does not know the question, has no answer.
    let output = command.output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_means_the_callers_folder() {
        let project = Project {
            folder: "some".into(),
            output: Some("out.wasm".into()),
            cache: Some("cache".into()),
            native: false,
        };
        let here = std::env::current_dir().unwrap();
        let absolute = project.absolute().unwrap();
        assert_eq!(absolute.cache(), here.join("cache"));
        assert_eq!(absolute.output("name"), here.join("out.wasm"));
        assert_eq!(absolute.folder, here.join("some"));
    }

    #[test]
    fn what_is_no_module_is_refused() {
        let refused = encode(b"\0asm").unwrap_err().to_string();
        assert!(
            refused.starts_with("make a component of the module"),
            "{refused}"
        );
        let project = Project {
            folder: "/no/such/project".into(),
            output: None,
            cache: None,
            native: false,
        };
        let refused = project.build().unwrap_err().to_string();
        assert!(
            refused.contains("none of Cargo.toml, plugin.py, plugin.js, plugin.c"),
            "{refused}"
        );
    }
}
