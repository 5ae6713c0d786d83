//! `causeway plugins` and `causeway completions`: what scripts and shells read.

use std::path::Path;
use std::time::Duration;

use causeway_tests::grid::file_url;
use causeway_tests::outcome::{ok, refused, tool};
use causeway_tests::plugins::plugin_dir;
use causeway_tests::programs::{built, causeway, clean, run, run_with};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);

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
    let families = [
        ("file", json!(["file"])),
        ("http", json!(["http", "https", "dav", "davs"])),
        ("mock", json!(["mock"])),
        ("s3", json!(["s3", "s3s"])),
        (
            "cloud",
            json!(["azure", "gs", "gcloud", "dropbox", "gdrive"]),
        ),
        ("ftp", json!(["ftp", "ftps"])),
        ("gridftp", json!(["gsiftp"])),
    ];
    assert_eq!(
        plugins.as_array().unwrap().len(),
        families.len(),
        "{plugins}"
    );
    for (name, schemes) in families {
        let plugin = plugins
            .as_array()
            .unwrap()
            .iter()
            .find(|it| it["name"] == name)
            .unwrap();
        let mut keys: Vec<_> = plugin
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        keys.sort_unstable();
        for key in [
            "kind", "name", "path", "schemes", "sha256", "state", "version",
        ] {
            assert!(keys.contains(&key), "{key}: {plugin}");
        }
        assert_eq!(
            (&plugin["kind"], &plugin["schemes"]),
            (&json!("native"), &schemes),
            "{plugin}"
        );
        let sum = run(
            clean("sha256sum").arg(plugin["path"].as_str().unwrap()),
            LIMIT,
        );
        assert!(
            ok(&sum).starts_with(plugin["sha256"].as_str().unwrap()),
            "{plugin}"
        );
        let info: Value = serde_json::from_str(&ok(&run(
            &mut tool(&["plugins", "info", name, "--json"]),
            LIMIT,
        )))
        .unwrap();
        assert!(
            info["capabilities"].is_object() && info["name"] == name,
            "{info}"
        );
    }
    refused(
        &run(&mut tool(&["plugins", "info", "nosuchplugin"]), LIMIT),
        1,
        "nosuchplugin",
    );

    // A damaged library is refused by name; the others go on. A later directory wins.
    let other = tempfile::tempdir().unwrap();
    let folder = other.path().join("mock");
    std::fs::create_dir(&folder).unwrap();
    for entry in std::fs::read_dir(plugin_dir().join("mock"))
        .unwrap()
        .flatten()
    {
        std::fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
    }
    let same = list(&[plugin_dir(), other.path()]);
    let mock = same
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "mock" && it["state"] == plugins[0]["state"])
        .unwrap()
        .clone();
    assert!(
        mock["path"]
            .as_str()
            .unwrap()
            .starts_with(other.path().to_str().unwrap()),
        "{same}"
    );
    let library = std::path::PathBuf::from(mock["path"].as_str().unwrap());
    std::fs::write(&library, &std::fs::read(&library).unwrap()[..5000]).unwrap();
    let damaged = list(&[other.path()]);
    assert_ne!(damaged[0]["state"], plugins[0]["state"], "{damaged}");
    assert_eq!(damaged[0]["name"], "mock", "{damaged}");

    // The conformance suite, with the shape scripts read.
    let dir = tempfile::tempdir().unwrap();
    let options = json!({ "roots": [dir.path()] }).to_string();
    let library = built().join("libcauseway_plugin_file.so");
    let mut check = tool(&[
        "plugins",
        "check",
        library.to_str().unwrap(),
        "--json",
        "--options",
        &options,
    ]);
    let report: Value = serde_json::from_str(&ok(&run(
        check.args(["--base", &file_url(dir.path())]),
        LIMIT,
    )))
    .unwrap();
    let cases = report["cases"].as_array().unwrap();
    let count = |outcome: &str| json!(cases.iter().filter(|it| it["outcome"] == outcome).count());
    assert_eq!(
        (&report["passed"], &report["failed"]),
        (&count("passed"), &json!(0)),
        "{report}"
    );
    assert_eq!(report["skipped"], count("skipped"), "{report}");
    assert!(report["passed"].as_u64().unwrap() > 10, "{report}");
    assert!(cases.iter().all(|it| it["name"].is_string()), "{report}");
    assert!(
        cases
            .iter()
            .filter(|it| it["outcome"] == "skipped")
            .all(|it| it["reason"].is_string()),
        "{report}"
    );
    refused(
        &run(
            &mut tool(&["plugins", "check", "/no/such/library.so"]),
            LIMIT,
        ),
        1,
        "/no/such/library.so",
    );
}

#[test]
fn completions_are_understood_by_the_shell() {
    let script = ok(&run(clean(causeway()).args(["completions", "bash"]), LIMIT));
    let mut bash = clean("bash");
    ok(&run_with(
        bash.args(["-c", "set -e; . /dev/stdin; complete -p causeway"]),
        &script,
        LIMIT,
    ));
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        assert!(
            ok(&run(clean(causeway()).args(["completions", shell]), LIMIT)).contains("causeway"),
            "{shell}"
        );
    }
    refused(
        &run(
            clean(causeway()).args(["completions", "nosuchshell"]),
            LIMIT,
        ),
        2,
        "",
    );
}
