//! Watches every poll of a plugin: how long it takes, and whether it panics. A panic is a failure of
//! that one call and a mark against the plugin.
//!
//! Panics of a native plugin arrive as errors with a mark; those of a storage linked into the
//! program are caught here.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use causeway_sdk::native::PANIC_KEY;
use causeway_sdk::{
    BoxFuture, Ctx, DynRead, DynWrite, Error, ErrorKind, Opened, Operation, Result, Written,
};
use futures_util::FutureExt as _;
use rustix::time::{ClockId, clock_gettime};

use super::{Health, Layer};

pub(super) struct Watch(Arc<Health>);

impl Watch {
    pub(super) fn new(health: Arc<Health>) -> Self {
        Self(health)
    }
}

/// A call whose polls are watched.
struct Watched<'a, T> {
    call: BoxFuture<'a, Result<T>>,
    health: &'a Health,
    operation: Operation,
}

impl<T> Future for Watched<'_, T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Result<T>> {
        let began = coarse_time();
        let call = &mut self.call;
        let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(waker)));
        let took = coarse_time().saturating_sub(began);
        self.health.polled(self.operation, took);
        polled
            .unwrap_or_else(|_| Poll::Ready(Err(panicked())))
            .map(|result| inspect(self.health, result))
    }
}

/// Time since the machine started, exact to a tick of the kernel. Cheaper than the exact clock, which
/// would cost as much as the border.
fn coarse_time() -> Duration {
    let time = clock_gettime(ClockId::MonotonicCoarse);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

fn inspect<T>(health: &Health, result: Result<T>) -> Result<T> {
    if let Err(error) = &result
        && error.context().iter().any(|(key, _)| key == PANIC_KEY)
    {
        health.panicked(error);
    }
    result
}

fn panicked() -> Error {
    // The text of the panic is on stderr already, written by the hook.
    Error::new(ErrorKind::Internal, "plugin panicked").with(PANIC_KEY, "caught by the host")
}

fn watched<'a, T: Send + 'a>(
    health: &'a Health,
    operation: Operation,
    call: BoxFuture<'a, Result<T>>,
) -> BoxFuture<'a, Result<T>> {
    Box::pin(Watched {
        call,
        health,
        operation,
    })
}

impl Layer for Watch {
    fn call<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        _cx: &'a Ctx,
        call: impl FnOnce() -> BoxFuture<'a, Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        watched(&self.0, operation, call())
    }

    fn admit(&self, ask: impl FnOnce() -> Result<()>) -> Result<()> {
        let caught = catch_unwind(AssertUnwindSafe(ask));
        inspect(&self.0, caught.unwrap_or_else(|_| Err(panicked())))
    }

    fn open_read<'a>(
        &'a self,
        cx: &'a Ctx,
        open: impl FnOnce() -> BoxFuture<'a, Result<Box<dyn DynRead>>> + Send + 'a,
    ) -> BoxFuture<'a, Result<Box<dyn DynRead>>> {
        let opening = self.call(Operation::Read, cx, open);
        Box::pin(async move {
            let body = Body(opening.await?, Arc::clone(&self.0));
            Ok(Box::new(body) as Box<dyn DynRead>)
        })
    }

    fn open_write<'a>(
        &'a self,
        cx: &'a Ctx,
        open: impl FnOnce() -> BoxFuture<'a, Result<Box<dyn DynWrite>>> + Send + 'a,
    ) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
        let opening = self.call(Operation::Write, cx, open);
        Box::pin(async move {
            let body = Body(opening.await?, Arc::clone(&self.0));
            Ok(Box::new(body) as Box<dyn DynWrite>)
        })
    }
}

/// An open file and who watches it.
struct Body<B>(B, Arc<Health>);

impl DynRead for Body<Box<dyn DynRead>> {
    fn opened(&self) -> Opened {
        self.0.opened()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>>> {
        watched(&self.1, Operation::Read, self.0.next())
    }
}

impl DynWrite for Body<Box<dyn DynWrite>> {
    fn write(&mut self, offset: u64, chunk: Bytes) -> BoxFuture<'_, Result<()>> {
        watched(&self.1, Operation::Write, self.0.write(offset, chunk))
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Written>> {
        let Self(body, health) = *self;
        Box::pin(async move { watched(&health, Operation::Write, body.commit()).await })
    }

    fn abort(self: Box<Self>) -> BoxFuture<'static, ()> {
        let Self(body, health) = *self;
        Box::pin(async move {
            let abort = Box::pin(body.abort().map(Ok));
            // Abort has no result; a panic in it has been noted, and the caller can do nothing.
            drop(watched(&health, Operation::Write, abort).await);
        })
    }
}
