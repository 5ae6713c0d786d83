//! A file that an instance writes. Dropped before its end, it is aborted.

use std::sync::Arc;

use bytes::Bytes;
use causeway_sdk::{BoxFuture, CancelToken, Checksum, DynWrite, Result, WriteOptions, Written};
use wasmtime::component::ResourceAny;

use crate::wasm::instance::{Busy, Instance};
use crate::wasm::state::Call;

/// A file being written.
pub(super) struct Writer {
    home: Arc<Instance>,
    /// None once it was ended.
    writer: Option<ResourceAny>,
    held: u64,
    busy: Option<Busy>,
}

impl Writer {
    pub(super) async fn open(
        instance: &Arc<Instance>,
        call: Call,
        url: String,
        options: WriteOptions,
    ) -> Result<Self> {
        let busy = instance.occupy();
        let home = Arc::clone(instance);
        let given_up = call.given_up.clone();
        let open = instance.run("write", given_up, move |at, exports| {
            Box::pin(async move {
                let writing = exports.open_write(at, call, url, options).await?;
                // In the guest's task: an answer nobody waits for any more aborts the write.
                Ok(writing.map(|it| Self {
                    home,
                    writer: Some(it.writer),
                    held: it.held,
                    busy: None,
                }))
            })
        });
        let mut writer = open.await?;
        writer.busy = Some(busy);
        Ok(writer)
    }

    fn open_one(&self) -> ResourceAny {
        self.writer
            .expect("only an end takes it, which consumes the writer")
    }

    fn ended(&mut self) -> ResourceAny {
        let writer = self.writer.take();
        writer.expect("only an end takes it, which consumes the writer")
    }
}

/// A call on an open file. Given up, the guest has its time to end it, and a writer that is dropped then
/// is aborted behind it.
macro_rules! asked {
    ($home:expr, $writer:expr, $call:ident ( $($arg:expr),* )) => {{
        let (home, writer) = (Arc::clone(&$home), $writer);
        async move {
            let asked = home.run("write", CancelToken::default(), move |at, exports| {
                Box::pin(async move { exports.$call(at, writer, $($arg),*).await })
            });
            asked.await
        }
    }};
}

impl DynWrite for Writer {
    fn write(&mut self, offset: u64, chunk: Bytes) -> BoxFuture<'_, Result<()>> {
        Box::pin(asked!(self.home, self.open_one(), write(offset, chunk)))
    }

    fn commit(mut self: Box<Self>) -> BoxFuture<'static, Result<Written>> {
        Box::pin(async move { asked!(self.home, self.ended(), commit()).await })
    }

    fn abort(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let ended = asked!(self.home, self.ended(), abort()).await;
            told("abort", ended);
        })
    }

    fn held(&self) -> u64 {
        self.held
    }

    fn keep(&mut self, offset: u64, len: u64, expected: Checksum) -> BoxFuture<'_, Result<bool>> {
        let writer = self.open_one();
        Box::pin(asked!(self.home, writer, keep(offset, len, expected)))
    }

    fn suspend(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let ended = asked!(self.home, self.ended(), suspend()).await;
            told("suspend", ended);
        })
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        if let Some(writer) = self.writer.take() {
            self.home.send_off("abort a write", move |at, exports| {
                Box::pin(async move { exports.abort(at, writer).await })
            });
        }
    }
}

/// An end without a result: a failure is only logged.
fn told(what: &str, result: Result<()>) {
    if let Err(error) = result {
        tracing::warn!("failed to {what} a write: {error}");
    }
}
