//! Versions of plugins in folders: what is there, and copies of what must not go away.
//!
//! Nothing is loaded here. A version is told by the bytes of its manifest, which hold the SHA-256 of
//! the file.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::folder::{Found, folder_name};
use crate::manifest::{FILE_NAME, Manifest, Written};
use crate::refusal::Refusal;
use crate::signature::SIGNATURE_NAME;

/// A version of a plugin, as its manifest has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// Which one: the same for the same manifest, fit for the name of a file.
    pub id: String,
    /// What the plugin calls it.
    pub version: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// URL schemes.
    pub schemes: Vec<String>,
}

/// A plugin in a directory.
#[derive(Debug)]
pub struct Candidate {
    /// Its folder.
    pub folder: PathBuf,
    /// The version that lies there, or why nobody can tell.
    pub version: Result<Version, Refusal>,
}

/// What lies in directories.
#[derive(Debug, Default)]
pub struct Candidates {
    /// By name; a later directory wins.
    pub plugins: BTreeMap<String, Candidate>,
    /// Every directory could be read: what is not here is not there.
    pub complete: bool,
}

impl Candidates {
    /// Looks through directories.
    pub fn find(directories: &[PathBuf]) -> Self {
        let mut all = Self {
            complete: true,
            ..Self::default()
        };
        for directory in directories {
            match Found::all(directory) {
                Ok(folders) => all.plugins.extend(by_name(folders)),
                Err(_) => all.complete = false,
            }
        }
        all
    }
}

fn by_name(folders: Vec<Found>) -> BTreeMap<String, Candidate> {
    let mut here: BTreeMap<String, Candidate> = BTreeMap::new();
    for found in folders {
        let name = found.name();
        let version = match here.get(&name) {
            Some(other) => Err(Refusal::Duplicate {
                name: name.clone(),
                other: other.folder.clone(),
            }),
            None => found.written.map(|it| Version::of(&it)),
        };
        let folder = found.folder;
        here.insert(name, Candidate { folder, version });
    }
    here
}

impl Version {
    fn of(written: &Written) -> Self {
        let Manifest {
            version,
            sha256,
            schemes,
            ..
        } = &written.manifest;
        Self {
            id: written.id(),
            version: version.clone(),
            sha256: sha256.clone(),
            schemes: schemes.clone(),
        }
    }

    /// The version in a folder.
    ///
    /// # Errors
    /// When there is none that this gateway understands.
    pub fn read(folder: &Path) -> Result<Self, Refusal> {
        Written::read(folder).map(|it| Self::of(&it))
    }
}

/// Copies the version in a folder to `into`, which appears when the copy is complete. One that is
/// there already stays; only its signature may be a newer one. Whether the file is what the manifest says
/// is found out when it is loaded.
///
/// # Errors
/// When the folder changes meanwhile, or cannot be copied.
pub fn keep(folder: &Path, into: &Path) -> Result<(), Refusal> {
    let failed = |source| Refusal::Install {
        path: into.to_owned(),
        source,
    };
    if into.join(FILE_NAME).exists() {
        return copy_signature(folder, into).map_err(failed);
    }
    let written = Written::read(folder)?;
    let parent = into.parent().unwrap_or(into);
    let unfinished = parent.join(format!(".{}.{}", folder_name(into), std::process::id()));
    let copied = copy(folder, &unfinished, &written)
        .map_err(failed)
        .and_then(|()| unchanged(folder, &unfinished, &written))
        .and_then(|()| std::fs::rename(&unfinished, into).map_err(failed));
    if copied.is_err() {
        // What is left of it would be in nobody's way; the reason is the first failure.
        drop(std::fs::remove_dir_all(&unfinished));
    }
    copied
}

