//! Libraries that must not be loaded: each has its own sentence, and the process lives.

mod support;

use std::path::{Path, PathBuf};

use causeway_host::Host;
use serde_json::Value;
use support::{install, load, memory, odd};

/// A folder with the example, and the sentence after something was changed in it.
fn sentence(change: impl FnOnce(&Path, &Path)) -> String {
    let directory = tempfile::tempdir().unwrap();
    let folder = install(memory(), directory.path());
    let library = library_in(&folder);
    change(&folder.join("plugin.toml"), &library);
    let host = load(directory.path());
    assert!(host.handles().is_empty(), "it was loaded all the same");
    let [plugin] = host.plugins().try_into().unwrap();
    assert!(!plugin.state.to_string().contains('\n'));
    plugin.state.to_string()
}

fn library_in(folder: &Path) -> PathBuf {
    let files = std::fs::read_dir(folder).unwrap();
    let mut paths = files.map(|entry| entry.unwrap().path());
    paths
        .find(|it| it.extension().is_some_and(|it| it == "so"))
        .unwrap()
}

fn edit(file: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(file).unwrap();
    change(&mut bytes);
    std::fs::write(file, bytes).unwrap();
}

fn replace(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "{text}");
    std::fs::write(file, text.replace(from, to)).unwrap();
}

#[track_caller]
fn assert_says(sentence: &str, expected: &str) {
    assert!(sentence.contains(expected), "{sentence}");
}

#[test]
fn a_cut_library() {
    let said = sentence(|_, library| edit(library, |bytes| bytes.truncate(bytes.len() / 2)));
    assert_says(&said, "bytes and plugin.toml says");
    assert_says(&said, "install it again");
}

#[test]
fn flipped_bytes() {
    let said = sentence(|_, library| {
        edit(library, |bytes| {
            let middle = bytes.len() / 2;
            bytes[middle..middle + 64]
                .iter_mut()
                .for_each(|it| *it ^= 0xff);
        });
    });
    assert_says(&said, "its SHA-256 is not the one in plugin.toml");
}

#[test]
fn a_missing_library() {
    let said = sentence(|_, library| std::fs::remove_file(library).unwrap());
    assert_says(&said, "No such file");
}

#[test]
fn a_manifest_of_another_format() {
    let said = sentence(|manifest, _| replace(manifest, "manifest = 1", "manifest = 0"));
    assert_says(&said, "it has format 0 and this gateway reads format 1");
}

#[test]
fn a_manifest_for_another_boundary() {
    let said = sentence(|manifest, _| replace(manifest, "abi = \"1.0\"", "abi = \"0.9\""));
    assert_says(
        &said,
        "built for plugin ABI 0.9; this gateway speaks 1.x: rebuild",
    );
}

#[test]
fn an_unknown_key() {
    let said = sentence(|manifest, _| replace(manifest, "kind =", "colour = 1\nkind ="));
    assert_says(&said, "unknown field `colour`");
}

#[test]
fn other_schemes_than_the_library_says() {
    let said = sentence(|manifest, _| replace(manifest, "[\"memory\"]", "[\"memory\", \"more\"]"));
    assert_says(
        &said,
        "plugin.toml says schemes memory, more and the plugin says memory",
    );
}

#[test]
fn another_name_than_the_library_says() {
    let said = sentence(|manifest, _| replace(manifest, "name = \"memory\"", "name = \"other\""));
    assert_says(
        &said,
        "plugin.toml says name other and the plugin says memory",
    );
}

#[test]
fn a_library_that_everybody_may_write() {
    use std::os::unix::fs::PermissionsExt;
    let said = sentence(|_, library| {
        std::fs::set_permissions(library, PermissionsExt::from_mode(0o666)).unwrap();
    });
    assert_says(&said, "everybody may write to it");
}

#[test]
fn a_component() {
    let said = sentence(|manifest, _| replace(manifest, "\"native\"", "\"wasm\""));
    assert_says(&said, "it is no WebAssembly");
}

/// Loads a bare file that nobody vouches for, which only reading it first makes safe.
fn bare(file: &Path) -> String {
    let said = Host::load_file(file, &Value::Null).unwrap_err().to_string();
    assert!(!said.contains('\n'), "{said}");
    said
}

