//! Owned values: what a plugin answers.
//!
//! The field names are those of the SDK. Codes are `u32` newtypes; which number means what is
//! written here once and never reused.

use abi_stable::StableAbi;
use abi_stable::std_types::{ROption, RString, RVec};

use crate::ext::Ext;

/// A pair of texts, for everything that was not foreseen.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct KeyValue {
    /// Name.
    pub key: RString,
    /// Value.
    pub value: RString,
}

/// Key in [`Error::ext`] which says that the failure is a panic that was caught in the plugin.
pub const EXT_PANIC: &str = "panic";

macro_rules! code {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $number:literal),* $(,)? }) => {
        $(#[$doc])*
        #[repr(transparent)]
        #[derive(StableAbi, Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(pub u32);

        impl $name {
            $( $(#[$value_doc])* pub const $value: Self = Self($number); )*
        }
    };
}

code! {
    /// Position of the kind in the SDK's `ErrorKind::ALL`, which only grows at its end.
    ErrorKind {}
}
code! {
    /// Position of the algorithm in the SDK's `Algorithm::ALL`, which only grows at its end.
    Algorithm {}
}
code! {
    /// Advice on trying again.
    Retry {
        /// It will fail the same way.
        NEVER = 0,
        /// It may work the next time.
        SOON = 1,
        /// It may work after [`Error::retry_after_ms`].
        AFTER = 2,
    }
}
code! {
    /// Kind of an entry.
    EntryKind {
        /// A file.
        FILE = 0,
        /// A directory.
        DIRECTORY = 1,
        /// A link that was not followed.
        SYMLINK = 2,
        /// Something else.
        OTHER = 3,
    }
}
code! {
    /// Where the bytes of a file are.
    Locality {
        /// Not told.
        UNKNOWN = 0,
        /// On disk.
        ONLINE = 1,
        /// On tape.
        NEARLINE = 2,
        /// On both.
        ONLINE_AND_NEARLINE = 3,
        /// Gone.
        LOST = 4,
    }
}
code! {
    /// State of a file on its way from or to tape.
    StagingState {
        /// Still moving.
        PENDING = 0,
        /// There.
        DONE = 1,
        /// It will not come; the error is beside it.
        FAILED = 2,
    }
}
code! {
    /// Read or write.
    Access {
        /// Read.
        READ = 0,
        /// Write.
        WRITE = 1,
    }
}
code! {
    /// How the use of a transfer URL ended.
    Outcome {
        /// All bytes moved.
        DONE = 0,
        /// Given up.
        ABORTED = 1,
    }
}
code! {
    /// Which side of a third-party copy works.
    Direction {
        /// The destination fetches.
        PULL = 0,
        /// The source sends.
        PUSH = 1,
    }
}
code! {
    /// How grave a log line is.
    LogLevel {
        /// For authors.
        DEBUG = 0,
        /// Worth knowing.
        INFO = 1,
        /// Odd.
        WARN = 2,
        /// It failed.
        ERROR = 3,
    }
}

/// A failure.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Error {
    /// What went wrong.
    pub kind: ErrorKind,
    /// Linux errno.
    pub errno: i32,
    /// Advice.
    pub retry: Retry,
    /// Status of the remote protocol.
    pub remote_status: ROption<u32>,
    /// Milliseconds to wait, with [`Retry::AFTER`].
    pub retry_after_ms: u64,
    /// The operation that failed.
    pub operation: RString,
    /// Text for the user.
    pub message: RString,
    /// Pairs for the log.
    pub context: Ext,
    /// Room to grow.
    pub ext: Ext,
}

/// A checksum.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Checksum {
    /// Algorithm.
    pub algorithm: Algorithm,
    /// Hexadecimal digits.
    pub hex: RString,
}

/// Metadata.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Stat {
    /// Kind.
    pub kind: EntryKind,
    /// Disk or tape.
    pub locality: Locality,
    /// Size in bytes.
    pub size: ROption<u64>,
    /// POSIX mode with the type bits.
    pub mode: ROption<u32>,
    /// Hard links.
    pub nlink: ROption<u64>,
    /// Seconds since 1970 UTC.
    pub mtime: ROption<i64>,
    /// Seconds since 1970 UTC.
    pub atime: ROption<i64>,
    /// Seconds since 1970 UTC.
    pub ctime: ROption<i64>,
    /// Version of the content.
    pub etag: ROption<RString>,
    /// Checksums the storage keeps.
    pub checksums: RVec<Checksum>,
    /// Room to grow.
    pub ext: Ext,
}

/// One line of a directory.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Entry {
    /// Last segment of the path.
    pub name: RString,
    /// Metadata.
    pub stat: Stat,
}

/// Some entries of a directory.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct DirPage {
    /// The entries.
    pub entries: RVec<Entry>,
    /// Where the next page begins.
    pub next: ROption<RString>,
    /// Room to grow.
    pub ext: Ext,
}

/// Room of a storage.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Space {
    /// All of it, in bytes.
    pub total: ROption<u64>,
    /// Taken.
    pub used: ROption<u64>,
    /// Free.
    pub free: ROption<u64>,
    /// Room to grow.
    pub ext: Ext,
}

/// What is known of a file opened for reading.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Opened {
    /// Size of the whole file.
    pub size: ROption<u64>,
    /// Version of the content.
    pub etag: ROption<RString>,
    /// Room to grow.
    pub ext: Ext,
}

/// What a commit made visible.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Written {
    /// Size in bytes.
    pub bytes: u64,
    /// Version of the new object.
    pub etag: ROption<RString>,
    /// Checksums the storage computed itself. A checksum told here is of the whole file as the storage
    /// has it; the gateway does not look at the size again.
    pub checksums: RVec<Checksum>,
    /// Room to grow.
    pub ext: Ext,
}

/// What a third-party copy reported at its end.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Copied {
    /// Bytes at the destination.
    pub bytes: ROption<u64>,
    /// Checksum.
    pub checksum: ROption<Checksum>,
    /// Room to grow.
    pub ext: Ext,
}

/// State of a running copy.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Progress {
    /// Bytes moved so far.
    pub bytes: u64,
    /// Room to grow.
    pub ext: Ext,
}

/// State of one file on its way from or to tape.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct FileState {
    /// The file.
    pub url: RString,
    /// Its state.
    pub state: StagingState,
    /// Why it failed, with [`StagingState::FAILED`].
    pub error: ROption<Error>,
    /// Room to grow.
    pub ext: Ext,
}

/// Answer to a bring-online request.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct Staged {
    /// Names the request later.
    pub token: RString,
    /// Files of which the storage already knows.
    pub files: RVec<FileState>,
    /// Room to grow.
    pub ext: Ext,
}

/// A transfer URL. It crosses both ways: as an answer, and to be given back.
#[repr(C)]
#[derive(StableAbi, Clone, Debug)]
pub struct TransferUrl {
    /// Where the bytes are.
    pub url: RString,
    /// Names the request when it is finished.
    pub token: RString,
    /// Read or write.
    pub access: Access,
    /// Room to grow.
    pub ext: Ext,
}
