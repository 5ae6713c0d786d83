//! Requests of any kind, made by schemathesis out of `/openapi.json`, against the whole program:
//! no server error, and no status, media type or shape that the document does not name.
//!
//! Bounded by a number of examples and repeatable by a seed. The gateway acts as the development
//! user, who may do everything, and as nobody.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use causeway_tests::programs::{clean, python, run, text};
use causeway_tests::{Gateway, GatewayOptions};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(600);

/// What must hold of every answer. Laxness is promised, so requests that the schema forbids may be
/// taken; and `Allow` names the methods of all routes that fit a path, not of one.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method";

/// A job that takes its time, so that something can be done with it.
fn job() -> Value {
    json!({"files": [{
        "sources": ["mock://a.example/f?size=1000"],
        "destinations": ["mock://b.example/f?size_post=1000&time=600"],
    }]})
}

/// Parts of paths that lead somewhere. Only the delegation is not taken back: without it no
/// submission would be looked at.
async fn known_parts(gateway: &Gateway) -> String {
    let job = gateway.submit(&job()).await;
    let files = gateway.get(&format!("/jobs/{job}/files")).await;
    let file = &files[0]["file_id"];
    let me = gateway.get("/whoami").await;
    let delegation = me["delegation_id"].as_str().unwrap();
    format!(
        "[parameters]\n\"path.job_id\" = \"{job}\"\n\"path.job_ids\" = \"{job}\"\n\
         \"path.file_id\" = \"{file}\"\n\"path.file_ids\" = \"{file}\"\n\
         \"path.dlg_id\" = \"{delegation}\"\n\"path.field\" = \"job_state\"\n\
         [[operations]]\ninclude-name = \"DELETE /delegation/{{dlg_id}}\"\n\
         parameters = {{ \"path.dlg_id\" = \"0123456789abcdef\" }}\n"
    )
}

fn schemathesis() -> PathBuf {
    let program = python().with_file_name("st");
    assert!(
        program.exists(),
        "schemathesis is missing: run tests/install.sh"
    );
    program
}

/// Runs it against one base URL; more arguments say how far it goes.
fn examine(gateway: &Gateway, base: &str, more: &[&str]) {
    let mut command = clean(schemathesis());
    command
        .args(["run", &format!("{base}/openapi.json"), "--url", base])
        .args([
            "--checks",
            CHECKS,
            "--seed",
            "1",
            "--workers",
            "1",
            "--no-color",
        ])
        // Identity is that of the connection; and schemas that leave little are meant so.
        .args(["--generation-with-security-parameters", "false"])
        .args(["--suppress-health-check", "all"])
        // An answer without end.
        .args(["--exclude-path", "/events"])
        .args(more)
        .current_dir(gateway.state())
        .env("HOME", gateway.state())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let output = run(&mut command, LIMIT);
    assert!(
        output.status.success(),
        "{}\n{}\nthe gateway's log:\n{}",
        text(&output.stdout),
        text(&output.stderr),
        gateway.log()
    );
}

/// How often a route was answered with each status, by the gateway's log.
fn statuses(gateway: &Gateway, method: &str, path: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    let log = gateway.log();
    let start = format!("method={method} path={path} status=");
    for (_, rest) in log.lines().filter_map(|it| it.split_once(&start)) {
        let status = rest.split(' ').next().unwrap_or_default();
        *counts.entry(status.to_owned()).or_default() += 1;
    }
    counts
}

#[tokio::test]
async fn the_document_holds_for_whoever_may_do_everything() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(state.path(), &GatewayOptions::default());
    let settings = known_parts(&gateway).await;
    std::fs::write(state.path().join("schemathesis.toml"), settings).unwrap();
    let phases = "examples,coverage,fuzzing";
    examine(
        &gateway,
        gateway.plain(),
        &["--phases", phases, "--max-examples", "5"],
    );
    // Bodies were judged, and jobs were taken.
    let told = statuses(&gateway, "POST", "/jobs");
    println!("POST /jobs: {told:?}");
    assert_eq!(told.get("419"), None, "{told:?}");
    for status in ["200", "400"] {
        assert!(told.contains_key(status), "{told:?}");
    }
}

#[test]
fn the_document_holds_for_nobody() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(state.path(), &GatewayOptions::tls_only());
    let ca = gateway.pki("ca.pem").display().to_string();
    let more = [
        "--tls-verify",
        &ca,
        "--phases",
        "examples,fuzzing",
        "--max-examples",
        "2",
    ];
    examine(&gateway, gateway.endpoint(), &more);
}
