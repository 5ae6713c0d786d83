//! What is remembered of plugins over a restart: which version serves, which one served before, and what
//! an operator said. With it, copies of those two versions.
//!
//! ```text
//! STATE/plugins/book.json
//! STATE/plugins/NAME/VERSION/    plugin.toml, its signature, and the file
//! ```

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use causeway_host::{Decided, Refusal, Version, keep};
use serde::{Deserialize, Serialize};

/// Name of the file.
const FILE: &str = "book.json";

/// What is remembered of one plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Entry {
    /// Nobody may use it.
    pub(super) disabled: bool,
    /// The version that serves, or would if it were not disabled.
    pub(super) serving: Option<Version>,
    /// The version that served before.
    pub(super) previous: Option<Version>,
    /// The version in the plugin directory that an operator went back from: it is not taken again.
    pub(super) passed_over: Option<String>,
}

impl Entry {
    /// Another version serves from now on.
    pub(super) fn take(&mut self, version: Version) {
        self.passed_over = None;
        self.previous = self.serving.replace(version);
    }

    /// The version that served before serves again. `lying` is the one in the plugin directory.
    pub(super) fn go_back(&mut self, lying: Option<&String>) -> bool {
        let Some(previous) = self.previous.take() else {
            return false;
        };
        self.passed_over = lying.filter(|it| **it != previous.id).cloned();
        self.previous = self.serving.replace(previous);
        true
    }

    fn versions(&self) -> impl Iterator<Item = &Version> {
        self.serving.iter().chain(&self.previous)
    }
}

/// All of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Book {
    pub(super) plugins: BTreeMap<String, Entry>,
}

/// Where it is written down.
#[derive(Clone, Debug)]
pub(super) struct Shelf(PathBuf);

impl Shelf {
    pub(super) fn new(state: &Path) -> Self {
        Self(state.join("plugins"))
    }

    /// What was remembered; nothing in the beginning.
    pub(super) fn read(&self) -> anyhow::Result<Book> {
        let path = self.0.join(FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Book::default()),
            Err(error) => {
                return Err(error).with_context(|| format!("read {}", path.display()));
            }
        };
        serde_json::from_str(&text).with_context(|| {
            let path = path.display();
            format!("understand {path}: without it no plugin is disabled or rolled back; remove it to start so")
        })
    }

    /// Remembers; the old text is there until the new one is on disk.
    pub(super) fn write(&self, book: &Book) -> anyhow::Result<()> {
        let path = self.0.join(FILE);
        let text = serde_json::to_vec_pretty(book).context("write down the plugins")?;
        self.replace(&path, &text)
            .with_context(|| format!("write {}", path.display()))
    }

    fn replace(&self, path: &Path, text: &[u8]) -> io::Result<()> {
        let mut private = DirBuilder::new();
        private.recursive(true).mode(0o700).create(&self.0)?;
        let unfinished = path.with_extension("unfinished");
        let mut file = File::create(&unfinished)?;
        file.write_all(text)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        File::open(&self.0)?.sync_all()
    }

    /// Folder of a copy.
    pub(super) fn folder(&self, plugin: &str, id: &str) -> PathBuf {
        self.0.join(plugin).join(id)
    }

    /// Exactly this version.
    pub(super) fn decided(&self, plugin: &str, version: &Version) -> Decided {
        Decided::Version {
            id: version.id.clone(),
            kept: self.folder(plugin, &version.id),
        }
    }

    /// Copies the version in a folder.
    pub(super) fn keep(&self, plugin: &str, id: &str, from: &Path) -> Result<(), Refusal> {
        keep(from, &self.folder(plugin, id))
    }

    /// Removes copies that nobody can come back to.
    pub(super) fn tidy(&self, book: &Book) -> io::Result<()> {
        for plugin in folders(&self.0)? {
            let name = plugin.file_name().unwrap_or_default().to_string_lossy();
            let entry = book.plugins.get(name.as_ref());
            for copy in folders(&plugin)? {
                let id = copy.file_name().unwrap_or_default().to_string_lossy();
                let wanted = entry.is_some_and(|it| it.versions().any(|it| it.id == id));
                if !wanted {
                    fs::remove_dir_all(&copy)?;
                }
            }
            if entry.is_none() {
                fs::remove_dir(&plugin)?;
            }
        }
        Ok(())
    }
}

fn folders(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(all),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            all.push(entry.path());
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(id: &str) -> Version {
        Version {
            id: id.into(),
            version: "1.0.0".into(),
            sha256: id.into(),
            schemes: vec!["x".into()],
        }
    }

    fn ids(entry: &Entry) -> [Option<&str>; 3] {
        fn lent(it: &Option<Version>) -> Option<&str> {
            it.as_ref().map(|it| it.id.as_str())
        }
        [
            lent(&entry.serving),
            lent(&entry.previous),
            entry.passed_over.as_deref(),
        ]
    }

    #[test]
    fn back_and_forth_between_two_versions() {
        let mut entry = Entry::default();
        entry.take(version("1"));
        assert!(!entry.go_back(None));
        entry.take(version("2"));
        let lying = Some("2".to_owned());
        assert!(entry.go_back(lying.as_ref()));
        assert_eq!(ids(&entry), [Some("1"), Some("2"), Some("2")]);
        assert!(entry.go_back(lying.as_ref()));
        assert_eq!(ids(&entry), [Some("2"), Some("1"), None]);
        assert!(entry.go_back(lying.as_ref()));
        entry.take(version("3"));
        assert_eq!(ids(&entry), [Some("3"), Some("1"), None]);
    }

    #[test]
    fn what_is_written_is_read_again_and_what_nobody_wants_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(dir.path());
        assert_eq!(shelf.read().unwrap(), Book::default());
        let mut book = Book::default();
        let entry = book.plugins.entry("one".into()).or_default();
        entry.disabled = true;
        entry.take(version("1"));
        entry.take(version("2"));
        shelf.write(&book).unwrap();
        assert_eq!(shelf.read().unwrap(), book);
        for (plugin, id) in [("one", "0"), ("one", "1"), ("one", "2"), ("two", "1")] {
            fs::create_dir_all(shelf.folder(plugin, id)).unwrap();
        }
        shelf.tidy(&book).unwrap();
        let there = |plugin, id| shelf.folder(plugin, id).exists();
        assert!(there("one", "1") && there("one", "2") && !there("one", "0"));
        assert!(!dir.path().join("plugins/two").exists());
        fs::write(dir.path().join("plugins/book.json"), "{").unwrap();
        let error = format!("{:#}", shelf.read().unwrap_err());
        assert!(error.contains("remove it"), "{error}");
    }
}
