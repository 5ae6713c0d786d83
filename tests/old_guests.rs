//! Plugins of the first published boundaries, built from the sources they had, in today's gateway.
//!
//! They bring all they need of this repository with them, so a change of a boundary reaches the gateway's
//! side alone: one that breaks what people have installed fails here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use causeway_host::{Host, PluginHandle};
use causeway_sdk::{
    Bytes, Ctx, EntryKind, ErrorKind, Page, ReadOptions, Url, WriteOptions, Written,
};
use causeway_testkit::Suite;
use causeway_tests::guests::guest;
use causeway_tests::programs::{expect, repository};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// Folders, and the hash of their sources. A new folder gets a line; a line never changes.
const FROZEN: [(&str, &str); 2] = [
    (
        "component-0.1.0",
        "dea7d7557c9f33bac2cf4a042fd17d2a936390cb38e2b21f6a83f828ac7b39a8",
    ),
    (
        "native-1.0",
        "b807d1b1087f9c2440289e0f198aff85cb321a22d0de3e2443d9620af27d3bd5",
    ),
];

fn folder(name: &str) -> PathBuf {
    repository().join("tests/old-guests").join(name)
}

/// Compiles the library where nothing of today's workspace is in reach.
fn native() -> PathBuf {
    let target = repository().join("target/old-guests");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args(["build", "--quiet", "--locked", "--target-dir"])
        .arg(&target)
        .current_dir(folder("native-1.0"));
    expect(&mut command, Duration::from_secs(600));
    target.join("debug/libcauseway_plugin_old.so")
}

fn url(path: &str) -> Url {
    format!("old://box{path}").parse().unwrap()
}

async fn write(plugin: &PluginHandle, cx: &Ctx, path: &str, content: &'static [u8]) -> Written {
    let options = WriteOptions {
        size: Some(content.len() as u64),
        ..WriteOptions::default()
    };
    let at = url(path);
    let opened = plugin.storage().open_write(cx, &at, options).await;
    let mut body = opened.unwrap();
    let (first, second) = content.split_at(content.len() / 2);
    body.write(0, Bytes::from_static(first)).await.unwrap();
    let offset = first.len() as u64;
    body.write(offset, Bytes::from_static(second))
        .await
        .unwrap();
    body.commit().await.unwrap()
}

async fn read(plugin: &PluginHandle, cx: &Ctx, path: &str, options: ReadOptions) -> Vec<u8> {
    let at = url(path);
    let mut body = plugin.storage().open_read(cx, &at, options).await.unwrap();
    let mut content = Vec::new();
    while let Some(chunk) = body.next().await.unwrap() {
        content.extend_from_slice(&chunk);
    }
    content
}

/// The calls that every transfer and every listing is made of.
async fn serves(plugin: &Path) {
    let plugin = Host::load_file(plugin, &json!({})).unwrap();
    let (storage, cx) = (plugin.storage(), Ctx::new("1"));
    assert_eq!(storage.describe().name, "old");
    assert_eq!(write(&plugin, &cx, "/a/b", b"0123456789").await.bytes, 10);

    let found = storage.stat(&cx, &url("/a/b")).await.unwrap();
    assert_eq!((found.kind, found.size), (EntryKind::File, Some(10)));
    let page = storage.list(&cx, &url("/a"), Page::default()).await;
    let names: Vec<String> = page
        .unwrap()
        .entries
        .into_iter()
        .map(|it| it.name)
        .collect();
    assert_eq!(names, ["b"]);
    assert_eq!(
        read(&plugin, &cx, "/a/b", ReadOptions::default()).await,
        b"0123456789"
    );
    let range = ReadOptions {
        offset: 3,
        len: Some(4),
        chunk_hint: 3,
        ..ReadOptions::default()
    };
    assert_eq!(read(&plugin, &cx, "/a/b", range).await, b"3456");

    let missing = storage.stat(&cx, &url("/a/c")).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let report = Suite::new(plugin.storage(), "old://box/").run().await;
    report.assert();
    assert!(report.passed > 20, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_of_the_first_world_still_works() {
    serves(&guest("old-component")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_library_of_the_first_boundary_still_works() {
    serves(&native()).await;
}

/// Sources below a folder by their path; what compilers leave, and lock files, are not among them.
fn sources(at: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(at).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.extension().and_then(|it| it.to_str());
        if path.is_dir() && !path.ends_with("target") {
            sources(&path, found);
        } else if matches!(kind, Some("rs" | "wit" | "toml")) {
            found.insert(path.clone(), std::fs::read(path).unwrap());
        }
    }
}

fn hash(name: &str) -> String {
    let (folder, mut found) = (folder(name), BTreeMap::new());
    sources(&folder, &mut found);
    let mut hasher = Sha256::new();
    for (path, content) in found {
        let path = path.strip_prefix(&folder).unwrap().to_string_lossy();
        hasher.update(format!("{path}\n{}\n", content.len()));
        hasher.update(content);
    }
    hex::encode(hasher.finalize())
}

#[test]
fn they_stay_as_they_were() {
    for (name, frozen) in FROZEN {
        assert_eq!(
            hash(name),
            frozen,
            "{name} is of its time and stays as it is"
        );
    }
}

/// What a world's file declares: every line without its comment.
fn declarations(file: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let line = |it: &str| it.split("//").next().unwrap_or("").trim().to_owned();
    text.lines().map(line).filter(|it| !it.is_empty()).collect()
}

#[test]
fn the_old_component_was_made_for_the_published_world() {
    let published = repository().join("wit/storage-0.1.0");
    let mut files = 0;
    for entry in std::fs::read_dir(&published).unwrap() {
        let name = entry.unwrap().file_name();
        let own = folder("component-0.1.0/wit").join(&name);
        let theirs = declarations(&published.join(&name));
        assert_eq!(declarations(&own), theirs, "{}", own.display());
        files += 1;
    }
    assert_eq!(files, 6);
}
