//! Plugins in folders: what is loaded, what is listed, and who gets a scheme.

mod support;

use std::collections::BTreeMap;
use std::path::Path;

use causeway_host::{Host, Kind, State};
use causeway_sdk::{DynStorage, ErrorKind, Operation, Page, ReadOptions, WriteOptions};
use serde_json::{Value, json};
use support::{cx, install, load, memory, odd, url};

#[tokio::test]
async fn an_installed_plugin_stores_and_gives_back() {
    let directory = tempfile::tempdir().unwrap();
    install(memory(), directory.path());
    let host = load(directory.path());
    let storage = host.storage_for(&url("memory://box/a/b")).unwrap();

    let mut writer = storage
        .open_write(&cx(), &url("memory://box/a/b"), WriteOptions::default())
        .await
        .unwrap();
    writer.write(0, "hello ".into()).await.unwrap();
    writer.write(6, "world".into()).await.unwrap();
    assert_eq!(
        storage
            .stat(&cx(), &url("memory://box/a/b"))
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::NotFound
    );
    assert_eq!(writer.commit().await.unwrap().bytes, 11);

    assert_eq!(
        storage
            .stat(&cx(), &url("memory://box/a/b"))
            .await
            .unwrap()
            .size,
        Some(11)
    );
    assert!(
        storage
            .exists(&cx(), &url("memory://box/a/b"))
            .await
            .unwrap()
    );
    let page = storage
        .list(&cx(), &url("memory://box/"), Page::default())
        .await
        .unwrap();
    assert_eq!(page.entries[0].name, "a");
    assert!(page.entries[0].stat.is_directory());
    let options = ReadOptions {
        offset: 4,
        len: Some(4),
        chunk_hint: 3,
        if_match: None,
    };
    let mut reader = storage
        .open_read(&cx(), &url("memory://box/a/b"), options)
        .await
        .unwrap();
    assert_eq!(reader.opened().size, Some(11));
    assert_eq!(reader.next().await.unwrap().unwrap(), "o w");
    assert_eq!(reader.next().await.unwrap().unwrap(), "o");
    assert_eq!(reader.next().await.unwrap(), None);
}

#[tokio::test]
async fn a_listing_goes_on_where_its_page_ended() {
    let host = Host::new().builtin(Host::load_file(memory(), &json!({})).unwrap().storage());
    let storage = host.storage_for(&url("memory://box/")).unwrap();
    for name in ["a", "b", "c"] {
        let at = url(&format!("memory://box/{name}"));
        let writer = storage
            .open_write(&cx(), &at, WriteOptions::default())
            .await
            .unwrap();
        writer.commit().await.unwrap();
    }
    let (mut names, mut page) = (
        Vec::new(),
        Page {
            cursor: None,
            limit: 2,
        },
    );
    for _ in 0..3 {
        let listed = storage
            .list(&cx(), &url("memory://box/"), page.clone())
            .await
            .unwrap();
        names.extend(listed.entries.into_iter().map(|it| it.name));
        page.cursor = listed.next;
        if page.cursor.is_none() {
            break;
        }
    }
    assert_eq!(names, ["a", "b", "c"]);
}

#[test]
fn the_list_has_what_scripts_read() {
    let directory = tempfile::tempdir().unwrap();
    let folder = install(memory(), directory.path());
    let plugins = load(directory.path()).plugins();
    let listed = serde_json::to_value(&plugins).unwrap();
    let sha256 = listed[0]["sha256"].as_str().unwrap().to_owned();
    let file = format!("libcauseway_plugin_memory-0.1.0-{}.so", &sha256[..8]);
    assert_eq!(listed[0]["path"], folder.join(file).to_str().unwrap());
    for (key, value) in [
        ("name", json!("memory")),
        ("version", json!("0.1.0")),
        ("kind", json!("native")),
        ("schemes", json!(["memory"])),
        ("state", json!("ready")),
    ] {
        assert_eq!(listed[0][key], value, "{key}");
    }
}

#[test]
fn installing_again_leaves_one_library() {
    let directory = tempfile::tempdir().unwrap();
    let folder = install(memory(), directory.path());
    std::fs::write(
        folder.join("libcauseway_plugin_memory-0.0.1-00000000.so"),
        "old",
    )
    .unwrap();
    install(memory(), directory.path());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
    assert_eq!(load(directory.path()).handles().len(), 1);
}

#[test]
fn an_unknown_scheme_is_named_with_those_that_are_known() {
    let directory = tempfile::tempdir().unwrap();
    install(memory(), directory.path());
    let host = load(directory.path());
    let error = host.storage_for(&url("nosuch://h/p")).err().unwrap();
    assert_eq!((error.kind(), error.errno()), (ErrorKind::Unsupported, 93));
    assert!(error.message().contains("nosuch") && error.message().contains("memory"));
    assert!(host.storage_for(&url("MEMORY://h/p")).is_ok());
}

