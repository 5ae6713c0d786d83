//! Running the programs that grid people use, away from the settings of whoever runs the tests.

use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a program in a directory that is its home, too. Gives whether it succeeded, and all it said.
///
/// # Panics
/// The program is not installed.
pub(crate) fn try_run(home: &Path, program: &str, arguments: &[&str]) -> (bool, String) {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(home)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", home)
        .stdin(Stdio::null())
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("{program} is missing: run tests/install.sh")
        }
        Err(error) => panic!("start {program}: {error}"),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

/// The same for a program that must succeed.
pub(crate) fn run(home: &Path, program: &str, arguments: &[&str]) -> String {
    let (succeeded, text) = try_run(home, program, arguments);
    assert!(succeeded, "{program} {}: {text}", arguments.join(" "));
    text
}
