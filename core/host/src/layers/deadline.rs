//! Ends a call when its time is over.
//!
//! The deadline covers the call, so for a body the opening of it. How long a file may stay open is
//! the engine's to decide: it sees whether bytes still flow.

use causeway_sdk::{BoxFuture, Ctx, Error, ErrorKind, Operation, Result};

use super::Layer;

pub(super) struct Deadline;

impl Layer for Deadline {
    fn call<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        cx: &'a Ctx,
        call: impl FnOnce() -> BoxFuture<'a, Result<T>>,
    ) -> BoxFuture<'a, Result<T>> {
        let Some(left) = cx.remaining() else {
            return call();
        };
        let call = call();
        Box::pin(async move {
            tokio::time::timeout(left, call).await.unwrap_or_else(|_| {
                let text = format!("{}: the storage did not answer in time", operation.name());
                Err(Error::new(ErrorKind::Timeout, text).during(operation.name()))
            })
        })
    }
}
