//! `causeway plugins new`: a project that builds and keeps every promise, to be changed into
//! something useful.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use causeway_componentize::{javascript, python, world};
use clap::ValueEnum;

/// Language of a project.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Language {
    /// Native library and component from one source.
    Rust,
    /// A component.
    Python,
    /// A component.
    #[value(name = "javascript")]
    JavaScript,
    /// A component.
    C,
}

impl Language {
    fn templates(self) -> Templates {
        match self {
            Self::Rust => RUST,
            Self::Python => PYTHON,
            Self::JavaScript => JAVASCRIPT,
            Self::C => C,
        }
    }
}

/// Where each template goes.
type Templates = &'static [(&'static str, &'static str)];

macro_rules! template {
    ($file:literal) => {
        include_str!(concat!("../../../../../sdk/templates/", $file))
    };
}

const RUST: Templates = &[
    ("Cargo.toml", template!("rust/Cargo.toml.in")),
    ("src/lib.rs", template!("rust/lib.rs.in")),
    ("README.md", template!("rust/README.md.in")),
    (".gitignore", template!("gitignore.in")),
];

const PYTHON: Templates = &[
    ("plugin.py", template!("python/plugin.py.in")),
    ("storage.py", template!("python/storage.py.in")),
    ("README.md", template!("python/README.md.in")),
    (".gitignore", template!("gitignore.in")),
];

const JAVASCRIPT: Templates = &[
    ("plugin.js", template!("javascript/plugin.js.in")),
    ("package.json", template!("javascript/package.json.in")),
    ("README.md", template!("javascript/README.md.in")),
    (".gitignore", template!("javascript/gitignore.in")),
];

const C: Templates = &[
    ("plugin.c", template!("c/plugin.c.in")),
    ("files.c", template!("c/files.c.in")),
    ("files.h", template!("c/files.h.in")),
    ("README.md", template!("c/README.md.in")),
    (".gitignore", template!("gitignore.in")),
];

/// The SDK where nobody named a folder with it.
const PUBLISHED_SDK: &str = concat!("git = \"", env!("CARGO_PKG_REPOSITORY"), "\"");

/// Writes a project and returns its folder.
///
/// # Errors
/// A name that does not fit, a folder that is there already, or files that cannot be written.
pub(super) fn new(name: &str, language: Language, sdk: Option<&Path>) -> anyhow::Result<PathBuf> {
    check_name(name)?;
    let folder = PathBuf::from(name);
    if folder.exists() {
        bail!("make a project: {name} is there already");
    }
    let sdk = match sdk {
        Some(folder) => {
            let found = fs::canonicalize(folder)
                .with_context(|| format!("find the SDK in {}", folder.display()))?;
            format!("path = {:?}", found.display().to_string())
        }
        None => PUBLISHED_SDK.to_owned(),
    };
    let words = [
        ("{{name}}", name.to_owned()),
        ("{{ident}}", name.replace('-', "_")),
        ("{{type}}", type_name(name)),
        ("{{scheme}}", name.to_owned()),
        ("{{sdk}}", sdk),
        ("{{componentize-py}}", python::VERSION.to_owned()),
        ("{{componentize-js}}", javascript::VERSION.to_owned()),
    ];
    for (path, template) in language.templates() {
        let filled = words
            .iter()
            .fold((*template).to_owned(), |text, (word, value)| {
                text.replace(word, value)
            });
        write(&folder.join(path), &filled)?;
    }
    // Rust has it in the SDK.
    if !matches!(language, Language::Rust) {
        world::write(&folder.join("wit"))?;
    }
    Ok(folder)
}

/// A name is also that of a URL scheme, a crate and a folder.
fn check_name(name: &str) -> anyhow::Result<()> {
    let fits = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'-';
    let begins = name.starts_with(|it: char| it.is_ascii_lowercase());
    if !begins || !name.bytes().all(fits) || name.ends_with('-') {
        bail!("make a project: {name:?} must be lower-case letters, digits and dashes");
    }
    Ok(())
}

fn type_name(name: &str) -> String {
    let word = |it: &str| {
        let (first, rest) = it.split_at(it.len().min(1));
        format!("{}{rest}", first.to_ascii_uppercase())
    };
    name.split('-').map(word).collect()
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let what = || format!("write {}", path.display());
    if let Some(above) = path.parent() {
        fs::create_dir_all(above).with_context(what)?;
    }
    fs::write(path, text).with_context(what)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_would_not_be_a_scheme_are_refused() {
        for name in ["", "1a", "A", "a_b", "a/b", "../a", "a-", "a b"] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
        check_name("my-store2").unwrap();
        assert_eq!(type_name("my-store2"), "MyStore2");
    }

    #[test]
    fn no_placeholder_is_left() {
        let known = [
            "name",
            "ident",
            "type",
            "scheme",
            "sdk",
            "componentize-py",
            "componentize-js",
        ];
        let languages = Language::value_variants().iter();
        for (path, template) in languages.flat_map(|it| it.templates()) {
            for part in template.split("{{").skip(1) {
                let word = part.split("}}").next().unwrap();
                assert!(known.contains(&word), "{path}: {word}");
            }
        }
    }
}
