//! The same contract, read where it is written: the `fn`s of the Rust trait and of its bodies, those of the
//! native mirror, the functions and resources of the WIT interfaces, and the members of the capabilities.
//! `contract.rs` compares what the programs themselves say; this reads the sources, so that what one of them
//! forgets to say is noticed, too.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use causeway_sdk::{Capabilities, Operation, dynamic};
use serde_json::Value;
use wit_parser::{PackageId, Resolve};

/// The published world that the newest host speaks.
const NEWEST: &str = "storage-0.1.0";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn source(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

fn set<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// Lines of the item that begins so, up to the brace that ends it.
fn item<'a>(source: &'a str, begin: &str) -> Vec<&'a str> {
    let start = source.find(begin).unwrap_or_else(|| panic!("no {begin}"));
    let rest = &source[start..];
    let end = rest
        .find("\n}")
        .unwrap_or_else(|| panic!("{begin} does not end"));
    rest[..end].lines().collect()
}

/// Names of the functions that a trait declares, as its source has them.
fn declared(path: &str, name: &str) -> BTreeSet<String> {
    let source = source(path);
    let lines = item(&source, &format!("pub trait {name}:"));
    // One step in: what is deeper belongs to a default body.
    let functions = lines.iter().filter_map(|it| it.strip_prefix("    fn "));
    set(functions.filter_map(|it| it.split('(').next()))
}

fn newest() -> (Resolve, PackageId) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit").join(NEWEST)).unwrap();
    (resolve, package)
}

/// Functions of an interface with the names of what they take, in the names of Rust. Those of a resource stand
/// under its name, the others under none.
fn functions(interface: &str) -> BTreeMap<String, BTreeMap<String, Vec<String>>> {
    let (resolve, package) = newest();
    let id = resolve.packages[package].interfaces[interface];
    let mut all: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
    for function in resolve.interfaces[id].functions.values() {
        // `[method]writer.write`, `[static]writer.commit`, or a bare name.
        let name = function.name.rsplit(']').next().unwrap().replace('-', "_");
        let (resource, name) = name.split_once('.').unwrap_or(("", &name));
        let takes = function.params.iter().map(|it| it.name.replace('-', "_"));
        let entry = all.entry(resource.to_owned()).or_default();
        entry.insert(name.to_owned(), takes.collect());
    }
    all
}

fn names(of: &BTreeMap<String, Vec<String>>) -> BTreeSet<String> {
    of.keys().cloned().collect()
}

#[test]
fn the_trait_itself_has_the_operations_of_every_spelling() {
    let written = declared("sdk/src/storage.rs", "Storage");
    let mut listed = set(dynamic::METHODS.iter().copied());
    listed.insert("create".to_owned());
    assert_eq!(written, listed, "the trait, and its object-safe twin");
    let mut mirror = declared("sdk/abi/src/storage.rs", "Storage");
    // The root module of a library makes it.
    mirror.insert("create".to_owned());
    assert_eq!(written, mirror, "the trait, and its native mirror");
    let world = ["storage", "peer-copy", "staging", "turl"].map(|it| names(&functions(it)[""]));
    let world: BTreeSet<String> = world.into_iter().flatten().collect();
    assert_eq!(written, world, "the trait, and the world");
}

#[test]
fn open_files_have_the_same_functions_everywhere() {
    let reading = declared("sdk/src/storage.rs", "ReadBody");
    let writing = declared("sdk/src/storage.rs", "WriteBody");
    assert_eq!(reading, declared("sdk/src/dynamic.rs", "DynRead"));
    assert_eq!(writing, declared("sdk/src/dynamic.rs", "DynWrite"));

    // The mirror tells `opened` and `held` when a file is opened, once for all.
    let told = |name: &str, by: &str, what: &str| {
        let mut functions = declared("sdk/abi/src/storage.rs", name);
        let source = source("sdk/abi/src/storage.rs");
        let struct_of = item(&source, &format!("pub struct {by} ")).join("\n");
        assert!(struct_of.contains(what), "{struct_of}");
        functions.insert(what.to_owned());
        functions
    };
    assert_eq!(reading, told("ReadBody", "Reading", "opened"));
    let held = causeway_abi::storage::EXT_HELD;
    assert!(writing.contains(held), "{writing:?}");
    let mut mirror = declared("sdk/abi/src/storage.rs", "WriteBody");
    mirror.insert(held.to_owned());
    assert_eq!(writing, mirror);

    let (streams, poll) = (functions("storage"), functions("storage-poll"));
    assert_eq!(writing, names(&streams["writer"]));
    assert_eq!(streams["writer"], poll["writer"]);
    // Read with a limit, and closed by a call, where there is no stream that could be closed.
    let mut reader = names(&poll["reader"]);
    assert!(
        reader.remove("read") && reader.remove("close"),
        "{reader:?}"
    );
    reader.insert("next".to_owned());
    assert_eq!(reading, reader);
}

