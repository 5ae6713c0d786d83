//! Components that come, change and go while transfers run. To an operator they are plugins like libraries:
//! the same files, requests, answers and counters.

use std::path::Path;

use causeway_tests::guests::guest;
use causeway_tests::live::{
    ask, change, finishes, install_mock, row, settled, shown, start, text, works,
};
use causeway_tests::place::{LIMIT, Place, mock, one};
use causeway_tests::programs::install;
use causeway_tests::{Gateway, GatewayOptions};
use serde_json::{Value, json};

const NAME: &str = "memory";

/// Installs the component, with other bytes for each mark: a section that nobody reads is added.
fn install_component(dir: &Path, mark: u8) {
    let mut bytes = std::fs::read(guest("memory-rust")).unwrap();
    bytes.extend([0, 3, 1, b'x', mark]);
    let file = dir.join("memory.wasm");
    std::fs::write(&file, bytes).unwrap();
    install(&file, &dir.join("plugins"));
}

/// A file that comes into the component so slowly.
fn into_component(name: &str, seconds: u32) -> Value {
    let size = 10 * seconds.max(1);
    let rate = if seconds == 0 { 0 } else { 10 };
    let source = format!("mock://a.example/{name}?size={size}&throughput={rate}");
    let destination = format!("memory://box/{name}");
    one(&source, &destination, json!({ "retry": -1 }))
}

async fn takes_files(place: &Place, name: &str) {
    let id = place.gateway.submit(&into_component(name, 0)).await;
    finishes(place, &id).await;
    let stat = place
        .gateway
        .get(&format!("/dm/stat?surl=memory://box/{name}"))
        .await;
    assert_eq!(stat["size"], 10, "{stat}");
}

/// Found by signal, while something runs that must not notice.
async fn found(place: &Place, dir: &Path) {
    let gateway = &place.gateway;
    assert_eq!(row(gateway, NAME).await, Value::Null);
    let long = gateway.submit(&mock(1, 6.0, json!({ "retry": -1 }))).await;
    place.active(&long).await;
    install_component(dir, 1);
    gateway.signal("HUP");
    let row = shown(gateway, NAME, |it| it["state"] == "ready").await;
    assert_eq!(
        (&row["kind"], &row["schemes"], &row["previous"]),
        (&json!("component"), &json!([NAME]), &Value::Null),
        "{row}"
    );
    takes_files(place, "found").await;
    finishes(place, &long).await;
}

/// Upgrades under a transfer into the component that takes so long; false when it ended too early.
async fn upgrade_under(place: &Place, dir: &Path, seconds: u32) -> bool {
    let gateway = &place.gateway;
    let before = row(gateway, NAME).await["sha256"].clone();
    let name = format!("slow-{seconds}");
    let long = gateway.submit(&into_component(&name, seconds)).await;
    place.active(&long).await;
    install_component(dir, u8::try_from(seconds).unwrap());
    let row = change(gateway, "reload", NAME).await;
    assert_ne!(row["sha256"], before, "{row}");
    assert_eq!(row["previous"]["sha256"], before, "{row}");
    takes_files(place, &format!("new-{seconds}")).await;
    let job = gateway.get(&format!("/jobs/{long}")).await;
    finishes(place, &long).await;
    assert!(place.files(&long).await.iter().all(|it| it["retry"] == 0));
    job["job_state"] == "ACTIVE"
}

async fn refused(gateway: &Gateway) {
    let id = gateway.submit(&into_component("refused", 0)).await;
    assert_eq!(gateway.wait(&id, LIMIT).await["job_state"], "FAILED");
    let files = gateway.get(&format!("/jobs/{id}/files")).await;
    let reason = files[0]["reason"].as_str().unwrap();
    assert!(reason.ends_with("plugin memory is disabled"), "{reason}");
}

