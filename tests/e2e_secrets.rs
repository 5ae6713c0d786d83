//! What a gateway never writes down: keys, tokens, and the queries of URLs in its logs.

use std::time::Duration;

use causeway_tests::data::{contains, content, files, put};
use causeway_tests::programs::{clean, expect};
use causeway_tests::{GatewayOptions, Grid};
use serde_json::json;

const LIMIT: Duration = Duration::from_secs(60);

#[tokio::test]
async fn secrets_are_written_nowhere() {
    let grid = Grid::start(GatewayOptions::default().env("CAUSEWAY__LOG__LEVEL", "debug"));
    let (a, b) = (grid.server("xrdhttp"), grid.server("xrdhttp"));
    put(&a.data("seed"), &content(1000));
    // Copies that work and fail, third-party and streamed, with a secret in the query.
    for (name, target) in [
        ("seed", b.url("x?authz=hunter2secret")),
        ("gone", b.url("y")),
        ("seed", grid.local_url("z")),
    ] {
        grid.transfer(
            &a.url(&format!("{name}?authz=hunter2secret")),
            &target,
            json!({}),
        )
        .await;
    }
    let curl = |header: &str| {
        let mut curl = clean("curl");
        curl.args(["-sS", "-o", "/dev/null", "-H", header, "--cacert"])
            .arg(grid.gateway.pki("ca.pem"));
        expect(
            curl.arg(format!(
                "{}/jobs?access_token=hunter2secret",
                grid.gateway.endpoint()
            )),
            LIMIT,
        );
    };
    curl("Authorization: Bearer hunter2secret");
    curl("Authorization: Basic aHVudGVyMnNlY3JldA==");
    curl("Cookie: session=hunter2secret");

    let mut secrets = vec!["hunter2secret".to_owned(), "aHVudGVyMnNlY3JldA".to_owned()];
    for file in [
        grid.pki.file("alice.proxy"),
        grid.gateway.pki("userproxy.pem"),
        grid.gateway.pki("hostkey.pem"),
    ] {
        secrets.push(key_line(&std::fs::read_to_string(file).unwrap()));
    }
    let pki = grid.gateway.state().join("pki");
    let copies = grid.gateway.state().join("db/plugins");
    let mut logs = 0;
    for file in files(grid.gateway.state())
        .into_iter()
        .filter(|file| !file.starts_with(&pki))
    {
        let bytes = std::fs::read(&file).unwrap();
        let is_log =
            file.ends_with("serve.log") || file.starts_with(grid.gateway.state().join("log"));
        logs += usize::from(is_log);
        // The journal knows the URLs it was given; the logs do not tell their queries.
        for secret in secrets.iter().skip(if is_log { 0 } else { 1 }) {
            assert!(
                !contains(&bytes, secret.as_bytes()),
                "{secret} is in {}",
                file.display()
            );
        }
        // The code of a plugin knows how a key begins, and a copy of it is kept.
        assert!(
            file.starts_with(&copies) || !contains(&bytes, b"PRIVATE KEY"),
            "a key is in {}",
            file.display()
        );
        assert!(
            !contains(&bytes, b"\"macaroon\":\""),
            "a macaroon is in {}",
            file.display()
        );
    }
    assert!(
        logs >= 4,
        "the service's log and one for each transfer, got {logs}"
    );
}

/// A line of the base64 of a private key.
fn key_line(pem: &str) -> String {
    let mut lines = pem.lines().skip_while(|line| !line.contains("PRIVATE KEY"));
    lines.nth(2).expect("a key has several lines").to_owned()
}
