//! The plugin directory that tests share: every plugin of the product, installed once for each
//! build. Tests run as processes of their own, hundreds of them, and a directory for each would
//! fill the disk. Nobody writes into it; a test that changes plugins makes a directory of its own.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use crate::programs::{PLUGINS, built, causeway, install};

/// A directory of an earlier build is removed after this time: tests of that build have ended.
const OLD: Duration = Duration::from_secs(3600);

/// A plugin directory with every plugin installed.
pub fn plugin_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| {
        let all = built().join("test-plugins");
        fs::create_dir_all(&all).expect("a folder beside the programs");
        let lock = File::create(all.join("lock")).expect("a lock file");
        lock.lock().expect("one process at a time installs");
        let dir = all.join(build_key());
        if !dir.exists() {
            remove_old(&all);
            fill(&dir);
        }
        dir
    })
}

fn library(plugin: &str) -> PathBuf {
    built().join(format!("libcauseway_plugin_{plugin}.so"))
}

/// Another one for every build of the program or a plugin.
fn build_key() -> String {
    let mut hasher = DefaultHasher::new();
    for path in PLUGINS.map(library).into_iter().chain([causeway()]) {
        let meta = fs::metadata(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (meta.len(), meta.modified().expect("a time of change")).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

/// Appears under its name only when it is complete.
fn fill(dir: &Path) {
    let parent = dir.parent().expect("it lies in a folder");
    let temp = tempfile::tempdir_in(parent).expect("a temporary directory");
    let filling = temp.path().join("plugins");
    for plugin in PLUGINS {
        install(&library(plugin), &filling);
    }
    fs::rename(&filling, dir).expect("it gets its name");
}

fn remove_old(all: &Path) {
    for entry in fs::read_dir(all).expect("the folder can be read") {
        let entry = entry.expect("an entry");
        let meta = entry.metadata().expect("about the entry");
        let age = meta.modified().expect("a time of change").elapsed();
        if meta.is_dir() && age.is_ok_and(|age| age > OLD) {
            fs::remove_dir_all(entry.path()).expect("an old directory can be removed");
        }
    }
}
