//! `causeway plugins check` with a network that fails, one that is recorded, and one that is a recording.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use causeway_tests::guests::guest;
use causeway_tests::lab::{Pki, Server};
use causeway_tests::programs::{built, causeway, clean, install, run, text};
use causeway_tests::repository::Repository;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(300);
/// Opens the drafts of the repository; must be found nowhere.
const TOKEN: &str = "canary-7f3a91";

fn check(plugin: &Path, arguments: &[&str]) -> Command {
    let mut command = clean(causeway());
    command.args(["plugins", "check", "--json"]);
    command.arg(plugin).args(arguments);
    command
}

/// The component that speaks HTTP, at a repository.
fn zenodo(plugin: &Path, repository: &Repository, arguments: &[&str]) -> Command {
    let authority = repository.authority();
    let grants = format!("http://{authority}");
    let options = json!({ "tls": false, "grants": { "http": [grants] } }).to_string();
    let base = format!("zenodo://{authority}/drafts/17/");
    let mut command = check(plugin, &["--options", &options]);
    if !arguments.contains(&"--replay") {
        command.args(["--base", &base]);
        command.env("BEARER_TOKEN", TOKEN);
    }
    command.args(arguments);
    command
}

fn report(output: &Output) -> Value {
    let said = text(&output.stdout);
    serde_json::from_str(&said)
        .unwrap_or_else(|error| panic!("{error}: {said}{}", text(&output.stderr)))
}

/// Outcome of every case by name; the reasons of those that failed.
fn outcomes(report: &Value) -> Vec<(String, String)> {
    let cases = report["cases"].as_array().unwrap().iter();
    let of = |it: &Value, key: &str| it[key].as_str().unwrap().to_owned();
    cases
        .map(|it| (of(it, "name"), of(it, "outcome")))
        .collect()
}

fn good(output: &Output) -> Value {
    let report = report(output);
    let failed = |it: &&Value| it["outcome"] == "failed";
    let failed: Vec<&Value> = report["cases"]
        .as_array()
        .unwrap()
        .iter()
        .filter(failed)
        .collect();
    assert!(output.status.success() && failed.is_empty(), "{failed:#?}");
    report
}

/// Cases about a failing network that ran.
fn faults(report: &Value) -> usize {
    let all = outcomes(report).into_iter();
    all.filter(|(name, outcome)| name.starts_with("faults/") && outcome == "passed")
        .count()
}

/// Waits for a program without keeping the repository from its work.
async fn finished(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || run(&mut command, LIMIT))
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_component_bears_a_failing_network() {
    let repository = Repository::start(TOKEN).await;
    let directory = tempfile::tempdir().unwrap();
    let file = guest("zenodo");
    for plugin in [install(&file, directory.path()), file] {
        let output = finished(zenodo(&plugin, &repository, &["--faults"])).await;
        assert!(faults(&good(&output)) >= 6, "{}", text(&output.stdout));
    }
}

