//! The `causeway` program as a tool of its own: engine and plugins in its process, no gateway.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use causeway_tests::data::{adler32, content, md5, put};
use causeway_tests::grid::file_url;
use causeway_tests::outcome::{code, ok, refused, tool};
use causeway_tests::programs::run;
use causeway_tests::{Pki, Server};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(120);

/// The same walk over any storage: every command once, its result seen from the other side.
fn walk(base: &str, data: &Path, has_sums: bool, prepare: impl Fn(&mut Command)) {
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
    if has_sums {
        let copied = json_of(&["copy", "--json", "-K", "adler32", &seed, &at("cli/file")]);
        assert!(
            copied["checksum"]
                .as_str()
                .unwrap()
                .to_lowercase()
                .ends_with(&adler32(&bytes)),
            "{copied}"
        );
        ok(&call(&["rm", &at("cli/file")]));
    } else {
        refused(
            &call(&["copy", "-K", "adler32", &seed, &at("cli/file")]),
            1,
            "DESTINATION [95]",
        );
        assert!(!data.join("cli/file").exists());
    }
    let copied = json_of(&["copy", "--json", &seed, &at("cli/file")]);
    assert_eq!(copied["filesize"], 200_000, "{copied}");
    assert!(
        copied["tx_duration"].is_number() && copied["throughput"].is_number(),
        "{copied}"
    );
    assert!(std::fs::read(data.join("cli/file")).unwrap() == bytes);
    refused(
        &call(&["copy", &seed, &at("cli/file")]),
        1,
        "Destination file exists and overwrite is not enabled",
    );
    ok(&call(&["copy", "--overwrite", &seed, &at("cli/file")]));

    let stat = json_of(&["stat", "--json", &at("cli/file")]);
    assert_eq!(stat["size"], 200_000, "{stat}");
    assert!(ok(&call(&["stat", &at("cli/file")])).contains("200000"));
    let names: Vec<_> = ok(&call(&["ls", &at("cli")]))
        .lines()
        .map(|line| line.split(' ').next_back().unwrap().to_owned())
        .collect();
    assert!(
        names.contains(&"file".to_owned()) && names.contains(&"deep/".to_owned()),
        "{names:?}"
    );
    let listed = ok(&call(&["ls", "--json", &at("cli")]));
    let entries: Vec<Value> = listed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(entries.len(), 2, "{listed}");

    assert!(ok(&call(&["sum", &at("cli/file")])).contains(&adler32(&bytes)));
    assert!(ok(&call(&["sum", &at("cli/file"), "md5"])).contains(&md5(&local.path().join("seed"))));
    ok(&call(&["mv", &at("cli/file"), &at("cli/deep/moved")]));
    ok(&call(&[
        "copy",
        &at("cli/deep/moved"),
        &file_url(&local.path().join("back")),
    ]));
    assert!(std::fs::read(local.path().join("back")).unwrap() == bytes);
    assert_eq!(
        code(&call(&["rmdir", &at("cli/deep")])),
        1,
        "a filled directory"
    );
    ok(&call(&["rm", &at("cli/deep/moved")]));
    ok(&call(&["rmdir", &at("cli/deep")]));
    ok(&call(&["rmdir", &at("cli")]));
    assert!(!data.join("cli").exists());

    for command in ["stat", "ls", "rm", "rmdir", "sum"] {
        refused(&call(&[command, &at("cli/gone")]), 1, "[2]");
    }
    refused(
        &call(&["copy", &at("cli/gone"), &file_url(&local.path().join("x"))]),
        1,
        "SOURCE [2]",
    );
    assert!(!local.path().join("x").exists());
    refused(
        &call(&["stat", "nosuchscheme://host/path"]),
        1,
        "nosuchscheme",
    );
    refused(&call(&["stat"]), 2, "");
}

#[test]
fn a_tool_for_local_files() {
    let dir = tempfile::tempdir().unwrap();
    walk(&file_url(dir.path()), dir.path(), true, |_| {});
}

#[test]
fn a_tool_for_storages_of_the_grid() {
    let pki = Pki::shared();
    let (a, n) = (
        Server::start("xrdhttp", &pki),
        Server::start("nginx-dav", &pki),
    );
    for (server, has_sums) in [(&a, true), (&n, false)] {
        walk(server.value("URL"), &server.data(""), has_sums, |command| {
            command
                .env("X509_CERT_DIR", pki.file("certificates"))
                .env("X509_USER_PROXY", pki.file("alice.proxy"));
        });
    }
}
