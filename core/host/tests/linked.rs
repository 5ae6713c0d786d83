//! Several plugins linked into one program, and the libraries of the same loaded beside them: no
//! symbol, static or runtime of one is in the way of another.

mod support;

use std::path::Path;
use std::sync::Arc;

use causeway_host::{Host, Kind};
use causeway_plugin_file::FileStorage;
use causeway_plugin_mock::MockStorage;
use causeway_sdk::{DynStorage, Erased, Storage};
use serde_json::{Value, json};
use support::{cx, url};

fn linked<S: Storage>(options: &Value) -> Arc<dyn DynStorage> {
    Erased::shared(S::create(&options.to_string(), causeway_sdk::Host::silent()).unwrap())
}

/// A copy of the library that cargo left beside this program: a later build may replace it.
fn library(name: &str, directory: &Path) -> std::path::PathBuf {
    let program = std::env::current_exe().unwrap();
    let copy = directory.join(name);
    std::fs::copy(program.with_file_name(name), &copy).unwrap();
    copy
}

#[tokio::test]
async fn two_plugins_linked_and_loaded_do_not_mind_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("f");
    std::fs::write(&file, "12345").unwrap();
    let roots = json!({"roots": [directory.path()]});
    let mock = json!({});

    let built_in = Host::new()
        .builtin(linked::<MockStorage>(&mock))
        .builtin(linked::<FileStorage>(&roots));
    let load = |name, options| {
        let library = library(name, directory.path());
        Host::load_file(&library, options).unwrap_or_else(|refusal| panic!("failed to {refusal}"))
    };
    let loaded = [
        load("libcauseway_plugin_mock.so", &mock),
        load("libcauseway_plugin_file.so", &roots),
    ];
    assert!(loaded.iter().all(|it| it.kind() == Kind::Native));

    // Twice around: the first calls start runtimes, the second ones find them.
    for _ in 0..2 {
        for at in [
            url("mock://h/f?size=5"),
            url(&format!("file://{}", file.display())),
        ] {
            let library = loaded
                .iter()
                .find(|it| it.schemes().iter().any(|one| one == at.scheme()))
                .unwrap();
            for storage in [built_in.storage_for(&at).unwrap(), library.storage()] {
                assert_eq!(
                    storage.stat(&cx(), &at).await.unwrap().size,
                    Some(5),
                    "{at}"
                );
            }
        }
    }
}
