//! The `causeway` program as a client and as a tool of its own: what it prints, for people and for
//! scripts, and the codes it ends with.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use causeway_tests::data::{adler32, content, put};
use causeway_tests::grid::file_url;
use causeway_tests::programs::{built, causeway, clean, plugin_dir, run, run_with, text};
use causeway_tests::{Gateway, GatewayOptions, Pki, Server};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);
const SOURCE: &str = "mock://source.example/f?size=10";
const UNKNOWN: &str = "00000000-1111-5222-8333-444444444444";

fn destination(name: &str, seconds: u32) -> String {
    format!("mock://destination.example/{name}?size_post=10&time={seconds}")
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("ended by a signal: {output:?}"))
}

/// Expects a failure with this code; why it failed is told in one line, the last one.
fn refused(output: &Output, wanted: i32, part: &str) {
    let words = text(&output.stderr);
    assert_eq!(code(output), wanted, "{words}");
    assert!(words.contains(part), "{part:?} is not in {words:?}");
    if wanted == 1 {
        let told = words.lines().filter(|line| line.starts_with("causeway: ")).collect::<Vec<_>>();
        assert!(told.len() == 1 && words.trim_end().ends_with(told[0]), "more than one line: {words}");
    }
}

fn ok(output: &Output) -> String {
    assert_eq!(code(output), 0, "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

#[tokio::test]
async fn a_client_of_a_gateway() {
    let state = tempfile::tempdir().unwrap();
    let gateway = Gateway::start(state.path(), &GatewayOptions::default());

    // Who am I; a delegation, made once and kept.
    assert!(ok(&gateway.cli(&["whoami"])).contains("/DC=org/DC=causeway/CN=Dev User"));
    let me = gateway.cli_json(&["whoami", "--json"]);
    assert_eq!(me, gateway.rest(Some(&causeway_tests::Identity::file(gateway.pki("userproxy.pem"))), "GET", "/whoami", None).body);

    // Submitting delegates by itself when nothing is there.
    let other = gateway.user("Other");
    let (cert, key) = (other.cert.to_str().unwrap(), other.key.to_str().unwrap());
    let id = ok(&gateway.cli(&["submit", "--cert", cert, "--key", key, SOURCE, &destination("plain", 0)])).trim().to_owned();
    assert_eq!(gateway.wait(&id, LIMIT).await["job_state"], "FINISHED");
    let again = gateway.cli_json(&["delegate", "--json"]);
    assert_eq!(again, json!({ "delegation_id": me["delegation_id"], "renewed": false }));
    assert_eq!(gateway.cli_json(&["delegate", "--force", "--hours", "3", "--json"])["renewed"], true);

    // Following a job to its end, and what that says to a script.
    let printed = ok(&gateway.cli(&["submit", "--wait", SOURCE, &destination("waited", 1)]));
    assert!(printed.contains("FINISHED"), "{printed}");
    let job = gateway.cli_json(&["submit", "--wait", "--json", "-K", "ADLER32", "--priority", "4", SOURCE, &destination("json", 0)]);
    assert_eq!((&job["job_state"], &job["priority"], &job["verify_checksum"]), (&json!("FINISHED"), &json!(4), &json!("b")));
    assert_eq!(job["files"][0]["file_state"], "FINISHED");
    let failing = gateway.cli(&["submit", "--wait", "mock://source.example/f?errno=2", &destination("x", 0)]);
    refused(&failing, 1, "FAILED");
    assert!(text(&failing.stdout).contains("SOURCE [2] "), "{failing:?}");
    let failing = gateway.cli(&["submit", "--wait", "--json", "mock://source.example/f?errno=2", &destination("x", 0)]);
    refused(&failing, 1, "FAILED");
    let job: Value = serde_json::from_slice(&failing.stdout).unwrap();
    assert_eq!(job["job_state"], "FAILED");

    // A job from a file, from standard input, and only shown.
    let document = json!({ "files": [{ "sources": [SOURCE], "destinations": [destination("file", 0)] }] });
    let path = state.path().join("job.json");
    put(&path, document.to_string().as_bytes());
    assert_eq!(gateway.cli_json(&["submit", "--file", path.to_str().unwrap(), "--dry-run"]), document);
    let answer = gateway.cli_json(&["submit", "--file", path.to_str().unwrap(), "--json"]);
    assert_eq!(answer["job_id"].as_str().unwrap().len(), 36);
    let mut piped = clean(causeway());
    piped.args(["submit", "--file", "-", "--wait"]).envs(gateway.client_env());
    ok(&run_with(&mut piped, &document.to_string(), LIMIT));

    // Status and list print the REST objects unchanged.
    let running = ok(&gateway.cli(&["submit", SOURCE, &destination("running", 600)])).trim().to_owned();
    gateway.wait_for(&running, LIMIT, |job| job["job_state"] == "ACTIVE").await;
    assert_eq!(gateway.cli_json(&["status", &running, "--json"]), gateway.get(&format!("/jobs/{running}")).await);
    assert_eq!(gateway.cli_json(&["list", "--json"]), gateway.get("/jobs").await);
    assert_eq!(gateway.cli_json(&["status", &running, "--files", "--json"])["files"].as_array().unwrap().len(), 1);
    assert!(ok(&gateway.cli(&["status", &running])).contains("ACTIVE"));
    assert!(ok(&gateway.cli(&["list"])).contains(&running));
    assert_eq!(gateway.cli_json(&["list", "--vo", "nosuchvo", "--json"]), json!([]));
    assert_eq!(gateway.cli_json(&["list", "--state", "FINISHED", "--limit", "2", "--json"]).as_array().unwrap().len(), 2);

    // Cancel.
    assert!(ok(&gateway.cli(&["cancel", &running])).contains("CANCELED"));
    assert_eq!(gateway.cli_json(&["cancel", &running, "--json"])[0]["http_status"], "304 Not Modified");

    // Failures.
    refused(&gateway.cli(&["status", UNKNOWN]), 1, UNKNOWN);
    refused(&gateway.cli(&["cancel", UNKNOWN]), 1, UNKNOWN);
    refused(&gateway.cli(&["submit", "/etc/passwd", SOURCE]), 1, "Missing scheme (/etc/passwd)");
    refused(&gateway.cli(&["whoami", "--endpoint", "https://localhost:1"]), 1, "https://localhost:1");
    refused(&gateway.cli(&["whoami", "--cert", "/no/such/file"]), 1, "/no/such/file");
    refused(&gateway.cli(&["submit", "--file", "/no/such/file"]), 1, "/no/such/file");
    refused(&gateway.cli(&["submit", SOURCE]), 2, "");
    refused(&gateway.cli(&["nosuchcommand"]), 2, "");
    refused(&gateway.cli(&["status"]), 2, "");
}

/// A command that runs plugins by itself.
fn tool(args: &[&str]) -> Command {
    let mut command = clean(causeway());
    command.args(args).arg("--plugin-dir").arg(plugin_dir());
    command
}

/// The same walk over any storage: every command once, its result seen from the other side.
fn walk(base: &str, data: &Path, prepare: impl Fn(&mut Command)) {
    let call = |args: &[&str]| {
        let mut command = tool(args);
        prepare(&mut command);
        run(&mut command, LIMIT)
    };
    let json_of = |args: &[&str]| -> Value { serde_json::from_str(&ok(&call(args))).unwrap() };
    let at = |path: &str| format!("{base}/{path}");
    let bytes = content(200_000);
    let local = tempfile::tempdir().unwrap();
    put(&local.path().join("seed"), &bytes);
    let seed = file_url(&local.path().join("seed"));

    ok(&call(&["mkdir", "--parents", &at("cli/deep")]));
    assert!(data.join("cli/deep").is_dir());
    let copied = json_of(&["copy", "--json", "-K", "adler32", &seed, &at("cli/file")]);
    assert_eq!(copied["filesize"], 200_000, "{copied}");
    assert!(copied["checksum"].as_str().unwrap().to_lowercase().ends_with(&adler32(&bytes)), "{copied}");
    assert!(copied["tx_duration"].is_number() && copied["throughput"].is_number(), "{copied}");
    assert!(std::fs::read(data.join("cli/file")).unwrap() == bytes);
    refused(&call(&["copy", &seed, &at("cli/file")]), 1, "Destination file exists and overwrite is not enabled");
    ok(&call(&["copy", "--overwrite", &seed, &at("cli/file")]));

    let stat = json_of(&["stat", "--json", &at("cli/file")]);
    assert_eq!(stat["size"], 200_000, "{stat}");
    assert!(ok(&call(&["stat", &at("cli/file")])).contains("200000"));
    let names: Vec<_> = ok(&call(&["ls", &at("cli")])).lines().map(|line| line.split(' ').next_back().unwrap().to_owned()).collect();
    assert!(names.contains(&"file".to_owned()) && names.contains(&"deep/".to_owned()), "{names:?}");
    let listed = ok(&call(&["ls", "--json", &at("cli")]));
    let entries: Vec<Value> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.len(), 2, "{listed}");

    assert!(ok(&call(&["sum", &at("cli/file")])).contains(&adler32(&bytes)));
    assert!(ok(&call(&["sum", &at("cli/file"), "md5"])).contains(&causeway_tests::data::md5(&local.path().join("seed"))));
    ok(&call(&["mv", &at("cli/file"), &at("cli/deep/moved")]));
    ok(&call(&["copy", &at("cli/deep/moved"), &file_url(&local.path().join("back"))]));
    assert!(std::fs::read(local.path().join("back")).unwrap() == bytes);
    assert_eq!(code(&call(&["rmdir", &at("cli/deep")])), 1, "a filled directory");
    ok(&call(&["rm", &at("cli/deep/moved")]));
    ok(&call(&["rmdir", &at("cli/deep")]));
    ok(&call(&["rmdir", &at("cli")]));
    assert!(!data.join("cli").exists());

    for command in ["stat", "ls", "rm", "rmdir", "sum"] {
        refused(&call(&[command, &at("cli/gone")]), 1, "[2]");
    }
    refused(&call(&["copy", &at("cli/gone"), &file_url(&local.path().join("x"))]), 1, "SOURCE [2]");
    assert!(!local.path().join("x").exists());
    refused(&call(&["stat", "nosuchscheme://host/path"]), 1, "nosuchscheme");
    refused(&call(&["stat"]), 2, "");
}

#[test]
fn a_tool_for_local_files() {
    let dir = tempfile::tempdir().unwrap();
    walk(&file_url(dir.path()), dir.path(), |_| {});
}

#[test]
fn a_tool_for_storages_of_the_grid() {
    let pki = Pki::shared();
    let (a, n) = (Server::start("xrdhttp", &pki), Server::start("nginx-dav", &pki));
    for server in [&a, &n] {
        walk(server.value("URL"), &server.data(""), |command| {
            command.env("X509_CERT_DIR", pki.file("certificates")).env("X509_USER_PROXY", pki.file("alice.proxy"));
        });
    }
}

#[test]
fn plugins_are_listed_described_and_checked() {
    let list = |dirs: &[&Path]| -> Value {
        let mut command = clean(causeway());
        command.args(["plugins", "list", "--json"]);
        for dir in dirs {
            command.arg("--plugin-dir").arg(dir);
        }
        serde_json::from_str(&ok(&run(&mut command, LIMIT))).unwrap()
    };
    let plugins = list(&[plugin_dir()]);
    let families = [("file", json!(["file"])), ("http", json!(["http", "https", "dav", "davs"])), ("mock", json!(["mock"]))];
    assert_eq!(plugins.as_array().unwrap().len(), families.len(), "{plugins}");
    for (name, schemes) in families {
        let plugin = plugins.as_array().unwrap().iter().find(|it| it["name"] == name).unwrap();
        let mut keys: Vec<_> = plugin.as_object().unwrap().keys().map(String::as_str).collect();
        keys.sort_unstable();
        for key in ["kind", "name", "path", "schemes", "sha256", "state", "version"] {
            assert!(keys.contains(&key), "{key}: {plugin}");
        }
        assert_eq!((&plugin["kind"], &plugin["schemes"]), (&json!("native"), &schemes), "{plugin}");
        let sum = run(clean("sha256sum").arg(plugin["path"].as_str().unwrap()), LIMIT);
        assert!(ok(&sum).starts_with(plugin["sha256"].as_str().unwrap()), "{plugin}");
        let info: Value = serde_json::from_str(&ok(&run(&mut tool(&["plugins", "info", name, "--json"]), LIMIT))).unwrap();
        assert!(info["capabilities"].is_object() && info["name"] == name, "{info}");
    }
    refused(&run(&mut tool(&["plugins", "info", "nosuchplugin"]), LIMIT), 1, "nosuchplugin");

    // A damaged library is refused by name; the others go on. A later directory wins.
    let other = tempfile::tempdir().unwrap();
    let folder = other.path().join("mock");
    std::fs::create_dir(&folder).unwrap();
    for entry in std::fs::read_dir(plugin_dir().join("mock")).unwrap().flatten() {
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let same = list(&[plugin_dir(), other.path()]);
    let mock = same.as_array().unwrap().iter().find(|it| it["name"] == "mock" && it["state"] == plugins[0]["state"]).unwrap().clone();
    assert!(mock["path"].as_str().unwrap().starts_with(other.path().to_str().unwrap()), "{same}");
    let library = std::path::PathBuf::from(mock["path"].as_str().unwrap());
    std::fs::write(&library, &std::fs::read(&library).unwrap()[..5000]).unwrap();
    let damaged = list(&[other.path()]);
    assert_ne!(damaged[0]["state"], plugins[0]["state"], "{damaged}");
    assert_eq!(damaged[0]["name"], "mock", "{damaged}");

    // The conformance suite, with the shape scripts read.
    let dir = tempfile::tempdir().unwrap();
    let options = json!({ "roots": [dir.path()] }).to_string();
    let library = built().join("libcauseway_plugin_file.so");
    let mut check = tool(&["plugins", "check", library.to_str().unwrap(), "--json", "--options", &options]);
    let report: Value = serde_json::from_str(&ok(&run(check.args(["--base", &file_url(dir.path())]), LIMIT))).unwrap();
    let cases = report["cases"].as_array().unwrap();
    let count = |outcome: &str| json!(cases.iter().filter(|it| it["outcome"] == outcome).count());
    assert_eq!((&report["passed"], &report["failed"]), (&count("passed"), &json!(0)), "{report}");
    assert_eq!(report["skipped"], count("skipped"), "{report}");
    assert!(report["passed"].as_u64().unwrap() > 10, "{report}");
    assert!(cases.iter().all(|it| it["name"].is_string()), "{report}");
    assert!(cases.iter().filter(|it| it["outcome"] == "skipped").all(|it| it["reason"].is_string()), "{report}");
    refused(&run(&mut tool(&["plugins", "check", "/no/such/library.so"]), LIMIT), 1, "/no/such/library.so");
}

#[test]
fn completions_are_understood_by_the_shell() {
    let script = ok(&run(clean(causeway()).args(["completions", "bash"]), LIMIT));
    let mut bash = clean("bash");
    ok(&run_with(bash.args(["-c", "set -e; . /dev/stdin; complete -p causeway"]), &script, LIMIT));
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        assert!(ok(&run(clean(causeway()).args(["completions", shell]), LIMIT)).contains("causeway"), "{shell}");
    }
    refused(&run(clean(causeway()).args(["completions", "nosuchshell"]), LIMIT), 2, "");
}
