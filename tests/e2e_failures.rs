//! Failures that are final, against real servers: said in the words of the field, not tried again,
//! and nothing left behind.

use causeway_tests::data::{content, put, tree};
use causeway_tests::{GatewayOptions, Grid};
use serde_json::{Value, json};

const EXISTS: &str = "DESTINATION [17] Destination file exists and overwrite is not enabled";

#[tokio::test]
async fn an_existing_destination_is_kept_unless_overwriting_is_asked_for() {
    let grid = Grid::start(GatewayOptions::default());
    let (a, b, n) = (
        grid.server("xrdhttp"),
        grid.server("xrdhttp"),
        grid.server("nginx-dav"),
    );
    let (new, old) = (content(100_000), content(70_000));
    put(&a.data("seed"), &new);
    let places = [
        (b.url("there"), b.data("there")),
        (n.url("there"), n.data("there")),
        (grid.local_url("there"), grid.local("there")),
    ];
    for (url, path) in places {
        put(&path, &old);
        let done = grid
            .transfer(&a.url("seed"), &url, json!({ "retry": 3 }))
            .await;
        assert_eq!(done.failed(), EXISTS, "{url}: {done:#?}");
        assert_eq!(done.retries, json!([]), "{url}");
        assert!(std::fs::read(&path).unwrap() == old, "{url} was touched");
        let done = grid
            .transfer(&a.url("seed"), &url, json!({ "overwrite": true }))
            .await;
        done.finished();
        assert!(
            std::fs::read(&path).unwrap() == new,
            "{url} was not replaced"
        );
    }
}

/// What goes wrong, and how the reason begins. None of it is tried again.
#[tokio::test]
async fn what_cannot_work_fails_once_and_says_why() {
    let grid =
        Grid::start(GatewayOptions::default().env("CAUSEWAY__ENGINE__RETRY_DELAY_SECONDS", "1"));
    let (a, b, n) = (
        grid.server("xrdhttp"),
        grid.server("xrdhttp"),
        grid.server("nginx-dav"),
    );
    grid.delegate("bob.proxy");
    put(&a.data("seed"), &content(100_000));
    put(&grid.local("seed"), &content(100_000));
    let before = [tree(&b.data("")), tree(&n.data("")), tree(&grid.local(""))];
    let (alice, bob) = ("alice.proxy", "bob.proxy");
    let cases = [
        (alice, a.url("nowhere"), b.url("x"), &["SOURCE [2] "][..]),
        (
            alice,
            n.url("nowhere"),
            grid.local_url("x"),
            &["SOURCE [2] "],
        ),
        (
            alice,
            grid.local_url("nowhere"),
            b.url("x"),
            &["SOURCE [2] "],
        ),
        (
            alice,
            a.url("forbidden/file"),
            b.url("x"),
            &["SOURCE [13] ", "SOURCE [1] "],
        ),
        (
            alice,
            n.url("").replace("/dav/", "/fail/403"),
            b.url("x"),
            &["SOURCE [13] ", "SOURCE [1] "],
        ),
        (
            alice,
            n.url("").replace("/dav/", "/token/file"),
            b.url("x"),
            &["SOURCE [13] ", "SOURCE [1] "],
        ),
        (
            alice,
            a.url("seed"),
            b.url("readonly/x"),
            &[
                "DESTINATION [13] ",
                "DESTINATION [1] ",
                "TRANSFER [13] ",
                "TRANSFER [1] ",
            ],
        ),
        (
            alice,
            grid.local_url("seed"),
            b.url("forbidden/x"),
            &[
                "DESTINATION [13] ",
                "DESTINATION [1] ",
                "TRANSFER [13] ",
                "TRANSFER [1] ",
            ],
        ),
        (
            bob,
            a.url("seed"),
            grid.local_url("x"),
            &["SOURCE [13] ", "SOURCE [1] "],
        ),
        (
            bob,
            grid.local_url("seed"),
            b.url("x"),
            &[
                "DESTINATION [13] ",
                "DESTINATION [1] ",
                "TRANSFER [13] ",
                "TRANSFER [1] ",
            ],
        ),
        // A directory is no file.
        (
            alice,
            a.url("readonly"),
            grid.local_url("x"),
            &["SOURCE [21] "],
        ),
    ];
    for (who, source, destination, beginnings) in cases {
        let done = grid
            .transfer_as(
                who,
                &source,
                &destination,
                Value::Null,
                json!({ "retry": 2 }),
            )
            .await;
        let reason = done.failed();
        assert!(
            beginnings.iter().any(|it| reason.starts_with(it)),
            "{who} {source} > {destination}: {reason}"
        );
        assert_eq!(
            done.retries,
            json!([]),
            "{who} {source} > {destination}: {done:#?}"
        );
        assert_eq!(done.file["recoverable"], false, "{done:#?}");
    }
    let after = [tree(&b.data("")), tree(&n.data("")), tree(&grid.local(""))];
    assert_eq!(before, after, "something was left behind");
}

#[tokio::test]
async fn credentials_that_are_no_good_are_refused_at_the_door() {
    let grid = Grid::start(GatewayOptions::default());
    let job = json!({ "files": [{ "sources": ["mock://a.example/f?size=1"], "destinations": ["mock://b.example/f?size_post=1"] }] });
    for proxy in ["alice.expired.proxy", "mallory.proxy"] {
        let answer = grid.submit_as(proxy, &job);
        // Either the handshake fails, or the request is anonymous and refused.
        assert!(
            matches!(answer.status, 0 | 401 | 403),
            "{proxy}: {answer:?}"
        );
    }
    let revoked = causeway_tests::Identity {
        cert: grid.pki.file("revoked.pem"),
        key: grid.pki.file("revokedkey.pem"),
    };
    let answer = grid
        .gateway
        .rest(Some(&revoked), "POST", "/jobs", Some(&job));
    assert!(
        matches!(answer.status, 0 | 401 | 403),
        "revoked: {answer:?}"
    );
    // A valid user who has delegated nothing.
    let answer = grid.submit_as("bob.proxy", &job);
    assert_eq!(
        answer.refused(419),
        "No delegation found for \"/DC=test/DC=lab/CN=Bob Outsider\""
    );
    // Limited and two-level proxies are the same person.
    for proxy in [
        "alice.limited.proxy",
        "alice.second.proxy",
        "alice.bundle.pem",
    ] {
        let me = grid
            .gateway
            .rest(Some(&grid.user(proxy)), "GET", "/whoami", None)
            .expect(200);
        assert_eq!(
            me["user_dn"], "/DC=test/DC=lab/CN=Alice Tester",
            "{proxy}: {me}"
        );
    }
    assert_eq!(grid.gateway.get("/jobs").await, json!([]));
}
