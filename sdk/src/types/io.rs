//! Reading and writing.

use serde::{Deserialize, Serialize};

use crate::Checksum;

/// How to open a file for reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadOptions {
    /// First byte wanted.
    pub offset: u64,
    /// Number of bytes wanted; `None` to the end.
    pub len: Option<u64>,
    /// Chunk size the caller likes best, in bytes. A hint.
    pub chunk_hint: u32,
    /// Fail with [`ErrorKind::Conflict`](crate::ErrorKind::Conflict) when the file is another by now.
    pub if_match: Option<String>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            offset: 0,
            len: None,
            chunk_hint: 1 << 20,
            if_match: None,
        }
    }
}

/// What is known of a file that was opened for reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Size of the whole file, in bytes.
    pub size: Option<u64>,
    /// Its version.
    pub etag: Option<String>,
}

/// How to open a file for writing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WriteOptions {
    /// Size of what will be written, when known.
    pub size: Option<u64>,
    /// Replace what is there. When false and something is there, the commit at the latest fails
    /// with [`ErrorKind::Exists`](crate::ErrorKind::Exists).
    pub overwrite: bool,
    /// Create missing directories above.
    pub parents: bool,
    /// Checksum the content will have, when known beforehand; a storage that can verify, does.
    pub expect: Option<Checksum>,
    /// Key under which this write may be taken up again when it is broken off: ASCII letters and
    /// digits, at most 64. A storage that is not
    /// [`resumable`](crate::capability::WriteAbility::resumable) takes no notice.
    pub resume: Option<String>,
}

/// What a commit made visible.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Size in bytes.
    pub bytes: u64,
    /// Version of the new object.
    pub etag: Option<String>,
    /// Checksums the storage computed itself of what it has now. Whoever tells one says that the
    /// storage has all of it: the engine does not look again. One that can be compared with the
    /// bytes that were sent is compared first.
    pub checksums: Vec<Checksum>,
}