fn copy(folder: &Path, into: &Path, written: &Written) -> io::Result<()> {
    // The gateway's alone: what lies there is code.
    DirBuilder::new().recursive(true).mode(0o700).create(into)?;
    let file = &written.manifest.file;
    std::fs::copy(folder.join(file), into.join(file))?;
    std::fs::set_permissions(into.join(file), Permissions::from_mode(0o600))?;
    copy_signature(folder, into)?;
    std::fs::write(into.join(FILE_NAME), &written.bytes)
}

fn copy_signature(folder: &Path, into: &Path) -> io::Result<()> {
    match std::fs::copy(folder.join(SIGNATURE_NAME), into.join(SIGNATURE_NAME)) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(source),
        _ => Ok(()),
    }
}

/// Somebody who installs another version meanwhile writes the manifest last.
fn unchanged(folder: &Path, copied: &Path, written: &Written) -> Result<(), Refusal> {
    let path = written.manifest.library(copied);
    let found = match std::fs::metadata(&path) {
        Ok(meta) => meta.len(),
        Err(source) => return Err(Refusal::Unreadable { path, source }),
    };
    if let Some(expected) = written.manifest.size.filter(|it| *it != found) {
        return Err(Refusal::Size {
            path: written.manifest.library(folder),
            found,
            expected,
        });
    }
    match Written::read(folder)?.bytes == written.bytes {
        true => Ok(()),
        false => Err(Refusal::Manifest {
            path: folder.join(FILE_NAME),
            reason: "it changed while it was read".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(directory: &Path, folder: &str, version: &str, bytes: &[u8]) -> PathBuf {
        let folder = directory.join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        let manifest = Manifest::native("one", version, &["one".into()], bytes);
        std::fs::write(folder.join(&manifest.file), bytes).unwrap();
        std::fs::write(folder.join(FILE_NAME), toml::to_string(&manifest).unwrap()).unwrap();
        folder
    }

    #[test]
    fn the_later_directory_wins_and_two_of_a_name_are_none() {
        let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let directories = [one.path().to_owned(), two.path().to_owned()];
        plugin(one.path(), "one", "1.0.0", b"1");
        let version = |all: &Candidates| {
            let version = &all.plugins["one"].version;
            version.as_ref().map(|it| it.version.clone()).ok()
        };
        assert_eq!(version(&Candidates::find(&directories)).unwrap(), "1.0.0");
        plugin(two.path(), "one", "2.0.0", b"2");
        let all = Candidates::find(&directories);
        assert!(all.complete);
        assert_eq!(version(&all).unwrap(), "2.0.0");
        plugin(two.path(), "uno", "2.0.1", b"2");
        assert_eq!(version(&Candidates::find(&directories)), None);
        let nowhere = [one.path().join("nowhere")];
        assert!(!Candidates::find(&nowhere).complete);
    }

    #[test]
    fn a_copy_is_whole_or_not_there() {
        let dir = tempfile::tempdir().unwrap();
        let folder = plugin(dir.path(), "one", "1.0.0", b"library");
        std::fs::write(folder.join(SIGNATURE_NAME), "signed").unwrap();
        let version = Version::read(&folder).unwrap();
        let kept = dir.path().join("kept").join(&version.id);
        keep(&folder, &kept).unwrap();
        assert_eq!(Version::read(&kept).unwrap(), version);
        let file = Manifest::read(&kept).unwrap().library(&kept);
        assert_eq!(std::fs::read(&file).unwrap(), b"library");
        for (path, expected) in [(&file, 0o600), (&kept, 0o700)] {
            let mode = std::fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, expected, "{}", path.display());
        }
        assert!(kept.join(SIGNATURE_NAME).exists());
        // What happens to the original does not concern it.
        std::fs::write(Manifest::read(&folder).unwrap().library(&folder), b"x").unwrap();
        keep(&folder, &kept).unwrap();
        assert_eq!(std::fs::read(&file).unwrap(), b"library");
        let other = dir.path().join("kept/other");
        assert!(matches!(keep(&folder, &other), Err(Refusal::Size { .. })));
        assert!(!other.exists());
    }
}
