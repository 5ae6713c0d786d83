//! Plugins that are taken out of service, and how they come back: by another file, or by somebody who
//! says so.

use std::collections::BTreeSet;
use std::path::Path;

use causeway_tests::outcome::{ok, refused};
use causeway_tests::place::{LIMIT, Place, deadly, mock, tried_again, two};
use causeway_tests::processes::until;
use causeway_tests::programs::{built, install};
use serde_json::{Value, json};

/// A copy of the mock library with other bytes, which the loader does not look at.
fn other_library(dir: &Path, mark: u8) -> std::path::PathBuf {
    let mut bytes = std::fs::read(built().join("libcauseway_plugin_mock.so")).unwrap();
    bytes.push(mark);
    let path = dir.join("libcauseway_plugin_mock.so");
    std::fs::write(&path, bytes).unwrap();
    path
}

#[tokio::test]
async fn a_plugin_that_kills_is_taken_out_of_service_and_a_new_file_puts_it_back() {
    let dir = tempfile::tempdir().unwrap();
    let plugins = dir.path().join("plugins");
    install(&other_library(dir.path(), 1), &plugins);
    let options = two()
        .env("CAUSEWAY__ENGINE__WORKERS", "1")
        .env("CAUSEWAY__ENGINE__PLUGIN_DEATHS_MAX", "2")
        .env("CAUSEWAY__PLUGINS__MOCK__SIGNALS", "true")
        .plugin_dir(&plugins);
    let place = Place::with(&options);
    for _ in 0..2 {
        let id = place
            .gateway
            .submit(&deadly(11, json!({ "retry": -1 })))
            .await;
        place.gateway.wait(&id, LIMIT).await;
        let died = "Transfer process died with: signal 11 (SIGSEGV)";
        assert!(
            place.reason(&id).await.ends_with(died),
            "{}",
            place.gateway.log()
        );
        place.staffed(1);
    }
    let out = "plugin mock is out of service: it ended 2 workers within 600 s, the last with signal 11 (SIGSEGV)";
    let refused = async || {
        let id = place
            .gateway
            .submit(&mock(1, 0.0, json!({ "retry": -1 })))
            .await;
        assert_eq!(place.gateway.wait(&id, LIMIT).await["job_state"], "FAILED");
        let reason = place.reason(&id).await;
        assert!(
            reason.starts_with("SOURCE [11] ") && reason.ends_with(out),
            "{reason}"
        );
    };
    refused().await;
    let answer = place
        .gateway
        .get("/dm/stat?surl=mock://x.example/y?size=4")
        .await;
    assert!(answer.to_string().contains(out), "{answer}");
    assert!(
        place.gateway.log().contains("ALERT"),
        "{}",
        place.gateway.log()
    );

    // The same file again changes nothing.
    let workers = place.staffed(1);
    place.gateway.signal("HUP");
    until(LIMIT, "new workers", || place.staffed(1) != workers);
    refused().await;

    install(&other_library(dir.path(), 2), &plugins);
    place.gateway.signal("HUP");
    until(LIMIT, "the plugin is back", || {
        place.gateway.log().contains("plugin is back in service")
    });
    place.staffed(1);
    let id = place.gateway.submit(&mock(5, 0.0, tried_again())).await;
    assert_eq!(
        place.gateway.wait(&id, LIMIT).await["job_state"],
        "FINISHED"
    );
}

#[tokio::test]
async fn an_operator_sees_workers_and_puts_a_plugin_back() {
    let options = two()
        .env("CAUSEWAY__ENGINE__PLUGIN_DEATHS_MAX", "1")
        .env("CAUSEWAY__PLUGINS__MOCK__SIGNALS", "true");
    let place = Place::with(&options);
    let pids: BTreeSet<_> = place.staffed(2).into_iter().map(u64::from).collect();
    let shown = || place.gateway.cli_json(&["workers", "--json"]);
    let working = |shown: &Value| {
        let rows = shown["workers"].as_array().unwrap().iter();
        let working = rows.filter(|it| it["state"] == "working");
        working
            .filter_map(|it| it["pid"].as_u64())
            .collect::<BTreeSet<_>>()
    };
    until(LIMIT, "both take work", || working(&shown()) == pids);
    let refusal = "The plugin mock is not out of service";
    refused(
        &place.gateway.cli(&["plugins", "put-back", "mock"]),
        1,
        refusal,
    );
    let id = place
        .gateway
        .submit(&deadly(11, json!({ "retry": -1 })))
        .await;
    place.gateway.wait(&id, LIMIT).await;
    let reason = "it ended 1 workers within 600 s, the last with signal 11 (SIGSEGV)";
    let out = json!({ "reason": reason, "returning": false });
    let row = |shown: &Value| {
        let mut rows = shown["plugins"].as_array().unwrap().iter();
        rows.find(|it| it["name"] == "mock").unwrap().clone()
    };
    assert_eq!(row(&shown())["out_of_service"], out);
    let table = ok(&place.gateway.cli(&["workers"]));
    let line = format!("plugin mock is out of service: {reason}");
    assert!(table.lines().any(|it| it == line), "{table}");
    // The file is the one it was: somebody has to say so.
    let said = ok(&place.gateway.cli(&["plugins", "put-back", "mock"]));
    assert!(said.starts_with("mock is back as soon as"), "{said}");
    until(LIMIT, "it is back", || {
        row(&shown())["out_of_service"].is_null()
    });
    let id = place.gateway.submit(&mock(5, 0.0, tried_again())).await;
    assert_eq!(
        place.gateway.wait(&id, LIMIT).await["job_state"],
        "FINISHED"
    );
    let unknown = "No plugin with the name \"nosuchplugin\" has been found";
    let answer = place.gateway.cli(&["plugins", "put-back", "nosuchplugin"]);
    refused(&answer, 1, unknown);
    let (status, audit) = place
        .gateway
        .ask("GET", "/config/audit", &Value::Null, LIMIT)
        .await;
    assert!(
        status == 200 && audit.to_string().contains("put-back-plugin"),
        "{status} {audit}"
    );
}
