//! Clients of other people, unchanged: the `fts3` package of PyPI and its commands, and curl.
//!
//! Each script in `tests/clients` checks by itself and ends with an error when something differs.

use std::time::Duration;

use causeway_tests::programs::{clean, expect, python, repository};
use causeway_tests::{Gateway, GatewayOptions};

const LIMIT: Duration = Duration::from_secs(180);

/// Runs a script against a gateway of its own.
fn script(interpreter: &std::ffi::OsStr, name: &str) {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(state.path(), &GatewayOptions::tls_only());
    let other = gateway.user("Other");
    let mut command = clean(interpreter);
    command
        .arg(repository().join("tests/clients").join(name))
        .envs(gateway.client_env())
        // No settings of the person who runs the tests, and nothing left beside the scripts.
        .env("HOME", state.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("WORK", state.path())
        .env("OTHER_CERT", &other.cert)
        .env("OTHER_KEY", &other.key);
    let outcome =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| expect(&mut command, LIMIT)));
    if let Err(panic) = outcome {
        eprintln!("the gateway's log:\n{}", gateway.log());
        std::panic::resume_unwind(panic);
    }
}

fn fts3(name: &str) {
    script(python().as_os_str(), name);
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
fn fts3_commands() {
    fts3("commands.py");
}

#[test]
fn curl() {
    script("bash".as_ref(), "curl.sh");
}
