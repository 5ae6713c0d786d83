//! The house, executed: who may depend on whom, and that `core` decides by capability only.
//!
//! Reads manifests and sources as text; builds nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

/// Our own crates that each room may name in `[dependencies]`.
fn allowed() -> BTreeMap<&'static str, &'static [&'static str]> {
    BTreeMap::from([
        ("sdk/abi", &[] as &[_]),
        ("sdk", &["causeway-abi"]),
        ("sdk/testkit", &["causeway-sdk"]),
        ("sdk/componentize", &[]),
        ("core/model", &["causeway-sdk"]),
        ("core/store", &["causeway-model", "causeway-sdk"]),
        ("core/identity", &["causeway-model", "causeway-sdk"]),
        ("core/messages", &["causeway-model", "causeway-sdk"]),
        ("core/host", &["causeway-sdk", "causeway-abi"]),
        (
            "core/engine",
            &["causeway-model", "causeway-sdk", "causeway-host"],
        ),
        (
            "core/api",
            &[
                "causeway-model",
                "causeway-sdk",
                "causeway-identity",
                "causeway-store",
                "causeway-messages",
                "causeway-engine",
            ],
        ),
        (
            "core/server",
            &[
                "causeway-model",
                "causeway-sdk",
                "causeway-identity",
                "causeway-store",
                "causeway-messages",
                "causeway-host",
                "causeway-engine",
                "causeway-api",
                "causeway-testkit",
                "causeway-componentize",
            ],
        ),
    ])
}

fn own_dependencies(manifest: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(manifest).unwrap();
    let table: toml::Table = text.parse().unwrap();
    let of = |table: &toml::Table| table.get("dependencies")?.as_table().cloned();
    let targets = table.get("target").and_then(toml::Value::as_table);
    let targets = targets.into_iter().flat_map(|it| it.values());
    let tables = targets.filter_map(toml::Value::as_table).filter_map(of);
    let tables = tables.chain(of(&table));
    let names = tables.flat_map(|it| it.keys().cloned().collect::<Vec<_>>());
    names.filter(|it| it.starts_with("causeway-")).collect()
}

#[test]
fn arrows_point_the_right_way() {
    let root = repository();
    let mut wrong = Vec::new();
    for (room, may) in allowed() {
        for name in own_dependencies(&root.join(room).join("Cargo.toml")) {
            if !may.contains(&name.as_str()) {
                wrong.push(format!("{room} depends on {name}"));
            }
        }
    }
    for folder in ["plugins", "examples"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap().flatten() {
            let manifest = entry.path().join("Cargo.toml");
            if !manifest.exists() {
                continue;
            }
            let inside = crates_inside(&entry.path());
            for name in own_dependencies(&manifest) {
                if name != "causeway-sdk" && !inside.contains(&name) {
                    wrong.push(format!("{} depends on {name}", entry.path().display()));
                }
            }
            wrong.extend(arrows_from_inside(&entry.path(), &inside));
        }
    }
    assert!(wrong.is_empty(), "wrong arrows:\n{}", wrong.join("\n"));
}

/// Names of the crates in the folders of a plugin: a protocol that stands on its own, for instance.
fn crates_inside(plugin: &Path) -> Vec<String> {
    let manifests = manifests_inside(plugin).into_iter();
    let name = |path: PathBuf| {
        let table: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
        table["package"]["name"].as_str().unwrap().to_owned()
    };
    manifests.map(name).collect()
}

fn manifests_inside(plugin: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(plugin).unwrap().flatten();
    let manifests = entries.map(|it| it.path().join("Cargo.toml"));
    manifests.filter(|it| it.exists()).collect()
}

/// They are of use to others without us: they know each other, and nothing else of ours.
fn arrows_from_inside(plugin: &Path, inside: &[String]) -> Vec<String> {
    let mut wrong = Vec::new();
    for manifest in manifests_inside(plugin) {
        for name in own_dependencies(&manifest) {
            if !inside.contains(&name) {
                wrong.push(format!("{} depends on {name}", manifest.display()));
            }
        }
    }
    wrong
}

