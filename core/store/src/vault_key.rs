//! The key file of the vault: 32 random bytes that nobody but the gateway may read.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use causeway_model::ports::StoreError;
use zeroize::Zeroizing;

use crate::frame::{io_failed, sync_dir};

pub(crate) const KEY: usize = 32;

/// The key itself; wiped on drop.
pub(crate) type Key = Zeroizing<[u8; KEY]>;

/// Reads the key, or makes one if there is none and none is needed to read what is stored.
pub(crate) fn load(path: &Path, needed: bool) -> Result<Key, StoreError> {
    match File::open(path) {
        Ok(file) => read(path, file),
        Err(e) if e.kind() == ErrorKind::NotFound && !needed => create(path),
        Err(e) if e.kind() == ErrorKind::NotFound => Err(StoreError::Failed(format!(
            "open key file {}: it is missing, and stored credentials cannot be read without it. \
             Put it back, or move the vault away to start with an empty one",
            path.display()
        ))),
        Err(e) => Err(io_failed("open key file", path, &e)),
    }
}

fn read(path: &Path, mut file: File) -> Result<Key, StoreError> {
    let failed = |e: std::io::Error| io_failed("read key file", path, &e);
    let facts = file.metadata().map_err(failed)?;
    if facts.mode() & 0o077 != 0 {
        return Err(StoreError::Failed(format!(
            "use key file {}: others may read or change it (mode {:o}); make it 0600, and replace \
             it if somebody may have read it",
            path.display(),
            facts.mode() & 0o777
        )));
    }
    if facts.len() != KEY as u64 {
        return Err(StoreError::Failed(format!(
            "use key file {}: it has {} bytes instead of {KEY}",
            path.display(),
            facts.len()
        )));
    }
    let mut key = Key::default();
    file.read_exact(key.as_mut_slice()).map_err(failed)?;
    Ok(key)
}

/// Makes a key under another name and links it, so that no half a key ever has the real name.
fn create(path: &Path) -> Result<Key, StoreError> {
    let failed = |e: std::io::Error| io_failed("create key file", path, &e);
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(failed)?;
    }
    let mut key = Key::default();
    aws_lc_rs::rand::fill(key.as_mut_slice())
        .map_err(|_| StoreError::Failed("make a key: the system gives no random bytes".into()))?;
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(format!(".{}", std::process::id()));
    let mut options = File::options();
    options.write(true).create(true).truncate(true).mode(0o600);
    let mut file = options.open(&unfinished).map_err(failed)?;
    file.write_all(key.as_slice()).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    let linked = std::fs::hard_link(&unfinished, path);
    std::fs::remove_file(&unfinished).map_err(failed)?;
    linked.map_err(failed)?;
    sync_dir(path)?;
    tracing::info!(file = %path.display(), "made a new key for stored credentials");
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys/vault.key");
        let key = load(&path, false).unwrap();
        assert_ne!(*key, [0; KEY]);
        assert_eq!(load(&path, true).unwrap(), key);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(
            std::fs::read_dir(dir.path().join("keys")).unwrap().count(),
            1
        );
    }

    #[test]
    fn a_bad_key_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("vault.key");
        let text = load(&path, true).unwrap_err().to_string();
        assert!(text.contains("it is missing"), "{text}");
        load(&path, false).unwrap();
        let set_mode = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        for mode in [0o640, 0o604, 0o620] {
            set_mode(mode);
            let text = load(&path, true).unwrap_err().to_string();
            assert!(text.contains("others may read or change it"), "{text}");
        }
        set_mode(0o600);
        std::fs::write(&path, [7; 31]).unwrap();
        let text = load(&path, true).unwrap_err().to_string();
        assert!(text.contains("31 bytes instead of 32"), "{text}");
    }
}
