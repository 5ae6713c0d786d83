//! The `causeway` program as a client of a gateway: what it prints, for people and for scripts, and
//! the codes it ends with.

use std::time::Duration;

use causeway_tests::data::put;
use causeway_tests::outcome::{ok, refused};
use causeway_tests::programs::{causeway, clean, run_with, text};
use causeway_tests::{Gateway, GatewayOptions, Identity};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);
const SOURCE: &str = "mock://source.example/f?size=10";
const UNKNOWN: &str = "00000000-1111-5222-8333-444444444444";

fn destination(name: &str, seconds: u32) -> String {
    format!("mock://destination.example/{name}?size_post=10&time={seconds}")
}

#[tokio::test]
async fn a_client_of_a_gateway() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(state.path(), &GatewayOptions::default());
    identity(&gateway).await;
    follow(&gateway);
    documents(&gateway);
    look_and_cancel(&gateway).await;
    failures(&gateway);
}

/// What it says about its user, and a delegation made when it is needed.
async fn identity(gateway: &Gateway) {
    // Who am I; a delegation, made once and kept.
    assert!(ok(&gateway.cli(&["whoami"])).contains("/DC=org/DC=causeway/CN=Dev User"));
    let me = gateway.cli_json(&["whoami", "--json"]);
    assert_eq!(
        me,
        gateway
            .rest(
                Some(&Identity::file(gateway.pki("userproxy.pem"))),
                "GET",
                "/whoami",
                None
            )
            .body
    );

    // Submitting delegates by itself when nothing is there.
    let other = gateway.user("Other");
    let (cert, key) = (other.cert.to_str().unwrap(), other.key.to_str().unwrap());
    let id = ok(&gateway.cli(&[
        "submit",
        "--cert",
        cert,
        "--key",
        key,
        SOURCE,
        &destination("plain", 0),
    ]))
    .trim()
    .to_owned();
    assert_eq!(gateway.wait(&id, LIMIT).await["job_state"], "FINISHED");
    let again = gateway.cli_json(&["delegate", "--json"]);
    assert_eq!(
        again,
        json!({ "delegation_id": me["delegation_id"], "renewed": false })
    );
    assert_eq!(
        gateway.cli_json(&["delegate", "--force", "--hours", "3", "--json"])["renewed"],
        true
    );
}

/// Following a job to its end, and what that says to a script.
fn follow(gateway: &Gateway) {
    // Following a job to its end, and what that says to a script.
    let printed = ok(&gateway.cli(&["submit", "--wait", SOURCE, &destination("waited", 1)]));
    assert!(printed.contains("FINISHED"), "{printed}");
    let job = gateway.cli_json(&[
        "submit",
        "--wait",
        "--json",
        "-K",
        "ADLER32",
        "--priority",
        "4",
        SOURCE,
        &destination("json", 0),
    ]);
    assert_eq!(
        (&job["job_state"], &job["priority"], &job["verify_checksum"]),
        (&json!("FINISHED"), &json!(4), &json!("b"))
    );
    assert_eq!(job["files"][0]["file_state"], "FINISHED");
    let failing = gateway.cli(&[
        "submit",
        "--wait",
        "mock://source.example/f?errno=2",
        &destination("x", 0),
    ]);
    refused(&failing, 1, "FAILED");
    assert!(text(&failing.stdout).contains("SOURCE [2] "), "{failing:?}");
    let failing = gateway.cli(&[
        "submit",
        "--wait",
        "--json",
        "mock://source.example/f?errno=2",
        &destination("x", 0),
    ]);
    refused(&failing, 1, "FAILED");
    let job: Value = serde_json::from_slice(&failing.stdout).unwrap();
    assert_eq!(job["job_state"], "FAILED");
}

/// A job from a file, from standard input, and only shown.
fn documents(gateway: &Gateway) {
    // A job from a file, from standard input, and only shown.
    let document =
        json!({ "files": [{ "sources": [SOURCE], "destinations": [destination("file", 0)] }] });
    let path = gateway.state().join("job.json");
    put(&path, document.to_string().as_bytes());
    assert_eq!(
        gateway.cli_json(&["submit", "--file", path.to_str().unwrap(), "--dry-run"]),
        document
    );
    let answer = gateway.cli_json(&["submit", "--file", path.to_str().unwrap(), "--json"]);
    assert_eq!(answer["job_id"].as_str().unwrap().len(), 36);
    let mut piped = clean(causeway());
    piped
        .args(["submit", "--file", "-", "--wait"])
        .envs(gateway.client_env());
    ok(&run_with(&mut piped, &document.to_string(), LIMIT));
}

/// Status and list print the REST objects unchanged.
async fn look_and_cancel(gateway: &Gateway) {
    // Status and list print the REST objects unchanged.
    let running = ok(&gateway.cli(&["submit", SOURCE, &destination("running", 600)]))
        .trim()
        .to_owned();
    gateway
        .wait_for(&running, LIMIT, |job| job["job_state"] == "ACTIVE")
        .await;
    assert_eq!(
        gateway.cli_json(&["status", &running, "--json"]),
        gateway.get(&format!("/jobs/{running}")).await
    );
    assert_eq!(
        gateway.cli_json(&["list", "--json"]),
        gateway.get("/jobs").await
    );
    assert_eq!(
        gateway.cli_json(&["status", &running, "--files", "--json"])["files"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(ok(&gateway.cli(&["status", &running])).contains("ACTIVE"));
    assert!(ok(&gateway.cli(&["list"])).contains(&running));
    assert_eq!(
        gateway.cli_json(&["list", "--vo", "nosuchvo", "--json"]),
        json!([])
    );
    assert_eq!(
        gateway
            .cli_json(&["list", "--state", "FINISHED", "--limit", "2", "--json"])
            .as_array()
            .unwrap()
            .len(),
        2
    );

    // Cancel.
    assert!(ok(&gateway.cli(&["cancel", &running])).contains("CANCELED"));
    assert_eq!(
        gateway.cli_json(&["cancel", &running, "--json"])[0]["http_status"],
        "304 Not Modified"
    );
}

/// What fails says so in one line.
fn failures(gateway: &Gateway) {
    // Failures.
    refused(&gateway.cli(&["status", UNKNOWN]), 1, UNKNOWN);
    refused(&gateway.cli(&["cancel", UNKNOWN]), 1, UNKNOWN);
    refused(
        &gateway.cli(&["submit", "/etc/passwd", SOURCE]),
        1,
        "Missing scheme (/etc/passwd)",
    );
    refused(
        &gateway.cli(&["whoami", "--endpoint", "https://localhost:1"]),
        1,
        "https://localhost:1",
    );
    refused(
        &gateway.cli(&["whoami", "--cert", "/no/such/file"]),
        1,
        "/no/such/file",
    );
    refused(
        &gateway.cli(&["submit", "--file", "/no/such/file"]),
        1,
        "/no/such/file",
    );
    refused(&gateway.cli(&["submit", SOURCE]), 2, "");
    refused(&gateway.cli(&["nosuchcommand"]), 2, "");
    refused(&gateway.cli(&["status"]), 2, "");
}