#[tokio::test]
async fn an_operation_that_is_not_listed_is_answered_by_the_host() {
    let storage = Host::load_file(odd(), &Value::Null).unwrap().storage();
    assert!(!storage.describe().can(Operation::Rmdir));
    let error = storage
        .rmdir(&cx(), &url("odd://h/panic"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

/// Installs the odd plugin under another name with other schemes.
fn odd_as(name: &str, schemes: &str, directory: &Path) {
    let options = json!({"name": name, "schemes": schemes});
    let folder = causeway_host::write_manifest(odd(), directory, &options).unwrap();
    let manifest = folder.join("plugin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let config = format!("[config]\nname = \"{name}\"\nschemes = \"{schemes}\"\n");
    std::fs::write(&manifest, format!("{text}\n{config}")).unwrap();
}

#[test]
fn two_plugins_for_one_scheme_need_a_decision() {
    let directory = tempfile::tempdir().unwrap();
    odd_as("one", "x,y", directory.path());
    odd_as("two", "y,z", directory.path());
    odd_as("three", "w", directory.path());

    let host = load(directory.path());
    for (name, other) in [("one", "two"), ("two", "one")] {
        let State::Failed(reason) = host.plugin(name).unwrap().state else {
            panic!("{name} was loaded");
        };
        let claimed = format!("scheme y is also claimed by plugin {other}");
        assert!(reason.contains(&claimed), "{reason}");
    }
    assert_eq!(host.schemes().collect::<Vec<_>>(), ["w"]);
    let error = host.storage_for(&url("x://h/")).err().unwrap();
    let expected = "no plugin serves the scheme x: plugin one failed: register the plugin";
    assert!(error.message().starts_with(expected), "{error}");

    let host = Host::load(
        &[directory.path().to_owned()],
        &BTreeMap::new(),
        &["two".to_owned()],
    );
    assert_eq!(host.handle_for_scheme("y").unwrap().name(), "two");
    assert_eq!(host.handle_for_scheme("x").unwrap().name(), "one");
    assert_eq!(host.plugin("one").unwrap().state, State::Ready);
}

#[test]
fn a_later_directory_wins() {
    let (early, late) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    odd_as("same", "early", early.path());
    odd_as("same", "late", late.path());
    let directories = [early.path().to_owned(), late.path().to_owned()];
    let host = Host::load(&directories, &BTreeMap::new(), &[]);
    assert_eq!(host.schemes().collect::<Vec<_>>(), ["late"]);
    assert_eq!(host.plugins().len(), 1);
}

#[test]
fn options_of_the_configuration_go_before_those_of_the_manifest() {
    let directory = tempfile::tempdir().unwrap();
    odd_as("odd", "odd", directory.path());
    let options = BTreeMap::from([("odd".to_owned(), json!({"refuse": "yes"}))]);
    let host = Host::load(&[directory.path().to_owned()], &options, &[]);
    let state = host.plugin("odd").unwrap().state.to_string();
    assert_eq!(
        state,
        "failed: start the plugin: option refuse: as asked: check its options"
    );
}

#[test]
fn a_directory_that_is_not_there_is_listed_and_the_rest_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    install(memory(), directory.path());
    let missing = directory.path().join("nothing-here");
    let host = Host::load(
        &[missing, directory.path().to_owned()],
        &BTreeMap::new(),
        &[],
    );
    assert_eq!(host.handles().len(), 1);
    assert!(
        host.plugin("nothing-here")
            .unwrap()
            .state
            .to_string()
            .contains("failed: read")
    );
}

#[test]
fn a_storage_of_the_program_is_builtin() {
    struct Nothing;
    impl causeway_sdk::Storage for Nothing {
        type Read = causeway_sdk::NoBody;
        type Write = causeway_sdk::NoBody;
        fn create(_: &str, _: causeway_sdk::Host) -> causeway_sdk::Result<Self> {
            Ok(Self)
        }
        fn describe(&self) -> causeway_sdk::Capabilities {
            causeway_sdk::Capabilities {
                name: "nothing".into(),
                schemes: vec!["nothing".into()],
                ..Default::default()
            }
        }
        async fn stat(
            &self,
            _: &causeway_sdk::Ctx,
            _: &causeway_sdk::Url,
        ) -> causeway_sdk::Result<causeway_sdk::Stat> {
            panic!("not listed, so not called")
        }
    }
    let storage: std::sync::Arc<dyn DynStorage> = causeway_sdk::Erased::shared(Nothing);
    let host = Host::new().builtin(storage);
    assert_eq!(
        host.handle_for_scheme("nothing").unwrap().kind(),
        Kind::Builtin
    );
}
