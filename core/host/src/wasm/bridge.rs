//! A component as a storage of the SDK.
//!
//! An open file stays with the instance that opened it. Dropping a call here tells the guest.

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::Duration;

use bytes::Bytes;
use causeway_sdk::{
    Algorithm, BoxFuture, CancelToken, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage,
    DynRead, DynStorage, DynWrite, Error, ErrorKind, FileState, Opened, Outcome, Page,
    ProgressSink, ReadOptions, Result, Space, StageRequest, Staged, Stat, TransferUrl, TurlRequest,
    Url, WriteOptions, Written,
};
use wasmtime::component::{Accessor, ResourceAny};

use super::actor::{Busy, Instance, died};
use super::component::Plugin;
use super::state::{Call, State};
use super::v0_1::{Data, Exports};

/// So long a question may take that is answered on the spot.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes asked for at a time where a file is read piece by piece, when nobody says how many.
const PIECE: u32 = 256 << 10;
/// Within these limits callers may wish: a call for each byte would never end, and a guest answers
/// with all that it is asked for.
const PIECES: std::ops::RangeInclusive<u32> = 64 << 10..=4 << 20;

/// A component, seen as a storage.
pub(crate) struct Bridge {
    plugin: Arc<Plugin>,
    capabilities: Capabilities,
}

impl Bridge {
    /// Starts a first instance and asks it what it is, as JSON.
    pub(super) fn begin(plugin: &Arc<Plugin>) -> Result<String> {
        Self::ask(plugin, "describe", |at, exports| {
            Box::pin(async move { exports.describe(at).await })
        })
    }

    pub(super) fn new(plugin: Arc<Plugin>, capabilities: Capabilities) -> Self {
        Self {
            plugin,
            capabilities,
        }
    }

    /// Waits for an answer, on a thread that is none of the components'.
    fn ask<T, F>(plugin: &Arc<Plugin>, operation: &'static str, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(
                &'a Accessor<State>,
                Arc<Exports>,
            ) -> BoxFuture<'a, wasmtime::Result<Result<T>>>
            + Send
            + 'static,
    {
        let (reply, answer) = std::sync::mpsc::sync_channel(1);
        let asked = Arc::clone(plugin);
        let call = plugin.shared.runtime.spawn(async move {
            let answer = async {
                let instance = asked.instance().await?;
                let exports = instance.exports();
                let given_up = CancelToken::default();
                instance
                    .run(operation, given_up, move |at| work(at, exports))
                    .await
            };
            // Whoever asked may have lost patience.
            drop(reply.send(answer.await));
        });
        let name = &plugin.about.name;
        match answer.recv_timeout(PATIENCE) {
            Ok(answer) => answer,
            Err(RecvTimeoutError::Disconnected) => Err(died(name, operation, "its task ended")),
            Err(RecvTimeoutError::Timeout) => {
                call.abort();
                let text = format!("{operation}: plugin {name} did not answer in time");
                Err(Error::new(ErrorKind::Timeout, text).during(operation))
            }
        }
    }

    async fn call<T, F>(&self, operation: &'static str, call: Call, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: for<'a> FnOnce(
                &'a Accessor<State>,
                Arc<Exports>,
                Call,
            ) -> BoxFuture<'a, wasmtime::Result<Result<T>>>
            + Send
            + 'static,
    {
        let instance = self.plugin.instance().await?;
        run(&instance, operation, call, work).await
    }
}

async fn run<T, F>(
    instance: &Arc<Instance>,
    operation: &'static str,
    call: Call,
    work: F,
) -> Result<T>
where
    T: Send + 'static,
    F: for<'a> FnOnce(
            &'a Accessor<State>,
            Arc<Exports>,
            Call,
        ) -> BoxFuture<'a, wasmtime::Result<Result<T>>>
        + Send
        + 'static,
{
    let (exports, given_up) = (instance.exports(), call.given_up.clone());
    instance
        .run(operation, given_up, move |at| work(at, exports, call))
        .await
}

macro_rules! forward {
    ($( $operation:literal $name:ident ( $($arg:ident : $ty:ty = $to:expr),* ) -> $out:ty ; )*) => { $(
        fn $name<'a>(&'a self, cx: &'a Ctx, $($arg: $ty),*) -> BoxFuture<'a, Result<$out>> {
            // Some cross as they are.
            #[allow(clippy::redundant_locals)]
            let ($( $arg, )*) = ($( $to, )*);
            Box::pin(self.call($operation, Call::new(cx), move |at, exports, call| {
                Box::pin(async move { exports.$name(at, call, $($arg),*).await })
            }))
        }
    )* };
}

fn text(url: &Url) -> String {
    url.as_str().to_owned()
}

impl DynStorage for Bridge {
    fn describe(&self) -> Capabilities {
        self.capabilities.clone()
    }

