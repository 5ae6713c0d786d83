//! The object of a plugin as a storage of the SDK.
//!
//! Arguments are lent for the length of the call, answers are converted as they arrive, chunks keep
//! their memory. Dropping a future here drops it in the plugin.

use bytes::Bytes;
use causeway_abi::Reply;
use causeway_abi::abi_stable::std_types::RResult;
use causeway_abi::storage::{ReadBodyBox, Reading, StorageBox, WriteBodyBox, Writing};
use causeway_sdk::native::convert::{self, Crossing};
use causeway_sdk::{
    Algorithm, BoxFuture, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage, DynRead,
    DynStorage, DynWrite, Error, ErrorKind, FileState, Opened, Outcome, Page, ProgressSink,
    ReadOptions, Result, Space, StageRequest, Staged, Stat, TransferUrl, TurlRequest, Url,
    WriteOptions, Written,
};

/// What a plugin made.
pub(crate) type Object = StorageBox;

/// A plugin's object, seen as a storage.
pub(crate) struct Bridge {
    object: Object,
    capabilities: Capabilities,
}

impl Bridge {
    pub(crate) fn new(object: Object, capabilities: Capabilities) -> Self {
        Self {
            object,
            capabilities,
        }
    }
}

fn understand<T: Crossing>(answer: RResult<T::Abi, causeway_abi::Error>) -> Result<T> {
    match answer {
        RResult::ROk(value) => T::from_abi(value),
        RResult::RErr(error) => Err(Error::from_abi(error)?),
    }
}

fn answer<T: Crossing + 'static>(reply: Reply<T::Abi>) -> BoxFuture<'static, Result<T>>
where
    T::Abi: 'static,
{
    Box::pin(async move { understand(reply.await) })
}

macro_rules! forward {
    ($( $name:ident ( $($arg:ident : $ty:ty = $to:expr),* ) -> $out:ty ; )*) => { $(
        fn $name<'a>(&'a self, cx: &'a Ctx, $($arg: $ty),*) -> BoxFuture<'a, Result<$out>> {
            answer(self.object.$name(convert::ctx_handle(cx), $($to),*))
        }
    )* };
}

impl DynStorage for Bridge {
    fn describe(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn admit(&self, at: &Url) -> Result<()> {
        understand(self.object.admit(convert::url_ref(at)))
    }

    fn open_read<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: ReadOptions,
    ) -> BoxFuture<'a, Result<Box<dyn DynRead>>> {
        let reply = self.object.open_read(
            convert::ctx_handle(cx),
            convert::url_ref(at),
            convert::read_options_ref(&options),
        );
        Box::pin(async move {
            let Reading { opened, body, .. } = opening(reply.await)?;
            let opened = Opened::from_abi(opened)?;
            Ok(Box::new(Reader { opened, body }) as Box<dyn DynRead>)
        })
    }

    fn open_write<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: WriteOptions,
    ) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
        let reply = self.object.open_write(
            convert::ctx_handle(cx),
            convert::url_ref(at),
            convert::write_options_abi(options),
        );
        Box::pin(async move {
            let Writing { body, ext } = opening(reply.await)?;
            let held = convert::held(&ext);
            Ok(Box::new(Writer { body, held }) as Box<dyn DynWrite>)
        })
    }

    forward! {
        stat(at: &'a Url = convert::url_ref(at)) -> Stat;
        exists(at: &'a Url = convert::url_ref(at)) -> bool;
        list(at: &'a Url = convert::url_ref(at), page: Page = convert::page_ref(&page)) -> DirPage;
        mkdir(at: &'a Url = convert::url_ref(at), parents: bool = parents) -> ();
        rmdir(at: &'a Url = convert::url_ref(at)) -> ();
        unlink(at: &'a Url = convert::url_ref(at)) -> ();
        rename(from: &'a Url = convert::url_ref(from), to: &'a Url = convert::url_ref(to), overwrite: bool = overwrite) -> ();
        checksum(at: &'a Url = convert::url_ref(at), algorithm: Algorithm = convert::algorithm_code(algorithm)) -> Checksum;
        space(at: &'a Url = convert::url_ref(at)) -> Space;
        copy(request: CopyRequest = convert::copy_request_ref(&request), progress: ProgressSink = convert::progress_sink_abi(progress)) -> Copied;
        bring_online(request: StageRequest = convert::stage_request_ref(&request)) -> Staged;
        poll_online(token: &'a str = token.into(), files: &'a [Url] = convert::url_refs(files)) -> Vec<FileState>;
        release(token: &'a str = token.into(), files: &'a [Url] = convert::url_refs(files)) -> Vec<FileState>;
        poll_archived(files: &'a [Url] = convert::url_refs(files)) -> Vec<FileState>;
        resolve(at: &'a Url = convert::url_ref(at), request: TurlRequest = convert::turl_request_ref(&request)) -> TransferUrl;
        finish(at: &'a Url = convert::url_ref(at), turl: &'a TransferUrl = turl.clone().into_abi(), outcome: Outcome = convert::outcome_code(outcome)) -> ();
    }
}

fn opening<T>(answer: RResult<T, causeway_abi::Error>) -> Result<T> {
    match answer {
        RResult::ROk(opened) => Ok(opened),
        RResult::RErr(error) => Err(Error::from_abi(error)?),
    }
}

struct Reader {
    opened: Opened,
    body: ReadBodyBox,
}

impl DynRead for Reader {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>>> {
        let reply = self.body.next();
        Box::pin(async move {
            let chunk: Option<Bytes> = understand(reply.await)?;
            // Empty chunks without end would look like a copy that goes on.
            match chunk {
                Some(chunk) if chunk.is_empty() => Err(empty_chunk()),
                chunk => Ok(chunk),
            }
        })
    }
}

fn empty_chunk() -> Error {
    let text = "read: the plugin gave an empty chunk instead of the end";
    Error::new(ErrorKind::Internal, text).during("read")
}

struct Writer {
    body: WriteBodyBox,
    held: u64,
}

impl DynWrite for Writer {
    fn write(&mut self, offset: u64, chunk: Bytes) -> BoxFuture<'_, Result<()>> {
        answer(self.body.write(offset, chunk.into()))
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Written>> {
        answer(self.body.commit())
    }

    fn abort(self: Box<Self>) -> BoxFuture<'static, ()> {
        ending("abort", self.body.abort())
    }

    fn held(&self) -> u64 {
        self.held
    }

    fn keep(&mut self, offset: u64, len: u64, expected: Checksum) -> BoxFuture<'_, Result<bool>> {
        answer(self.body.keep(offset, len, expected.into_abi()))
    }

    fn suspend(self: Box<Self>) -> BoxFuture<'static, ()> {
        ending("suspend", self.body.suspend())
    }
}

/// An end without a result: a failure is only logged.
fn ending(what: &'static str, reply: Reply<()>) -> BoxFuture<'static, ()> {
    let reply = answer::<()>(reply);
    Box::pin(async move {
        if let Err(error) = reply.await {
            tracing::warn!("failed to {what} a write: {error}");
        }
    })
}
