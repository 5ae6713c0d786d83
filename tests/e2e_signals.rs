//! How a gateway stops and reloads: nothing is lost, nothing is dropped.

use std::time::Duration;

use causeway_tests::data::{content, put};
use causeway_tests::{Gateway, GatewayOptions, Grid};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

fn mock_job(seconds: u32) -> Value {
    json!({ "files": [{
        "sources": ["mock://source.example/f?size=10"],
        "destinations": [format!("mock://destination.example/f?size_post=10&time={seconds}")],
    }] })
}

#[tokio::test]
async fn a_stop_is_clean_and_work_goes_on_after_the_next_start() {
    for signal in ["TERM", "INT"] {
        let options =
            GatewayOptions::default().env("CAUSEWAY__SERVER__SHUTDOWN_GRACE_SECONDS", "1");
        let grid = Grid::start(options.clone());
        let n = grid.server("nginx-dav");
        let bytes = content(5 << 20);
        put(&n.data("big"), &bytes);
        let slow = n.url("big").replace("/dav/", "/slow/");
        let copy = causeway_tests::grid::job(
            &slow,
            &grid.local_url("copy"),
            Value::Null,
            json!({ "retry": -1 }),
        );
        let copy = grid.submit_as("alice.proxy", &copy).expect(200)["job_id"]
            .as_str()
            .unwrap()
            .to_owned();
        let long = grid.gateway.submit(&mock_job(600)).await;
        for id in [&copy, &long] {
            grid.gateway
                .wait_for(id, LIMIT, |job| job["job_state"] == "ACTIVE")
                .await;
        }
        let destination = grid.local("copy");
        grid.gateway.signal(signal);
        let (state, gateway) = grid.stop();
        let log = std::fs::read_to_string(state.path().join("serve.log")).unwrap();
        assert_eq!(gateway.code(), Some(0), "SIG{signal}: {log}");
        assert!(!log.contains("panicked"), "{log}");
        assert!(
            !destination.exists(),
            "SIG{signal}: a partial file has the final name"
        );

        let gateway = Gateway::start(state.path(), &options);
        assert_eq!(
            gateway.wait(&copy, LIMIT).await["job_state"],
            "FINISHED",
            "{}",
            gateway.log()
        );
        assert!(std::fs::read(&destination).unwrap() == bytes);
        let job = gateway
            .wait_for(&long, LIMIT, |job| job["job_state"] == "ACTIVE")
            .await;
        assert!(job["job_finished"].is_null(), "{job}");
    }
}

#[tokio::test]
async fn a_reload_drops_nothing() {
    let grid = Grid::start(GatewayOptions::default());
    let n = grid.server("nginx-dav");
    let bytes = content(4 << 20);
    put(&n.data("big"), &bytes);
    let slow = n.url("big").replace("/dav/", "/slow/");
    let job = causeway_tests::grid::job(
        &slow,
        &grid.local_url("copy"),
        Value::Null,
        json!({ "retry": -1 }),
    );
    let id = grid.submit_as("alice.proxy", &job).expect(200)["job_id"]
        .as_str()
        .unwrap()
        .to_owned();
    grid.gateway
        .wait_for(&id, LIMIT, |job| job["job_state"] == "ACTIVE")
        .await;
    for _ in 0..3 {
        grid.gateway.signal("HUP");
        assert_eq!(
            grid.gateway
                .rest(Some(&grid.user("alice.proxy")), "GET", "/whoami", None)
                .status,
            200
        );
    }
    grid.gateway.wait(&id, LIMIT).await;
    grid.done(&id).await.finished();
    assert!(std::fs::read(grid.local("copy")).unwrap() == bytes);
    let id = grid.gateway.submit(&mock_job(0)).await;
    assert_eq!(grid.gateway.wait(&id, LIMIT).await["job_state"], "FINISHED");
}
