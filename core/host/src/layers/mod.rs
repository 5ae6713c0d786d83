//! Wrappers that are storages themselves: what the gateway adds to every plugin, once for all.
//!
//! A layer says what it does around a call, and around bodies if it cares; the list of methods
//! stands here once.

mod deadline;
mod gate;
mod health;
mod limit;
mod marks;
mod watch;

use std::sync::Arc;

use causeway_sdk::{
    Algorithm, BoxFuture, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage, DynRead,
    DynStorage, DynWrite, FileState, Operation, Outcome, Page, ProgressSink, ReadOptions, Result,
    Space, StageRequest, Staged, Stat, TransferUrl, TurlRequest, Url, WriteOptions,
};

use deadline::Deadline;
use gate::Gate;
pub(crate) use health::Health;
use limit::Limit;
pub(crate) use limit::calls_at_once;
pub use marks::Marks;
use watch::Watch;

/// Puts every layer around a storage; the outermost comes last.
pub(crate) fn around(
    storage: Arc<dyn DynStorage>,
    capabilities: &Capabilities,
    calls_at_once: usize,
    health: Arc<Health>,
) -> Arc<dyn DynStorage> {
    let storage = match calls_at_once {
        0 => storage,
        most => layered(storage, Limit::new(most)),
    };
    let storage = layered(storage, Deadline);
    let storage = layered(storage, Watch::new(health));
    layered(storage, Gate::new(capabilities.clone()))
}

fn layered(inner: Arc<dyn DynStorage>, layer: impl Layer) -> Arc<dyn DynStorage> {
    Arc::new(Layered { inner, layer })
}

/// What a layer does.
trait Layer: Send + Sync + 'static {
    /// Around every call.
    fn call<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        cx: &'a Ctx,
        call: impl FnOnce() -> BoxFuture<'a, Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>>;

    /// Around the question whether a URL may be used.
    fn admit(&self, ask: impl FnOnce() -> Result<()>) -> Result<()> {
        ask()
    }

    /// What it can do, if this layer knows it.
    fn describe(&self) -> Option<Capabilities> {
        None
    }

    /// Around opening a file, and around the file.
    fn open_read<'a>(
        &'a self,
        cx: &'a Ctx,
        open: impl FnOnce() -> BoxFuture<'a, Result<Box<dyn DynRead>>> + Send + 'a,
    ) -> BoxFuture<'a, Result<Box<dyn DynRead>>> {
        self.call(Operation::Read, cx, open)
    }

    /// Around opening a file, and around the file.
    fn open_write<'a>(
        &'a self,
        cx: &'a Ctx,
        open: impl FnOnce() -> BoxFuture<'a, Result<Box<dyn DynWrite>>> + Send + 'a,
    ) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
        self.call(Operation::Write, cx, open)
    }
}

struct Layered<L> {
    inner: Arc<dyn DynStorage>,
    layer: L,
}

macro_rules! methods {
    ($( $operation:ident: $name:ident ( $($arg:ident : $ty:ty),* ) -> $out:ty ; )*) => {
        impl<L: Layer> DynStorage for Layered<L> {
            fn describe(&self) -> Capabilities {
                self.layer.describe().unwrap_or_else(|| self.inner.describe())
            }

            fn admit(&self, at: &Url) -> Result<()> {
                self.layer.admit(|| self.inner.admit(at))
            }

            fn open_read<'a>(&'a self, cx: &'a Ctx, at: &'a Url, options: ReadOptions) -> BoxFuture<'a, Result<Box<dyn DynRead>>> {
                self.layer.open_read(cx, move || self.inner.open_read(cx, at, options))
            }

            fn open_write<'a>(&'a self, cx: &'a Ctx, at: &'a Url, options: WriteOptions) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
                self.layer.open_write(cx, move || self.inner.open_write(cx, at, options))
            }

            $( fn $name<'a>(&'a self, cx: &'a Ctx, $($arg: $ty),*) -> BoxFuture<'a, Result<$out>> {
                self.layer.call(Operation::$operation, cx, move || self.inner.$name(cx, $($arg),*))
            } )*
        }
    };
}

methods! {
    Stat: stat(at: &'a Url) -> Stat;
    Stat: exists(at: &'a Url) -> bool;
    List: list(at: &'a Url, page: Page) -> DirPage;
    Mkdir: mkdir(at: &'a Url, parents: bool) -> ();
    Rmdir: rmdir(at: &'a Url) -> ();
    Unlink: unlink(at: &'a Url) -> ();
    Rename: rename(from: &'a Url, to: &'a Url, overwrite: bool) -> ();
    Checksum: checksum(at: &'a Url, algorithm: Algorithm) -> Checksum;
    Space: space(at: &'a Url) -> Space;
    Copy: copy(request: CopyRequest, progress: ProgressSink) -> Copied;
    Staging: bring_online(request: StageRequest) -> Staged;
    Staging: poll_online(token: &'a str, files: &'a [Url]) -> Vec<FileState>;
    Staging: release(token: &'a str, files: &'a [Url]) -> Vec<FileState>;
    Archive: poll_archived(files: &'a [Url]) -> Vec<FileState>;
    Turl: resolve(at: &'a Url, request: TurlRequest) -> TransferUrl;
    Turl: finish(at: &'a Url, turl: &'a TransferUrl, outcome: Outcome) -> ();
}
