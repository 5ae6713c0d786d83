//! What a process loads when somebody has decided upon versions, and whose plugins it trusts.

mod support;

use std::path::{Path, PathBuf};

use causeway_host::{
    Decided, Host, PluginInfo, SignaturePolicy, State, Version, Wanted, generate_keys, keep, sign,
};
use serde_json::json;
use support::{cx, install, memory, url};

/// An installed plugin, and a copy of it elsewhere.
struct Place {
    dir: tempfile::TempDir,
    folder: PathBuf,
    kept: PathBuf,
    wanted: Wanted,
}

fn place() -> Place {
    let dir = tempfile::tempdir().unwrap();
    let directory = dir.path().join("plugins");
    let folder = install(memory(), &directory);
    let version = Version::read(&folder).unwrap();
    let kept = dir.path().join("kept").join(&version.id);
    keep(&folder, &kept).unwrap();
    let decided = Decided::Version {
        id: version.id,
        kept: kept.clone(),
    };
    let wanted = Wanted {
        directories: vec![directory],
        decided: [("memory".to_owned(), decided)].into(),
        ..Wanted::default()
    };
    Place {
        dir,
        folder,
        kept,
        wanted,
    }
}

fn the_one(host: &Host) -> PluginInfo {
    let [plugin] = host.plugins().try_into().unwrap();
    plugin
}

fn is_in(plugin: &PluginInfo, folder: &Path) -> bool {
    plugin.path.as_ref().unwrap().starts_with(folder)
}

fn library(folder: &Path) -> PathBuf {
    causeway_host::Manifest::read(folder)
        .unwrap()
        .library(folder)
}

/// By rename: this process may have the old file open.
fn overwrite(file: &Path, bytes: &[u8]) {
    let other = file.with_extension("other");
    std::fs::write(&other, bytes).unwrap();
    std::fs::rename(other, file).unwrap();
}