/// Records a run, and repeats it when the server is gone.
async fn recorded_and_repeated(plugin: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let tape = folder.path().join("zenodo.tape");
    let tape = tape.to_str().unwrap();
    let repository = Repository::start(TOKEN).await;
    let output = finished(zenodo(plugin, &repository, &["--record", tape])).await;
    let recorded = outcomes(&good(&output));

    let kept = std::fs::read(tape).unwrap();
    assert!(kept.len() < 32 << 20, "{} bytes", kept.len());
    let kept = text(&kept);
    assert!(!kept.contains(TOKEN), "the recording has the token");
    assert!(kept.lines().count() > 50);

    // Nobody listens there any more.
    let replay = zenodo(plugin, &repository, &["--replay", tape]);
    drop(repository);
    let output = finished(replay).await;
    let replayed = good(&output);
    assert!(replayed["passed"].as_u64().unwrap() > 30, "{replayed}");
    for ((name, before), (again, after)) in recorded.iter().zip(outcomes(&replayed)) {
        assert_eq!(*name, again);
        let timed = ["cancel/", "deadline/", "concurrency/"];
        match timed.iter().any(|it| name.starts_with(it)) {
            true => assert_eq!(after, "skipped", "{name}"),
            false => assert_eq!(after, *before, "{name}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_recorded_is_repeated_without_a_server() {
    recorded_and_repeated(&guest("zenodo")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_installed_folder_is_recorded_and_repeated_as_well() {
    let directory = tempfile::tempdir().unwrap();
    recorded_and_repeated(&install(&guest("zenodo"), directory.path())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_in_the_recording_fails() {
    let folder = tempfile::tempdir().unwrap();
    let tape = folder.path().join("short.tape");
    let repository = Repository::start(TOKEN).await;
    let whole = tape.to_str().unwrap();
    good(&finished(zenodo(&guest("zenodo"), &repository, &["--record", whole])).await);
    // All but what the first cases said.
    let kept = std::fs::read_to_string(&tape).unwrap();
    let some: Vec<&str> = kept.lines().take(12).collect();
    std::fs::write(&tape, some.join("\n")).unwrap();
    let output = finished(zenodo(&guest("zenodo"), &repository, &["--replay", whole])).await;
    assert!(!output.status.success());
    let said = text(&output.stdout);
    assert!(said.contains("answer from the recording"), "{said}");
}

#[test]
fn a_library_bears_a_failing_network() {
    let nginx = Server::start("nginx-dav", &Pki::shared());
    let plugin = built().join("libcauseway_plugin_http.so");
    let authority = nginx.value("HTTP").trim_start_matches("http://");
    let base = "dav://{endpoint}/dav/";
    // What a plain WebDAV server lacks.
    let offers = r#"{"checksums":[],"space":false,"third_party_copy":false}"#;
    let server = ["--endpoint", authority, "--base", base, "--options", offers];
    let arguments = [&["--faults"], &server[..]].concat();
    let output = run(&mut check(&plugin, &arguments), LIMIT);
    assert!(faults(&good(&output)) >= 6, "{}", text(&output.stdout));
}

#[test]
fn what_cannot_be_is_refused_in_words() {
    let library = built().join("libcauseway_plugin_mock.so");
    let component = guest("memory-rust");
    let folder = tempfile::tempdir().unwrap();
    let tape = folder.path().join("no.tape");
    let tape = tape.to_str().unwrap();
    std::fs::write(tape, "{}").unwrap();
    for (plugin, arguments, words) in [
        (&library, vec!["--faults"], "--endpoint"),
        (
            &library,
            vec!["--record", tape],
            "makes its own connections",
        ),
        (&component, vec!["--replay", tape], "read the recording"),
        (
            &component,
            vec!["--replay", "/no/such"],
            "read the recording",
        ),
        (
            &component,
            vec!["--record", tape, "--faults"],
            "cannot be used",
        ),
    ] {
        let output = run(&mut check(plugin, &arguments), LIMIT);
        assert!(!output.status.success(), "{arguments:?}");
        let said = text(&output.stderr);
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
}

#[test]
fn people_get_a_line_for_every_case_and_one_in_the_end() {
    let component = guest("memory-rust");
    let mut command = clean(causeway());
    command.args(["plugins", "check"]).arg(&component);
    let output = run(&mut command, LIMIT);
    let said = text(&output.stdout);
    let report = good(&run(&mut check(&component, &[]), LIMIT));
    let number = |key: &str| report[key].as_u64().unwrap();
    let (passed, skipped) = (number("passed"), number("skipped"));
    let (cases, sum) = said.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(
        sum,
        format!("memory: {passed} passed, 0 failed, {skipped} skipped")
    );
    let names = report["cases"].as_array().unwrap().iter();
    for (line, case) in cases.lines().zip(names) {
        let outcome = case["outcome"].as_str().unwrap();
        let name = case["name"].as_str().unwrap();
        assert!(line.starts_with(outcome) && line.contains(name), "{line}");
        // Whoever reads that something was not tried reads why.
        assert_eq!(outcome == "skipped", !line.trim_end().ends_with(name));
    }
    assert!(output.status.success());
}

#[test]
fn collectors_of_results_get_their_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.xml");
    let arguments = ["--junit", file.to_str().unwrap()];
    let output = run(&mut check(&guest("memory-rust"), &arguments), LIMIT);
    let report = good(&output);
    let xml = std::fs::read_to_string(file).unwrap();
    let cases = report["cases"].as_array().unwrap().len();
    assert_eq!(xml.matches("<testcase ").count(), cases);
    assert!(xml.contains(&format!("skipped=\"{}\"", report["skipped"])));
}