#[tokio::test]
async fn a_component_is_found_upgraded_rolled_back_disabled_and_removed() {
    let dir = tempfile::tempdir().unwrap();
    // It keeps files in its memory: one worker has all of them.
    let options = GatewayOptions::default().env("CAUSEWAY__ENGINE__WORKERS", "1");
    let place = start(dir.path(), options);
    let gateway = &place.gateway;
    settled(&place, "mock").await;
    found(&place, dir.path()).await;
    // On a machine with much else to do a reload takes its time.
    for seconds in [8, 25, 60] {
        if upgrade_under(&place, dir.path(), seconds).await {
            break;
        }
        assert!(seconds < 60, "it never was in time");
    }
    let newest = row(gateway, NAME).await;
    let back = change(gateway, "rollback", NAME).await;
    assert_eq!(back["sha256"], newest["previous"]["sha256"]);
    takes_files(&place, "back").await;

    let row = change(gateway, "disable", NAME).await;
    assert_eq!(row["state"], "disabled", "{row}");
    refused(gateway).await;
    works(&place).await;
    let row = change(gateway, "enable", NAME).await;
    assert_eq!(row["state"], "ready", "{row}");
    takes_files(&place, "again").await;
    let counted = shown(gateway, NAME, |it| it["marks"]["calls"].as_u64() > Some(0)).await;
    assert_eq!(counted["marks"]["traps"], 0, "{counted}");
    let scrape = text(gateway, "/metrics").await;
    let calls = "causeway_plugin_calls_total{plugin=\"memory\"} ";
    assert!(
        scrape.lines().any(|it| it.starts_with(calls)),
        "no {calls}in {scrape}"
    );

    std::fs::remove_dir_all(dir.path().join("plugins").join(NAME)).unwrap();
    assert_eq!(change(gateway, "reload", NAME).await, Value::Null);
    works(&place).await;
}

#[tokio::test]
async fn a_component_that_is_damaged_leaves_the_one_before_in_place() {
    let dir = tempfile::tempdir().unwrap();
    let options = GatewayOptions::default().env("CAUSEWAY__ENGINE__WORKERS", "1");
    install_component(dir.path(), 1);
    let place = start(dir.path(), options);
    let gateway = &place.gateway;
    settled(&place, NAME).await;
    let good = row(gateway, NAME).await;
    // Half of it, and a manifest that is right about that half.
    let bytes = std::fs::read(guest("memory-rust")).unwrap();
    let folder = dir.path().join("plugins").join(NAME);
    let manifest = std::fs::read_to_string(folder.join("plugin.toml")).unwrap();
    let half = &bytes[..bytes.len() / 2];
    std::fs::write(folder.join("half.wasm"), half).unwrap();
    let replaced = manifest.lines().map(|line| match line.split_once(" = ") {
        Some(("file", _)) => "file = \"half.wasm\"".to_owned(),
        Some(("sha256", _)) => format!("sha256 = \"{}\"", sum(half)),
        Some(("size", _)) => format!("size = {}", half.len()),
        _ => line.to_owned(),
    });
    let replaced: Vec<String> = replaced.collect();
    std::fs::write(folder.join("plugin.toml"), replaced.join("\n")).unwrap();
    let row = change(gateway, "reload", NAME).await;
    assert!(row["refused"]["reason"].is_string(), "{row}");
    assert_eq!(
        (&row["state"], &row["sha256"]),
        (&json!("ready"), &good["sha256"]),
        "{row}"
    );
    takes_files(&place, "still").await;
    // A plugin beside it changes meanwhile, and it is in nobody's way.
    install_mock(dir.path(), 2);
    let (status, rows) = ask(gateway, json!({ "action": "reload" })).await;
    assert_eq!(status, 200, "{rows}");
    works(&place).await;
    takes_files(&place, "and-again").await;
}

fn sum(bytes: &[u8]) -> String {
    use sha2::{Digest as _, Sha256};
    hex::encode(Sha256::digest(bytes))
}
