//! Failures against real servers: said in the words of the field, retried only when that can help,
//! and nothing left behind.

use causeway_tests::data::{content, eventually, put, tree};
use causeway_tests::{GatewayOptions, Grid};
use serde_json::{Value, json};
use std::time::Duration;

const EXISTS: &str = "DESTINATION [17] Destination file exists and overwrite is not enabled";

#[tokio::test]
async fn an_existing_destination_is_kept_unless_overwriting_is_asked_for() {
    let grid = Grid::start(GatewayOptions::default());
    let (a, b, n) = (grid.server("xrdhttp"), grid.server("xrdhttp"), grid.server("nginx-dav"));
    let (new, old) = (content(100_000), content(70_000));
    put(&a.data("seed"), &new);
    let places = [
        (b.url("there"), b.data("there")),
        (n.url("there"), n.data("there")),
        (grid.local_url("there"), grid.local("there")),
    ];
    for (url, path) in places {
        put(&path, &old);
        let done = grid.transfer(&a.url("seed"), &url, json!({ "retry": 3 })).await;
        assert_eq!(done.failed(), EXISTS, "{url}: {done:#?}");
        assert_eq!(done.retries, json!([]), "{url}");
        assert!(std::fs::read(&path).unwrap() == old, "{url} was touched");
        let done = grid.transfer(&a.url("seed"), &url, json!({ "overwrite": true })).await;
        done.finished();
        assert!(std::fs::read(&path).unwrap() == new, "{url} was not replaced");
    }
}

/// What goes wrong, and how the reason begins. None of it is tried again.
#[tokio::test]
async fn what_cannot_work_fails_once_and_says_why() {
    let grid = Grid::start(GatewayOptions::default().env("CAUSEWAY__ENGINE__RETRY_DELAY_SECONDS", "1"));
    let (a, b, n) = (grid.server("xrdhttp"), grid.server("xrdhttp"), grid.server("nginx-dav"));
    grid.delegate("bob.proxy");
    put(&a.data("seed"), &content(100_000));
    put(&grid.local("seed"), &content(100_000));
    let before = [tree(&b.data("")), tree(&n.data("")), tree(&grid.local(""))];
    let (alice, bob) = ("alice.proxy", "bob.proxy");
    let cases = [
        (alice, a.url("nowhere"), b.url("x"), &["SOURCE [2] "][..]),
        (alice, n.url("nowhere"), grid.local_url("x"), &["SOURCE [2] "]),
        (alice, grid.local_url("nowhere"), b.url("x"), &["SOURCE [2] "]),
        (alice, a.url("forbidden/file"), b.url("x"), &["SOURCE [13] ", "SOURCE [1] "]),
        (alice, n.url("").replace("/dav/", "/fail/403"), b.url("x"), &["SOURCE [13] ", "SOURCE [1] "]),
        (alice, n.url("").replace("/dav/", "/token/file"), b.url("x"), &["SOURCE [13] ", "SOURCE [1] "]),
        (alice, a.url("seed"), b.url("readonly/x"), &["DESTINATION [13] ", "DESTINATION [1] ", "TRANSFER [13] ", "TRANSFER [1] "]),
        (alice, grid.local_url("seed"), b.url("forbidden/x"), &["DESTINATION [13] ", "DESTINATION [1] ", "TRANSFER [13] ", "TRANSFER [1] "]),
        (bob, a.url("seed"), grid.local_url("x"), &["SOURCE [13] ", "SOURCE [1] "]),
        (bob, grid.local_url("seed"), b.url("x"), &["DESTINATION [13] ", "DESTINATION [1] ", "TRANSFER [13] ", "TRANSFER [1] "]),
        // A directory is no file.
        (alice, a.url("readonly"), grid.local_url("x"), &["SOURCE [21] "]),
    ];
    for (who, source, destination, beginnings) in cases {
        let done = grid.transfer_as(who, &source, &destination, Value::Null, json!({ "retry": 2 })).await;
        let reason = done.failed();
        assert!(beginnings.iter().any(|it| reason.starts_with(it)), "{who} {source} > {destination}: {reason}");
        assert_eq!(done.retries, json!([]), "{who} {source} > {destination}: {done:#?}");
        assert_eq!(done.file["recoverable"], false, "{done:#?}");
    }
    let after = [tree(&b.data("")), tree(&n.data("")), tree(&grid.local(""))];
    assert_eq!(before, after, "something was left behind");
}

