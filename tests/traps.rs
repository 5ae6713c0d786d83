//! Traps of real clients that only the whole program can show. The number is that of the list in
//! `docs/compatibility.md`; number 20 is in `traps_reasons.rs`, the rest
//! in `core/api/tests/api/traps_*.rs`.

use std::time::{Duration, Instant};

use causeway_tests::programs::{clean, python, run, text};
use causeway_tests::{Gateway, GatewayOptions, Identity};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);
const ENDED: [&str; 4] = ["FINISHED", "FAILED", "CANCELED", "FINISHEDDIRTY"];
const FILE_ENDED: [&str; 4] = ["FINISHED", "FAILED", "CANCELED", "NOT_USED"];

fn job(source: &str, destination: &str) -> Value {
    json!({"files": [{"sources": [source], "destinations": [destination]}]})
}

fn mock(name: &str) -> String {
    format!("mock://b.example/{name}?size_post=10&time=0")
}

#[tokio::test]
async fn trap_16_job_and_file_states_fit_at_every_read() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(state.path(), &GatewayOptions::default());
    for round in 0..10 {
        let files: Vec<Value> = (0..20)
            .map(|n| {
                let source = if n % 4 == 0 {
                    "mock://a.example/f?errno=2"
                } else {
                    "mock://a.example/f?size=10"
                };
                json!({"sources": [source], "destinations": [mock(&format!("{round}-{n}"))]})
            })
            .collect();
        let id = gateway.submit(&json!({ "files": files })).await;
        let start = Instant::now();
        loop {
            // One answer, so job and files were read together.
            let job = gateway.get(&format!("/jobs/{id}?files=file_state")).await;
            let files = job["files"].as_array().unwrap();
            let has_ended = |it: &Value| FILE_ENDED.contains(&it["file_state"].as_str().unwrap());
            let job_ended = ENDED.contains(&job["job_state"].as_str().unwrap());
            assert_eq!(job_ended, files.iter().all(has_ended), "{job}");
            if job_ended {
                assert_eq!(job["job_state"], "FINISHEDDIRTY");
                break;
            }
            assert!(start.elapsed() < LIMIT, "{job}");
        }
    }
}

#[tokio::test]
async fn trap_21_the_host_may_be_an_alias() {
    let state = tempfile::tempdir().unwrap();
    let options = GatewayOptions::default().env("CAUSEWAY__SERVER__HOSTNAME", "fts.alias.example");
    let gateway = Gateway::start(state.path(), &options);
    let id = gateway
        .submit(&job("mock://a.example/f?size=10", &mock("f")))
        .await;
    let job = gateway.wait(&id, LIMIT).await;
    assert_eq!(job["submit_host"], "fts.alias.example");
    let files = gateway.get(&format!("/jobs/{id}/files")).await;
    assert_eq!(files[0]["transfer_host"], "fts.alias.example");
}

#[tokio::test]
async fn trap_21_links_and_messages_name_the_alias() {
    const ALIAS: &str = "https://fts.alias.example:8446";
    let state = tempfile::tempdir().unwrap();
    // As somebody writes it who is not sure about the slash.
    let options =
        GatewayOptions::default().env("CAUSEWAY__MESSAGES__ENDPOINT", format!("{ALIAS}/"));
    let gateway = Gateway::start(state.path(), &options);
    for path in ["/", "/archive"] {
        let links = gateway.get(path).await;
        let link = &links["_links"]["curies"][0]["href"];
        assert_eq!(link, &format!("{ALIAS}/"), "{path}");
    }
    let mut listener = gateway.listen("/events?types=start,complete", None).await;
    let id = gateway
        .submit(&job("mock://a.example/f?size=10", &mock("f")))
        .await;
    // Rucio looks for the very URL that it submitted to.
    for kind in ["start", "complete"] {
        let (told, _, message) = listener.next().await;
        assert_eq!((told.as_str(), &message["job_id"]), (kind, &json!(id)));
        assert_eq!(message["endpnt"], ALIAS, "{message}");
    }
}

#[tokio::test]
async fn trap_21_without_an_alias_links_name_where_we_listen() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(state.path(), &GatewayOptions::default());
    let links = gateway.get("/").await;
    let link = links["_links"]["curies"][0]["href"].as_str().unwrap();
    assert_eq!(link.trim_end_matches('/'), gateway.endpoint());
}

