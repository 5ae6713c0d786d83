//! Failures that may pass are tried again; copies that broke leave nothing behind.

use std::time::Duration;

use causeway_tests::data::{content, eventually, put, tree};
use causeway_tests::{Flaky, GatewayOptions, Grid};
use serde_json::{Value, json};

#[tokio::test]
async fn what_may_pass_is_tried_again_as_often_as_asked() {
    let grid =
        Grid::start(GatewayOptions::default().env("CAUSEWAY__ENGINE__RETRY_DELAY_SECONDS", "1"));
    let n = grid.server("nginx-dav");
    let bad = |place: &str| n.url("").replace("/dav/", place);
    for (source, status) in [
        (bad("/fail/503"), "503"),
        (bad("/fail/500"), "500"),
        (bad("/fail/drop"), ""),
    ] {
        let done = grid
            .transfer(&source, &grid.local_url("x"), json!({ "retry": 2 }))
            .await;
        let reason = done.failed();
        assert!(
            reason.starts_with("SOURCE [") && reason.contains(status),
            "{source}: {reason}"
        );
        let attempts: Vec<_> = done
            .retries
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["attempt"].as_i64())
            .collect();
        assert_eq!(attempts, [Some(1), Some(2)], "{source}: {done:#?}");
        for retry in done.retries.as_array().unwrap() {
            assert!(
                retry["reason"].as_str().unwrap().starts_with("SOURCE ["),
                "{retry}"
            );
        }
        assert_eq!(done.file["retry"], 2, "{source}: {done:#?}");
    }
    assert_eq!(tree(&grid.local("")), Vec::<String>::new());
}

#[tokio::test]
async fn a_storage_that_comes_back_in_time_is_waited_for() {
    let grid =
        Grid::start(GatewayOptions::default().env("CAUSEWAY__ENGINE__RETRY_DELAY_SECONDS", "1"));
    let n = grid.server("nginx-dav");
    let bytes = content(100_000);
    put(&n.data("seed"), &bytes);
    let storage = Flaky::before(n.value("PORT").parse().unwrap());
    let source = format!("davs://localhost:{}/dav/seed", storage.port());
    let job = causeway_tests::grid::job(
        &source,
        &grid.local_url("late"),
        Value::Null,
        json!({ "retry": 50 }),
    );
    let id = grid.submit_as("alice.proxy", &job).expect(200)["job_id"]
        .as_str()
        .unwrap()
        .to_owned();
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while grid.done(&id).await.retries == json!([]) {
        assert!(
            std::time::Instant::now() < end,
            "it was not tried again: {:#?}",
            grid.done(&id).await
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    storage.come_back();
    grid.gateway.wait(&id, Duration::from_secs(60)).await;
    let done = grid.done(&id).await;
    done.finished();
    assert!(std::fs::read(grid.local("late")).unwrap() == bytes);
    assert!(done.file["retry"].as_i64().unwrap() >= 1, "{done:#?}");
}

/// A source that breaks off in the middle, by each way a copy can take.
#[tokio::test]
async fn a_broken_copy_leaves_nothing_behind() {
    let grid = Grid::start(GatewayOptions::default());
    let (a, b) = (grid.server("xrdhttp"), grid.server("xrdhttp"));
    let n = grid.server("nginx-dav");
    // So large that it is not copied before it breaks off.
    std::fs::File::create(a.data("huge"))
        .unwrap()
        .set_len(8 << 30)
        .unwrap();
    put(&n.data("big"), &content(32 << 20));
    let copies = [
        (
            "streamed",
            n.url("big").replace("/dav/", "/slow/"),
            grid.local_url("broken"),
            grid.local("broken"),
        ),
        (
            "third-party pull",
            a.url("huge"),
            b.url("broken"),
            b.data("broken"),
        ),
    ];
    let mut jobs = Vec::new();
    for (_, source, url, _) in &copies {
        let job = causeway_tests::grid::job(source, url, Value::Null, json!({ "retry": -1 }));
        let id = grid.submit_as("alice.proxy", &job).expect(200)["job_id"]
            .as_str()
            .unwrap()
            .to_owned();
        grid.gateway
            .wait_for(&id, Duration::from_secs(30), |job| {
                job["job_state"] == "ACTIVE"
            })
            .await;
        jobs.push(id);
    }
    eventually("the pull has begun", Duration::from_secs(30), || {
        copies[1].3.exists()
    });
    a.halt();
    n.halt();
    for (id, (mode, _, _, path)) in jobs.iter().zip(&copies) {
        grid.gateway.wait(id, Duration::from_secs(90)).await;
        let done = grid.done(id).await;
        let reason = done.failed();
        assert!(
            reason.starts_with("TRANSFER [") || reason.starts_with("SOURCE ["),
            "{mode}: {reason}"
        );
        done.log_with(&format!("Copy mode: {mode}"));
        // XRootD may still hold the file when the failure is told.
        eventually("the partial file is gone", Duration::from_secs(20), || {
            !path.exists()
        });
    }
    assert_eq!(tree(&grid.local("")), Vec::<String>::new());
}
