//! Manifests as text: what is read, and the sentence for each mistake.

use super::*;

fn parse(change: impl FnOnce(String) -> String) -> Result<Manifest, String> {
    let manifest = Manifest::native("one", "1.2.3", &["one".into(), "ones".into()], b"library");
    let text = change(toml::to_string(&manifest).unwrap());
    Manifest::parse(&text, Path::new("plugin.toml")).map_err(|refusal| refusal.to_string())
}

#[test]
fn reads_what_it_writes() {
    let manifest = parse(|text| text).unwrap();
    assert_eq!(
        manifest.file,
        "libcauseway_plugin_one-1.2.3-cca6b29e.so".replace("cca6b29e", &manifest.sha256[..8])
    );
    assert_eq!(manifest.schemes, ["one", "ones"]);
    manifest.verify(Path::new("f"), b"library").unwrap();
}

type Change = fn(String) -> String;

#[test]
fn every_mistake_has_its_sentence() {
    let cases: [(&str, Change); 6] = [
        ("unknown field `colour`", |text| {
            format!("colour = 1\n{text}")
        }),
        ("format 0 and this gateway reads format 1", |text| {
            text.replace("manifest = 1", "manifest = 0")
        }),
        ("`manifest = 1` is missing", |text| {
            text.replace("manifest = 1", "")
        }),
        (
            "built for plugin ABI 2.0; this gateway speaks 1.x",
            |text| text.replace("abi = \"1.0\"", "abi = \"2.0\""),
        ),
        ("bare name", |text| {
            text.replace("file = \"", "file = \"../")
        }),
        ("64 hexadecimal digits", |text| {
            text.replace("sha256 = \"", "sha256 = \"0")
        }),
    ];
    for (expected, change) in cases {
        let sentence = parse(change).unwrap_err();
        assert!(sentence.contains(expected), "{sentence}");
        assert!(!sentence.contains('\n'), "{sentence}");
    }
}

#[test]
fn sizes_are_read_with_their_units() {
    let bytes = |text: &str| {
        let limits = Limits {
            memory: Some(text.to_owned()),
            ..Limits::default()
        };
        limits.memory_bytes()
    };
    assert_eq!(bytes("128MiB"), Some(128 << 20));
    assert_eq!(bytes("1 GiB"), Some(1 << 30));
    assert_eq!(bytes("4096"), Some(4096));
    for text in [
        "",
        "MiB",
        "1 MB",
        "-1",
        "99999999999999999999",
        "99999999999GiB",
    ] {
        assert_eq!(bytes(text), None, "{text}");
    }
    let sentence = parse(|text| format!("{text}\n[limits]\nmemory = \"much\"\n")).unwrap_err();
    assert!(
        sentence.contains("limits.memory must be a size"),
        "{sentence}"
    );
}

#[test]
fn unknown_keys_are_refused_in_tables_too() {
    let sentence = parse(|text| format!("{text}\n[permissions]\nhtpp = [\"*\"]\n")).unwrap_err();
    assert!(sentence.contains("unknown field `htpp`"), "{sentence}");
}

#[test]
fn another_file_is_noticed() {
    let manifest = parse(|text| text).unwrap();
    let path = Path::new("f");
    assert!(matches!(
        manifest.verify(path, b"librarY"),
        Err(Refusal::Hash { .. })
    ));
    assert!(matches!(
        manifest.verify(path, b"librar"),
        Err(Refusal::Size { .. })
    ));
}
