//! Streams between a guest and the gateway. Bytes are copied once on their way, and a side that is
//! slow makes the other wait.
//!
//! All use of the engine's stream traits is here.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use causeway_sdk::{Error, ErrorKind, Result};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::PollSender;
use wasmtime::StoreContextMut;
use wasmtime::component::{
    Accessor, Destination, FutureConsumer, FutureReader, Lift, Source, StreamConsumer,
    StreamProducer, StreamReader, StreamResult,
};

use super::state::State;

/// Most bytes of one chunk.
const CHUNK: usize = 4 << 20;
/// Chunks that wait for whoever takes them.
const WAITING: usize = 1;

/// Bytes that come from a guest.
pub(crate) struct Incoming {
    chunks: mpsc::Receiver<Bytes>,
    end: Option<oneshot::Receiver<Result<()>>>,
}

impl Incoming {
    /// The next bytes; `None` after the guest has said that this is all. An error of `Err(None)` is
    /// the end of the instance.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, Option<Error>> {
        if let Some(chunk) = self.chunks.recv().await {
            return Ok(Some(chunk));
        }
        let Some(end) = self.end.take() else {
            return Ok(None);
        };
        match end.await {
            Ok(Ok(())) => Ok(None),
            Ok(Err(error)) => Err(Some(error)),
            Err(_) => Err(None),
        }
    }
}

/// Takes a guest's stream, and the future that says how it ended.
pub(crate) fn incoming<E>(
    at: &Accessor<State>,
    data: StreamReader<u8>,
    end: FutureReader<Result<(), E>>,
    error: fn(E) -> Error,
) -> wasmtime::Result<Incoming>
where
    E: Lift + Send + Sync + 'static,
{
    let (sender, chunks) = mpsc::channel(WAITING);
    let (told, ended) = oneshot::channel();
    at.with(|mut store| {
        data.pipe(&mut store, Taker(PollSender::new(sender)))?;
        end.pipe(&mut store, End(Some(told), error))
    })?;
    Ok(Incoming {
        chunks,
        end: Some(ended),
    })
}

/// Takes a guest's stream of which only the bytes count.
pub(crate) fn bytes_of(
    at: &Accessor<State>,
    data: StreamReader<u8>,
) -> wasmtime::Result<mpsc::Receiver<Bytes>> {
    let (sender, chunks) = mpsc::channel(WAITING);
    at.with(|mut store| data.pipe(&mut store, Taker(PollSender::new(sender))))?;
    Ok(chunks)
}

struct Taker(PollSender<Bytes>);

impl StreamConsumer<State> for Taker {
    type Item = u8;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        store: StoreContextMut<'_, State>,
        source: Source<'_, u8>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        store.data().pulse.beat();
        match self.0.poll_reserve(cx) {
            Poll::Ready(Ok(())) => {}
            // Nobody wants more.
            Poll::Ready(Err(_)) => return Poll::Ready(Ok(StreamResult::Dropped)),
            Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
            Poll::Pending => return Poll::Pending,
        }
        let mut source = source.as_direct(store);
        let chunk = {
            let bytes = source.remaining();
            Bytes::copy_from_slice(&bytes[..bytes.len().min(CHUNK)])
        };
        if chunk.is_empty() {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        source.mark_read(chunk.len());
        Poll::Ready(Ok(match self.0.send_item(chunk) {
            Ok(()) => StreamResult::Completed,
            Err(_) => StreamResult::Dropped,
        }))
    }
}

struct End<E>(Option<oneshot::Sender<Result<()>>>, fn(E) -> Error);

impl<E: Lift + Send + Sync + 'static> FutureConsumer<State> for End<E> {
    type Item = Result<(), E>;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        store: StoreContextMut<'_, State>,
        mut source: Source<'_, Self::Item>,
        _finish: bool,
    ) -> Poll<wasmtime::Result<()>> {
        let mut value = None;
        source.read(store, &mut value)?;
        let error = self.1;
        if let (Some(value), Some(told)) = (value, self.0.take()) {
            // Whoever asked may have gone.
            drop(told.send(value.map_err(error)));
        }
        Poll::Ready(Ok(()))
    }
}

/// Bytes for a guest; the first error ends them and is told through the channel.
pub(crate) struct Giver {
    pub(crate) bytes: BoxStream<'static, Result<Bytes>>,
    pub(crate) told: Option<oneshot::Sender<Result<()>>>,
}

impl Giver {
    fn end(&mut self, result: Result<()>) -> StreamResult {
        if let Some(told) = self.told.take() {
            // The guest may have dropped its end.
            drop(told.send(result));
        }
        StreamResult::Dropped
    }
}

impl StreamProducer<State> for Giver {
    type Item = u8;
    type Buffer = Bytes;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut store: StoreContextMut<'a, State>,
        mut destination: Destination<'a, u8, Bytes>,
        finish: bool,
    ) -> Poll<wasmtime::Result<StreamResult>> {
        store.data().pulse.beat();
        if destination.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let next = match self.bytes.poll_next_unpin(cx) {
            Poll::Pending if finish => return Poll::Ready(Ok(StreamResult::Cancelled)),
            next => ready!(next),
        };
        Poll::Ready(Ok(match next {
            Some(Ok(bytes)) => {
                destination.set_buffer(bytes);
                StreamResult::Completed
            }
            Some(Err(error)) => self.end(Err(error)),
            None => self.end(Ok(())),
        }))
    }
}

/// The answer to "is that all", for a guest.
pub(crate) async fn ended(told: oneshot::Receiver<Result<()>>) -> Result<()> {
    match told.await {
        Ok(result) => result,
        // The stream was dropped before its end, by the guest itself.
        Err(_) => Err(Error::new(ErrorKind::Canceled, "read the body to its end")),
    }
}