#[test]
fn every_room_is_known_to_the_arrow_test() {
    let root = repository();
    for entry in std::fs::read_dir(root.join("core")).unwrap().flatten() {
        let room = format!("core/{}", entry.file_name().to_string_lossy());
        let is_crate = entry.path().join("Cargo.toml").exists();
        assert!(
            !is_crate || allowed().contains_key(room.as_str()),
            "{room} has no rule"
        );
    }
}

/// Schemes nobody would write for another reason.
const SCHEMES: [&str; 18] = [
    "gsiftp", "srm", "davs", "dav", "s3", "s3s", "xroot", "xroots", "roots", "mock", "ftp", "ftps",
    "gcloud", "gs", "azure", "dropbox", "gdrive", "httpg",
];
/// Schemes that are also ordinary words: a hit only beside the word "scheme".
const WORDS: [&str; 4] = ["http", "https", "file", "root"];

#[test]
fn core_decides_upon_no_scheme() {
    let root = repository();
    let mut hits = Vec::new();
    for path in rust_files(&root.join("core")) {
        let relative = path
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .into_owned();
        // Tests name schemes, and so do the demo storages, the defaults of bundled plugins and the
        // examples of the help and of the API's description.
        let exempt = relative.contains("/tests/")
            || relative.ends_with("/tests.rs")
            || relative.starts_with("core/api/src/openapi/")
            || relative.contains("/benches/")
            || relative.contains("/examples/")
            || relative.starts_with("core/server/src/dev")
            || relative == "core/server/src/bundled.rs"
            // The name of a service within a signature.
            || relative == "core/host/src/wasm/http/sign.rs"
            // What the reference searches for when nothing was typed.
            || relative == "core/api/src/fts/routes/autocomplete/mod.rs"
            || relative.starts_with("core/server/src/cli/args.rs");
        if !exempt {
            scan(
                &relative,
                &std::fs::read_to_string(&path).unwrap(),
                &mut hits,
            );
        }
    }
    assert!(
        hits.is_empty(),
        "scheme names in core:\n{}",
        hits.join("\n")
    );
}

fn scan(file: &str, text: &str, hits: &mut Vec<String>) {
    let production = text.split("#[cfg(test)]\nmod ").next().unwrap_or(text);
    for (number, line) in production.lines().enumerate() {
        let code = line.trim_start();
        if code.starts_with("//") {
            continue;
        }
        let named = |scheme: &str| {
            code.contains(&format!("\"{scheme}\"")) || code.contains(&format!("\"{scheme}:"))
        };
        let hit = SCHEMES.iter().any(|it| named(it))
            || (code.contains("scheme") && WORDS.iter().any(|it| named(it)));
        if hit {
            hits.push(format!("{file}:{}: {code}", number + 1));
        }
    }
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in std::fs::read_dir(&dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == "rs") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn the_scan_finds_what_it_looks_for() {
    let mut hits = Vec::new();
    scan(
        "x.rs",
        "if url.scheme() == \"https\" {}\nlet a = \"gsiftp://h\";\nlet b = \"file\";",
        &mut hits,
    );
    assert_eq!(hits.len(), 2, "{hits:?}");
    hits.clear();
    scan(
        "x.rs",
        "fn f() {}\n#[cfg(test)]\nmod tests { const A: &str = \"srm\"; }",
        &mut hits,
    );
    assert!(hits.is_empty(), "{hits:?}");
}

#[test]
fn library_rooms_print_nothing() {
    let root = repository();
    let mut hits = Vec::new();
    for room in ["model", "store", "identity", "host", "engine", "api"] {
        for path in rust_files(&root.join("core").join(room).join("src")) {
            let text = std::fs::read_to_string(&path).unwrap();
            let production = text.split("#[cfg(test)]\nmod ").next().unwrap_or(&text);
            for (number, line) in production.lines().enumerate() {
                let code = line.trim_start();
                if !code.starts_with("//") && (code.contains("println!(") || code.contains("dbg!("))
                {
                    hits.push(format!("{}:{}", path.display(), number + 1));
                }
            }
        }
    }
    assert!(
        hits.is_empty(),
        "library crates print:\n{}",
        hits.join("\n")
    );
}
