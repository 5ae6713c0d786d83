//! Any [`Storage`] as the object that crosses.
//!
//! Each method copies its borrowed arguments and returns a future; the author's method runs at the
//! first poll.

use std::sync::Arc;

use causeway_abi::abi_stable::sabi_trait::TD_Opaque;
use causeway_abi::abi_stable::std_types::{RResult, RStr, RString, RVec};
use causeway_abi::call::Page;
use causeway_abi::storage::{ProgressSinkBox, Reading, StorageBox, Writing};
use causeway_abi::values::{Algorithm, Outcome};
use causeway_abi::{
    self as abi, Checksum, Copied, CopyRequest, CtxHandle, DirPage, FileState, ReadOptions, Reply,
    Space, StageRequest, Staged, Stat, TransferUrl, TurlRequest, UrlRef, WriteOptions,
};

use super::body::{OpenRead, OpenWrite};
use super::call::reply;
use super::contain::{Contained, caught};
use super::convert::{self, Crossing};
use crate::{Capabilities, Error, ErrorKind, Result, Storage};

/// Makes a storage into the object that crosses. Plugins use
/// [`export_plugin!`](crate::export_plugin); this is for tests and benchmarks of the boundary.
pub fn export<S: Storage>(storage: S) -> StorageBox {
    let storage = Arc::new(Contained::new(storage, "the storage"));
    StorageBox::from_value(Adapter(storage), TD_Opaque)
}

struct Adapter<S>(Arc<Contained<S>>);

/// `call!(self, cx, "name", (converted arguments) => |storage, cx, arguments| call)`
macro_rules! call {
    ($self:ident, $cx:ident, $name:literal, ($($arg:ident = $from:expr),*), |$storage:ident, $ctx:ident| $call:expr) => {{
        let storage = Arc::clone(&$self.0);
        let $ctx = convert::ctx($cx);
        $( let $arg = $from; )*
        reply($name, Some($ctx.clone()), async move {
            let $storage = storage.get();
            let $ctx = &$ctx;
            $call
        })
    }};
}

impl<S: Storage> abi::storage::Storage for Adapter<S> {
    fn describe(&self) -> RResult<RString, abi::Error> {
        let described = caught("describe", || to_json(&self.0.get().describe()));
        described
            .map(RString::from)
            .map_err(Crossing::into_abi)
            .into()
    }

    fn admit(&self, at: UrlRef<'_>) -> RResult<(), abi::Error> {
        let admitted = caught("admit", || self.0.get().admit(&convert::url(at)?));
        admitted.map_err(Crossing::into_abi).into()
    }

    fn open_read(&self, cx: CtxHandle, at: UrlRef<'_>, options: ReadOptions<'_>) -> Reply<Reading> {
        call!(
            self,
            cx,
            "read",
            (
                at = convert::url(at),
                options = convert::read_options(options)
            ),
            |storage, cx| storage.open_read(cx, &at?, options).await.map(OpenRead)
        )
    }

    fn open_write(&self, cx: CtxHandle, at: UrlRef<'_>, options: WriteOptions) -> Reply<Writing> {
        call!(
            self,
            cx,
            "write",
            (
                at = convert::url(at),
                options = convert::write_options(options)
            ),
            |storage, cx| storage.open_write(cx, &at?, options?).await.map(OpenWrite)
        )
    }

    fn stat(&self, cx: CtxHandle, at: UrlRef<'_>) -> Reply<Stat> {
        call!(self, cx, "stat", (at = convert::url(at)), |storage, cx| {
            storage.stat(cx, &at?).await
        })
    }

    fn exists(&self, cx: CtxHandle, at: UrlRef<'_>) -> Reply<bool> {
        call!(
            self,
            cx,
            "exists",
            (at = convert::url(at)),
            |storage, cx| storage.exists(cx, &at?).await
        )
    }

    fn list(&self, cx: CtxHandle, at: UrlRef<'_>, page: Page<'_>) -> Reply<DirPage> {
        call!(
            self,
            cx,
            "list",
            (at = convert::url(at), page = convert::page(page)),
            |storage, cx| storage.list(cx, &at?, page).await
        )
    }

    fn mkdir(&self, cx: CtxHandle, at: UrlRef<'_>, parents: bool) -> Reply<()> {
        call!(self, cx, "mkdir", (at = convert::url(at)), |storage, cx| {
            storage.mkdir(cx, &at?, parents).await
        })
    }

