//! Counts panics. A panic is a failure of that one call and a mark against the plugin.
//!
//! Panics of a native plugin arrive as errors with a mark; those of a storage linked into the
//! program are caught here.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use causeway_sdk::native::PANIC_KEY;
use causeway_sdk::{
    BoxFuture, Ctx, DynRead, DynWrite, Error, ErrorKind, Opened, Operation, Result, Written,
};
use futures_util::FutureExt as _;
use parking_lot::Mutex;

use super::Layer;

/// So many panics within [`WINDOW`] make a plugin degraded.
const LIMIT: usize = 5;
/// How long a panic counts.
const WINDOW: Duration = Duration::from_secs(60);

/// What is known of a plugin's panics.
pub(crate) struct Health {
    plugin: String,
    panics: AtomicU64,
    recent: Mutex<VecDeque<Instant>>,
}

impl Health {
    pub(crate) fn new(plugin: &str) -> Self {
        Self {
            plugin: plugin.to_owned(),
            panics: AtomicU64::new(0),
            recent: Mutex::new(VecDeque::new()),
        }
    }

    pub(crate) fn panics(&self) -> u64 {
        self.panics.load(Ordering::Relaxed)
    }

    pub(crate) fn is_degraded(&self) -> bool {
        let recent = self.recent.lock();
        recent.len() >= LIMIT && recent.front().is_some_and(|first| first.elapsed() < WINDOW)
    }

    fn note(&self, error: &Error) {
        self.panics.fetch_add(1, Ordering::Relaxed);
        let mut recent = self.recent.lock();
        if recent.len() == LIMIT {
            recent.pop_front();
        }
        recent.push_back(Instant::now());
        tracing::error!(plugin.name = %self.plugin, operation = error.operation(), "{error}");
    }

    fn inspect<T>(&self, result: Result<T>) -> Result<T> {
        if let Err(error) = &result
            && error.context().iter().any(|(key, _)| key == PANIC_KEY)
        {
            self.note(error);
        }
        result
    }

    async fn watch<T>(&self, call: impl Future<Output = Result<T>>) -> Result<T> {
        let caught = AssertUnwindSafe(call).catch_unwind().await;
        self.inspect(caught.unwrap_or_else(|_| Err(panicked())))
    }
}

fn panicked() -> Error {
    // The text of the panic is on stderr already, written by the hook.
    Error::new(ErrorKind::Internal, "plugin panicked").with(PANIC_KEY, "caught by the host")
}

pub(super) struct Watch(Arc<Health>);

impl Watch {
    pub(super) fn new(health: Arc<Health>) -> Self {
        Self(health)
    }
}

impl Layer for Watch {
    fn call<'a, T: Send + 'a>(
        &'a self,
        _operation: Operation,
        _cx: &'a Ctx,
        call: impl FnOnce() -> BoxFuture<'a, Result<T>>,
    ) -> BoxFuture<'a, Result<T>> {
        Box::pin(self.0.watch(call()))
    }

    fn admit(&self, ask: impl FnOnce() -> Result<()>) -> Result<()> {
        let caught = std::panic::catch_unwind(AssertUnwindSafe(ask));
        self.0.inspect(caught.unwrap_or_else(|_| Err(panicked())))
    }

    fn reader(&self, body: Box<dyn DynRead>) -> Box<dyn DynRead> {
        Box::new(Body(body, Arc::clone(&self.0)))
    }

    fn writer(&self, body: Box<dyn DynWrite>) -> Box<dyn DynWrite> {
        Box::new(Body(body, Arc::clone(&self.0)))
    }
}

/// Named methods of the trait rather than the type's, which would find the SDK's author-side twins.
struct Body<B>(B, Arc<Health>);

impl DynRead for Body<Box<dyn DynRead>> {
    fn opened(&self) -> Opened {
        self.0.opened()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>>> {
        Box::pin(self.1.watch(self.0.next()))
    }
}

impl DynWrite for Body<Box<dyn DynWrite>> {
    fn write(&mut self, offset: u64, chunk: Bytes) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.1.watch(self.0.write(offset, chunk)))
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Written>> {
        Box::pin(async move { self.1.watch(self.0.commit()).await })
    }

    fn abort(self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let Self(body, health) = *self;
            // Abort has no result; a panic in it has been noted, and the caller can do nothing.
            drop(health.watch(body.abort().map(Ok)).await);
        })
    }
}
