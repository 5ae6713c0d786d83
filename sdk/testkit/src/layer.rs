//! Changing some calls of a storage and passing on the others.

use bytes::Bytes;
use causeway_sdk::{
    Algorithm, BoxFuture, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage, DynRead,
    DynStorage, DynWrite, FileState, Operation, Outcome, Page, ProgressSink, ReadOptions, Result,
    Space, StageRequest, Staged, Stat, TransferUrl, TurlRequest, Url, WriteOptions,
};

macro_rules! layer {
    ($( $name:ident : $operation:ident ( $($arg:ident : $ty:ty),* ) -> $out:ty ; )*) => {
        /// A wrapper around a storage. Every method passes on to [`Layer::inner`] unless it is
        /// written; [`Layer::before`] runs first.
        pub trait Layer: Send + Sync {
            /// The storage behind.
            fn inner(&self) -> &dyn DynStorage;

            /// Runs before every call; an error is the answer of the call.
            fn before<'a>(&'a self, operation: Operation) -> BoxFuture<'a, Result<()>> {
                let _ = operation;
                Box::pin(async { Ok(()) })
            }

            /// What it can do.
            fn describe(&self) -> Capabilities {
                self.inner().describe()
            }

            /// Whether a URL may be used.
            fn admit(&self, at: &Url) -> Result<()> {
                self.inner().admit(at)
            }

            $(
                #[doc = concat!("Passes `", stringify!($name), "` on.")]
                fn $name<'a>(&'a self, cx: &'a Ctx, $($arg: $ty),*) -> BoxFuture<'a, Result<$out>> {
                    Box::pin(async move {
                        self.before(Operation::$operation).await?;
                        self.inner().$name(cx, $($arg),*).await
                    })
                }
            )*
        }

        impl<L: Layer> DynStorage for Layered<L> {
            fn describe(&self) -> Capabilities {
                self.0.describe()
            }
            fn admit(&self, at: &Url) -> Result<()> {
                self.0.admit(at)
            }
            $(
                fn $name<'a>(&'a self, cx: &'a Ctx, $($arg: $ty),*) -> BoxFuture<'a, Result<$out>> {
                    self.0.$name(cx, $($arg),*)
                }
            )*
        }
    };
}

layer! {
    open_read: Read(at: &'a Url, options: ReadOptions) -> Box<dyn DynRead>;
    open_write: Write(at: &'a Url, options: WriteOptions) -> Box<dyn DynWrite>;
    stat: Stat(at: &'a Url) -> Stat;
    exists: Stat(at: &'a Url) -> bool;
    list: List(at: &'a Url, page: Page) -> DirPage;
    mkdir: Mkdir(at: &'a Url, parents: bool) -> ();
    rmdir: Rmdir(at: &'a Url) -> ();
    unlink: Unlink(at: &'a Url) -> ();
    rename: Rename(from: &'a Url, to: &'a Url, overwrite: bool) -> ();
    checksum: Checksum(at: &'a Url, algorithm: Algorithm) -> Checksum;
    space: Space(at: &'a Url) -> Space;
    copy: Copy(request: CopyRequest, progress: ProgressSink) -> Copied;
    bring_online: Staging(request: StageRequest) -> Staged;
    poll_online: Staging(token: &'a str, files: &'a [Url]) -> Vec<FileState>;
    release: Staging(token: &'a str, files: &'a [Url]) -> Vec<FileState>;
    poll_archived: Archive(files: &'a [Url]) -> Vec<FileState>;
    resolve: Turl(at: &'a Url, request: TurlRequest) -> TransferUrl;
    finish: Turl(at: &'a Url, turl: &'a TransferUrl, outcome: Outcome) -> ();
}

/// Makes a [`Layer`] a storage.
#[derive(Debug)]
pub struct Layered<L>(pub L);

/// What a chunk becomes on its way through a layer.
pub(crate) type Chunk = Result<Option<Bytes>>;
