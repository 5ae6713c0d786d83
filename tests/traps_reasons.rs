//! Trap 20 of the list in `docs/compatibility.md`: reasons of failures, in which clients and operators
//! look for texts. They are compared word by word, so that none changes by the way.

use std::time::Duration;

use causeway_tests::{Gateway, GatewayOptions};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

fn job(source: &str, destination: &str) -> Value {
    json!({"files": [{"sources": [source], "destinations": [destination]}]})
}

/// What a user asks for, and the reason that it ends with, word by word.
struct Refused {
    source: &'static str,
    destination: &'static str,
    params: Value,
    reason: &'static str,
}

fn refused(
    source: &'static str,
    destination: &'static str,
    params: Value,
    reason: &'static str,
) -> Refused {
    Refused {
        source,
        destination,
        params,
        reason,
    }
}

/// Every text that a client or an operator's search is known to look for, but for those of time.
fn reasons() -> Vec<Refused> {
    const SOURCE: &str = "mock://a.example/f?size=10&checksum=00000024";
    const THERE: &str = "mock://b.example/f?exists=1&size_pre=10&size_post=10";
    const ON_TAPE: &str =
        "mock://b.example/f?exists=1&size_pre=10&size_post=10&user.status=ONLINE_AND_NEARLINE";
    const FREE: &str = "mock://b.example/f?size_post=10&time=0";
    const OTHER: &str = "mock://b.example/f?size_post=10&time=0&checksum=42";
    let verify = |mode: &str| json!({"verify_checksum": mode});
    vec![
        refused(
            SOURCE,
            THERE,
            json!({}),
            "DESTINATION [17] Destination file exists and overwrite is not enabled",
        ),
        refused(
            SOURCE,
            ON_TAPE,
            json!({"overwrite_when_only_on_disk": true, "archive_timeout": 100}),
            "DESTINATION [17] Destination file exists and is on tape",
        ),
        refused(
            "mock://a.example/f?errno=2",
            FREE,
            json!({}),
            "SOURCE [2] No such file or directory",
        ),
        refused(
            "mock://a.example/f?errno=13",
            FREE,
            json!({}),
            "SOURCE [13] Permission denied",
        ),
        refused(
            SOURCE,
            "mock://b.example/f?size_post=11&time=0",
            json!({}),
            "DESTINATION [22] Source and destination file size mismatch",
        ),
        refused(
            "mock://a.example/f?size=10&checksum=42",
            FREE,
            verify("source"),
            "SOURCE [5] Source and user-defined ADLER32 checksum do not match (00000042 != 00000024)",
        ),
        refused(
            SOURCE,
            OTHER,
            verify("target"),
            "DESTINATION [5] User-defined and destination ADLER32 checksum do not match \
             (00000024 != 00000042)",
        ),
    ]
}

#[tokio::test]
async fn trap_20_reasons_that_clients_look_for() {
    let state = tempfile::tempdir().unwrap();
    // One place, so that a job can be made to wait.
    let options = GatewayOptions::default().env("CAUSEWAY__ENGINE__MAX_ACTIVE", "1");
    let gateway = Gateway::start(state.path(), &options);
    for it in reasons() {
        let mut body = job(it.source, it.destination);
        body["params"] = it.params;
        body["files"][0]["checksum"] = json!("ADLER32:00000024");
        assert_eq!(reason_of(&gateway, &body).await, it.reason, "{body}");
    }
    // Without a value of the user's there are still two sums to compare.
    let mut body = job(
        "mock://a.example/f?size=10&checksum=24",
        "mock://b.example/f?size_post=10&time=0&checksum=42",
    );
    body["params"] = json!({"verify_checksum": "both"});
    assert_eq!(
        reason_of(&gateway, &body).await,
        "DESTINATION [5] Source and destination ADLER32 checksum do not match (00000024 != 00000042)"
    );
    let busy = gateway
        .submit(&job(
            "mock://a.example/f?size=1",
            "mock://b.example/f?size_post=1&time=600",
        ))
        .await;
    gateway
        .wait_for(&busy, LIMIT, |it| it["job_state"] == "ACTIVE")
        .await;
    let mut body = job(
        "mock://a.example/f?size=10",
        "mock://b.example/waits?size_post=10&time=0",
    );
    body["params"] = json!({"max_time_in_queue": "1s"});
    assert_eq!(
        reason_of(&gateway, &body).await,
        "Job has been canceled because it stayed in the queue for too long (max-time-in-queue timeout)"
    );
    // A job that was cancelled says so in the words of the reference.
    let (status, cancelled) = gateway
        .ask("DELETE", &format!("/jobs/{busy}"), &Value::Null, LIMIT)
        .await;
    assert_eq!(
        (status, &cancelled["reason"]),
        (200, &json!("Job canceled by the user"))
    );
}

/// The reason of the first file of a job that has ended.
async fn reason_of(gateway: &Gateway, body: &Value) -> String {
    let id = gateway.submit(body).await;
    gateway.wait(&id, LIMIT).await;
    let files = gateway.get(&format!("/jobs/{id}/files")).await;
    files[0]["reason"].as_str().unwrap_or_default().to_owned()
}