#[test]
fn the_version_that_was_decided_upon_and_no_other() {
    let place = place();
    let plugin = the_one(&Host::load_wanted(&place.wanted));
    assert_eq!(plugin.state, State::Ready);
    assert!(is_in(&plugin, &place.folder), "{plugin:?}");

    // Another one was put there: whoever starts late loads the one that the others have.
    let manifest = place.folder.join("plugin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, format!("{text}\n[limits]\nconcurrency = 7\n")).unwrap();
    let plugin = the_one(&Host::load_wanted(&place.wanted));
    assert_eq!(
        (plugin.state.clone(), &plugin.instead_of),
        (State::Ready, &None)
    );
    assert!(is_in(&plugin, &place.kept), "{plugin:?}");

    std::fs::remove_dir_all(&place.folder).unwrap();
    let plugin = the_one(&Host::load_wanted(&place.wanted));
    assert!(is_in(&plugin, &place.kept), "{plugin:?}");
}

#[test]
fn a_damaged_file_is_refused_and_its_copy_serves() {
    let place = place();
    overwrite(&library(&place.folder), b"damage");
    let plugin = the_one(&Host::load_wanted(&place.wanted));
    assert_eq!(plugin.state, State::Ready);
    assert!(is_in(&plugin, &place.kept), "{plugin:?}");
    let why = plugin.instead_of.unwrap();
    assert!(why.contains("it has 6 bytes and plugin.toml says"), "{why}");
    // With both gone the reason is the one that can be mended.
    std::fs::remove_dir_all(&place.kept).unwrap();
    let plugin = the_one(&Host::load_wanted(&place.wanted));
    let state = plugin.state.to_string();
    assert!(state.contains("it has 6 bytes"), "{state}");
}

#[tokio::test]
async fn disabled_and_refused_ones_are_listed_and_not_opened() {
    let mut place = place();
    let name = "memory".to_owned();
    place.wanted.decided.insert(name.clone(), Decided::Disabled);
    let host = Host::load_wanted(&place.wanted);
    assert_eq!(the_one(&host).state.to_string(), "disabled");
    let Err(error) = host.storage_for(&url("memory://box/a")) else {
        panic!("it is served");
    };
    let text = "no plugin serves the scheme memory: plugin memory is disabled";
    assert_eq!((error.message(), error.errno()), (text, 93));

    let reason = Decided::Refused("do this or that".to_owned());
    place.wanted.decided.insert(name.clone(), reason);
    let host = Host::load_wanted(&place.wanted);
    assert_eq!(the_one(&host).state.to_string(), "failed: do this or that");
    place.wanted.decided.clear();
    place.wanted.excluded = vec![name];
    let host = Host::load_wanted(&place.wanted);
    let state = the_one(&host).state.to_string();
    assert!(state.contains("out of service"), "{state}");
}

#[tokio::test]
async fn a_plugin_that_must_be_signed_and_its_neighbour() {
    let mut place = place();
    let key = place.dir.path().join("ours.pem");
    let public = generate_keys(&key).unwrap();
    place.wanted.decided.clear();
    place.wanted.signatures = SignaturePolicy {
        required: true,
        keys: vec![public],
    };
    let state = || the_one(&Host::load_wanted(&place.wanted)).state.to_string();
    assert!(state().contains("it is not signed"), "{}", state());
    sign(&place.folder, &key).unwrap();
    let host = Host::load_wanted(&place.wanted);
    let plugin = the_one(&host);
    assert_eq!(plugin.state, State::Ready);
    assert_eq!(plugin.signed_by.as_deref(), Some("ours.pem"));
    let storage = host.storage_for(&url("memory://box/a")).unwrap();
    let there = storage.exists(&cx(), &url("memory://box/a")).await;
    assert!(!there.unwrap());

    // One that nobody signed is refused and keeps nobody from working.
    let other = place.wanted.directories[0].join("other");
    std::fs::create_dir(&other).unwrap();
    let text = std::fs::read_to_string(place.folder.join("plugin.toml")).unwrap();
    let text = text.replace("name = \"memory\"", "name = \"other\"");
    std::fs::write(other.join("plugin.toml"), text).unwrap();
    let host = Host::load_wanted(&place.wanted);
    assert_eq!(host.plugin("memory").unwrap().state, State::Ready);
    let state = host.plugin("other").unwrap().state.to_string();
    assert!(state.contains("it is not signed"), "{state}");

    // The signature covers the file, by way of its hash in the manifest.
    let file = library(&place.folder);
    let mut bytes = std::fs::read(&file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    overwrite(&file, &bytes);
    let host = Host::load_wanted(&place.wanted);
    let state = host.plugin("memory").unwrap().state.to_string();
    assert!(state.contains("SHA-256"), "{state}");
    // A new installation takes the signature of the old one away.
    install(memory(), &place.wanted.directories[0]);
    let host = Host::load_wanted(&place.wanted);
    let state = host.plugin("memory").unwrap().state.to_string();
    assert!(state.contains("it is not signed"), "{state}");
}

#[test]
fn one_folder_alone() {
    let place = place();
    let loaded = Host::load_folder(&place.folder, &place.wanted).unwrap();
    assert_eq!(loaded.name(), "memory");
    overwrite(&library(&place.folder), b"damage");
    let refusal = Host::load_folder(&place.folder, &place.wanted).unwrap_err();
    assert!(
        refusal.to_string().contains("install it again"),
        "{refusal}"
    );
    let options = json!({});
    assert!(Host::load_file(&library(&place.kept), &options).is_ok());
}

#[test]
fn only_what_serves_the_schemes_that_are_needed() {
    let place = place();
    let directory = place.wanted.directories[0].clone();
    install_other(&place);
    let names = |schemes: &[&str]| -> Vec<String> {
        let wanted = Wanted {
            directories: vec![directory.clone()],
            schemes: schemes.iter().map(|it| (*it).to_owned()).collect(),
            ..Wanted::default()
        };
        let plugins = Host::load_wanted(&wanted).plugins();
        plugins.into_iter().map(|it| it.name).collect()
    };
    assert_eq!(names(&[]), ["memory", "other"]);
    assert_eq!(names(&["MEMORY"]), ["memory"]);
    assert_eq!(names(&["other"]), ["other"]);
    assert_eq!(names(&["memory", "other"]), ["memory", "other"]);
    // Who asks for what nobody serves hears what there is.
    assert_eq!(names(&["memory", "nobody"]), ["memory", "other"]);
}

/// What was decided upon is there in any case, whatever its copy serves.
#[test]
fn the_copy_of_a_version_is_loaded_whatever_is_needed() {
    let mut place = place();
    install_other(&place);
    std::fs::remove_dir_all(&place.folder).unwrap();
    place.wanted.schemes = vec!["other".to_owned()];
    let host = Host::load_wanted(&place.wanted);
    let plugin = host.plugin("memory").unwrap();
    assert_eq!(plugin.state, State::Ready);
    assert!(is_in(&plugin, &place.kept), "{plugin:?}");
}

/// One of the scheme `other`. It would be refused if anybody opened it: its file is not what the manifest says.
fn install_other(place: &Place) {
    let other = place.wanted.directories[0].join("other");
    copy_folder(&place.folder, &other);
    let manifest = other.join("plugin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let text = text
        .replace("name = \"memory\"", "name = \"other\"")
        .replace("\"memory\"]", "\"other\"]");
    std::fs::write(&manifest, text).unwrap();
    overwrite(&library(&other), b"something else");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
    }
}
