//! The example plugins in every form they are offered in: the same storage as native library, as
//! component from the same source and as component in Python keeps the same promises, and a component that
//! speaks HTTP through the gateway keeps them against a server.

use std::path::Path;

use causeway_host::Host;
use causeway_sdk::{Bytes, Credential, Ctx, ErrorKind, ReadOptions, Secret, Url, WriteOptions};
use causeway_testkit::{Report, Suite};
use causeway_tests::guests::guest;
use causeway_tests::programs::built_extra;
use causeway_tests::repository::Repository;
use serde_json::{Value, json};

async fn memory_suite(plugin: &Path) -> Report {
    let handle = Host::load_file(plugin, &json!({})).unwrap();
    let report = Suite::new(handle.storage(), "memory://box/").run().await;
    report.assert();
    report
}

/// Name and outcome of every case.
fn transcript(report: &Report) -> Vec<(String, String)> {
    let line = |it: &causeway_testkit::Case| (it.name.clone(), format!("{:?}", it.outcome));
    report.cases.iter().map(line).collect()
}

async fn as_native(component: &str) {
    let native = built_extra("example-plugin-native", "libcauseway_plugin_memory.so");
    let native = transcript(&memory_suite(&native).await);
    let passed = native.iter().filter(|(_, outcome)| outcome == "Passed");
    assert!(passed.count() > 20, "{native:?}");
    assert_eq!(transcript(&memory_suite(&guest(component)).await), native);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_from_the_same_source_keeps_the_same_promises() {
    as_native("memory-rust").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_in_python_keeps_the_same_promises() {
    as_native("memory-python").await;
}

/// Files of a megabyte, written over again, given up, read whole and in part: many times what an
/// instance may hold.
async fn outlives_its_files(component: &str) {
    let plugin = Host::load_file(&guest(component), &json!({})).unwrap();
    let (storage, cx) = (plugin.storage(), Ctx::new("1"));
    let file: Url = "memory://box/much".parse().unwrap();
    let content = Bytes::from(vec![7; 1 << 20]);
    let options = WriteOptions {
        size: Some(content.len() as u64),
        overwrite: true,
        ..WriteOptions::default()
    };
    for _ in 0..200 {
        for commit in [false, true] {
            let writing = storage.open_write(&cx, &file, options.clone()).await;
            let mut body = writing.unwrap();
            body.write(0, content.clone()).await.unwrap();
            if commit {
                body.commit().await.unwrap();
            } else {
                body.abort().await;
            }
        }
        for whole in [false, true] {
            let reading = storage.open_read(&cx, &file, ReadOptions::default()).await;
            let mut body = reading.unwrap();
            let mut seen = 0;
            while let Some(chunk) = body.next().await.unwrap() {
                seen += chunk.len();
                if !whole {
                    break;
                }
            }
            assert!(!whole || seen == content.len(), "{seen}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_keeps_nothing_of_files_that_are_over() {
    outlives_its_files("memory-rust").await;
    outlives_its_files("memory-python").await;
}

fn grants(repository: &Repository) -> Value {
    json!({ "tls": false, "grants": { "http": [format!("http://{}", repository.authority())] } })
}

fn url(repository: &Repository, path: &str) -> Url {
    format!("zenodo://{}{path}", repository.authority())
        .parse()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repository_behind_http_keeps_the_promises() {
    let repository = Repository::start("canary").await;
    let plugin = Host::load_file(&guest("zenodo"), &grants(&repository)).unwrap();
    let base = url(&repository, "/drafts/17/");
    let suite = Suite::new(plugin.storage(), base.as_str());
    let token = Credential::Bearer(Secret::new("canary"));
    let report = suite.credential(token).run().await;
    report.assert();
    assert!(report.passed > 20, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_published_record_is_read_without_a_token_and_not_changed() {
    let repository = Repository::start("canary").await;
    repository.publish("42", "data/set.csv", b"a,b\n1,2\n");
    let plugin = Host::load_file(&guest("zenodo"), &grants(&repository)).unwrap();
    let (storage, cx) = (plugin.storage(), Ctx::new("1"));
    let file = url(&repository, "/records/42/data/set.csv");
    assert_eq!(storage.stat(&cx, &file).await.unwrap().size, Some(8));
    let body = storage.open_read(&cx, &file, ReadOptions::default());
    assert_eq!(
        body.await.unwrap().next().await.unwrap().unwrap(),
        "a,b\n1,2\n"
    );
    let refused = storage.unlink(&cx, &file).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Denied);
    let draft = storage.stat(&cx, &url(&repository, "/drafts/17/x")).await;
    assert_eq!(draft.unwrap_err().kind(), ErrorKind::AuthRequired);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_granted_is_not_called() {
    let repository = Repository::start("canary").await;
    repository.publish("42", "a", b"a");
    let options = json!({ "tls": false, "grants": { "http": ["repository.example.org"] } });
    let plugin = Host::load_file(&guest("zenodo"), &options).unwrap();
    let file = url(&repository, "/records/42/a");
    let refused = plugin.storage().stat(&Ctx::new("1"), &file).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Denied);
}
