//! One contract, three spellings: the Rust trait, the native mirror and the WIT worlds.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use causeway_sdk::{Algorithm, Capabilities, ErrorKind, dynamic};
use sha2::{Digest as _, Sha256};
use wit_parser::{FunctionKind, InterfaceId, PackageId, Resolve, TypeDefKind, WorldItem};

/// The folders of published versions, and the hash of what they declare. A new folder gets a line; a
/// line never changes.
const PUBLISHED: [(&str, &str); 1] = [(
    "storage-0.1.0",
    "2a42e3769c1ed68ad511b41f41c2506132f2b50d642d80b338dda0cce41fbe60",
)];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../wit")
        .join(name)
}

fn newest() -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_dir(folder(PUBLISHED[PUBLISHED.len() - 1].0))
        .unwrap();
    (resolve, package)
}

/// Functions of the interfaces a world exports, or imports, in the names of Rust.
fn functions(world: &str, exported: bool) -> BTreeSet<String> {
    let (resolve, package) = newest();
    let world = &resolve.worlds[resolve.packages[package].worlds[world]];
    let items = if exported {
        &world.exports
    } else {
        &world.imports
    };
    let mut names = BTreeSet::new();
    for item in items.values() {
        let WorldItem::Interface { id, .. } = item else {
            panic!("a world has interfaces only")
        };
        let functions = resolve.interfaces[*id].functions.values();
        let free = functions.filter(|it| {
            matches!(
                it.kind,
                FunctionKind::Freestanding | FunctionKind::AsyncFreestanding
            )
        });
        names.extend(free.map(|it| it.name.replace('-', "_")));
    }
    names
}

fn methods() -> BTreeSet<String> {
    let mut methods: BTreeSet<String> =
        dynamic::METHODS.iter().map(|it| (*it).to_owned()).collect();
    // Not a method of an object, but what makes one.
    methods.insert("create".to_owned());
    methods
}

#[test]
fn the_trait_the_mirror_and_the_world_have_the_same_operations() {
    assert_eq!(causeway_abi::METHODS, dynamic::METHODS);
    assert_eq!(functions("plugin-full", true), methods());
}

#[test]
fn the_smaller_worlds_have_the_operations_of_every_storage() {
    let extra = [
        "copy",
        "bring_online",
        "poll_online",
        "release",
        "poll_archived",
        "resolve",
        "finish",
    ];
    let core: BTreeSet<String> = methods()
        .into_iter()
        .filter(|it| !extra.contains(&it.as_str()))
        .collect();
    assert_eq!(functions("plugin", true), core);
    assert_eq!(functions("plugin-poll", true), core);
}

fn interface(resolve: &Resolve, package: PackageId, name: &str) -> InterfaceId {
    resolve.packages[package].interfaces[name]
}

fn cases(name: &str) -> Vec<String> {
    let (resolve, package) = newest();
    let types = &resolve.interfaces[interface(&resolve, package, "types")];
    match &resolve.types[types.types[name]].kind {
        TypeDefKind::Enum(it) => it
            .cases
            .iter()
            .map(|it| it.name.replace('-', "_"))
            .collect(),
        _ => panic!("{name} is no enum"),
    }
}

fn named(value: impl serde::Serialize) -> String {
    serde_json::to_value(value)
        .unwrap()
        .as_str()
        .unwrap()
        .to_owned()
}

#[test]
fn kinds_of_errors_and_algorithms_have_the_same_names() {
    let kinds: Vec<String> = ErrorKind::ALL.into_iter().map(named).collect();
    assert_eq!(cases("error-kind"), kinds);
    let algorithms: Vec<String> = Algorithm::ALL.into_iter().map(named).collect();
    // A published world does not change; the SDK's list grows at its end.
    let published = cases("algorithm");
    assert_eq!(published, algorithms[..published.len()]);
    assert_eq!(algorithms[published.len()..], ["crc64nvme"]);
}

