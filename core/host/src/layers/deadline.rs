//! Ends a call when its time is over.
//!
//! The deadline covers the call, so for a body the opening of it. How long a file may stay open is
//! the engine's to decide: it sees whether bytes still flow. No timer is armed for a call that
//! answers at once, nor without a deadline.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use causeway_sdk::{BoxFuture, Ctx, Error, ErrorKind, Operation, Result};

use super::Layer;

pub(super) struct Deadline;

impl Layer for Deadline {
    fn call<'a, T: Send + 'a>(
        &'a self,
        operation: Operation,
        cx: &'a Ctx,
        call: impl FnOnce() -> BoxFuture<'a, Result<T>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T>> {
        if !cx.has_deadline() {
            return call();
        }
        Box::pin(limited(operation, cx, call()))
    }
}

async fn limited<T>(
    operation: Operation,
    cx: &Ctx,
    mut call: BoxFuture<'_, Result<T>>,
) -> Result<T> {
    let mut timer = pin!(None);
    poll_fn(|waker| {
        if let Poll::Ready(result) = call.as_mut().poll(waker) {
            return Poll::Ready(result);
        }
        if timer.is_none() {
            timer.set(cx.remaining().map(tokio::time::sleep));
        }
        match timer.as_mut().as_pin_mut() {
            Some(timer) => timer.poll(waker).map(|()| Err(late(operation))),
            None => Poll::Pending,
        }
    })
    .await
}

fn late(operation: Operation) -> Error {
    let text = format!("{}: the storage did not answer in time", operation.name());
    Error::new(ErrorKind::Timeout, text).during(operation.name())
}