    fn admit(&self, at: &Url) -> Result<()> {
        let url = text(at);
        Self::ask(&self.plugin, "admit", move |at, exports| {
            Box::pin(async move { exports.admit(at, url).await })
        })
    }

    fn open_read<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: ReadOptions,
    ) -> BoxFuture<'a, Result<Box<dyn DynRead>>> {
        let url = text(at);
        Box::pin(async move {
            let instance = self.plugin.instance().await?;
            let busy = instance.occupy();
            let home = Arc::clone(&instance);
            let (piece, wanted) = (options.chunk_hint, options.len);
            let offset = options.offset;
            let open = run(
                &instance,
                "read",
                Call::new(cx),
                move |at, exports, call| {
                    Box::pin(async move {
                        let reading = exports.open_read(at, call, url, options).await?;
                        Ok(reading.map(|it| (it.opened, Source::new(home, it.data, piece))))
                    })
                },
            );
            let (opened, source) = open.await?;
            let whole = opened.size.map(|size| size.saturating_sub(offset));
            Ok(Box::new(Reader {
                expected: match (whole, wanted) {
                    (Some(whole), Some(wanted)) => Some(whole.min(wanted)),
                    (whole, _) => whole,
                },
                most: wanted.into_iter().chain(whole).min(),
                seen: 0,
                opened,
                source,
                _busy: busy,
            }) as Box<dyn DynRead>)
        })
    }

    fn open_write<'a>(
        &'a self,
        cx: &'a Ctx,
        at: &'a Url,
        options: WriteOptions,
    ) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
        let url = text(at);
        Box::pin(async move {
            let instance = self.plugin.instance().await?;
            let busy = instance.occupy();
            let home = Arc::clone(&instance);
            let open = run(
                &instance,
                "write",
                Call::new(cx),
                move |at, exports, call| {
                    Box::pin(async move {
                        let writing = exports.open_write(at, call, url, options).await?;
                        Ok(writing.map(|it| Writer {
                            home,
                            writer: Some(it.writer),
                            held: it.held,
                            _busy: None,
                        }))
                    })
                },
            );
            let mut writer = open.await?;
            writer._busy = Some(busy);
            Ok(Box::new(writer) as Box<dyn DynWrite>)
        })
    }

    fn copy<'a>(
        &'a self,
        cx: &'a Ctx,
        request: CopyRequest,
        progress: ProgressSink,
    ) -> BoxFuture<'a, Result<Copied>> {
        let call = Call {
            progress,
            ..Call::new(cx)
        };
        Box::pin(self.call("copy", call, move |at, exports, call| {
            Box::pin(async move { exports.copy(at, call, request).await })
        }))
    }

    forward! {
        "stat" stat(at: &'a Url = text(at)) -> Stat;
        "stat" exists(at: &'a Url = text(at)) -> bool;
        "list" list(at: &'a Url = text(at), page: Page = page) -> DirPage;
        "mkdir" mkdir(at: &'a Url = text(at), parents: bool = parents) -> ();
        "rmdir" rmdir(at: &'a Url = text(at)) -> ();
        "unlink" unlink(at: &'a Url = text(at)) -> ();
        "rename" rename(from: &'a Url = text(from), to: &'a Url = text(to), overwrite: bool = overwrite) -> ();
        "checksum" checksum(at: &'a Url = text(at), algorithm: Algorithm = algorithm) -> Checksum;
        "space" space(at: &'a Url = text(at)) -> Space;
        "staging" bring_online(request: StageRequest = request) -> Staged;
        "staging" poll_online(token: &'a str = token.to_owned(), files: &'a [Url] = files.to_vec()) -> Vec<FileState>;
        "staging" release(token: &'a str = token.to_owned(), files: &'a [Url] = files.to_vec()) -> Vec<FileState>;
        "archive" poll_archived(files: &'a [Url] = files.to_vec()) -> Vec<FileState>;
        "turl" resolve(at: &'a Url = text(at), request: TurlRequest = request) -> TransferUrl;
        "turl" finish(at: &'a Url = text(at), turl: &'a TransferUrl = turl.clone(), outcome: Outcome = outcome) -> ();
    }
}

/// Where the bytes of a file come from, and the instance they come from.
struct Source {
    home: Arc<Instance>,
    data: Data,
    piece: u32,
    closed: bool,
}

impl Source {
    fn new(home: Arc<Instance>, data: Data, piece: u32) -> Self {
        Self {
            home,
            data,
            piece: match piece {
                0 => PIECE,
                wish => wish.clamp(*PIECES.start(), *PIECES.end()),
            },
            closed: false,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        match &mut self.data {
            Data::Stream(incoming) => match incoming.next().await {
                Ok(chunk) => Ok(chunk),
                Err(Some(error)) => Err(error.during("read")),
                Err(None) if self.home.is_fit() => {
                    let text =
                        "read: the plugin ended its stream without saying whether that is all";
                    Err(Error::new(ErrorKind::Internal, text).during("read"))
                }
                Err(None) => Err(self.home.death("read").await),
            },
            Data::Reader(reader) => {
                let (reader, piece, exports) = (*reader, self.piece, self.home.exports());
                let read = self.home.run("read", CancelToken::default(), move |at| {
                    Box::pin(async move { exports.read(at, reader, piece).await })
                });
                read.await
            }
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let Data::Reader(reader) = self.data else {
            return;
        };
        if !std::mem::replace(&mut self.closed, true) {
            let exports = self.home.exports();
            self.home.send_off("close a file", move |at| {
                Box::pin(async move { exports.close(at, reader).await })
            });
        }
    }
}

/// A file being read, and how much of it there must be.
struct Reader {
    opened: Opened,
    source: Source,
    /// Bytes that must come, by what the plugin says of the file.
    expected: Option<u64>,
    /// Bytes that were asked for, or that there are.
    most: Option<u64>,
    seen: u64,
    _busy: Busy,
}

impl Reader {
    async fn checked(&mut self) -> Result<Option<Bytes>> {
        let lie = |kind, text: String| Err(Error::new(kind, text).during("read"));
        match self.source.next().await? {
            Some(chunk) if chunk.is_empty() => {
                let text = "read: the plugin gave an empty chunk instead of the end";
                lie(ErrorKind::Internal, text.to_owned())
            }
            Some(chunk) => {
                self.seen += chunk.len() as u64;
                if let Some(most) = self.most.filter(|most| self.seen > *most) {
                    let text =
                        format!("read: the plugin gave more than the {most} bytes that there are");
                    return lie(ErrorKind::Internal, text);
                }
                Ok(Some(chunk))
            }
            None => match self.expected {
                Some(expected) if self.seen < expected => {
                    let seen = self.seen;
                    lie(
                        ErrorKind::Network,
                        format!("read: the file ended after {seen} of {expected} bytes"),
                    )
                }
                _ => Ok(None),
            },
        }
    }
}

impl DynRead for Reader {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>>> {
        Box::pin(self.checked())
    }
}

/// A file being written. Dropped before its end, it is aborted.
struct Writer {
    home: Arc<Instance>,
    writer: Option<ResourceAny>,
    held: u64,
    _busy: Option<Busy>,
}

impl Writer {
    fn open(&self) -> ResourceAny {
        self.writer
            .expect("only an end takes it, which consumes the writer")
    }

    fn end(&mut self) -> (Arc<Instance>, Arc<Exports>, ResourceAny) {
        let writer = self.writer.take();
        let writer = writer.expect("only an end takes it, which consumes the writer");
        (Arc::clone(&self.home), self.home.exports(), writer)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if self.writer.is_some() {
            let (home, exports, writer) = self.end();
            home.send_off("abort a write", move |at| {
                Box::pin(async move { exports.abort(at, writer).await })
            });
        }
    }
}

impl DynWrite for Writer {
    fn write(&mut self, offset: u64, chunk: Bytes) -> BoxFuture<'_, Result<()>> {
        let (exports, writer) = (self.home.exports(), self.open());
        Box::pin(self.home.run("write", CancelToken::default(), move |at| {
            Box::pin(async move { exports.write(at, writer, offset, chunk).await })
        }))
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<Written>> {
        Box::pin(async move {
            let (home, exports, writer) = self.end();
            let commit = home.run("write", CancelToken::default(), move |at| {
                Box::pin(async move { exports.commit(at, writer).await })
            });
            commit.await
        })
    }

    fn abort(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let (home, exports, writer) = self.end();
            let abort = home.run("write", CancelToken::default(), move |at| {
                Box::pin(async move { exports.abort(at, writer).await })
            });
            told("abort", abort.await);
        })
    }

    fn held(&self) -> u64 {
        self.held
    }

    fn keep(&mut self, offset: u64, len: u64, expected: Checksum) -> BoxFuture<'_, Result<bool>> {
        let (exports, writer) = (self.home.exports(), self.open());
        Box::pin(self.home.run("write", CancelToken::default(), move |at| {
            Box::pin(async move { exports.keep(at, writer, offset, len, expected).await })
        }))
    }

    fn suspend(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let (home, exports, writer) = self.end();
            let suspend = home.run("write", CancelToken::default(), move |at| {
                Box::pin(async move { exports.suspend(at, writer).await })
            });
            told("suspend", suspend.await);
        })
    }
}

/// An end without a result: a failure is only logged.
fn told(what: &str, result: Result<()>) {
    if let Err(error) = result {
        tracing::warn!("failed to {what} a write: {error}");
    }
}
