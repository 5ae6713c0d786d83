//! One call on its way: a future of the author's that the gateway polls and may drop.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use causeway_abi::Reply;
use causeway_abi::abi_stable::std_types::RResult;
use causeway_abi::async_ffi::FfiFuture;

use super::contain::{dropped, panicked, quietly};
use super::convert::Crossing;
use super::runtime;
use crate::{CancelToken, Result};

/// Hands a future over. `token` is raised if it is dropped before it is done.
pub(super) fn reply<T, F>(
    operation: &'static str,
    token: Option<CancelToken>,
    future: F,
) -> Reply<T::Abi>
where
    T: Crossing,
    F: Future<Output = Result<T>> + Send + 'static,
{
    FfiFuture::new(Call {
        future: Some(future),
        token,
        operation,
    })
}

struct Call<F> {
    // Pinned with the struct; emptied in place, never moved out.
    future: Option<F>,
    token: Option<CancelToken>,
    operation: &'static str,
}

impl<T, F> Future for Call<F>
where
    T: Crossing,
    F: Future<Output = Result<T>>,
{
    type Output = RResult<T::Abi, causeway_abi::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // SAFETY: `future` is only used through the pin made below and never moved; the other
        // fields are not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let _entered = match runtime::enter() {
            Ok(guard) => guard,
            Err(error) => return Poll::Ready(RResult::RErr(error.into_abi())),
        };
        // SAFETY: `this` came out of a pin and `Call` gives no other access to `future`.
        let mut future = unsafe { Pin::new_unchecked(&mut this.future) };
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let Some(running) = future.as_mut().as_pin_mut() else {
                panic!("polled after it was done");
            };
            running.poll(cx).map(|result| result.map(T::into_abi))
        }));
        let result = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(result)) => {
                this.token = None;
                result
            }
            Err(payload) => Err(panicked(this.operation, payload)),
        };
        this.end();
        Poll::Ready(result.map_err(Crossing::into_abi).into())
    }
}

impl<F> Call<F> {
    /// Raises the token unless the call is done, and drops the future where it is.
    fn end(&mut self) {
        if let Some(token) = self.token.take() {
            token.cancel();
        }
        // SAFETY: both callers have the struct pinned (`poll`) or in its drop; setting to `None`
        // drops the future in place.
        let mut future = unsafe { Pin::new_unchecked(&mut self.future) };
        quietly(self.operation, || future.set(None));
    }
}

impl<F> Drop for Call<F> {
    fn drop(&mut self) {
        if self.future.is_some() {
            dropped(self.operation, || self.end());
        }
    }
}
