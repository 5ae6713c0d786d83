//! What stands at a URL.

use serde::{Deserialize, Serialize};

use crate::Checksum;

/// Kind of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryKind {
    /// A file or an object.
    #[default]
    File,
    /// A directory, a collection, a prefix.
    Directory,
    /// A symbolic link that was not followed.
    Symlink,
    /// Anything else.
    Other,
}

/// Where the bytes of a file are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Locality {
    /// The storage does not tell.
    #[default]
    Unknown,
    /// On disk.
    Online,
    /// On tape only.
    Nearline,
    /// On disk and on tape.
    OnlineAndNearline,
    /// Gone.
    Lost,
}

/// Metadata of one entry. `None` means that the storage does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// File, directory or something else.
    pub kind: EntryKind,
    /// Size in bytes.
    pub size: Option<u64>,
    /// POSIX mode with the type bits, for instance `0o100644`.
    pub mode: Option<u32>,
    /// Number of hard links.
    pub nlink: Option<u64>,
    /// Last modification, seconds since 1970 UTC.
    pub mtime: Option<i64>,
    /// Last access, seconds since 1970 UTC.
    pub atime: Option<i64>,
    /// Last change of metadata, seconds since 1970 UTC.
    pub ctime: Option<i64>,
    /// Changes whenever the content changes.
    pub etag: Option<String>,
    /// Disk or tape.
    pub locality: Locality,
    /// Checksums the storage keeps and tells without reading the file.
    pub checksums: Vec<Checksum>,
}

impl Stat {
    /// A file of this size of which nothing else is known.
    pub fn file(size: u64) -> Self {
        Self {
            size: Some(size),
            ..Self::default()
        }
    }

    /// A directory of which nothing else is known.
    pub fn directory() -> Self {
        Self {
            kind: EntryKind::Directory,
            ..Self::default()
        }
    }

    /// True for a directory.
    pub fn is_directory(&self) -> bool {
        self.kind == EntryKind::Directory
    }

    /// The mode, made up from the kind when the storage has none (0644 and 0755).
    pub fn mode_or_default(&self) -> u32 {
        self.mode.unwrap_or(match self.kind {
            EntryKind::Directory => 0o040_755,
            EntryKind::Symlink => 0o120_777,
            EntryKind::File | EntryKind::Other => 0o100_644,
        })
    }
}

/// One line of a directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Last segment of the path, decoded, without a slash.
    pub name: String,
    /// Metadata; at least the kind is right.
    pub stat: Stat,
}

/// Which part of a directory is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// `None` for the first page, else [`DirPage::next`] of the page before.
    pub cursor: Option<String>,
    /// At most so many entries; 0 leaves it to the plugin.
    pub limit: u32,
}

/// Some entries of a directory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DirPage {
    /// The entries, in the storage's order.
    pub entries: Vec<Entry>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<String>,
}

/// Room of a storage, in bytes. `None` means that the storage does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Space {
    /// All of it.
    pub total: Option<u64>,
    /// Taken.
    pub used: Option<u64>,
    /// Free for the caller.
    pub free: Option<u64>,
}