fn changed(library: &Path, change: impl FnOnce(&mut Vec<u8>)) -> (tempfile::TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("changed.so");
    std::fs::copy(library, &file).unwrap();
    edit(&file, change);
    (directory, file)
}

#[test]
fn bare_files_that_are_no_library() {
    for (content, expected) in [
        (&b"hello\n"[..], "not a library"),
        (b"", "not a library"),
        (b"\x7fELF\x02\x01", "cut short"),
    ] {
        let (_directory, file) = changed(memory(), |bytes| *bytes = content.to_vec());
        assert_says(&bare(&file), expected);
    }
}

#[test]
fn a_bare_library_cut_anywhere() {
    let whole = std::fs::metadata(memory()).unwrap().len() as usize;
    for eighths in 1..8 {
        let (_directory, file) = changed(memory(), |bytes| bytes.truncate(whole * eighths / 8));
        assert_says(&bare(&file), "cut short");
    }
}

#[test]
fn a_library_of_somebody_else() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let libc = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .find(|path| path.contains("libc.so") || path.contains("libc-"))
        .unwrap();
    assert_says(&bare(Path::new(libc)), "it is not a gateway plugin");
}

#[test]
fn a_program() {
    let (_directory, file) = changed(memory(), |bytes| bytes[16..18].copy_from_slice(&[2, 0]));
    assert_says(&bare(&file), "it is a program");
    let (_directory, file) = changed(memory(), |bytes| bytes[18..20].copy_from_slice(&[243, 0]));
    assert_says(&bare(&file), "another processor (ELF machine 243)");
}

/// Changes the preamble in the file: its magic is found, the field stands at an offset from it.
fn with_preamble(offset: usize, value: u32) -> String {
    let (_directory, file) = changed(memory(), |bytes| {
        let is_preamble = |at: &usize| bytes[at + 8..at + 16] == [64, 0, 0, 0, 1, 0, 0, 0];
        let magic = b"CWPLUG1\0";
        let mut places = (0..bytes.len() - 64).filter(|at| bytes[*at..].starts_with(magic));
        let at = places.find(is_preamble).unwrap() + offset;
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    });
    bare(&file)
}

#[test]
fn another_generation_of_the_boundary() {
    let said = with_preamble(12, 2);
    assert_says(&said, "built for plugin ABI 2.0 (SDK 0.1.0, rustc ");
    assert_says(
        &said,
        "this gateway speaks 1.x: rebuild the plugin or upgrade the gateway",
    );
}

#[test]
fn a_damaged_preamble() {
    assert_says(&with_preamble(0, 0), "its preamble is damaged");
    assert_says(&with_preamble(8, 16), "its preamble is damaged");
}

#[test]
fn a_plugin_whose_panics_would_end_us() {
    assert_says(&with_preamble(20, 0), "panic = \"abort\"");
}

#[test]
fn a_newer_minor_version_is_fine() {
    let (_directory, file) = changed(memory(), |bytes| {
        let magic = b"CWPLUG1\0\x40\0\0\0\x01\0\0\0";
        let at = (0..bytes.len() - 64)
            .find(|at| bytes[*at..].starts_with(magic))
            .unwrap();
        bytes[at + 16] = 9;
    });
    assert_eq!(
        Host::load_file(&file, &Value::Null).unwrap().name(),
        "memory"
    );
}

#[test]
fn types_that_differ() {
    // The name of a type is part of its layout description.
    let (_directory, file) = changed(memory(), |bytes| {
        let from = b"retry_after_ms";
        let places: Vec<_> = (0..bytes.len() - from.len())
            .filter(|at| bytes[*at..].starts_with(from))
            .collect();
        assert!(!places.is_empty());
        for at in places {
            bytes[at] = b'R';
        }
    });
    let said = bare(&file);
    assert_says(
        &said,
        "its types differ from the gateway's although both speak plugin ABI 1.x",
    );
    assert!(said.len() < 600, "{said}");
}

#[test]
fn a_plugin_that_panics_at_the_start() {
    for (place, expected) in [
        (
            "create",
            "start the plugin: plugin panicked: as asked in create",
        ),
        (
            "describe",
            "ask the plugin what it can do: plugin panicked: as asked in describe",
        ),
    ] {
        let options = serde_json::json!({"panic_in": place});
        let said = Host::load_file(odd(), &options).unwrap_err().to_string();
        assert_says(&said, expected);
    }
}
