//! Clients of other people, unchanged: the `fts3` package of PyPI and its commands, Rucio, DIRAC,
//! and curl.
//!
//! Each script in `tests/clients` checks by itself and ends with an error when something differs.

use std::ffi::OsStr;
use std::path::Path;
use std::time::Duration;

use causeway_tests::programs::{clean, expect, python, repository};
use causeway_tests::{Gateway, GatewayOptions};

const LIMIT: Duration = Duration::from_secs(180);

/// Runs a script against a gateway of its own.
fn script(interpreter: &OsStr, name: &str, packages: Option<&Path>) {
    let state = tempfile::tempdir().unwrap();
    let options = GatewayOptions::tls_only()
        // For transfers between URLs that say nothing about their duration.
        .env("CAUSEWAY__PLUGINS__MOCK__MIN_SECONDS", "0")
        .env("CAUSEWAY__PLUGINS__MOCK__MAX_SECONDS", "1")
        // Tapes are asked often, so that no test waits for one.
        .env("CAUSEWAY__ENGINE__STAGING_SCHEDULING_INTERVAL_SECONDS", "1")
        .env("CAUSEWAY__ENGINE__STAGING_POLL_INTERVAL_SECONDS", "1")
        .env("CAUSEWAY__ENGINE__STAGING_WAITING_FACTOR_SECONDS", "1");
    let gateway = Gateway::start(state.path(), &options);
    let other = gateway.user("Other");
    let mut command = clean(interpreter);
    command
        .arg(repository().join("tests/clients").join(name))
        .envs(gateway.client_env())
        // No settings of the person who runs the tests, and nothing left beside the scripts.
        .env("HOME", state.path())
        .env(
            "PYTHONPYCACHEPREFIX",
            repository().join("target/lab/pycache"),
        )
        .env("WORK", state.path())
        .env("OTHER_CERT", &other.cert)
        .env("OTHER_KEY", &other.key)
        .envs(packages.map(|it| ("PYTHONPATH", it)));
    match packages {
        // They are many, installed without their byte code: what a script loads is kept.
        Some(_) => command.env(
            "PYTHONPYCACHEPREFIX",
            repository().join("target/lab/pycache"),
        ),
        None => command.env("PYTHONDONTWRITEBYTECODE", "1"),
    };
    let outcome =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| expect(&mut command, LIMIT)));
    if let Err(panic) = outcome {
        eprintln!("the gateway's log:\n{}", gateway.log());
        std::panic::resume_unwind(panic);
    }
}

fn fts3(name: &str) {
    script(python().as_os_str(), name, None);
}

/// Runs a script with the packages of an experiment, which lie beside those of the FTS3 client.
fn experiment(name: &str, file: &str) {
    let packages = repository().join("target/lab/packages").join(name);
    assert!(
        packages.exists(),
        "{} is missing: run tests/install.sh",
        packages.display()
    );
    script(python().as_os_str(), file, Some(&packages));
}

#[test]
fn fts3_bindings_identity_and_delegation() {
    fts3("identity.py");
}

#[test]
fn fts3_bindings_jobs() {
    fts3("jobs.py");
}

#[test]
fn fts3_bindings_errors() {
    fts3("errors.py");
}

#[test]
fn fts3_bindings_operators() {
    fts3("operators.py");
}

#[test]
fn fts3_commands_for_jobs() {
    fts3("commands_jobs.py");
}

#[test]
fn fts3_commands_for_operators() {
    fts3("commands_operators.py");
}

#[test]
fn rucio_transfertool() {
    experiment("rucio", "rucio_transfertool.py");
}

#[test]
fn rucio_conveyor() {
    experiment("rucio", "rucio_conveyor.py");
}

#[test]
fn dirac_job() {
    experiment("dirac", "dirac_job.py");
}

#[test]
fn curl() {
    script("bash".as_ref(), "curl.sh", None);
}

#[test]
fn curl_is_told_to_slow_down() {
    let state = tempfile::tempdir().unwrap();
    let options = GatewayOptions::tls_only()
        .env("CAUSEWAY__SERVER__REQUESTS_PER_SECOND", "1")
        .env("CAUSEWAY__SERVER__REQUEST_BURST", "1");
    let gateway = Gateway::start(state.path(), &options);
    let ask = |path: &str| {
        let url = format!("{}{path}", gateway.endpoint());
        let mut curl = clean("curl");
        curl.args(["-sS", "-o", "/dev/null", "--cacert"])
            .arg(gateway.pki("ca.pem"))
            .args(["-w", "%{http_code} %header{retry-after}", &url]);
        expect(&mut curl, LIMIT)
    };
    // Nobody in particular: counted by address.
    let answers: Vec<String> = (0..30).map(|_| ask("/whoami")).collect();
    assert_eq!(answers[0], "200 ");
    assert!(answers.iter().any(|it| it == "429 1"), "{answers:?}");
    assert_eq!(ask("/healthz"), "200 ");
}
