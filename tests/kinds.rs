//! One job of every kind, from the submission to its end, through the whole program: what was
//! submitted is what is told, and what was asked for is what happened.

use std::path::PathBuf;
use std::time::Duration;

use causeway_tests::data::content;
use causeway_tests::grid::file_url;
use causeway_tests::{Gateway, GatewayOptions};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const BYTES: usize = 100_000;

/// A gateway whose intervals are as short as they may be.
struct House {
    gateway: Gateway,
    state: tempfile::TempDir,
}

impl House {
    fn start(more: &[(&str, &str)]) -> Self {
        let seconds = [
            ("RETRY_DELAY_SECONDS", "1"),
            ("STAGING_POLL_INTERVAL_SECONDS", "1"),
            ("STAGING_SCHEDULING_INTERVAL_SECONDS", "1"),
            ("STAGING_WAITING_FACTOR_SECONDS", "1"),
            ("ARCHIVE_POLL_INTERVAL_SECONDS", "1"),
        ];
        let options = seconds.iter().chain(more);
        let options = options.fold(GatewayOptions::default(), |options, (key, value)| {
            options.env(&format!("CAUSEWAY__ENGINE__{key}"), *value)
        });
        let state = tempfile::tempdir().unwrap();
        let gateway = Gateway::start(state.path(), &options);
        Self { gateway, state }
    }

    /// A place that the gateway serves as files.
    fn local(&self, name: &str) -> PathBuf {
        let state = self.state.path().canonicalize().unwrap();
        state.join("data/in").join(name)
    }

    fn url(&self, name: &str) -> String {
        file_url(&self.local(name))
    }

    /// A file with content, as a source.
    fn source(&self, name: &str) -> String {
        std::fs::write(self.local(name), content(BYTES)).unwrap();
        self.url(name)
    }

    /// Submits and waits for the end.
    async fn run(&self, body: Value) -> (Value, Vec<Value>) {
        let id = self.gateway.submit(&body).await;
        let job = self.gateway.wait(&id, LIMIT).await;
        let files = self.gateway.get(&format!("/jobs/{id}/files")).await;
        (job, files.as_array().unwrap().clone())
    }

    fn arrived(&self, name: &str) {
        let bytes = std::fs::read(self.local(name)).unwrap();
        assert!(bytes == content(BYTES), "{name} has other bytes");
    }
}

fn entry(source: &str, destination: &str) -> Value {
    json!({"sources": [source], "destinations": [destination]})
}

