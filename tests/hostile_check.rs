//! Hostile native plugins before the behaviour suite, as an operator runs it on a library that he was
//! given: what is not kept is found, and what ends or holds up the process is told.

use std::time::Duration;

use causeway_tests::attack::library;
use causeway_tests::outcome::refused;
use causeway_tests::programs::{causeway, clean, run, text};
use serde_json::Value;

/// Exit code, report, and what was said besides.
fn check(name: &str, wish: &str) -> (Option<i32>, Value, String) {
    let mut command = clean(causeway());
    command
        .args(["plugins", "check", "--json"])
        .arg(library(name));
    command.args(["--base", &format!("{name}://h/{wish}")]);
    let output = run(&mut command, Duration::from_secs(300));
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code(), report, text(&output.stderr))
}

fn failed(report: &Value) -> Vec<&str> {
    let cases = report["cases"].as_array().map_or(&[][..], Vec::as_slice);
    let failed = cases.iter().filter(|it| it["outcome"] == "failed");
    failed.filter_map(|it| it["name"].as_str()).collect()
}

#[test]
fn the_suite_finds_what_a_plugin_promises_and_does_not_keep() {
    // An honest library passes, so what fails below fails because of the lie.
    let (code, report, said) = check("hog", "");
    assert_eq!((code, failed(&report)), (Some(0), vec![]), "{said}");
    let lies = [
        (
            "liar",
            "?in=checksum&in=next&how=other",
            &["checksum/right", "read/whole", "rmdir/missing"][..],
        ),
        ("liar", "?in=commit&how=nothing", &["write/sizes"]),
        (
            "garbage",
            "?in=next&in=checksum&in=list&how=some",
            &["read/whole", "checksum/right", "list/entries"],
        ),
        (
            "garbage",
            "?in=stat&how=utf8",
            &["stat/file", "stat/missing"],
        ),
    ];
    for (name, wish, cases) in lies {
        let (code, report, said) = check(name, wish);
        assert_eq!(code, Some(1), "{name} {wish}: {said}");
        let failed = failed(&report);
        for case in cases {
            assert!(failed.contains(case), "{name} {wish}: {case}: {failed:?}");
        }
        assert!(said.contains("promises are not kept"), "{said}");
    }
}

/// Whoever checks a library that ends its process is told how, and where.
#[test]
fn the_suite_does_not_pass_a_plugin_that_ends_its_process() {
    for (name, wish, options, how) in [
        (
            "segfault",
            "?in=stat",
            "{}",
            "signal 11 (SIGSEGV) in the case ",
        ),
        (
            "abort",
            "?in=stat&how=abort",
            "{}",
            "signal 6 (SIGABRT) in the case ",
        ),
        (
            "abort",
            "?in=stat&how=exit",
            "{}",
            "exit code 0 in the case ",
        ),
        (
            "segfault",
            "",
            r#"{"in": "create"}"#,
            "signal 11 (SIGSEGV) while it was loaded",
        ),
    ] {
        let mut command = clean(causeway());
        command.args(["plugins", "check"]).arg(library(name));
        command.args(["--base", &format!("{name}://h/{wish}")]);
        command.args(["--options", options]);
        let output = run(&mut command, Duration::from_secs(60));
        let words = format!("check the plugin: it ended its process with {how}");
        refused(&output, 1, &words);
    }
}

/// One that does not come back is given up.
#[test]
fn the_suite_does_not_wait_for_ever() {
    let mut command = clean(causeway());
    command.args(["plugins", "check"]).arg(library("hang"));
    command.args(["--options", r#"{"in": "create"}"#, "--timeout", "1"]);
    let output = run(&mut command, Duration::from_secs(60));
    let words = "check the plugin: no sign of life for 1 s while it was loaded";
    refused(&output, 1, words);
}
