//! Components that are not loaded, and the sentence that says why.
#![cfg(feature = "wasm")]

mod support;

use std::path::{Path, PathBuf};

use causeway_host::{Host, Kind, State, write_manifest};
use serde_json::{Value, json};
use support::{guest, load};

fn written(directory: &Path, text: &str) -> PathBuf {
    let path = directory.join("some.wasm");
    std::fs::write(&path, wat::parse_str(text).unwrap()).unwrap();
    path
}

fn refused(text: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    let path = written(directory.path(), text);
    Host::load_file(&path, &Value::Null)
        .unwrap_err()
        .to_string()
}

#[test]
fn an_import_that_is_not_listed_is_named() {
    for (import, reason) in [
        (
            "wasi:http/types@0.2.0",
            "it imports wasi:http/types@0.2.0, which no plugin may have",
        ),
        (
            "wasi:cli/environment@0.3.0",
            "it imports wasi:cli/environment@0.3.0",
        ),
        (
            "own:thing/secret@1.0.0",
            "it imports own:thing/secret@1.0.0",
        ),
        (
            "causeway:storage/host@9.0.0",
            "it imports host of version 9.0.0 of the contract",
        ),
    ] {
        let sentence = refused(&format!("(component (import \"{import}\" (instance)))"));
        assert!(sentence.contains(reason), "{sentence}");
    }
}

#[test]
fn what_is_no_plugin_is_said_to_be_none() {
    assert!(refused("(component)").contains("it exports no storage"));
    assert!(refused("(module)").contains("core module"));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("some.wasm");
    let whole = std::fs::read(guest("hostile")).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let sentence = Host::load_file(&path, &Value::Null)
        .unwrap_err()
        .to_string();
    assert!(
        sentence.starts_with("load ") && !sentence.contains('\n'),
        "{sentence}"
    );
}

#[test]
fn a_component_is_installed_and_loaded_like_a_library() {
    let directory = tempfile::tempdir().unwrap();
    let folder = write_manifest(guest("hostile"), directory.path(), &json!({})).unwrap();
    let host = load(directory.path());
    let listed = host.plugin("hostile-component").unwrap();
    assert_eq!((listed.kind, listed.state), (Kind::Component, State::Ready));
    let manifest = std::fs::read_to_string(folder.join("plugin.toml")).unwrap();
    assert!(
        manifest.contains("world = \"causeway:storage/plugin-full@0.1.0\""),
        "{manifest}"
    );

    // What the manifest says and the component does not is noticed.
    for (from, to, reason) in [
        (
            "schemes = [\"hostile\"]",
            "schemes = [\"other\"]",
            "plugin.toml says schemes other",
        ),
        ("plugin-full@", "plugin-poll@", "plugin.toml says world"),
        ("sha256 = \"", "sha256 = \"0000", "64 hexadecimal digits"),
        ("kind = \"component\"", "kind = \"native\"", "load "),
    ] {
        assert!(manifest.contains(from), "{from}");
        std::fs::write(folder.join("plugin.toml"), manifest.replace(from, to)).unwrap();
        let plugins = load(directory.path()).plugins();
        let State::Failed(why) = &plugins[0].state else {
            panic!("loaded with {to}")
        };
        assert!(why.contains(reason), "{why}");
    }
}

#[test]
fn compiled_components_are_kept_and_damaged_ones_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let cache = directory.path().join("cache");
    causeway_host::keep_compiled_in(Some(cache.clone()));
    let load = || Host::load_file(guest("hostile"), &Value::Null).unwrap();
    let files = || {
        let entries = std::fs::read_dir(&cache).unwrap();
        entries.map(|it| it.unwrap().path()).collect::<Vec<_>>()
    };
    load();
    let [file] = &files()[..] else {
        panic!("one file")
    };
    let made = std::fs::read(file).unwrap();
    load();
    assert_eq!(std::fs::read(file).unwrap(), made);
    // As files are replaced: the one before is mapped by those who loaded it.
    let other = directory.path().join("other");
    std::fs::write(&other, b"nonsense").unwrap();
    std::fs::rename(&other, file).unwrap();
    load();
    assert_eq!(files().len(), 1);
    assert_ne!(std::fs::read(file).unwrap(), b"nonsense");
    causeway_host::keep_compiled_in(None);
}