#[tokio::test]
async fn what_may_pass_is_tried_again_as_often_as_asked() {
    let grid = Grid::start(GatewayOptions::default().env("CAUSEWAY__ENGINE__RETRY_DELAY_SECONDS", "1"));
    let n = grid.server("nginx-dav");
    let bad = |place: &str| n.url("").replace("/dav/", place);
    for (source, status) in [(bad("/fail/503"), "503"), (bad("/fail/500"), "500"), (bad("/fail/drop"), "")] {
        let done = grid.transfer(&source, &grid.local_url("x"), json!({ "retry": 2 })).await;
        let reason = done.failed();
        assert!(reason.starts_with("SOURCE [") && reason.contains(status), "{source}: {reason}");
        let attempts: Vec<_> = done.retries.as_array().unwrap().iter().map(|it| it["attempt"].as_i64()).collect();
        assert_eq!(attempts, [Some(1), Some(2)], "{source}: {done:#?}");
        for retry in done.retries.as_array().unwrap() {
            assert!(retry["reason"].as_str().unwrap().starts_with("SOURCE ["), "{retry}");
        }
        assert_eq!(done.file["retry"], 2, "{source}: {done:#?}");
    }
    assert_eq!(tree(&grid.local("")), Vec::<String>::new());
}

#[tokio::test]
async fn a_storage_that_comes_back_in_time_is_waited_for() {
    let grid = Grid::start(GatewayOptions::default().env("CAUSEWAY__ENGINE__RETRY_DELAY_SECONDS", "1"));
    let mut a = grid.server("xrdhttp");
    let bytes = content(100_000);
    put(&a.data("seed"), &bytes);
    a.halt();
    let job = causeway_tests::grid::job(&a.url("seed"), &grid.local_url("late"), Value::Null, json!({ "retry": 50 }));
    let id = grid.submit_as("alice.proxy", &job).expect(200)["job_id"].as_str().unwrap().to_owned();
    let end = std::time::Instant::now() + Duration::from_secs(60);
    while grid.done(&id).await.retries == json!([]) {
        assert!(std::time::Instant::now() < end, "it was not tried again: {:#?}", grid.done(&id).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    a.resume();
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
    let (mut a, b) = (grid.server("xrdhttp"), grid.server("xrdhttp"));
    let mut n = grid.server("nginx-dav");
    // So large that it is not copied before it breaks off.
    std::fs::File::create(a.data("huge")).unwrap().set_len(8 << 30).unwrap();
    put(&n.data("big"), &content(32 << 20));
    let copies = [
        ("streamed", n.url("big").replace("/dav/", "/slow/"), grid.local_url("broken"), grid.local("broken")),
        ("third-party pull", a.url("huge"), b.url("broken"), b.data("broken")),
    ];
    let mut jobs = Vec::new();
    for (_, source, url, _) in &copies {
        let job = causeway_tests::grid::job(source, url, Value::Null, json!({ "retry": -1 }));
        let id = grid.submit_as("alice.proxy", &job).expect(200)["job_id"].as_str().unwrap().to_owned();
        grid.gateway.wait_for(&id, Duration::from_secs(30), |job| job["job_state"] == "ACTIVE").await;
        jobs.push(id);
    }
    eventually("the pull has begun", Duration::from_secs(30), || copies[1].3.exists());
    a.halt();
    n.halt();
    for (id, (mode, _, _, path)) in jobs.iter().zip(&copies) {
        grid.gateway.wait(id, Duration::from_secs(90)).await;
        let done = grid.done(id).await;
        let reason = done.failed();
        assert!(reason.starts_with("TRANSFER [") || reason.starts_with("SOURCE ["), "{mode}: {reason}");
        done.log_with(&format!("Copy mode: {mode}"));
        // XRootD may still hold the file when the failure is told.
        eventually("the partial file is gone", Duration::from_secs(20), || !path.exists());
    }
    assert_eq!(tree(&grid.local("")), Vec::<String>::new());
}

#[tokio::test]
async fn credentials_that_are_no_good_are_refused_at_the_door() {
    let grid = Grid::start(GatewayOptions::default());
    let job = json!({ "files": [{ "sources": ["mock://a.example/f?size=1"], "destinations": ["mock://b.example/f?size_post=1"] }] });
    for proxy in ["alice.expired.proxy", "mallory.proxy"] {
        let answer = grid.submit_as(proxy, &job);
        // Either the handshake fails, or the request is anonymous and refused.
        assert!(matches!(answer.status, 0 | 401 | 403), "{proxy}: {answer:?}");
    }
    let revoked = causeway_tests::Identity { cert: grid.pki.file("revoked.pem"), key: grid.pki.file("revokedkey.pem") };
    let answer = grid.gateway.rest(Some(&revoked), "POST", "/jobs", Some(&job));
    assert!(matches!(answer.status, 0 | 401 | 403), "revoked: {answer:?}");
    // A valid user who has delegated nothing.
    let answer = grid.submit_as("bob.proxy", &job);
    assert_eq!(answer.refused(419), "No delegation found for \"/DC=test/DC=lab/CN=Bob Outsider\"");
    // Limited and two-level proxies are the same person.
    for proxy in ["alice.limited.proxy", "alice.second.proxy", "alice.bundle.pem"] {
        let me = grid.gateway.rest(Some(&grid.user(proxy)), "GET", "/whoami", None).expect(200);
        assert_eq!(me["user_dn"], "/DC=test/DC=lab/CN=Alice Tester", "{proxy}: {me}");
    }
    assert_eq!(grid.gateway.get("/jobs").await, json!([]));
}