/// Names of the fields of a record of the world, and of a value of the SDK as JSON.
fn same_fields(
    interface_name: &str,
    record: &str,
    value: impl serde::Serialize,
    but: &[(&str, &str)],
) {
    let (resolve, package) = newest();
    let types = &resolve.interfaces[interface(&resolve, package, interface_name)];
    let TypeDefKind::Record(it) = &resolve.types[types.types[record]].kind else {
        panic!("{record} is no record")
    };
    let renamed = |name: &str| {
        let name = name.replace('-', "_");
        let other = but.iter().find(|(theirs, _)| *theirs == name);
        other.map_or(name, |(_, ours)| (*ours).to_owned())
    };
    let theirs: BTreeSet<String> = it.fields.iter().map(|it| renamed(&it.name)).collect();
    let value = serde_json::to_value(value).unwrap();
    let ours: BTreeSet<String> = value.as_object().unwrap().keys().cloned().collect();
    assert_eq!(theirs, ours, "{record}");
}

#[test]
fn what_crosses_has_the_same_fields() {
    use causeway_sdk::*;
    let url: Url = "mock://h/p".parse().unwrap();
    same_fields("types", "error", Error::new(ErrorKind::Busy, "x"), &[]);
    same_fields("types", "file-stat", Stat::default(), &[]);
    same_fields(
        "types",
        "entry",
        Entry {
            name: String::new(),
            stat: Stat::default(),
        },
        &[],
    );
    same_fields("types", "page", Page::default(), &[]);
    same_fields("types", "dir-page", DirPage::default(), &[]);
    same_fields("types", "space-info", Space::default(), &[]);
    same_fields("types", "read-options", ReadOptions::default(), &[]);
    same_fields("types", "opened", Opened::default(), &[]);
    same_fields("types", "write-options", WriteOptions::default(), &[]);
    same_fields("types", "written", Written::default(), &[]);
    same_fields(
        "types",
        "checksum-value",
        Checksum::new(Algorithm::Md5, ""),
        &[],
    );
    same_fields("peer-copy", "copied", Copied::default(), &[]);
    let request = CopyRequest {
        direction: Direction::Pull,
        source: url.clone(),
        destination: url.clone(),
        peer_credential: Credential::None,
        overwrite: false,
        streams: 0,
        size: None,
        expect: None,
    };
    same_fields("peer-copy", "copy-request", request, &[]);
    let request = StageRequest {
        files: vec![],
        pin: Default::default(),
        timeout: Default::default(),
        metadata: vec![],
    };
    // Durations cross as milliseconds.
    same_fields(
        "staging",
        "stage-request",
        request,
        &[("pin_ms", "pin"), ("timeout_ms", "timeout")],
    );
    same_fields("staging", "staged", Staged::default(), &[]);
    let state = FileState {
        url: url.clone(),
        state: StagingState::Done,
    };
    same_fields("staging", "file-state", state, &[]);
    let request = TurlRequest {
        access: Access::Read,
        schemes: vec![],
        size: None,
        overwrite: false,
    };
    same_fields("turl", "turl-request", request, &[]);
    let turl = TransferUrl {
        url,
        token: String::new(),
        access: Access::Read,
    };
    same_fields("turl", "transfer-url", turl, &[]);
}

/// Capabilities cross as the same JSON everywhere: what one side does not know, it leaves.
#[test]
fn capabilities_need_no_version() {
    let mut json = serde_json::to_value(Capabilities::default()).unwrap();
    json["ability_of_tomorrow"] = true.into();
    assert_eq!(
        serde_json::from_value::<Capabilities>(json).unwrap(),
        Capabilities::default()
    );
}

/// What a folder declares: every line without its comment.
fn declarations(name: &str) -> String {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder(name))
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    files.sort();
    let mut hasher = Sha256::new();
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines = text
            .lines()
            .map(|it| it.split("//").next().unwrap_or("").trim());
        for line in lines.filter(|it| !it.is_empty()) {
            hasher.update(line.as_bytes());
            hasher.update(b"\n");
        }
    }
    hex::encode(hasher.finalize())
}

#[test]
fn a_published_folder_does_not_change() {
    let mut found: Vec<String> = std::fs::read_dir(folder(""))
        .unwrap()
        .map(|it| it.unwrap())
        .filter(|it| it.path().is_dir())
        .map(|it| it.file_name().to_string_lossy().into_owned())
        .collect();
    found.sort();
    assert_eq!(
        found,
        PUBLISHED.map(|(name, _)| name),
        "a folder without a line, or a line without a folder"
    );
    for (name, hash) in PUBLISHED {
        assert_eq!(
            declarations(name),
            hash,
            "{name} was published and stays as it is"
        );
    }
}
