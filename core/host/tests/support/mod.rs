//! Builds the libraries the tests load, and makes plugin folders of them.

// Each test file uses its own part.
#![allow(dead_code)]

#[cfg(feature = "wasm")]
pub(crate) mod hostile;
#[cfg(feature = "wasm")]
pub(crate) mod http;
pub(crate) mod log;
#[cfg(feature = "wasm")]
pub(crate) mod tls;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use causeway_host::{Host, write_manifest};
use causeway_sdk::{Ctx, Url};
use serde_json::{Value, json};

/// The smallest useful plugin.
pub(crate) fn memory() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        built_once(
            "memory",
            "libcauseway_plugin_memory",
            &["-p", "example-plugin-native", "--lib"],
        )
    })
}

/// The plugin that does everything wrong.
pub(crate) fn odd() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        built_once(
            "odd",
            "libodd",
            &["-p", "causeway-host", "--example", "odd"],
        )
    })
}

/// A component, built from its source when that changed.
pub(crate) fn guest(name: &str) -> &'static Path {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut build = Command::new(root.join("examples/build-guests.sh"));
    let built = build.arg(name).output().unwrap();
    let errors = String::from_utf8_lossy(&built.stderr);
    assert!(
        built.status.success(),
        "examples/build-guests.sh {name}:\n{errors}"
    );
    let path = root.join(format!("target/guests/{name}.wasm"));
    Box::leak(path.into_boxed_path())
}

/// The same, loaded with these options. What was compiled is kept, because some take minutes.
#[cfg(feature = "wasm")]
pub(crate) fn loaded(name: &str, options: &Value) -> causeway_host::PluginHandle {
    let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    let path = guest(name);
    causeway_host::keep_compiled_in(Some(kept));
    let plugin = Host::load_file(path, options).unwrap();
    causeway_host::keep_compiled_in(None);
    plugin
}

/// Builds a library once for the whole run, though the runner gives every test a process of its
/// own, and returns a copy that no later build touches.
pub(crate) fn built_once(name: &str, prefix: &str, what: &[&str]) -> PathBuf {
    let run = std::env::var("NEXTEST_RUN_ID").unwrap_or_else(|_| std::process::id().to_string());
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("libraries");
    std::fs::create_dir_all(&directory).unwrap();
    let (stamp, library) = (directory.join(name), directory.join(format!("{name}.so")));
    let lock = File::create(directory.join(format!("{name}.lock"))).unwrap();
    // Released when the file is closed, at the end of this function or of the process.
    lock.lock().unwrap();
    if std::fs::read_to_string(&stamp).is_ok_and(|seen| seen == run) {
        return library;
    }
    let unfinished = directory.join(format!("{name}.unfinished"));
    let built = built_before(prefix).unwrap_or_else(|| build(prefix, what));
    std::fs::copy(built, &unfinished).unwrap();
    // By rename: a process of another run may have the old file mapped.
    std::fs::rename(&unfinished, &library).unwrap();
    std::fs::write(&stamp, run).unwrap();
    library
}

/// The library among the built programs, where somebody says where these are.
fn built_before(prefix: &str) -> Option<PathBuf> {
    let dir = PathBuf::from(std::env::var_os("CAUSEWAY_TEST_PROGRAMS")?);
    let file = format!("{prefix}.so");
    let places = [dir.join(&file), dir.join("examples").join(&file)];
    places.into_iter().find(|it| it.exists())
}

/// Builds a library with the cargo that runs the tests and returns its file.
fn build(prefix: &str, what: &[&str]) -> PathBuf {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .arg("build")
        .args(what)
        .arg("--message-format=json")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo build {what:?}:\n{errors}");
    let messages = String::from_utf8(output.stdout).unwrap();
    messages
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter_map(|message| message["filenames"].as_array().cloned())
        .flatten()
        .filter_map(|file| file.as_str().map(PathBuf::from))
        .filter(|file| file.extension().is_some_and(|it| it == "so"))
        .find(|file| {
            let name = file.file_name().unwrap().to_string_lossy();
            name.starts_with(prefix)
        })
        .unwrap_or_else(|| panic!("no library among the messages of cargo build {what:?}"))
}

/// Installs a library below a directory and returns the plugin's folder.
pub(crate) fn install(library: &Path, directory: &Path) -> PathBuf {
    write_manifest(library, directory, &json!({})).unwrap()
}

/// Loads one directory without options.
pub(crate) fn load(directory: &Path) -> Host {
    Host::load(&[directory.to_owned()], &Default::default(), &[])
}

pub(crate) fn url(text: &str) -> Url {
    text.parse().unwrap()
}

pub(crate) fn cx() -> Ctx {
    Ctx::new("test")
}
