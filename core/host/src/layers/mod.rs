//! Wrappers that are storages themselves: what the gateway adds to every plugin, once for all.
//!
//! A layer says what it does around a call, and around bodies if it cares; the list of methods
//! stands here once.

mod deadline;
mod gate;
mod health;

use std::sync::Arc;

use causeway_sdk::{
    Algorithm, BoxFuture, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage, DynRead,
    DynStorage, DynWrite, FileState, Operation, Outcome, Page, ProgressSink, ReadOptions, Result,
    Space, StageRequest, Staged, Stat, TransferUrl, TurlRequest, Url, WriteOptions,
};

use deadline::Deadline;
use gate::Gate;
pub(crate) use health::Health;
use health::Watch;

/// Puts every layer around a storage; the outermost comes last.
pub(crate) fn around(
    storage: Arc<dyn DynStorage>,
    capabilities: &Capabilities,
    health: Arc<Health>,
) -> Arc<dyn DynStorage> {
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
        call: impl FnOnce() -> BoxFuture<'a, Result<T>>,
    ) -> BoxFuture<'a, Result<T>>;

    /// Around the question whether a URL may be used.
    fn admit(&self, ask: impl FnOnce() -> Result<()>) -> Result<()> {
        ask()
    }

    /// What it can do, if this layer knows it.
    fn describe(&self) -> Option<Capabilities> {
        None
    }

    /// Around a file that was opened.
    fn reader(&self, body: Box<dyn DynRead>) -> Box<dyn DynRead> {
        body
    }

    /// Around a file that was opened.
    fn writer(&self, body: Box<dyn DynWrite>) -> Box<dyn DynWrite> {
        body
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
                let opening = self.layer.call(Operation::Read, cx, || self.inner.open_read(cx, at, options));
                Box::pin(async move { Ok(self.layer.reader(opening.await?)) })
            }

            fn open_write<'a>(&'a self, cx: &'a Ctx, at: &'a Url, options: WriteOptions) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
                let opening = self.layer.call(Operation::Write, cx, || self.inner.open_write(cx, at, options));
                Box::pin(async move { Ok(self.layer.writer(opening.await?)) })
            }

            $( fn $name<'a>(&'a self, cx: &'a Ctx, $($arg: $ty),*) -> BoxFuture<'a, Result<$out>> {
                self.layer.call(Operation::$operation, cx, || self.inner.$name(cx, $($arg),*))
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
