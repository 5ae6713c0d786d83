//! The example plugins that are components, built from source when they have changed.

use std::path::PathBuf;
use std::process::Command;

use crate::programs::repository;

/// The component of that name.
///
/// # Panics
/// When it cannot be built.
pub fn guest(name: &str) -> PathBuf {
    let script = repository().join("examples/build-guests.sh");
    // The script has a lock of its own: tests that want the same one wait for one build.
    let output = Command::new(&script).arg(name).output();
    let output = output.expect("the script can be started");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", script.display());
    repository().join(format!("target/guests/{name}.wasm"))
}
