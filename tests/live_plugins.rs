//! Plugins that change while transfers run: upgraded, rolled back, disabled. What runs ends with what it
//! began with.

use std::path::Path;

use causeway_tests::Gateway;
use causeway_tests::live::{
    self, ask, change, finishes, install_mock, row, settled, shown, start, text, works,
};
use causeway_tests::place::{LIMIT, Place, mock, two};
use serde_json::json;

/// Upgrades under a transfer that takes so long; false when it ended too early to be looked at.
async fn upgrade_under(place: &Place, dir: &Path, mark: u8, seconds: f64) -> bool {
    let before = row(&place.gateway, "mock").await["sha256"].clone();
    let never = json!({ "retry": -1 });
    let long = place.gateway.submit(&mock(1, seconds, never)).await;
    place.active(&long).await;
    install_mock(dir, mark);
    let row = change(&place.gateway, "reload", "mock").await;
    assert_ne!(row["sha256"], before, "{row}");
    assert_eq!(row["previous"]["sha256"], before, "{row}");
    works(place).await;
    let row = live::row(&place.gateway, "mock").await;
    let versions = row["versions"].as_array().unwrap().clone();
    let job = place.gateway.get(&format!("/jobs/{long}")).await;
    let in_time = job["job_state"] == "ACTIVE";
    if in_time {
        let [serving, draining] = &versions[..] else {
            panic!("{row}");
        };
        assert_eq!(
            (&serving["state"], &serving["sha256"]),
            (&json!("serving"), &row["sha256"])
        );
        assert_eq!(
            (&draining["state"], &draining["sha256"]),
            (&json!("draining"), &before)
        );
        assert_eq!(draining["attempts"], 1, "{row}");
    }
    finishes(place, &long).await;
    assert!(place.files(&long).await.iter().all(|it| it["retry"] == 0));
    in_time
}

#[tokio::test]
async fn a_transfer_runs_across_an_upgrade_and_a_rollback_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let place = start(dir.path(), two());
    let gateway = &place.gateway;
    settled(&place, "mock").await;
    let mut mark = 1;
    // On a machine with much else to do a reload takes its time.
    for seconds in [8.0, 25.0, 60.0] {
        mark += 1;
        if upgrade_under(&place, dir.path(), mark, seconds).await {
            break;
        }
        assert!(seconds < 60.0, "it never was in time");
    }
    let now = shown(gateway, "mock", |it| {
        it["versions"].as_array().unwrap().len() == 1
    })
    .await;
    let calls = now["marks"]["calls"].as_u64().unwrap();
    assert!(calls > 0, "{now}");

    let back = change(gateway, "rollback", "mock").await;
    assert_eq!(back["sha256"], now["previous"]["sha256"]);
    assert_eq!(back["previous"]["sha256"], now["sha256"]);
    works(&place).await;
    // What an operator went back from is not taken again, nor after a restart.
    let same = change(gateway, "reload", "mock").await;
    assert_eq!(same["sha256"], back["sha256"]);
    // What workers counted outlives them.
    let seen = shown(gateway, "mock", |it| {
        it["marks"]["calls"].as_u64() > Some(calls)
    })
    .await;
    let scrape = text(gateway, "/metrics").await;
    let line = scrape
        .lines()
        .find_map(|it| it.strip_prefix("causeway_plugin_calls_total{plugin=\"mock\"} "));
    let counted: u64 = line.unwrap().parse().unwrap();
    assert!(counted >= seen["marks"]["calls"].as_u64().unwrap());
    let there = change(gateway, "rollback", "mock").await;
    assert_eq!(there["sha256"], now["sha256"]);
    let audit = gateway.get("/config/audit").await.to_string();
    assert!(
        audit.contains("reload-plugins") && audit.contains("roll-back-plugin"),
        "{audit}"
    );

    let back = change(gateway, "rollback", "mock").await;
    let Place {
        dir: state,
        gateway,
    } = place;
    gateway.kill();
    let options = two().plugin_dir(dir.path().join("plugins"));
    let gateway = Gateway::start(state.path(), &options);
    assert_eq!(row(&gateway, "mock").await["sha256"], back["sha256"]);
    install_mock(dir.path(), 100);
    let newest = change(&gateway, "reload", "mock").await;
    assert_ne!(newest["sha256"], now["sha256"]);
    assert_eq!(newest["previous"]["sha256"], back["sha256"]);
    // Two versions are kept, and no more.
    let kept = std::fs::read_dir(state.path().join("db/plugins/mock")).unwrap();
    assert_eq!(kept.count(), 2);
}