    fn rmdir(&self, cx: CtxHandle, at: UrlRef<'_>) -> Reply<()> {
        call!(self, cx, "rmdir", (at = convert::url(at)), |storage, cx| {
            storage.rmdir(cx, &at?).await
        })
    }

    fn unlink(&self, cx: CtxHandle, at: UrlRef<'_>) -> Reply<()> {
        call!(
            self,
            cx,
            "unlink",
            (at = convert::url(at)),
            |storage, cx| storage.unlink(cx, &at?).await
        )
    }

    fn rename(
        &self,
        cx: CtxHandle,
        from: UrlRef<'_>,
        to: UrlRef<'_>,
        overwrite: bool,
    ) -> Reply<()> {
        call!(
            self,
            cx,
            "rename",
            (from = convert::url(from), to = convert::url(to)),
            |storage, cx| storage.rename(cx, &from?, &to?, overwrite).await
        )
    }

    fn checksum(&self, cx: CtxHandle, at: UrlRef<'_>, algorithm: Algorithm) -> Reply<Checksum> {
        call!(
            self,
            cx,
            "checksum",
            (
                at = convert::url(at),
                algorithm = convert::algorithm(algorithm)
            ),
            |storage, cx| storage.checksum(cx, &at?, algorithm?).await
        )
    }

    fn space(&self, cx: CtxHandle, at: UrlRef<'_>) -> Reply<Space> {
        call!(self, cx, "space", (at = convert::url(at)), |storage, cx| {
            storage.space(cx, &at?).await
        })
    }

    fn copy(
        &self,
        cx: CtxHandle,
        request: CopyRequest<'_>,
        progress: ProgressSinkBox,
    ) -> Reply<Copied> {
        call!(
            self,
            cx,
            "copy",
            (
                request = convert::copy_request(request),
                progress = convert::progress_sink(progress)
            ),
            |storage, cx| storage.copy(cx, request?, progress).await
        )
    }

    fn bring_online(&self, cx: CtxHandle, request: StageRequest<'_>) -> Reply<Staged> {
        call!(
            self,
            cx,
            "staging",
            (request = convert::stage_request(request)),
            |storage, cx| storage.bring_online(cx, request?).await
        )
    }

    fn poll_online(
        &self,
        cx: CtxHandle,
        token: RStr<'_>,
        files: RVec<UrlRef<'_>>,
    ) -> Reply<RVec<FileState>> {
        call!(
            self,
            cx,
            "staging",
            (token = token.to_string(), files = convert::urls(files)),
            |storage, cx| storage.poll_online(cx, &token, &files?).await
        )
    }

    fn release(
        &self,
        cx: CtxHandle,
        token: RStr<'_>,
        files: RVec<UrlRef<'_>>,
    ) -> Reply<RVec<FileState>> {
        call!(
            self,
            cx,
            "staging",
            (token = token.to_string(), files = convert::urls(files)),
            |storage, cx| storage.release(cx, &token, &files?).await
        )
    }

    fn poll_archived(&self, cx: CtxHandle, files: RVec<UrlRef<'_>>) -> Reply<RVec<FileState>> {
        call!(
            self,
            cx,
            "archive",
            (files = convert::urls(files)),
            |storage, cx| storage.poll_archived(cx, &files?).await
        )
    }

    fn resolve(
        &self,
        cx: CtxHandle,
        at: UrlRef<'_>,
        request: TurlRequest<'_>,
    ) -> Reply<TransferUrl> {
        call!(
            self,
            cx,
            "turl",
            (
                at = convert::url(at),
                request = convert::turl_request(request)
            ),
            |storage, cx| storage.resolve(cx, &at?, request).await
        )
    }

    fn finish(
        &self,
        cx: CtxHandle,
        at: UrlRef<'_>,
        turl: TransferUrl,
        outcome: Outcome,
    ) -> Reply<()> {
        call!(
            self,
            cx,
            "turl",
            (
                at = convert::url(at),
                turl = crate::TransferUrl::from_abi(turl),
                outcome = convert::outcome(outcome)
            ),
            |storage, cx| storage.finish(cx, &at?, &turl?, outcome).await
        )
    }
}

fn to_json(capabilities: &Capabilities) -> Result<String> {
    serde_json::to_string(capabilities).map_err(|source| {
        Error::new(
            ErrorKind::Internal,
            format!("write the capabilities: {source}"),
        )
    })
}
