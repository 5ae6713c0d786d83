//! Hostile native plugins before the behaviour suite, as an operator runs it on a library that he was
//! given: what is not kept is found, and what ends or holds up the process is told.

use std::path::Path;
use std::time::Duration;

use causeway_tests::attack::library;
use causeway_tests::guests::guest;
use causeway_tests::outcome::refused;
use causeway_tests::programs::{causeway, clean, install, run, text};
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

/// Checks an installed folder: exit code, and what was said.
fn check_folder(folder: &Path, base: &str) -> (Option<i32>, String) {
    let mut command = clean(causeway());
    command.args(["plugins", "check", "--json"]).arg(folder);
    command.args(["--base", base]);
    let output = run(&mut command, Duration::from_secs(300));
    (output.status.code(), text(&output.stderr))
}

/// The manifest with something more behind it.
fn with(folder: &Path, more: &str, then: impl FnOnce()) {
    let manifest = folder.join("plugin.toml");
    let before = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, format!("{before}\n{more}\n")).unwrap();
    then();
    std::fs::write(&manifest, before).unwrap();
}

/// What is checked in a folder is what a gateway would load from it.
#[test]
fn an_installed_folder_is_checked_with_all_that_its_manifest_says() {
    let directory = tempfile::tempdir().unwrap();
    let native = install(&library("hog"), directory.path());
    let (code, said) = check_folder(&native, "hog://h/");
    assert_eq!(code, Some(0), "{said}");
    let file = std::fs::read_dir(&native)
        .unwrap()
        .map(|it| it.unwrap().path());
    let file = file
        .into_iter()
        .find(|it| it.extension().is_some_and(|it| it == "so"));
    let file = file.unwrap();
    let mut damaged = std::fs::read(&file).unwrap();
    *damaged.last_mut().unwrap() ^= 1;
    std::fs::write(&file, damaged).unwrap();
    let (code, said) = check_folder(&native, "hog://h/");
    assert!(code == Some(1) && said.contains("SHA-256"), "{said}");

    let component = install(&guest("hostile"), directory.path());
    let base = "hostile://h/";
    for (more, why) in [
        ("[config]\nin = \"create\"\nhow = \"trap\"", "it panicked"),
        (
            "[limits]\nmemory = \"1MiB\"",
            "it wanted more memory than its limit of 1 MiB",
        ),
        ("[permissions]\nhttp = [\"http://*:x\"]", "http://*:x"),
        ("[permissions]\nhtpp = []", "htpp"),
    ] {
        with(&component, more, || {
            let (code, said) = check_folder(&component, base);
            assert!(code == Some(1) && said.contains(why), "{more}: {said}");
        });
    }
}
