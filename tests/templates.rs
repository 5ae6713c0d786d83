//! `causeway plugins new` in the languages that make components without our SDK: what it writes builds, and
//! keeps every promise. Rust has a page that is followed word for word, in `tests/guide.rs`.
//!
//! The commands are those of the project's own `README.md`; only what it installs is installed already, by
//! `tests/install.sh`.

use std::path::Path;
use std::time::Duration;

use causeway_host::Host;
use causeway_sdk::{Ctx, ReadOptions};
use causeway_tests::outcome::ok;
use causeway_tests::programs::{causeway, clean, repository, run};
use serde_json::{Value, json};

/// Most of it goes to compiling a component of many megabytes.
const LIMIT: Duration = Duration::from_secs(900);

/// The commands of a project's page, without the one that installs a tool.
fn commands(page: &Path, installs: &str) -> String {
    let text = std::fs::read_to_string(page).unwrap();
    let block = text.split("```sh\n").nth(1).unwrap();
    let block = block.split("```").next().unwrap();
    let (install, rest): (Vec<&str>, Vec<&str>) =
        block.lines().partition(|line| line.contains(installs));
    assert_eq!((install.len(), rest.len()), (1, 2), "{text}");
    rest.join("\n")
}

fn shell(at: &Path, script: &str) -> String {
    let lab = repository().join("target/lab");
    let (bin, node) = (causeway(), lab.join("venv-node/bin"));
    let bin = bin.parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let mut bash = clean("bash");
    bash.args(["-euo", "pipefail", "-c", script])
        .current_dir(at)
        .env(
            "PATH",
            format!("{}:{}:{path}", bin.display(), node.display()),
        )
        .env(
            "CAUSEWAY_COMPONENTIZE_PY",
            lab.join("venv-guest/bin/componentize-py"),
        )
        .env("CAUSEWAY_COMPONENTIZE_JS", lab.join("componentize-js"));
    ok(&run(&mut bash, LIMIT))
}

/// From an empty folder to a component that was checked, and a look at what it serves.
async fn walk(language: &str, installs: &str) {
    let empty = tempfile::tempdir().unwrap();
    shell(
        empty.path(),
        &format!("causeway plugins new first-{language} --lang {language}"),
    );
    let project = empty.path().join(format!("first-{language}"));
    let script = commands(&project.join("README.md"), installs);
    let said = shell(&project, &script.replace("check ", "check --json "));
    let report = &said[said.find('{').unwrap()..];
    let report: Value = serde_json::from_str(report).unwrap();
    assert_eq!(report["failed"], 0);
    assert!(report["passed"].as_u64().unwrap() > 20, "{report}");

    let component = project.join(format!("target/first-{language}.wasm"));
    let plugin = Host::load_file(&component, &json!({})).unwrap();
    let at = format!("first-{language}://here/hello.txt");
    let (storage, cx, at) = (plugin.storage(), Ctx::new("1"), at.parse().unwrap());
    let body = storage.open_read(&cx, &at, ReadOptions::default());
    let content = body.await.unwrap().next().await.unwrap().unwrap();
    assert_eq!(content, format!("Hello from first-{language}\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python() {
    walk("python", "pip install").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn javascript() {
    walk("javascript", "npm install").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c() {
    walk("c", "apt-get install").await;
}

#[test]
fn what_is_missing_is_named() {
    let empty = tempfile::tempdir().unwrap();
    let script = "causeway plugins new a --lang javascript && cd a && \
                  CAUSEWAY_COMPONENTIZE_JS= causeway plugins build 2>&1 || true";
    let said = shell(empty.path(), script);
    assert!(said.contains("run `npm install` in the project"), "{said}");
}
