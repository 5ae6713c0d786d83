//! Bytes on their way: what an author reads goes into a stream of the gateway's, and what the
//! gateway writes goes into a resource of ours.

use std::cell::Cell;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::{Either, select};

use super::CallContext;
use super::bindings::causeway::storage::timer;
use super::bindings::causeway::storage::types as wit;
use super::bindings::exports::causeway::storage::storage::{GuestWriter, Reading, Writer};
use super::bindings::{wit_future, wit_stream};
use super::convert::{checksum_back, error, opened, written};
use crate::{Error, ErrorKind, ReadBody, Result as Outcome, WriteBody};

/// Bytes handed over at a time. The stream wants a copy, and an instance has many files open in
/// little memory: an author's chunk may be a whole file that others share.
const PIECE: usize = 256 << 10;

/// Lets the author work until it is done, or until the caller has given up: then the author's
/// future is dropped, as a native plugin's is. A future that is done at once asks nothing.
pub(super) async fn unless_cancelled<T>(
    caller: &CallContext,
    work: impl Future<Output = Outcome<T>>,
) -> Result<T, wit::Error> {
    let (work, gone) = (
        std::pin::pin!(work),
        std::pin::pin!(timer::cancelled(caller)),
    );
    match select(work, gone).await {
        Either::Left((outcome, _)) => outcome.map_err(error),
        Either::Right(_) => Err(error(Error::new(
            ErrorKind::Canceled,
            "go on: the caller gave up",
        ))),
    }
}

/// Hands an open file over. What reads on runs after the call that opened it has answered.
pub(super) fn reading<B: ReadBody>(mut body: B, caller: Arc<CallContext>) -> Reading {
    let opened = opened(body.opened());
    let (mut data, data_end) = wit_stream::new();
    let (end, end_end) = wit_future::new(cut_short);
    wit_bindgen::spawn_local(async move {
        let outcome = feed(&caller, &mut body, &mut data).await;
        drop((data, body));
        // Nobody listens when the gateway has closed the file, and then nobody has to be told.
        drop(end.write(outcome).await);
    });
    Reading {
        opened,
        data: data_end,
        end: end_end,
    }
}

async fn feed<B: ReadBody>(
    caller: &CallContext,
    body: &mut B,
    data: &mut wit_bindgen::StreamWriter<u8>,
) -> Result<(), wit::Error> {
    while let Some(mut chunk) = unless_cancelled(caller, body.next()).await? {
        while !chunk.is_empty() {
            let piece = chunk.split_to(chunk.len().min(PIECE));
            let rest = data.write_all(piece.into()).await;
            if !rest.is_empty() {
                return Ok(()); // The gateway wants no more.
            }
        }
    }
    Ok(())
}

fn cut_short() -> Result<(), wit::Error> {
    Err(error(Error::new(
        ErrorKind::Internal,
        "read on: the plugin gave the file up",
    )))
}

/// A file being written. It is empty while a call works on its body: a call that is given up takes
/// the body with it, which aborts the write.
pub struct Sink<W> {
    body: Cell<Option<W>>,
    caller: Arc<CallContext>,
}

impl<W: WriteBody> Sink<W> {
    pub(super) fn resource(body: W, caller: Arc<CallContext>) -> Writer {
        Writer::new(Self {
            body: Cell::new(Some(body)),
            caller,
        })
    }

    fn take(&self) -> Result<W, wit::Error> {
        self.body.take().ok_or_else(|| {
            error(Error::new(
                ErrorKind::Internal,
                "write on: an earlier call was given up, or still works",
            ))
        })
    }
}

impl<W: WriteBody> GuestWriter for Sink<W> {
    async fn write(&self, offset: u64, chunk: Vec<u8>) -> Result<(), wit::Error> {
        let mut body = self.take()?;
        let writing = body.write(offset, chunk.into());
        let outcome = unless_cancelled(&self.caller, writing).await;
        self.body.set(Some(body));
        outcome
    }

    fn held(&self) -> u64 {
        let Some(body) = self.body.take() else {
            return 0;
        };
        let held = body.held();
        self.body.set(Some(body));
        held
    }

    async fn keep(
        &self,
        offset: u64,
        len: u64,
        expected: wit::ChecksumValue,
    ) -> Result<bool, wit::Error> {
        let mut body = self.take()?;
        let keeping = body.keep(offset, len, checksum_back(expected));
        let outcome = unless_cancelled(&self.caller, keeping).await;
        self.body.set(Some(body));
        outcome
    }

    async fn commit(this: Writer) -> Result<wit::Written, wit::Error> {
        let this = this.into_inner::<Self>();
        let commit = this.take()?.commit();
        unless_cancelled(&this.caller, commit).await.map(written)
    }

    async fn abort(this: Writer) {
        if let Ok(body) = this.into_inner::<Self>().take() {
            body.abort().await;
        }
    }

    async fn suspend(this: Writer) {
        if let Ok(body) = this.into_inner::<Self>().take() {
            body.suspend().await;
        }
    }
}
