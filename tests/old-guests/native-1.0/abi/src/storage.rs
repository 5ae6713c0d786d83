//! The calls: a storage and its bodies as objects with C function tables.
//!
//! The methods follow `causeway_sdk::Storage` one by one. What an author may leave out there has no
//! default here: the SDK's glue always answers. New methods go to the end with a default body.

// The attribute macro makes items inside items, and types with underscores in their names.
#![allow(non_local_definitions, non_camel_case_types)]
// The macro's code repeats the declarations and is not ours to tidy.
#![allow(clippy::all, unreachable_pub)]

use abi_stable::std_types::{RBox, ROption, RResult, RStr, RString, RVec};
use abi_stable::{StableAbi, sabi_trait};

use crate::call::{
    CopyRequest, Page, ReadOptions, StageRequest, TurlRequest, UrlRef, WriteOptions,
};
use crate::chunk::Chunk;
use crate::context::CtxHandle;
use crate::ext::Ext;
use crate::reply::Reply;
use crate::values::{
    Algorithm, Checksum, Copied, DirPage, Error, FileState, LogLevel, Opened, Outcome, Progress,
    Space, Staged, Stat, TransferUrl, Written,
};

/// Takes log lines.
#[sabi_trait]
pub trait LogSink: Send + Sync + 'static {
    /// Takes a line.
    #[sabi(last_prefix_field)]
    fn line(&self, level: LogLevel, text: RStr<'_>);
}

/// Takes progress of a third-party copy.
#[sabi_trait]
pub trait ProgressSink: Send + Sync + 'static {
    /// Takes a report.
    #[sabi(last_prefix_field)]
    fn report(&self, progress: Progress);
}

/// A file being read.
#[sabi_trait]
pub trait ReadBody: Send + 'static {
    /// The next bytes; `RNone` at the end.
    #[sabi(last_prefix_field)]
    fn next(&self) -> Reply<ROption<Chunk>>;
}

/// A file being written. Dropped without commit means abort.
#[sabi_trait]
pub trait WriteBody: Send + 'static {
    /// Takes a chunk.
    fn write(&self, offset: u64, chunk: Chunk) -> Reply<()>;
    /// Makes the file visible. Nothing else may be called afterwards.
    fn commit(&self) -> Reply<Written>;
    /// Removes everything written. Nothing else may be called afterwards.
    #[sabi(last_prefix_field)]
    fn abort(&self) -> Reply<()>;
    /// Lets bytes of an earlier write count, if they have this checksum.
    fn keep(&self, offset: u64, len: u64, expected: Checksum) -> Reply<bool> {
        let _ = (offset, len, expected);
        Reply::ready(RResult::ROk(false))
    }
    /// Leaves what came for a later write. Nothing else may be called afterwards.
    fn suspend(&self) -> Reply<()> {
        self.abort()
    }
}

/// An object that takes log lines.
pub type LogSinkBox = LogSink_TO<RBox<()>>;
/// An object that takes progress.
pub type ProgressSinkBox = ProgressSink_TO<RBox<()>>;
/// An object that reads.
pub type ReadBodyBox = ReadBody_TO<RBox<()>>;
/// An object that writes.
pub type WriteBodyBox = WriteBody_TO<RBox<()>>;
/// An object that is a storage.
pub type StorageBox = Storage_TO<RBox<()>>;

/// A file opened for reading.
#[repr(C)]
#[derive(StableAbi)]
pub struct Reading {
    /// What is known of it.
    pub opened: Opened,
    /// Its bytes.
    pub body: ReadBodyBox,
    /// Room to grow.
    pub ext: Ext,
}

/// Key in [`Writing::ext`]: how far bytes of an earlier write under the same key reach, in decimal.
pub const EXT_HELD: &str = "held";

/// A file opened for writing.
#[repr(C)]
#[derive(StableAbi)]
pub struct Writing {
    /// Where the bytes go.
    pub body: WriteBodyBox,
    /// Room to grow; [`EXT_HELD`] says how far bytes of an earlier write reach.
    pub ext: Ext,
}

