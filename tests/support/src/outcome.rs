//! How a run of the `causeway` program ended, and what it said.

use std::process::{Command, Output};

use crate::plugins::plugin_dir;
use crate::programs::{causeway, clean, text};

/// The code it ended with.
pub fn code(output: &Output) -> i32 {
    output
        .status
        .code()
        .unwrap_or_else(|| panic!("ended by a signal: {output:?}"))
}

/// Expects a failure with this code; why it failed is told in one line, the last one.
pub fn refused(output: &Output, wanted: i32, part: &str) {
    let words = text(&output.stderr);
    assert_eq!(code(output), wanted, "{words}");
    assert!(words.contains(part), "{part:?} is not in {words:?}");
    if wanted == 1 {
        let told = words
            .lines()
            .filter(|line| line.starts_with("causeway: "))
            .collect::<Vec<_>>();
        assert!(
            told.len() == 1 && words.trim_end().ends_with(told[0]),
            "more than one line: {words}"
        );
    }
}

/// Expects success, and gives what was printed.
pub fn ok(output: &Output) -> String {
    assert_eq!(
        code(output),
        0,
        "{}{}",
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// A command that runs plugins by itself.
pub fn tool(args: &[&str]) -> Command {
    let mut command = clean(causeway());
    command.args(args).arg("--plugin-dir").arg(plugin_dir());
    command
}
