//! Versions of plugins that must not be used: damaged, deadly, not signed. Each is refused with the reason, and
//! the one before serves on.

use std::path::Path;

use causeway_tests::Gateway;
use causeway_tests::attack::library;
use causeway_tests::live::{change, install_mock, row, settled, shown, start, works};
use causeway_tests::outcome::{ok, refused};
use causeway_tests::place::{LIMIT, Place, two};
use causeway_tests::programs::{causeway, clean, install, run};
use serde_json::{Value, json};

#[tokio::test]
async fn a_damaged_version_is_refused_and_the_one_before_serves_on() {
    let dir = tempfile::tempdir().unwrap();
    let place = start(dir.path(), two());
    let gateway = &place.gateway;
    settled(&place, "mock").await;
    let good = row(gateway, "mock").await;
    assert!(
        good["path"]
            .as_str()
            .unwrap()
            .starts_with(dir.path().to_str().unwrap())
    );
    let says = |row: &Value, text: &str| {
        let reason = row["refused"]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(reason.contains(text), "{row}");
        assert_eq!(
            (&row["state"], &row["sha256"]),
            (&json!("ready"), &good["sha256"]),
            "{row}"
        );
    };

    // A new version whose file is cut.
    let folder = install_mock(dir.path(), 2);
    let file = |folder: &Path| {
        let text = std::fs::read_to_string(folder.join("plugin.toml")).unwrap();
        let name = text.lines().find_map(|it| it.strip_prefix("file = \""));
        folder.join(name.unwrap().trim_end_matches('"'))
    };
    let bytes = std::fs::read(file(&folder)).unwrap();
    std::fs::write(file(&folder), &bytes[..bytes.len() / 2]).unwrap();
    says(
        &change(gateway, "reload", "mock").await,
        "bytes and plugin.toml says",
    );
    works(&place).await;

    // One that is not what its manifest says, by signal.
    let manifest = folder.join("plugin.toml");
    std::fs::write(file(&folder), &bytes).unwrap();
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(
        &manifest,
        text.replace("[\"mock\"]", "[\"mock\", \"more\"]"),
    )
    .unwrap();
    gateway.signal("HUP");
    let wrong = |it: &Value| it["refused"]["reason"].to_string().contains("says schemes");
    says(&shown(gateway, "mock", wrong).await, "install it again");
    works(&place).await;

    // One whose manifest nobody understands; and still so after a restart.
    std::fs::write(&manifest, "manifest = 7").unwrap();
    says(&change(gateway, "reload", "mock").await, "has format 7");
    let Place {
        dir: state,
        gateway,
    } = place;
    gateway.kill();
    let options = two().plugin_dir(dir.path().join("plugins"));
    let gateway = Gateway::start(state.path(), &options);
    let place = Place {
        dir: state,
        gateway,
    };
    says(&row(&place.gateway, "mock").await, "has format 7");
    works(&place).await;

    let folder = install_mock(dir.path(), 3);
    let row = change(&place.gateway, "reload", "mock").await;
    assert_eq!(
        (&row["refused"], &row["state"]),
        (&Value::Null, &json!("ready")),
        "{row}"
    );
    assert_ne!(row["sha256"], good["sha256"]);
    works(&place).await;

    // The file that serves, overwritten where it lies: workers may die of that, and the copy serves.
    let good = row;
    std::fs::write(file(&folder), "not a library").unwrap();
    let row = change(&place.gateway, "reload", "mock").await;
    assert_eq!(
        (&row["state"], &row["sha256"]),
        (&json!("ready"), &good["sha256"]),
        "{row}"
    );
    let reason = row["refused"]["reason"].to_string();
    assert!(reason.contains("bytes and plugin.toml says"), "{row}");
    let state = place.dir.path().to_str().unwrap();
    assert!(row["path"].as_str().unwrap().starts_with(state), "{row}");
    works(&place).await;
}

