//! The object-safe twin of [`Storage`]: one type for every plugin, however it was loaded.
//!
//! Authors never see it. The host hands it to the engine; the testkit takes it; wrappers (timeouts,
//! limits, faults) implement it. It follows the trait method by method.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::storage::{ReadBody, Storage, WriteBody};
use crate::{
    Algorithm, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage, FileState, Opened,
    Outcome, Page, ProgressSink, ReadOptions, Result, Space, StageRequest, Staged, Stat,
    TransferUrl, TurlRequest, Url, WriteOptions, Written,
};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

macro_rules! dyn_storage {
    ($( $(#[$doc:meta])* $name:ident ( $($arg:ident : $ty:ty),* ) -> $out:ty ; )*) => {
        /// [`Storage`] behind a pointer.
        pub trait DynStorage: Send + Sync {
            /// What it can do.
            fn describe(&self) -> Capabilities;
            /// Whether a URL may be used with it at all.
            fn admit(&self, at: &Url) -> Result<()>;
            /// Opens a file for reading.
            fn open_read<'a>(&'a self, cx: &'a Ctx, at: &'a Url, options: ReadOptions) -> BoxFuture<'a, Result<Box<dyn DynRead>>>;
            /// Opens a file for writing.
            fn open_write<'a>(&'a self, cx: &'a Ctx, at: &'a Url, options: WriteOptions) -> BoxFuture<'a, Result<Box<dyn DynWrite>>>;
            $( $(#[$doc])* fn $name<'a>(&'a self, cx: &'a Ctx, $($arg: $ty),*) -> BoxFuture<'a, Result<$out>>; )*
        }

        impl<S: Storage> DynStorage for Erased<S> {
            fn describe(&self) -> Capabilities {
                self.0.describe()
            }
            fn admit(&self, at: &Url) -> Result<()> {
                self.0.admit(at)
            }
            fn open_read<'a>(&'a self, cx: &'a Ctx, at: &'a Url, options: ReadOptions) -> BoxFuture<'a, Result<Box<dyn DynRead>>> {
                Box::pin(async move { Ok(Box::new(self.0.open_read(cx, at, options).await?) as Box<dyn DynRead>) })
            }
            fn open_write<'a>(&'a self, cx: &'a Ctx, at: &'a Url, options: WriteOptions) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
                Box::pin(async move { Ok(Box::new(self.0.open_write(cx, at, options).await?) as Box<dyn DynWrite>) })
            }
            $( fn $name<'a>(&'a self, cx: &'a Ctx, $($arg: $ty),*) -> BoxFuture<'a, Result<$out>> {
                Box::pin(self.0.$name(cx, $($arg),*))
            } )*
        }

        /// Names of the trait's methods, for the test that compares its spellings.
        pub const METHODS: &[&str] = &["describe", "admit", "open_read", "open_write", $(stringify!($name)),*];
    };
}

dyn_storage! {
    /// Metadata.
    stat(at: &'a Url) -> Stat;
    /// Whether something is there.
    exists(at: &'a Url) -> bool;
    /// One page of a directory.
    list(at: &'a Url, page: Page) -> DirPage;
    /// Creates a directory.
    mkdir(at: &'a Url, parents: bool) -> ();
    /// Removes an empty directory.
    rmdir(at: &'a Url) -> ();
    /// Removes a file.
    unlink(at: &'a Url) -> ();
    /// Gives another name.
    rename(from: &'a Url, to: &'a Url, overwrite: bool) -> ();
    /// Checksum of a whole file.
    checksum(at: &'a Url, algorithm: Algorithm) -> Checksum;
    /// Room.
    space(at: &'a Url) -> Space;
    /// Third-party copy.
    copy(request: CopyRequest, progress: ProgressSink) -> Copied;
    /// Asks for files to be brought online.
    bring_online(request: StageRequest) -> Staged;
    /// State of a bring-online request.
    poll_online(token: &'a str, files: &'a [Url]) -> Vec<FileState>;
    /// Gives pins back.
    release(token: &'a str, files: &'a [Url]) -> Vec<FileState>;
    /// Whether files have reached tape.
    poll_archived(files: &'a [Url]) -> Vec<FileState>;
    /// Transfer URL.
    resolve(at: &'a Url, request: TurlRequest) -> TransferUrl;
    /// Gives a transfer URL back.
    finish(at: &'a Url, turl: &'a TransferUrl, outcome: Outcome) -> ();
}

/// Turns a [`Storage`] into a [`DynStorage`].
#[derive(Debug)]
pub struct Erased<S>(pub S);

impl<S: Storage> Erased<S> {
    /// A storage behind a shared pointer.
    pub fn shared(storage: S) -> Arc<dyn DynStorage> {
        Arc::new(Self(storage))
    }
}

/// [`ReadBody`] behind a pointer.
pub trait DynRead: Send {
    /// What is known of the file.
    fn opened(&self) -> Opened;
    /// The next bytes; `None` at the end.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>>>;
}

impl<B: ReadBody> DynRead for B {
    fn opened(&self) -> Opened {
        ReadBody::opened(self)
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>>> {
        Box::pin(ReadBody::next(self))
    }
}

/// [`WriteBody`] behind a pointer.
pub trait DynWrite: Send {
    /// Takes a chunk.
    fn write(&mut self, offset: u64, chunk: Bytes) -> BoxFuture<'_, Result<()>>;
    /// Makes the file visible.
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Written>>;
    /// Removes everything written.
    fn abort(self: Box<Self>) -> BoxFuture<'static, ()>;
    /// How far bytes of an earlier write reach.
    fn held(&self) -> u64;
    /// Lets bytes of an earlier write count, if they have this checksum.
    fn keep(&mut self, offset: u64, len: u64, expected: Checksum) -> BoxFuture<'_, Result<bool>>;
    /// Leaves what came for a later write under the same key.
    fn suspend(self: Box<Self>) -> BoxFuture<'static, ()>;
}

impl<B: WriteBody> DynWrite for B {
    fn write(&mut self, offset: u64, chunk: Bytes) -> BoxFuture<'_, Result<()>> {
        Box::pin(WriteBody::write(self, offset, chunk))
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Written>> {
        Box::pin(WriteBody::commit(*self))
    }

    fn abort(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(WriteBody::abort(*self))
    }

    fn held(&self) -> u64 {
        WriteBody::held(self)
    }

    fn keep(&mut self, offset: u64, len: u64, expected: Checksum) -> BoxFuture<'_, Result<bool>> {
        Box::pin(WriteBody::keep(self, offset, len, expected))
    }

    fn suspend(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(WriteBody::suspend(*self))
    }
}

/// Finds the storage that serves a URL. The host is one; a test may bring its own.
pub trait Storages: Send + Sync {
    /// The storage for a URL, by its scheme.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) with errno EPROTONOSUPPORT (93)
    /// when no plugin serves the scheme; the text names those that are served.
    fn storage_for(&self, url: &Url) -> Result<Arc<dyn DynStorage>>;

    /// Whether URLs may be used at all, one answer for each. A URL that no storage serves may:
    /// whoever uses it will hear so. Where the plugins live elsewhere this is one question for all.
    fn admit_all<'a>(&'a self, urls: &'a [Url]) -> BoxFuture<'a, Vec<Result<()>>> {
        let admit = |url: &Url| match self.storage_for(url) {
            Ok(storage) => storage.admit(url),
            Err(_) => Ok(()),
        };
        Box::pin(std::future::ready(urls.iter().map(admit).collect()))
    }
}