#[test]
fn the_world_without_async_functions_takes_the_same() {
    let (streams, poll) = (functions("storage"), functions("storage-poll"));
    assert_eq!(streams[""], poll[""]);
}

/// Methods behind an operation of the capabilities.
fn methods_of(operation: Operation) -> &'static [&'static str] {
    match operation {
        Operation::Stat => &["stat", "exists"],
        Operation::List => &["list"],
        Operation::Read => &["open_read"],
        Operation::Write => &["open_write"],
        Operation::Mkdir => &["mkdir"],
        Operation::Rmdir => &["rmdir"],
        Operation::Unlink => &["unlink"],
        Operation::Rename => &["rename"],
        Operation::Checksum => &["checksum"],
        Operation::Space => &["space"],
        Operation::Copy => &["copy"],
        Operation::Staging => &["bring_online", "poll_online", "release"],
        Operation::Archive => &["poll_archived"],
        Operation::Turl => &["resolve", "finish"],
        other => panic!("{other:?} stands for no method"),
    }
}

#[test]
fn every_method_belongs_to_one_operation_or_is_always_there() {
    let source = source("sdk/src/capability.rs");
    let variants = item(&source, "pub enum Operation ").into_iter();
    let variants = variants.filter_map(|it| it.trim().strip_suffix(','));
    let all: Vec<String> = Operation::ALL.iter().map(|it| format!("{it:?}")).collect();
    assert_eq!(variants.collect::<Vec<_>>(), all, "`ALL` is all of them");
    let mut methods: Vec<&str> = vec!["describe", "admit"];
    methods.extend(Operation::ALL.into_iter().flat_map(methods_of));
    methods.sort_unstable();
    let mut listed = dynamic::METHODS.to_vec();
    listed.sort_unstable();
    assert_eq!(methods, listed);
}

/// Members of the capabilities, as they cross every boundary. A new one comes here last, after the page of the
/// contract; the mirror and the world carry the whole text and need no change.
const MEMBERS: [&str; 24] = [
    "admission",
    "checksums",
    "copy.atomic",
    "copy.pull_from",
    "copy.push_to",
    "credentials",
    "instances",
    "local",
    "max_concurrency",
    "name",
    "operations",
    "read.parallel",
    "read.preferred_chunk",
    "read.ranges",
    "rename.atomic",
    "rename.directories",
    "schemes",
    "staging_bulk",
    "version",
    "write.atomic",
    "write.needs_size",
    "write.parents",
    "write.positional",
    "write.resumable",
];

fn members(value: &Value, under: &str, all: &mut BTreeSet<String>) {
    let Value::Object(fields) = value else {
        all.insert(under.trim_start_matches('.').to_owned());
        return;
    };
    for (name, value) in fields {
        members(value, &format!("{under}.{name}"), all);
    }
}

#[test]
fn capabilities_have_the_members_that_the_contract_has() {
    let mut ours = BTreeSet::new();
    members(
        &serde_json::to_value(Capabilities::default()).unwrap(),
        "",
        &mut ours,
    );
    assert_eq!(ours, set(MEMBERS));
    let page = source("docs/plugins/contract/capabilities.md");
    let rows = page.lines().filter_map(|it| it.strip_prefix("| `"));
    let cells = rows.filter_map(|it| it.split('|').next());
    let documented = cells.flat_map(|it| it.split('`').step_by(2));
    assert_eq!(ours, set(documented.filter(|it| !it.trim().is_empty())));
    // Both boundaries carry it as one text.
    assert!(functions("storage")[""]["describe"].is_empty());
    let mirror = source("sdk/abi/src/storage.rs");
    assert!(mirror.contains("fn describe(&self) -> RResult<RString, Error>;"));
}