#[tokio::test]
async fn a_version_that_ends_its_process_ends_the_one_that_tries_it_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let plugins = dir.path().join("plugins");
    let folder = install(&library("segfault"), &plugins);
    let place = start(dir.path(), two());
    let gateway = &place.gateway;
    let name = "hostile-segfault";
    settled(&place, name).await;
    let workers = place.staffed(2);
    let deadly = |folder: &Path| {
        let manifest = folder.join("plugin.toml");
        let text = std::fs::read_to_string(&manifest).unwrap();
        std::fs::write(&manifest, format!("{text}\n[config]\nin = \"create\"\n")).unwrap();
    };
    deadly(&folder);
    let row = change(gateway, "reload", name).await;
    let ended = "it ended the process that tried it with signal 11 (SIGSEGV)";
    let reason = row["refused"]["reason"].as_str().unwrap();
    assert!(reason.ends_with(ended), "{row}");
    assert_eq!(
        (&row["state"], &row["ended_workers"]),
        (&json!("ready"), &json!(0)),
        "{row}"
    );

    // One that nobody has seen before has no version to fall back to.
    let other = install(&library("abort"), &plugins);
    deadly(&other);
    let row = change(gateway, "reload", "hostile-abort").await;
    let state = row["state"].as_str().unwrap();
    assert!(
        state.starts_with("failed: ") && state.ends_with("signal 6 (SIGABRT)"),
        "{row}"
    );
    works(&place).await;
    assert!(
        !gateway.log().contains("worker process ended"),
        "{}",
        gateway.log()
    );
    assert_ne!(place.staffed(2), workers);

    // Who removes the folder wants it no more.
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(change(gateway, "reload", name).await, Value::Null);
    assert!(!place.dir.path().join("db/plugins").join(name).exists());
}

#[tokio::test]
async fn only_signed_plugins_where_an_operator_wants_that() {
    let dir = tempfile::tempdir().unwrap();
    let key = dir.path().join("ours.pem");
    let tool = |args: &[&str]| {
        let mut command = clean(causeway());
        run(command.arg("plugins").args(args), LIMIT)
    };
    let key_text = key.to_str().unwrap();
    ok(&tool(&["keygen", key_text]));
    refused(&tool(&["keygen", key_text]), 1, "exists");
    let folder = install_mock(dir.path(), 1);
    let sign = |folder: &Path| {
        ok(&tool(&[
            "sign",
            folder.to_str().unwrap(),
            "--key",
            key_text,
        ]))
    };
    sign(&folder);
    // Others can check it, too.
    let check = "base64 -d plugin.toml.sig > ../sig && openssl pkeyutl -verify -pubin -inkey \
                 \"$KEY.pub\" -rawin -in plugin.toml -sigfile ../sig";
    let mut shell = clean("sh");
    shell
        .args(["-c", check])
        .env("KEY", &key)
        .current_dir(&folder);
    ok(&run(&mut shell, LIMIT));
    let options = two()
        .plugin_dir(dir.path().join("plugins"))
        .env(
            "CAUSEWAY__PLUGINS__TRUSTED_KEYS",
            format!("[\"{key_text}.pub\"]"),
        )
        .env("CAUSEWAY__PLUGINS__REQUIRE_SIGNATURE", "true");
    let place = Place::with(&options);
    let gateway = &place.gateway;
    settled(&place, "mock").await;
    let good = row(gateway, "mock").await;
    assert_eq!(
        (&good["state"], &good["signed_by"]),
        (&json!("ready"), &json!("ours.pem"))
    );
    let http = row(gateway, "http").await;
    let state = http["state"].as_str().unwrap();
    assert!(
        state.contains("it is not signed") && state.contains("causeway plugins sign"),
        "{state}"
    );
    works(&place).await;

    let refusal = async |text: &str| {
        let row = change(gateway, "reload", "mock").await;
        let reason = row["refused"]["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(text), "{row}");
        assert_eq!(row["sha256"], good["sha256"]);
    };
    let folder = install_mock(dir.path(), 2);
    refusal("it is not signed").await;
    // Signed, and changed afterwards.
    sign(&folder);
    let manifest = folder.join("plugin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, format!("{text}\n[limits]\nconcurrency = 7\n")).unwrap();
    refusal("changed after it was signed").await;
    // Signed by somebody else.
    std::fs::write(&manifest, &text).unwrap();
    let theirs = dir.path().join("theirs.pem");
    ok(&tool(&["keygen", theirs.to_str().unwrap()]));
    let args = [
        "sign",
        folder.to_str().unwrap(),
        "--key",
        theirs.to_str().unwrap(),
    ];
    ok(&tool(&args));
    refusal("plugins.trusted_keys").await;
    works(&place).await;

    sign(&folder);
    let row = change(gateway, "reload", "mock").await;
    assert_eq!(
        (&row["refused"], &row["signed_by"]),
        (&Value::Null, &json!("ours.pem")),
        "{row}"
    );
    assert_ne!(row["sha256"], good["sha256"]);
    // A copy that was kept is signed as well.
    let back = change(gateway, "rollback", "mock").await;
    assert_eq!(
        (&back["sha256"], &back["signed_by"]),
        (&good["sha256"], &json!("ours.pem"))
    );
    works(&place).await;
}
