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
    BoxFuture, Checksum, Ctx, DynRead, DynWrite, Error, ErrorKind, Opened, Operation, Result,
    Written,
};
use futures_util::FutureExt as _;

use super::{Health, Layer};
use crate::culprit::{Name, coarse_time, mark};

pub(super) struct Watch(Arc<Health>);

impl Watch {
    pub(super) fn new(health: Arc<Health>) -> Self {
        Self(health)
    }
}

/// A call whose polls are watched.
struct Watched<'a, T> {
    /// There until it is dropped, which is the plugin's work, too.
    call: Option<BoxFuture<'a, Result<T>>>,
    health: &'a Health,
    operation: Operation,
    /// When it began; taken when it has been answered.
    began: Option<Duration>,
}

impl<T> Watched<'_, T> {
    fn answered(&mut self, now: Duration) {
        if let Some(began) = self.began.take() {
            self.health.counted.spent(now.saturating_sub(began));
        }
    }
}

impl<T> Future for Watched<'_, T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Result<T>> {
        let began = coarse_time();
        let marked = mark(self.health.name, began);
        let Some(call) = &mut self.call else {
            return Poll::Ready(Err(panicked()));
        };
        let polled = catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(waker)));
        drop(marked);
        let now = coarse_time();
        self.health
            .polled(self.operation, now.saturating_sub(began));
        let polled = polled.unwrap_or_else(|_| Poll::Ready(Err(panicked())));
        if polled.is_ready() {
            self.answered(now);
        }
        polled.map(|result| inspect(self.health, result))
    }
}

impl<T> Drop for Watched<'_, T> {
    fn drop(&mut self) {
        let now = coarse_time();
        let _marked = mark(self.health.name, now);
        self.call = None;
        // Given up: the time until then was waited for it as well.
        self.answered(now);
    }
}

fn inspect<T>(health: &Health, result: Result<T>) -> Result<T> {
    if let Err(error) = &result {
        health.failed(error);
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
    began: Duration,
    call: BoxFuture<'a, Result<T>>,
) -> BoxFuture<'a, Result<T>> {
    Box::pin(Watched {
        call: Some(call),
        health,
        operation,
        began: Some(began),
    })
}

/// The same from its beginning, which may be the plugin's work already.
fn begun<'a, T: Send + 'a>(
    health: &'a Health,
    operation: Operation,
    call: impl FnOnce() -> BoxFuture<'a, Result<T>>,
) -> BoxFuture<'a, Result<T>> {
    let began = coarse_time();
    let call = {
        let _marked = mark(health.name, began);
        call()
    };
    watched(health, operation, began, call)
}

impl Layer for Watch {
    fn call<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        _cx: &'a Ctx,
        call: impl FnOnce() -> BoxFuture<'a, Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        self.0.counted.call();
        begun(&self.0, operation, call)
    }

    fn admit(&self, ask: impl FnOnce() -> Result<()>) -> Result<()> {
        let _marked = mark(self.0.name, coarse_time());
        let caught = catch_unwind(AssertUnwindSafe(ask));
        let answer = caught.unwrap_or_else(|_| Err(panicked()));
        // That a URL may not be used is an answer.
        if let Err(error) = &answer {
            self.0.noticed(error);
        }
        answer
    }

    fn open_read<'a>(
        &'a self,
        cx: &'a Ctx,
        open: impl FnOnce() -> BoxFuture<'a, Result<Box<dyn DynRead>>> + Send + 'a,
    ) -> BoxFuture<'a, Result<Box<dyn DynRead>>> {
        let opening = self.call(Operation::Read, cx, open);
        Box::pin(async move {
            let body = Body::new(opening.await?, Arc::clone(&self.0));
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
            let body = Body::new(opening.await?, Arc::clone(&self.0));
            Ok(Box::new(body) as Box<dyn DynWrite>)
        })
    }
}

/// An open file and who watches it.
struct Body<B>(Attended<B>, Arc<Health>);

/// Something of the plugin's, whose drop is the plugin's work, too.
struct Attended<B> {
    inner: Option<B>,
    name: &'static Name,
}

impl<B> Attended<B> {
    fn get(&self) -> &B {
        self.inner
            .as_ref()
            .expect("only `take` empties it, which consumes it")
    }

    fn get_mut(&mut self) -> &mut B {
        self.inner
            .as_mut()
            .expect("only `take` empties it, which consumes it")
    }

    fn take(mut self) -> B {
        self.inner
            .take()
            .expect("only `take` empties it, which consumes it")
    }
}

impl<B> Drop for Attended<B> {
    fn drop(&mut self) {
        if self.inner.is_some() {
            let _marked = mark(self.name, coarse_time());
            self.inner = None;
        }
    }
}

impl<B> Body<B> {
    fn new(body: B, health: Arc<Health>) -> Self {
        let name = health.name;
        let inner = Some(body);
        Self(Attended { inner, name }, health)
    }
}

impl DynRead for Body<Box<dyn DynRead>> {
    fn opened(&self) -> Opened {
        let _marked = mark(self.1.name, coarse_time());
        self.0.get().opened()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>>> {
        let body = self.0.get_mut();
        begun(&self.1, Operation::Read, || body.next())
    }
}

impl DynWrite for Body<Box<dyn DynWrite>> {
    fn write(&mut self, offset: u64, chunk: Bytes) -> BoxFuture<'_, Result<()>> {
        let body = self.0.get_mut();
        begun(&self.1, Operation::Write, || body.write(offset, chunk))
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Written>> {
        let Self(body, health) = *self;
        Box::pin(async move { begun(&health, Operation::Write, || body.take().commit()).await })
    }

    fn abort(self: Box<Self>) -> BoxFuture<'static, ()> {
        let Self(body, health) = *self;
        Box::pin(async move {
            let abort = || Box::pin(body.take().abort().map(Ok)) as BoxFuture<'_, Result<()>>;
            // Abort has no result; a panic in it has been noted, and the caller can do nothing.
            drop(begun(&health, Operation::Write, abort).await);
        })
    }

    fn held(&self) -> u64 {
        let _marked = mark(self.1.name, coarse_time());
        self.0.get().held()
    }

    fn keep(&mut self, offset: u64, len: u64, expected: Checksum) -> BoxFuture<'_, Result<bool>> {
        let body = self.0.get_mut();
        begun(&self.1, Operation::Write, || {
            body.keep(offset, len, expected)
        })
    }

    fn suspend(self: Box<Self>) -> BoxFuture<'static, ()> {
        let Self(body, health) = *self;
        Box::pin(async move {
            let suspend = || Box::pin(body.take().suspend().map(Ok)) as BoxFuture<'_, Result<()>>;
            // As with abort.
            drop(begun(&health, Operation::Write, suspend).await);
        })
    }
}