#[test]
fn trap_22_user_agents_are_in_the_log() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(state.path(), &GatewayOptions::default());
    let agent = "fts-python-bindings/3.14.2";
    let url = format!("{}//whoami", gateway.plain());
    let output = run(
        clean("curl").args(["-sS", "--path-as-is", "-A", agent, &url]),
        LIMIT,
    );
    assert!(output.status.success(), "{}", text(&output.stderr));
    // And one of the commands, as it comes.
    let mut command = clean(python().with_file_name("fts-rest-whoami"));
    command
        .args(["-s", gateway.endpoint()])
        .envs(gateway.client_env())
        .env("HOME", gateway.state())
        .env("PYTHONDONTWRITEBYTECODE", "1");
    let output = run(&mut command, LIMIT);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let log = gateway.log();
    for agent in [agent, "fts-rest-cli/"] {
        // The command looks at `/` first.
        let is_it = |line: &&str| line.contains(agent) && line.contains("path=//whoami ");
        let line = log.lines().find(is_it).expect(&log);
        assert!(line.contains("status=200"), "{line}");
    }
}

/// What the server asks of a client in the handshake, as openssl tells it.
fn handshake(gateway: &Gateway, version: &str, more: &[&str]) -> String {
    let address = gateway.endpoint().trim_start_matches("https://").to_owned();
    let mut command = clean("openssl");
    command
        .args([
            "s_client",
            version,
            "-connect",
            &address,
            "-servername",
            "localhost",
        ])
        .arg("-CAfile")
        .arg(gateway.pki("ca.pem"))
        .args(more);
    // Its standard input ends at once, and so does it.
    let output = run(&mut command, LIMIT);
    text(&output.stdout) + &text(&output.stderr)
}

#[test]
fn trap_25_a_certificate_is_asked_for_but_not_required() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(state.path(), &GatewayOptions::tls_only());
    for version in ["-tls1_2", "-tls1_3"] {
        let said = handshake(&gateway, version, &[]);
        assert!(said.contains("Verify return code: 0 (ok)"), "{said}");
        // A proxy is issued by no authority, so a list of authorities would keep clients from
        // showing theirs.
        assert!(
            said.contains("No client certificate CA names sent"),
            "{said}"
        );
        let asked = ["Requested Signature Algorithms", "Client Certificate Types"];
        assert!(
            asked.iter().any(|it| said.contains(it)),
            "nothing was asked for: {said}"
        );
    }
    // Nobody is somebody, too; and a proxy is shown and accepted.
    let nobody = gateway.rest(None, "GET", "/whoami", None).expect(200);
    assert_eq!(nobody["user_dn"], "anon");
    let proxy = Identity::file(gateway.pki("userproxy.pem"));
    let user = gateway
        .rest(Some(&proxy), "GET", "/whoami", None)
        .expect(200);
    assert_eq!(user["method"], "certificate");
}

#[test]
fn trap_25_a_certificate_that_has_ended_is_no_certificate() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(state.path(), &GatewayOptions::tls_only());
    let ended = ended_certificate(&gateway);
    let answer = gateway.rest(Some(&ended), "GET", "/whoami", None);
    assert_eq!(answer.status, 0, "the handshake must fail: {answer:?}");
}

/// A certificate of the development CA that was good for one day, long ago.
fn ended_certificate(gateway: &Gateway) -> Identity {
    let user = gateway.user("Late");
    let cert = gateway.state().join("Late.ended.pem");
    let mut sign = clean("openssl");
    sign.args(["x509", "-req", "-sha256", "-set_serial", "4712", "-in"])
        .arg(gateway.state().join("Late.csr"))
        .arg("-CA")
        .arg(gateway.pki("ca.pem"))
        .arg("-CAkey")
        .arg(gateway.pki("cakey.pem"))
        .args(["-days", "-1", "-out"])
        .arg(&cert);
    let output = run(&mut sign, LIMIT);
    assert!(output.status.success(), "{}", text(&output.stderr));
    Identity {
        cert,
        key: user.key,
    }
}
