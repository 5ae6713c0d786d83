//! One call on its way: a future of the author's that the gateway polls and may drop.

use std::future::Future;
use std::mem::MaybeUninit;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use causeway_abi::abi_stable::std_types::RResult;
use causeway_abi::{Answer, Reply, ReplySource};

use super::contain::{dropped, panicked, quietly};
use super::convert::Crossing;
use super::runtime;
use crate::{Ctx, Result};

/// Hands a future over. The token of `cx` is raised if it is dropped before it is done.
pub(super) fn reply<T, F>(operation: &'static str, cx: Option<Ctx>, future: F) -> Reply<T::Abi>
where
    T: Crossing,
    F: Future<Output = Result<T>> + Send + 'static,
{
    Reply::new(Call {
        future: Some(future),
        cx,
        operation,
    })
}

struct Call<F> {
    // Pinned with the struct; emptied in place, never moved out.
    future: Option<F>,
    // The context of a call that may still be given up.
    cx: Option<Ctx>,
    operation: &'static str,
}

impl<T, F> ReplySource<T::Abi> for Call<F>
where
    T: Crossing,
    F: Future<Output = Result<T>> + Send + 'static,
{
    fn poll_into(
        self: Pin<&mut Self>,
        waker: &mut Context<'_>,
        out: &mut MaybeUninit<Answer<T::Abi>>,
    ) -> Poll<()> {
        // SAFETY: `future` is only used through the pin made below and never moved; the other
        // fields are not pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let _entered = match runtime::enter() {
            Ok(guard) => guard,
            Err(error) => {
                out.write(RResult::RErr(error.into_abi()));
                return Poll::Ready(());
            }
        };
        // SAFETY: `this` came out of a pin and `Call` gives no other access to `future`.
        let mut future = unsafe { Pin::new_unchecked(&mut this.future) };
        let polled = catch_unwind(AssertUnwindSafe(|| {
            let Some(running) = future.as_mut().as_pin_mut() else {
                panic!("polled after it was done");
            };
            running.poll(waker).map(|result| {
                out.write(match result {
                    Ok(value) => RResult::ROk(value.into_abi()),
                    Err(error) => RResult::RErr(error.into_abi()),
                });
            })
        }));
        match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(())) => this.cx = None,
            Err(payload) => {
                let error = panicked(this.operation, payload).into_abi();
                out.write(RResult::RErr(error));
            }
        }
        this.end();
        Poll::Ready(())
    }
}

impl<F> Call<F> {
    /// Raises the token unless the call is done, and drops the future where it is.
    fn end(&mut self) {
        if let Some(cx) = self.cx.take() {
            cx.cancel().cancel();
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