#[tokio::test]
async fn nobody_uses_a_disabled_plugin_until_it_is_enabled() {
    let dir = tempfile::tempdir().unwrap();
    let place = start(dir.path(), two());
    let gateway = &place.gateway;
    settled(&place, "mock").await;
    let never = json!({ "retry": -1 });
    let long = gateway.submit(&mock(1, 4.0, never.clone())).await;
    place.active(&long).await;
    let row = change(gateway, "disable", "mock").await;
    assert_eq!(
        (&row["disabled"], &row["state"]),
        (&json!(true), &json!("disabled")),
        "{row}"
    );
    let refused = async |gateway: &Gateway| {
        let id = gateway.submit(&mock(1, 0.0, never.clone())).await;
        assert_eq!(gateway.wait(&id, LIMIT).await["job_state"], "FAILED");
        let files = gateway.get(&format!("/jobs/{id}/files")).await;
        let reason = files[0]["reason"].as_str().unwrap().to_owned();
        let text = "no plugin serves the scheme mock: plugin mock is disabled";
        assert!(reason.ends_with(text), "{reason}");
    };
    refused(gateway).await;
    let stat = gateway.get("/dm/stat?surl=mock://x.example/y?size=4").await;
    assert!(
        stat.to_string().contains("plugin mock is disabled"),
        "{stat}"
    );
    // What ran goes on.
    finishes(&place, &long).await;
    // It is still so when files have changed, and after a restart.
    install_mock(dir.path(), 2);
    let row = change(gateway, "reload", "mock").await;
    assert_eq!(row["state"], "disabled", "{row}");
    let Place {
        dir: state,
        gateway,
    } = place;
    gateway.kill();
    let options = two().plugin_dir(dir.path().join("plugins"));
    let gateway = Gateway::start(state.path(), &options);
    let place = Place {
        dir: state,
        gateway,
    };
    refused(&place.gateway).await;
    let row = change(&place.gateway, "enable", "mock").await;
    assert_eq!(
        (&row["disabled"], &row["state"]),
        (&json!(false), &json!("ready")),
        "{row}"
    );
    works(&place).await;

    for action in ["disable", "enable", "rollback"] {
        let body = json!({ "action": action, "name": "nosuchplugin" });
        let (status, answer) = ask(&place.gateway, body).await;
        assert_eq!(status, 404, "{action}: {answer}");
    }
    let body = json!({ "action": "rollback", "name": "http" });
    let (status, answer) = ask(&place.gateway, body).await;
    assert_eq!(status, 409, "{answer}");
}

#[tokio::test]
async fn in_one_process_too() {
    let dir = tempfile::tempdir().unwrap();
    let place = start(
        dir.path(),
        two().env("CAUSEWAY__ENGINE__ISOLATION", "in_process"),
    );
    settled(&place, "mock").await;
    let good = row(&place.gateway, "mock").await;
    let never = json!({ "retry": -1 });
    let long = place.gateway.submit(&mock(1, 3.0, never)).await;
    place.active(&long).await;
    install_mock(dir.path(), 2);
    let row = change(&place.gateway, "reload", "mock").await;
    assert_ne!(row["sha256"], good["sha256"]);
    works(&place).await;
    finishes(&place, &long).await;
    let row = change(&place.gateway, "rollback", "mock").await;
    assert_eq!(row["sha256"], good["sha256"]);
    let row = change(&place.gateway, "disable", "mock").await;
    assert_eq!(row["state"], "disabled");
    assert!(row["marks"]["calls"].as_u64() > Some(0), "{row}");
}
