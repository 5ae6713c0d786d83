//! Who is trusted, and what is refused, with a folder that was signed.

use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::manifest::Manifest;

/// A directory with a whole plugin in `one`, and a pair of keys.
fn place() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("one");
    std::fs::create_dir(&folder).unwrap();
    let manifest = Manifest::native("one", "1.2.3", &["one".into()], b"library");
    std::fs::write(folder.join(&manifest.file), b"library").unwrap();
    let text = toml::to_string(&manifest).unwrap();
    std::fs::write(folder.join(FILE_NAME), text).unwrap();
    generate(&dir.path().join("ours.pem")).unwrap();
    (dir, folder)
}

fn check(required: bool, keys: &[PathBuf], folder: &Path) -> Result<Option<String>, String> {
    let keys = keys.to_vec();
    let signatures = Signatures::read(&SignaturePolicy { required, keys });
    let written = Written::read(folder).unwrap();
    let checked = signatures.check(folder, &written);
    checked.map_err(|refusal| refusal.to_string())
}

#[test]
fn a_signed_folder_is_trusted_until_anything_changes() {
    let (dir, folder) = place();
    let public = [dir.path().join("ours.pem.pub")];
    let unsigned = check(true, &public, &folder).unwrap_err();
    assert!(unsigned.contains("it is not signed"), "{unsigned}");
    assert!(unsigned.contains("causeway plugins sign"), "{unsigned}");
    assert_eq!(check(false, &public, &folder), Ok(None));

    sign(&folder, &dir.path().join("ours.pem")).unwrap();
    let ours = Ok(Some("ours.pem".to_owned()));
    assert_eq!(check(true, &public, &folder), ours);
    assert_eq!(check(false, &public, &folder), ours);
    assert_eq!(check(false, &[], &folder), Ok(None));

    let manifest = folder.join(FILE_NAME);
    let mut text = std::fs::read_to_string(&manifest).unwrap();
    text.push('\n');
    std::fs::write(&manifest, text).unwrap();
    let altered = check(true, &public, &folder).unwrap_err();
    assert!(altered.contains("changed after it was signed"), "{altered}");
    assert_eq!(check(false, &public, &folder), Ok(None));
}

#[test]
fn a_key_of_somebody_else_and_a_signature_that_is_none() {
    let (dir, folder) = place();
    let theirs = dir.path().join("theirs.pem");
    generate(&theirs).unwrap();
    sign(&folder, &theirs).unwrap();
    let ours = dir.path().join("ours.pem.pub");
    let said = check(true, std::slice::from_ref(&ours), &folder).unwrap_err();
    assert!(said.contains("plugins.trusted_keys"), "{said}");
    let both = [ours, dir.path().join("theirs.pem.pub")];
    let theirs = Ok(Some("theirs.pem".to_owned()));
    assert_eq!(check(true, &both, &folder), theirs);
    for text in ["", "!!!", "AAAA"] {
        std::fs::write(folder.join(SIGNATURE_NAME), text).unwrap();
        assert!(check(true, &both, &folder).is_err(), "{text:?}");
    }
}

#[test]
fn without_a_key_that_can_be_read_nothing_is_trusted() {
    let (dir, folder) = place();
    let key = dir.path().join("ours.pem");
    sign(&folder, &key).unwrap();
    let said = check(true, &[], &folder).unwrap_err();
    assert!(said.contains("names no key"), "{said}");
    let gone = dir.path().join("gone.pub");
    let both = [dir.path().join("ours.pem.pub"), gone];
    let said = check(true, &both, &folder).unwrap_err();
    assert!(said.contains("gone.pub"), "{said}");
    // The private one is no public one, and the other way round.
    let said = check(true, std::slice::from_ref(&key), &folder).unwrap_err();
    assert!(said.contains("no Ed25519 public key"), "{said}");
    let said = sign(&folder, &both[0]).unwrap_err().to_string();
    assert!(said.contains("no Ed25519 private key"), "{said}");
}

#[test]
fn what_is_not_whole_is_not_signed() {
    let (dir, folder) = place();
    let file = Manifest::read(&folder).unwrap().library(&folder);
    std::fs::write(file, b"librarY").unwrap();
    let said = sign(&folder, &dir.path().join("ours.pem")).unwrap_err();
    assert!(matches!(said, Refusal::Hash { .. }), "{said}");
}

#[test]
fn a_private_key_is_its_owners_and_is_never_overwritten() {
    let (dir, _) = place();
    let key = dir.path().join("ours.pem");
    let mode = std::fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let before = std::fs::read(&key).unwrap();
    assert!(generate(&key).unwrap_err().to_string().contains("exists"));
    assert_eq!(std::fs::read(&key).unwrap(), before);
}
