//! What administrators do to links and see of them: transfers ahead of all limits, and how links are
//! doing, over a kill.

use std::path::Path;
use std::time::{Duration, Instant};

use causeway_tests::{Answer, Gateway, GatewayOptions, Identity};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const DESTINATION: &str = "mock://destination.example";

/// A gateway that leaves links as operators set them, one transfer at a time from the start.
fn start(state: &Path) -> Gateway {
    let options = GatewayOptions::default()
        .env("CAUSEWAY__ENGINE__LINK_MAX_ACTIVE", "1")
        .env("CAUSEWAY__OPTIMIZER__ENABLED", "false");
    Gateway::start(state, &options)
}

fn ask(gateway: &Gateway, method: &str, path: &str, body: Option<Value>) -> Answer {
    let admin = Identity::file(gateway.pki("userproxy.pem"));
    gateway.rest(Some(&admin), method, path, body.as_ref())
}

/// Waits until the files of a job are in these states.
async fn until(gateway: &Gateway, id: &str, wanted: &[&str]) {
    let began = Instant::now();
    loop {
        let files = gateway.get(&format!("/jobs/{id}/files")).await;
        let files = files.as_array().expect("a list of files").iter();
        let states: Vec<_> = files.map(|it| it["file_state"].clone()).collect();
        if states == wanted {
            return;
        }
        let log = gateway.log();
        assert!(
            began.elapsed() < LIMIT,
            "{id}: {states:?}, not {wanted:?}\n{log}"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// A transfer that runs for so many seconds.
fn transfer(name: &str, source: &str, seconds: u32) -> Value {
    json!({
        "sources": [format!("mock://a.example/{name}?{source}")],
        "destinations": [format!("{DESTINATION}/{name}?size_post=10&time={seconds}")],
    })
}

#[tokio::test]
async fn transfers_ahead_of_all_limits() {
    let state = tempfile::tempdir().unwrap();
    let gateway = start(state.path());
    let files = ["1", "2", "3"].map(|it| transfer(it, "size=10", 600));
    let id = gateway.submit(&json!({ "files": files })).await;
    until(&gateway, &id, &["ACTIVE", "SUBMITTED", "SUBMITTED"]).await;
    let files = gateway.get(&format!("/jobs/{id}/files")).await;
    let number = |index: usize| files[index]["file_id"].clone();
    let asked = json!([number(0), number(2), 99_999_999]);
    let answer = ask(&gateway, "POST", "/admin/force-start", Some(asked)).expect(200);
    let expected = json!([
        {"file_id": number(0), "error": "The transfer is ACTIVE, not SUBMITTED"},
        {"file_id": number(2), "error": null},
        {"file_id": 99_999_999, "error": "No such transfer is under way"},
    ]);
    assert_eq!(answer, expected);
    until(&gateway, &id, &["ACTIVE", "SUBMITTED", "ACTIVE"]).await;
    let audit = ask(&gateway, "GET", "/config/audit", None).expect(200);
    assert_eq!(audit[0]["action"], "force-start");
    let other = gateway.user("Other");
    let body = json!([number(1)]);
    let refused = gateway.rest(Some(&other), "POST", "/admin/force-start", Some(&body));
    assert_eq!(refused.refused(403), "Not enough permissions");
    // The link is seen as it is, before a kill and afterwards.
    let seen = |gateway: &Gateway| {
        let path = format!("/snapshot?dest_se={DESTINATION}");
        let rows = ask(gateway, "GET", &path, None).expect(200);
        assert_eq!(rows.as_array().unwrap().len(), 1, "{rows}");
        let row = rows[0].clone();
        assert_eq!(row["source_se"], "mock://a.example");
        assert_eq!(row["vo_name"], "DevUser@causeway.org");
        assert_eq!(row["max_active"], 1);
        (row["active"].clone(), row["submitted"].clone())
    };
    assert_eq!(seen(&gateway), (json!(2), json!(1)));
    gateway.kill();
    let gateway = start(state.path());
    until(&gateway, &id, &["ACTIVE", "SUBMITTED", "ACTIVE"]).await;
    let (active, submitted) = seen(&gateway);
    assert_eq!((active, submitted), (json!(2), json!(1)));
    let none = ask(&gateway, "GET", "/snapshot?vo_name=nobody", None);
    assert_eq!(none.expect(200), json!([]));
}

#[tokio::test]
async fn what_happened_on_a_link() {
    let state = tempfile::tempdir().unwrap();
    let gateway = start(state.path());
    let good = json!({"files": [transfer("1", "size=10", 1)]});
    let good = gateway.submit(&good).await;
    until(&gateway, &good, &["FINISHED"]).await;
    let bad = json!({"files": [transfer("2", "errno=2", 1)]});
    let bad = gateway.submit(&bad).await;
    until(&gateway, &bad, &["FAILED"]).await;
    let rows = ask(&gateway, "GET", "/snapshot", None).expect(200);
    let row = &rows[0];
    assert_eq!((&row["active"], &row["submitted"]), (&json!(0), &json!(0)));
    assert_eq!((&row["finished"], &row["failed"]), (&json!(1), &json!(1)));
    assert_eq!(row["success_ratio"], 0.5);
    for member in ["avg_queued", "avg_duration", "avg_throughput"] {
        assert!(row[member].is_number(), "{member}: {row}");
    }
    let files = gateway.get(&format!("/jobs/{bad}/files")).await;
    assert_eq!(row["frequent_error"], files[0]["reason"]);
}
