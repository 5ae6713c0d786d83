//! What a storage can do, as data.
//!
//! The engine decides by this alone and never by the name of a protocol. An operation that is not
//! listed is answered by the host with [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported);
//! the plugin is not called. The testkit runs the cases that fit and lists the others as skipped.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::Algorithm;

/// An operation of [`Storage`](crate::Storage). Opening, describing and admitting are always there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Operation {
    /// `stat` and `exists`
    Stat,
    /// `list`
    List,
    /// `open_read`
    Read,
    /// `open_write`
    Write,
    /// `mkdir`
    Mkdir,
    /// `rmdir`
    Rmdir,
    /// `unlink`
    Unlink,
    /// `rename`
    Rename,
    /// `checksum`
    Checksum,
    /// `space`
    Space,
    /// `copy`, see [`CopyAbility`]
    Copy,
    /// `bring_online`, `poll_online`, `release`
    Staging,
    /// `poll_archived`
    Archive,
    /// `resolve` and `finish`
    Turl,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 14] = [
        Self::Stat,
        Self::List,
        Self::Read,
        Self::Write,
        Self::Mkdir,
        Self::Rmdir,
        Self::Unlink,
        Self::Rename,
        Self::Checksum,
        Self::Space,
        Self::Copy,
        Self::Staging,
        Self::Archive,
        Self::Turl,
    ];

    /// Name as in JSON: `rename`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stat => "stat",
            Self::List => "list",
            Self::Read => "read",
            Self::Write => "write",
            Self::Mkdir => "mkdir",
            Self::Rmdir => "rmdir",
            Self::Unlink => "unlink",
            Self::Rename => "rename",
            Self::Checksum => "checksum",
            Self::Space => "space",
            Self::Copy => "copy",
            Self::Staging => "staging",
            Self::Archive => "archive",
            Self::Turl => "turl",
        }
    }
}

/// What a storage can do.
///
/// It crosses the boundary as JSON; a field an older side does not know is ignored, and a missing
/// one means "cannot".
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capabilities {
    /// Name of the plugin: one word, lower case.
    pub name: String,
    /// Version of the plugin.
    pub version: String,
    /// URL schemes it serves, lower case.
    pub schemes: Vec<String>,
    /// Operations it implements.
    pub operations: BTreeSet<Operation>,
    /// Its URLs name files of the gateway's own machine and have no host.
    pub local: bool,
    /// About reading.
    pub read: ReadAbility,
    /// About writing.
    pub write: WriteAbility,
    /// Algorithms the storage computes or keeps (operation `checksum`).
    pub checksums: BTreeSet<Algorithm>,
    /// About third-party copies.
    pub copy: CopyAbility,
    /// About renaming.
    pub rename: RenameAbility,
    /// Most files in one staging or archive call; 0 for no limit.
    pub staging_bulk: u32,
    /// Kinds of credentials it understands, best first.
    pub credentials: Vec<CredentialKind>,
    /// Calls it takes at the same time; 0 for no limit.
    pub max_concurrency: u32,
    /// Most instances of it at the same time when it is a component, 0 for no limit: 1 for one that
    /// keeps in its own memory what all calls have to see.
    pub instances: u32,
    /// Whether it wants to see every URL before a job is taken.
    pub admission: Admission,
}

impl Capabilities {
    /// True when the operation is implemented.
    pub fn can(&self, operation: Operation) -> bool {
        self.operations.contains(&operation)
    }

    /// True when this storage can fetch from a storage of that scheme by itself.
    pub fn can_pull_from(&self, scheme: &str) -> bool {
        self.can(Operation::Copy) && contains_scheme(&self.copy.pull_from, scheme)
    }

    /// True when this storage can send to a storage of that scheme by itself.
    pub fn can_push_to(&self, scheme: &str) -> bool {
        self.can(Operation::Copy) && contains_scheme(&self.copy.push_to, scheme)
    }
}

fn contains_scheme(schemes: &[String], scheme: &str) -> bool {
    schemes.iter().any(|it| it.eq_ignore_ascii_case(scheme))
}

/// Whether a storage is asked about the URLs of a new job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Admission {
    /// It is asked, see [`Storage::admit`](crate::Storage::admit).
    #[default]
    Ask,
    /// It admits every URL of its schemes, and is not asked: that keeps large jobs quick.
    All,
}

/// How a storage reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadAbility {
    /// Offset and length are honoured.
    pub ranges: bool,
    /// Readers of one file that make sense at the same time; at least 1.
    pub parallel: u32,
    /// Chunk size it likes best, in bytes; 0 for no preference.
    pub preferred_chunk: u32,
}

/// How a storage writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WriteAbility {
    /// Chunks may come in any order.
    pub positional: bool,
    /// The size must be known when the file is opened.
    pub needs_size: bool,
    /// Nothing is visible under the final name before the commit.
    pub atomic: bool,
    /// It creates missing directories above when asked.
    pub parents: bool,
    /// A write that was suspended, or whose process died, can be taken up under the same
    /// [`WriteOptions::resume`](crate::WriteOptions::resume).
    pub resumable: bool,
}

/// Third-party copies. The schemes are those of the passive side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CopyAbility {
    /// It fetches from storages of these schemes.
    pub pull_from: Vec<String>,
    /// It sends to storages of these schemes.
    pub push_to: Vec<String>,
    /// Nothing stands under a final name here before a third-party copy to it is complete.
    pub atomic: bool,
}

/// How a storage renames.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RenameAbility {
    /// Never both names, never none.
    pub atomic: bool,
    /// Directories too.
    pub directories: bool,
}

/// Kind of a credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CredentialKind {
    /// Nothing.
    None,
    /// Bearer token.
    Bearer,
    /// X.509 certificate or proxy with its key.
    X509,
    /// Access and secret key.
    Keys,
}
