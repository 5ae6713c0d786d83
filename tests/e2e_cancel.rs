//! Cancelling a copy that runs frees its connection at once and leaves nothing behind.

use std::time::Duration;

use causeway_tests::data::{content, eventually, put, tree};
use causeway_tests::{GatewayOptions, Grid, Server};
use serde_json::{Value, json};

const PROMPT: Duration = Duration::from_secs(10);

/// nginx writes a line when a request has ended, whichever way.
fn ended(server: &Server, place: &str) -> bool {
    server
        .read("ACCESS_LOG")
        .lines()
        .any(|line| line.contains(" GET ") && line.contains(place))
}

#[tokio::test]
async fn a_cancelled_copy_frees_the_connection_and_leaves_nothing() {
    let options = GatewayOptions::default().env(
        "CAUSEWAY__ENGINE__URL_COPY_PROCESS_PING_INTERVAL_SECONDS",
        "1",
    );
    let grid = Grid::start(options);
    let (a, b, n) = (
        grid.server("xrdhttp"),
        grid.server("xrdhttp"),
        grid.server("nginx-dav"),
    );
    put(&n.data("big"), &content(64 << 20));
    put(&n.data("huge"), &content(64 << 20));
    // So large that it is not copied before it is held up.
    std::fs::File::create(a.data("huge"))
        .unwrap()
        .set_len(8 << 30)
        .unwrap();
    let at = |place: &str, name: &str| n.url(name).replace("/dav/", place);
    let copies = [
        (
            "streamed, slow",
            at("/slow/", "big"),
            grid.local_url("slow"),
            grid.local("slow"),
            "/slow/big",
        ),
        (
            "streamed, stalled",
            at("/stall/", "big"),
            grid.local_url("stall"),
            grid.local("stall"),
            "/stall/big",
        ),
        (
            "streamed to nginx",
            at("/slow/", "huge"),
            n.url("copy"),
            n.data("copy"),
            "/slow/huge",
        ),
        (
            "third-party pull",
            a.url("huge"),
            b.url("pulled"),
            b.data("pulled"),
            "",
        ),
    ];
    let mut ids = Vec::new();
    for (_, source, destination, ..) in &copies {
        let job = causeway_tests::grid::job(source, destination, Value::Null, json!({}));
        let id = grid.submit_as("alice.proxy", &job).expect(200)["job_id"]
            .as_str()
            .unwrap()
            .to_owned();
        grid.gateway
            .wait_for(&id, Duration::from_secs(30), |job| {
                job["job_state"] == "ACTIVE"
            })
            .await;
        ids.push(id);
    }
    eventually("the pull has begun", Duration::from_secs(30), || {
        b.data("pulled").exists()
    });
    a.signal("STOP");
    for id in &ids[..3] {
        let end = std::time::Instant::now() + Duration::from_secs(60);
        while grid.done(id).await.file["transferred"]
            .as_u64()
            .unwrap_or(0)
            == 0
        {
            assert!(
                std::time::Instant::now() < end,
                "nothing moves: {:#?}",
                grid.done(id).await
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    for ((what, _, _, path, place), id) in copies.iter().zip(&ids) {
        let answer = grid
            .gateway
            .rest(
                Some(&grid.user("alice.proxy")),
                "DELETE",
                &format!("/jobs/{id}"),
                None,
            )
            .expect(200);
        assert_eq!(answer["job_state"], "CANCELED", "{what}: {answer}");
        // The connection of the pull is not ours.
        eventually(
            &format!("{what}: the connection has ended"),
            Duration::from_secs(30),
            || place.is_empty() || ended(&n, place),
        );
        eventually(
            &format!("{what}: nothing is left"),
            Duration::from_secs(30),
            || !path.exists(),
        );
        let done = grid.done(id).await;
        assert_eq!(done.file["file_state"], "CANCELED", "{what}: {done:#?}");
        assert_eq!(done.file["reason"], "Job canceled by the user", "{what}");
    }
    a.signal("CONT");
    for id in &ids {
        grid.gateway
            .wait_for(id, PROMPT, |job| !job["job_finished"].is_null())
            .await;
        let done = grid.done(id).await;
        assert!(!done.file["finish_time"].is_null(), "{done:#?}");
    }
    assert_eq!(tree(&grid.local("")), Vec::<String>::new());
    let left: Vec<_> = tree(&n.data(""))
        .into_iter()
        .filter(|name| !["big", "file", "huge"].contains(&name.as_str()))
        .collect();
    assert_eq!(left, Vec::<String>::new());
    assert!(!b.data("pulled").exists());
}

#[tokio::test]
async fn cancelling_one_of_many_leaves_the_others_alone() {
    let grid = Grid::start(GatewayOptions::default());
    let n = grid.server("nginx-dav");
    put(&n.data("small"), &content(3 << 20));
    put(&n.data("big"), &content(64 << 20));
    let slow = |name: &str| n.url(name).replace("/dav/", "/slow/");
    let entry = |source: String, name: &str| json!({ "sources": [source], "destinations": [grid.local_url(name)] });
    let job = json!({ "files": [entry(slow("small"), "kept"), entry(slow("big"), "dropped")] });
    let id = grid.submit_as("alice.proxy", &job).expect(200)["job_id"]
        .as_str()
        .unwrap()
        .to_owned();
    grid.gateway
        .wait_for(&id, Duration::from_secs(30), |job| {
            job["job_state"] == "ACTIVE"
        })
        .await;
    let files = grid.gateway.get(&format!("/jobs/{id}/files")).await;
    let path = format!("/jobs/{id}/files/{}", files[1]["file_id"]);
    let answer = grid
        .gateway
        .rest(Some(&grid.user("alice.proxy")), "DELETE", &path, None)
        .expect(200);
    assert_eq!(answer, "CANCELED");
    grid.gateway.wait(&id, Duration::from_secs(60)).await;
    let files = grid.gateway.get(&format!("/jobs/{id}/files")).await;
    assert_eq!(
        [&files[0]["file_state"], &files[1]["file_state"]],
        ["FINISHED", "CANCELED"],
        "{files}"
    );
    assert!(std::fs::read(grid.local("kept")).unwrap() == content(3 << 20));
    eventually("nothing is left", Duration::from_secs(20), || {
        tree(&grid.local("")) == ["kept"]
    });
}
