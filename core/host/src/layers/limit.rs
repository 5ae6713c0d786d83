//! Bounds how many calls a plugin serves at the same time. The others wait their turn.
//!
//! A file counts as long as it is open. Who holds one file and waits for another could wait for
//! himself, so waiting is bounded: after [`PATIENCE`] the answer is "busy", which is tried again.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use causeway_sdk::{
    BoxFuture, Capabilities, Checksum, Ctx, DynRead, DynWrite, Error, ErrorKind, Opened, Operation,
    Result, Written,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Layer;

/// How long a call waits for its turn, if its deadline does not end it sooner.
const PATIENCE: Duration = Duration::from_secs(60);

/// The smaller of what the plugin and its manifest say; 0 stands for no limit.
pub(crate) fn calls_at_once(capabilities: &Capabilities, manifest: Option<u32>) -> usize {
    let limits = [capabilities.max_concurrency, manifest.unwrap_or(0)];
    let smallest = limits.into_iter().filter(|it| *it > 0).min().unwrap_or(0);
    usize::try_from(smallest).map_or(Semaphore::MAX_PERMITS, |it| it.min(Semaphore::MAX_PERMITS))
}

pub(super) struct Limit {
    turns: Arc<Semaphore>,
    most: usize,
    patience: Duration,
}

impl Limit {
    pub(super) fn new(most: usize) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(most)),
            most,
            patience: PATIENCE,
        }
    }

    async fn turn(&self, operation: Operation) -> Result<OwnedSemaphorePermit> {
        if let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() {
            return Ok(turn);
        }
        let waiting = Arc::clone(&self.turns).acquire_owned();
        // The semaphore is never closed, so the only failure is that nobody left in time.
        match tokio::time::timeout(self.patience, waiting).await {
            Ok(Ok(turn)) => Ok(turn),
            _ => Err(self.busy(operation)),
        }
    }

    fn busy(&self, operation: Operation) -> Error {
        let text = format!(
            "{}: the plugin serves {} calls already, as many as it takes",
            operation.name(),
            self.most
        );
        Error::new(ErrorKind::Busy, text).during(operation.name())
    }
}

impl Layer for Limit {
    fn call<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        _cx: &'a Ctx,
        call: impl FnOnce() -> BoxFuture<'a, Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        Box::pin(async move {
            let _turn = self.turn(operation).await?;
            call().await
        })
    }

    fn open_read<'a>(
        &'a self,
        _cx: &'a Ctx,
        open: impl FnOnce() -> BoxFuture<'a, Result<Box<dyn DynRead>>> + Send + 'a,
    ) -> BoxFuture<'a, Result<Box<dyn DynRead>>> {
        Box::pin(async move {
            let turn = self.turn(Operation::Read).await?;
            Ok(Box::new(Body(open().await?, turn)) as Box<dyn DynRead>)
        })
    }

    fn open_write<'a>(
        &'a self,
        _cx: &'a Ctx,
        open: impl FnOnce() -> BoxFuture<'a, Result<Box<dyn DynWrite>>> + Send + 'a,
    ) -> BoxFuture<'a, Result<Box<dyn DynWrite>>> {
        Box::pin(async move {
            let turn = self.turn(Operation::Write).await?;
            Ok(Box::new(Body(open().await?, turn)) as Box<dyn DynWrite>)
        })
    }
}

/// An open file and its turn, in the order in which they are given back.
struct Body<B>(B, OwnedSemaphorePermit);

impl DynRead for Body<Box<dyn DynRead>> {
    fn opened(&self) -> Opened {
        self.0.opened()
    }

    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>>> {
        self.0.next()
    }
}

impl DynWrite for Body<Box<dyn DynWrite>> {
    fn write(&mut self, offset: u64, chunk: Bytes) -> BoxFuture<'_, Result<()>> {
        self.0.write(offset, chunk)
    }

    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<Written>> {
        let Self(body, turn) = *self;
        Box::pin(async move {
            let _turn = turn;
            body.commit().await
        })
    }

    fn abort(self: Box<Self>) -> BoxFuture<'static, ()> {
        let Self(body, turn) = *self;
        Box::pin(async move {
            let _turn = turn;
            body.abort().await;
        })
    }

    fn held(&self) -> u64 {
        self.0.held()
    }

    fn keep(&mut self, offset: u64, len: u64, expected: Checksum) -> BoxFuture<'_, Result<bool>> {
        self.0.keep(offset, len, expected)
    }

    fn suspend(self: Box<Self>) -> BoxFuture<'static, ()> {
        let Self(body, turn) = *self;
        Box::pin(async move {
            let _turn = turn;
            body.suspend().await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_limit_counts_and_none_is_none() {
        let says = |most| Capabilities {
            max_concurrency: most,
            ..Capabilities::default()
        };
        for (plugin, manifest, expected) in [
            (0, None, 0),
            (0, Some(0), 0),
            (5, None, 5),
            (0, Some(7), 7),
            (5, Some(7), 5),
            (9, Some(7), 7),
        ] {
            assert_eq!(calls_at_once(&says(plugin), manifest), expected);
        }
    }

    #[tokio::test]
    async fn who_gets_no_turn_is_told_so() {
        let limit = Limit {
            patience: Duration::from_millis(1),
            ..Limit::new(1)
        };
        let turn = limit.turn(Operation::Read).await.unwrap();
        let error = limit.turn(Operation::Write).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.operation()),
            (ErrorKind::Busy, "write")
        );
        drop(turn);
        assert!(limit.turn(Operation::Write).await.is_ok());
    }
}
