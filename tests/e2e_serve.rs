//! `causeway serve` as an operator meets it: what it makes, and what it refuses.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use causeway_tests::data::{contains, files, put, tree};
use causeway_tests::plugins::plugin_dir;
use causeway_tests::programs::{causeway, clean, expect, run, text};
use causeway_tests::{Gateway, GatewayOptions};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

/// `serve` that is expected to end by itself.
fn serve(state: &Path, args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = clean(causeway());
    command.args(["serve", "--dev", "--state-dir"]).arg(state);
    if !args.contains(&"--listen") {
        command.args(["--listen", "127.0.0.1:0"]);
    }
    command
        .arg("--plugin-dir")
        .arg(plugin_dir())
        .args(args)
        .envs(env.iter().copied());
    run(&mut command, LIMIT)
}

/// Ends with this code and one line that holds all parts.
fn refused(output: &Output, code: i32, parts: &[&str]) {
    let words = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{words}");
    for part in parts {
        assert!(words.contains(part), "{part:?} is not in {words:?}");
    }
    assert!(!text(&output.stdout).contains("listening"), "{output:?}");
}

fn mock_job(seconds: u32) -> Value {
    json!({ "files": [{
        "sources": ["mock://source.example/f?size=10"],
        "destinations": [format!("mock://destination.example/f?size_post=10&time={seconds}")],
    }] })
}

#[tokio::test]
async fn dev_makes_all_that_clients_need() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(state.path(), &GatewayOptions::default());
    assert!(
        gateway.endpoint().starts_with("https://localhost:"),
        "{}",
        gateway.endpoint()
    );
    let names = [
        "ca.pem",
        "cakey.pem",
        "hostcert.pem",
        "hostkey.pem",
        "usercert.pem",
        "userkey.pem",
        "userproxy.pem",
    ];
    for name in names {
        let mode = std::fs::metadata(gateway.pki(name))
            .unwrap_or_else(|error| panic!("{name}: {error}"))
            .permissions()
            .mode();
        if name.ends_with("key.pem") || name == "userproxy.pem" {
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
    for entry in files(state.path()) {
        let bytes = std::fs::read(&entry).unwrap_or_default();
        if contains(&bytes, b"PRIVATE KEY") || entry.ends_with("vault.key") {
            assert_eq!(
                std::fs::metadata(&entry).unwrap().permissions().mode() & 0o077,
                0,
                "{}",
                entry.display()
            );
        }
    }
    let certificates = tree(&gateway.pki("certificates"));
    assert!(
        certificates.iter().any(|it| it.ends_with(".0"))
            && certificates
                .iter()
                .any(|it| it.ends_with(".signing_policy"))
    );
    let proxy = expect(
        clean("openssl")
            .args(["x509", "-noout", "-text", "-in"])
            .arg(gateway.pki("userproxy.pem")),
        LIMIT,
    );
    assert!(
        proxy.contains("Proxy Certificate Information: critical") && proxy.contains("Inherit all"),
        "{proxy}"
    );

    // `env.sh` is all a shell needs: for our client, and for curl.
    let script = format!(
        ". '{0}/env.sh'; '{1}' whoami --json; curl -sS --cert $X509_USER_PROXY --key $X509_USER_PROXY $FTS_ENDPOINT/whoami",
        state.path().display(),
        causeway().display()
    );
    let printed = expect(clean("bash").args(["-euc", &script]), LIMIT);
    assert_eq!(
        printed.matches("/DC=org/DC=causeway/CN=Dev User\"").count(),
        4,
        "{printed}"
    );

    // A second start keeps everything, and the data directory is served.
    let before = std::fs::read(gateway.pki("userproxy.pem")).unwrap();
    gateway.signal("TERM");
    assert_eq!(gateway.ended(LIMIT).code(), Some(0));
    let gateway = Gateway::start(state.path(), &GatewayOptions::default());
    assert!(std::fs::read(gateway.pki("userproxy.pem")).unwrap() == before);
    let data = state.path().canonicalize().unwrap().join("data");
    put(&data.join("seed"), b"hello");
    let job = causeway_tests::grid::job(
        &format!("file://{}/seed", data.display()),
        &format!("file://{}/copy", data.display()),
        Value::Null,
        json!({}),
    );
    let id = gateway.submit(&job).await;
    assert_eq!(gateway.wait(&id, LIMIT).await["job_state"], "FINISHED");
    assert_eq!(std::fs::read(data.join("copy")).unwrap(), b"hello");
}

#[tokio::test]
async fn what_cannot_work_is_refused_with_a_sentence() {
    let state = tempfile::tempdir().unwrap();
    let path = state.path();
    for address in ["0.0.0.0:0", "[::]:0"] {
        refused(
            &serve(path, &["--dev-http", address], &[]),
            1,
            &["--dev-http", "loopback"],
        );
    }
    refused(
        &serve(path, &["--dev-http", "nonsense"], &[]),
        2,
        &["--dev-http"],
    );
    refused(
        &serve(path, &["--no-such-flag"], &[]),
        2,
        &["--no-such-flag"],
    );
    refused(
        &serve(path, &[], &[("CAUSEWAY__SERVER__LISEN", "x")]),
        1,
        &["`server.lisen`", "`server.listen`"],
    );
    refused(
        &serve(path, &[], &[("CAUSEWAY__ENGIN__RETRY", "1")]),
        1,
        &["`engin`", "`engine`"],
    );
    refused(
        &serve(path, &[], &[("CAUSEWAY__ENGINE__RETRY", "often")]),
        1,
        &["retry"],
    );
    refused(
        &serve(path, &[], &[("CAUSEWAY__STORE__URL", "mysql://x")]),
        1,
        &["store.url", "mysql://x"],
    );
    refused(
        &serve(path, &[], &[("CAUSEWAY__TLS__CERT", "/no/such/file")]),
        1,
        &["/no/such/file"],
    );
    let config = path.join("causeway.toml");
    put(&config, b"[server]\nmax_conections = 1\n");
    let file = config.to_str().unwrap();
    refused(
        &serve(path, &["--config", file], &[]),
        1,
        &["`server.max_conections`", "`server.max_connections`"],
    );
    put(&config, b"[server\n");
    refused(
        &serve(path, &["--config", file], &[]),
        1,
        &["configuration"],
    );
    refused(
        &serve(path, &["--config", "/no/such/file"], &[]),
        1,
        &["/no/such/file"],
    );

    // A second gateway on the same store; the first does not mind.
    let gateway = Gateway::start(path, &GatewayOptions::default());
    let second = serve(path, &[], &[]);
    refused(&second, 1, &["db"]);
    assert_eq!(
        text(&second.stderr)
            .lines()
            .filter(|line| line.starts_with("causeway: "))
            .count(),
        1,
        "{second:?}"
    );
    let port = gateway.endpoint().rsplit_once(':').unwrap().1;
    let other = tempfile::tempdir().unwrap();
    let busy = serve(
        other.path(),
        &["--listen", &format!("127.0.0.1:{port}")],
        &[],
    );
    refused(&busy, 1, &["listen on", port]);
    let id = gateway.submit(&mock_job(0)).await;
    assert_eq!(gateway.wait(&id, LIMIT).await["job_state"], "FINISHED");
}
