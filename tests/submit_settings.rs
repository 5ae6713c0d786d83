//! What an operator lets submissions ask for: section `submit` of the configuration, with the whole
//! program.

use std::path::Path;

use causeway_tests::rest::Answer;
use causeway_tests::{Gateway, GatewayOptions, Identity};
use serde_json::{Value, json};

/// A gateway with this section, and a user of it who has delegated nothing.
fn start(state: &Path, section: &str) -> (Gateway, Identity) {
    let file = state.join("causeway.toml");
    std::fs::write(&file, section).unwrap();
    let gateway = Gateway::start(state, &GatewayOptions::tls_only().config(file));
    let user = gateway.user("Newcomer");
    (gateway, user)
}

/// A job of so many small files over one link.
fn job(files: usize) -> Value {
    let file = |n| {
        json!({
            "sources": [format!("mock://a.example/{n}?size=1")],
            "destinations": [format!("mock://b.example/{n}?size_post=1&time=600")],
            "filesize": 1,
        })
    };
    json!({"files": (0..files).map(file).collect::<Vec<_>>()})
}

fn submit(gateway: &Gateway, user: &Identity, body: &Value) -> Answer {
    gateway.rest(Some(user), "POST", "/jobs", Some(body))
}

/// The job of a submission that is taken.
fn taken(gateway: &Gateway, user: &Identity, body: &Value) -> Value {
    let answer = submit(gateway, user, body).expect(200);
    let path = format!("/jobs/{}", answer["job_id"].as_str().unwrap());
    gateway.rest(Some(user), "GET", &path, None).expect(200)
}

#[test]
fn what_holds_when_nothing_is_said() {
    let state = tempfile::tempdir().unwrap();
    let (gateway, user) = start(state.path(), "");
    let answer = submit(&gateway, &user, &job(1));
    let message = answer.refused(419);
    assert!(message.starts_with("No delegation found for"), "{message}");
}

#[test]
fn every_rule_is_the_operators() {
    let state = tempfile::tempdir().unwrap();
    let section = "[submit]\nrequire_delegation = false\nnote_auth_method = false\n\
                   metadata_max_characters = 20\ntransfers_max = 9\n\
                   staging_expiry_distance_seconds = 7200\nauto_reuse_more_than_files = 2\n\
                   auto_reuse_max_files = 4\n[engine]\nauto_session_reuse = true\n";
    let (gateway, user) = start(state.path(), section);

    // Without a proxy, and nothing is written into what the user says.
    let mut body = job(1);
    body["params"] = json!({"job_metadata": {"a": 1}});
    let one = taken(&gateway, &user, &body);
    assert_eq!(one["job_metadata"], json!({"a": 1}));

    body["params"] = json!({"job_metadata": {"a": "123456789012345"}});
    let answer = submit(&gateway, &user, &body);
    let message = answer.refused(400);
    assert!(message.contains("exceeds size limit of 20"), "{message}");

    let answer = submit(&gateway, &user, &job(10));
    assert!(answer.refused(400).contains('9'), "{answer:?}");

    body["params"] = json!({"max_time_in_queue": 2, "bring_online": 10});
    assert_eq!(
        submit(&gateway, &user, &body).refused(400),
        "Bringonline and Expiration timeout must be at least 7200 seconds apart"
    );

    for (files, kind) in [(2, "N"), (3, "Y"), (4, "Y"), (5, "N")] {
        let job = taken(&gateway, &user, &job(files));
        assert_eq!(job["job_type"], kind, "{files} files");
    }
}