/// A storage.
#[sabi_trait]
pub trait Storage: Send + Sync + 'static {
    /// Capabilities as JSON.
    fn describe(&self) -> RResult<RString, Error>;
    /// Whether a URL may be used with it.
    fn admit(&self, at: UrlRef<'_>) -> RResult<(), Error>;
    /// Opens a file for reading.
    fn open_read(&self, cx: CtxHandle, at: UrlRef<'_>, options: ReadOptions<'_>) -> Reply<Reading>;
    /// Opens a file for writing.
    fn open_write(&self, cx: CtxHandle, at: UrlRef<'_>, options: WriteOptions) -> Reply<Writing>;
    /// Metadata.
    fn stat(&self, cx: CtxHandle, at: UrlRef<'_>) -> Reply<Stat>;
    /// Whether something is there.
    fn exists(&self, cx: CtxHandle, at: UrlRef<'_>) -> Reply<bool>;
    /// One page of a directory.
    fn list(&self, cx: CtxHandle, at: UrlRef<'_>, page: Page<'_>) -> Reply<DirPage>;
    /// Creates a directory.
    fn mkdir(&self, cx: CtxHandle, at: UrlRef<'_>, parents: bool) -> Reply<()>;
    /// Removes an empty directory.
    fn rmdir(&self, cx: CtxHandle, at: UrlRef<'_>) -> Reply<()>;
    /// Removes a file.
    fn unlink(&self, cx: CtxHandle, at: UrlRef<'_>) -> Reply<()>;
    /// Gives another name.
    fn rename(&self, cx: CtxHandle, from: UrlRef<'_>, to: UrlRef<'_>, overwrite: bool)
    -> Reply<()>;
    /// Checksum of a whole file.
    fn checksum(&self, cx: CtxHandle, at: UrlRef<'_>, algorithm: Algorithm) -> Reply<Checksum>;
    /// Room.
    fn space(&self, cx: CtxHandle, at: UrlRef<'_>) -> Reply<Space>;
    /// Third-party copy.
    fn copy(
        &self,
        cx: CtxHandle,
        request: CopyRequest<'_>,
        progress: ProgressSinkBox,
    ) -> Reply<Copied>;
    /// Asks for files to be brought online.
    fn bring_online(&self, cx: CtxHandle, request: StageRequest<'_>) -> Reply<Staged>;
    /// State of a bring-online request.
    fn poll_online(
        &self,
        cx: CtxHandle,
        token: RStr<'_>,
        files: RVec<UrlRef<'_>>,
    ) -> Reply<RVec<FileState>>;
    /// Gives pins back.
    fn release(
        &self,
        cx: CtxHandle,
        token: RStr<'_>,
        files: RVec<UrlRef<'_>>,
    ) -> Reply<RVec<FileState>>;
    /// Whether files have reached tape.
    fn poll_archived(&self, cx: CtxHandle, files: RVec<UrlRef<'_>>) -> Reply<RVec<FileState>>;
    /// Transfer URL.
    fn resolve(
        &self,
        cx: CtxHandle,
        at: UrlRef<'_>,
        request: TurlRequest<'_>,
    ) -> Reply<TransferUrl>;
    /// Gives a transfer URL back.
    #[sabi(last_prefix_field)]
    fn finish(
        &self,
        cx: CtxHandle,
        at: UrlRef<'_>,
        turl: TransferUrl,
        outcome: Outcome,
    ) -> Reply<()>;
}

/// Names of the methods of [`Storage`], in their order.
pub const METHODS: &[&str] = &[
    "describe",
    "admit",
    "open_read",
    "open_write",
    "stat",
    "exists",
    "list",
    "mkdir",
    "rmdir",
    "unlink",
    "rename",
    "checksum",
    "space",
    "copy",
    "bring_online",
    "poll_online",
    "release",
    "poll_archived",
    "resolve",
    "finish",
];

#[cfg(test)]
mod tests {
    use super::METHODS;

    #[test]
    fn the_list_names_the_methods_of_the_trait() {
        let source = include_str!("storage.rs");
        let start = source.find("pub trait Storage:").unwrap();
        let body = &source[start..][..source[start..].find("\n}").unwrap()];
        let declared: Vec<&str> = body
            .lines()
            .filter_map(|line| line.trim().strip_prefix("fn "))
            .filter_map(|line| line.split('(').next())
            .collect();
        assert_eq!(declared, METHODS);
    }
}