fn states(files: &[Value]) -> Vec<&str> {
    files
        .iter()
        .map(|it| it["file_state"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_normal_job_in_an_older_spelling() {
    let house = House::start(&[]);
    let (job, files) = house
        .run(json!({
            "Files": [{
                "sources": [house.source("a")], "destinations": [house.url("b")],
                "filesize": BYTES, "checksum": null, "metadata": "a label",
                "activity": null, "selection_strategy": null, "nobody_knows": [1],
            }],
            "Params": {
                "overwrite": "N", "retry": "2", "priority": null, "reuse": null, "nobody_knows": {},
                "max_time_in_queue": "2h", "copy_pin_lifetime": -1, "bring_online": null,
                "spacetoken": null, "destination_spacetoken": "T", "job_metadata": {"x": [1.50]},
            },
        }))
        .await;
    assert_eq!(job["job_state"], "FINISHED", "{files:#?}");
    assert_eq!(
        (&job["job_type"], &job["retry"], &job["priority"]),
        (&json!("N"), &json!(2), &json!(3))
    );
    assert_eq!(
        (&job["space_token"], &job["overwrite_flag"]),
        (&json!("T"), &json!(false))
    );
    assert_eq!(job["job_metadata"]["x"], json!([1.50]));
    assert_eq!(files[0]["file_metadata"], json!({"label": "a label"}));
    assert_eq!(
        (&files[0]["filesize"], &files[0]["user_filesize"]),
        (&json!(BYTES), &json!(BYTES))
    );
    house.arrived("b");
}

#[tokio::test]
async fn of_several_sources_the_next_one_is_tried() {
    let house = House::start(&[]);
    let lost = "mock://lost.example/f?size=1&errno=2";
    let (job, files) = house
        .run(json!({"files": [{
            "sources": [lost, house.source("second"), "mock://third.example/f?size=1"],
            "destinations": [house.url("copy")],
            "selection_strategy": "orderly",
        }]}))
        .await;
    assert_eq!(
        (&job["job_state"], &job["job_type"]),
        (&json!("FINISHED"), &json!("R")),
        "{files:#?}"
    );
    assert_eq!(states(&files), ["FAILED", "FINISHED", "NOT_USED"]);
    let index: Vec<&Value> = files.iter().map(|it| &it["file_index"]).collect();
    assert_eq!(index, [0, 0, 0]);
    house.arrived("copy");
}

#[tokio::test]
async fn hops_go_one_after_the_other() {
    let house = House::start(&[]);
    let (middle, end) = (house.url("middle"), house.url("end"));
    let hops = [entry(&house.source("begin"), &middle), entry(&middle, &end)];
    let (job, files) = house
        .run(json!({"files": hops, "params": {"multihop": true, "verify_checksum": true}}))
        .await;
    assert_eq!(
        (&job["job_state"], &job["job_type"]),
        (&json!("FINISHED"), &json!("H")),
        "{files:#?}"
    );
    assert_eq!(states(&files), ["FINISHED", "FINISHED"]);
    assert!(
        files[0]["finish_time"].as_str() <= files[1]["start_time"].as_str(),
        "{files:#?}"
    );
    assert_eq!(files[0]["hashed_id"], files[1]["hashed_id"]);
    house.arrived("end");
    // A hop that fails takes the rest with it.
    let hops = [
        entry("mock://lost.example/f?size=1&errno=2", &house.url("never")),
        entry(&house.url("never"), &house.url("after")),
    ];
    let (job, files) = house
        .run(json!({"files": hops, "params": {"multihop": "Y"}}))
        .await;
    assert_eq!(job["job_state"], "FAILED");
    assert_eq!(states(&files)[0], "FAILED");
    assert!(!house.local("after").exists());
}

#[tokio::test]
async fn a_session_is_shared_when_asked_for_and_when_it_is_worth_it() {
    let house = House::start(&[("AUTO_SESSION_REUSE", "true")]);
    let source = house.source("small");
    let files = |kind: &str, count: usize| -> Vec<Value> {
        let one = |n| {
            let mut entry = entry(&source, &house.url(&format!("{kind}-{n}")));
            entry["filesize"] = json!(BYTES);
            entry
        };
        (0..count).map(one).collect()
    };
    for (kind, count, reuse, letter) in [
        ("asked", 3, json!(true), "Y"),
        ("worth", 6, json!(null), "Y"),
        ("few", 5, json!(null), "N"),
        ("refused", 6, json!(false), "N"),
    ] {
        let body = json!({"files": files(kind, count), "params": {"reuse": reuse}});
        let (job, rows) = house.run(body).await;
        assert_eq!(
            (&job["job_state"], &job["job_type"]),
            (&json!("FINISHED"), &json!(letter)),
            "{kind}"
        );
        let hashes: std::collections::HashSet<String> =
            rows.iter().map(|it| it["hashed_id"].to_string()).collect();
        assert_eq!(hashes.len() == 1, letter == "Y", "{kind}: {hashes:?}");
        for n in 0..count {
            house.arrived(&format!("{kind}-{n}"));
        }
    }
}

#[tokio::test]
async fn deletions_take_away_what_is_named() {
    let house = House::start(&[]);
    let (one, two) = (house.source("one"), house.source("two"));
    let id = house
        .gateway
        .submit(&json!({
            "delete": [one, {"surl": two, "metadata": {"why": "old"}}, one],
            "params": {"job_metadata": null},
        }))
        .await;
    let job = house.gateway.wait(&id, LIMIT).await;
    let rows = house.gateway.get(&format!("/jobs/{id}/dm")).await;
    assert_eq!(
        (&job["job_state"], &job["job_type"]),
        (&json!("FINISHED"), &json!(null)),
        "{rows:#?}"
    );
    let rows = rows.as_array().unwrap();
    assert_eq!(states(rows), ["FINISHED", "FINISHED"]);
    assert_eq!(rows[1]["file_metadata"], json!({"why": "old"}));
    assert_eq!(
        house.gateway.get(&format!("/jobs/{id}/files")).await,
        json!([])
    );
    assert!(!house.local("one").exists() && !house.local("two").exists());
}

#[tokio::test]
async fn files_on_tape_are_brought_online_first() {
    let house = House::start(&[]);
    let tape = "mock://tape.example/f?size=1000&staging_time=1";
    let (job, files) = house
        .run(json!({
            "files": [entry(tape, "mock://disk.example/f?size_post=1000&time=1")],
            "params": {"bring_online": 60, "copy_pin_lifetime": 600},
        }))
        .await;
    assert_eq!(job["job_state"], "FINISHED", "{files:#?}");
    assert_eq!(
        (&job["bring_online"], &job["copy_pin_lifetime"]),
        (&json!(60), &json!(600))
    );
    assert!(files[0]["staging_start"].is_string() && files[0]["staging_finished"].is_string());
    assert!(
        files[0]["staging_finished"].as_str() <= files[0]["start_time"].as_str(),
        "{files:#?}"
    );
    // Only brought online: the source is the destination, and nothing is copied.
    let (job, files) = house
        .run(json!({"files": [entry(tape, tape)], "params": {"bring_online": 60}}))
        .await;
    assert_eq!(job["job_state"], "FINISHED", "{files:#?}");
    assert!(
        files[0]["staging_finished"].is_string() && files[0]["start_time"].is_null(),
        "{files:#?}"
    );
}

#[tokio::test]
async fn a_copy_to_tape_is_waited_for() {
    let house = House::start(&[]);
    let tape = "mock://tape.example/f?size_post=1000&time=1&archiving_time=1";
    let (job, files) = house
        .run(json!({
            "files": [entry("mock://disk.example/f?size=1000", tape)],
            "params": {"archive_timeout": 60},
        }))
        .await;
    assert_eq!(job["job_state"], "FINISHED", "{files:#?}");
    assert_eq!(job["archive_timeout"], 60);
    assert!(
        files[0]["archive_start_time"].is_string() && files[0]["archive_finish_time"].is_string()
    );
}
