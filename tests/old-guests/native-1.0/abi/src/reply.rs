//! Answer of a call that may wait: a future of the other side, polled by whoever called.
//!
//! The answer is written where the caller wants it, once, rather than handed from poll to poll by
//! value: answers are large, and moving them was the dearest part of a short call.

use std::future::Future;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use abi_stable::StableAbi;
use abi_stable::std_types::RResult;
use async_ffi::{ContextExt as _, FfiContext};

use crate::values::Error;

/// What an answer is.
pub type Answer<T> = RResult<T, Error>;

/// A future that can be handed over.
pub trait ReplySource<T>: Send + 'static {
    /// Works on; when it is done, writes the answer to `out` and says so. Not called again then.
    ///
    /// Must not panic, nor may its drop: either would end the process.
    fn poll_into(
        self: Pin<&mut Self>,
        waker: &mut Context<'_>,
        out: &mut MaybeUninit<Answer<T>>,
    ) -> Poll<()>;
}

/// A future of the other side.
#[repr(C)]
#[derive(StableAbi)]
#[must_use = "futures do nothing unless they are polled"]
pub struct Reply<T> {
    future: *mut (),
    // True when `out` was written.
    poll: unsafe extern "C" fn(*mut (), *mut FfiContext<'_>, out: *mut Answer<T>) -> bool,
    drop: unsafe extern "C" fn(*mut ()),
}

// SAFETY: `new` takes `Send` futures only.
unsafe impl<T> Send for Reply<T> {}

// A panic that left one of these two would meet `extern "C"`, which ends the process.
unsafe extern "C" fn poll<T, F: ReplySource<T>>(
    future: *mut (),
    waker: *mut FfiContext<'_>,
    out: *mut Answer<T>,
) -> bool {
    // SAFETY: `future` is the box of `new`, which never moves it and lends it to one poll at a time;
    // `out` is memory for an answer that may hold none.
    let (future, out) = unsafe {
        let future = Pin::new_unchecked(&mut *future.cast::<F>());
        (future, &mut *out.cast::<MaybeUninit<Answer<T>>>())
    };
    // SAFETY: the caller made it for this poll.
    let waker = unsafe { &mut *waker };
    waker.with_context(|waker| future.poll_into(waker, out).is_ready())
}

unsafe extern "C" fn release<F>(future: *mut ()) {
    // SAFETY: `future` is the box of `new`, given back once.
    drop(unsafe { Box::from_raw(future.cast::<F>()) });
}

impl<T> Reply<T> {
    /// Hands a future over.
    pub fn new<F: ReplySource<T>>(future: F) -> Self {
        Self {
            future: Box::into_raw(Box::new(future)).cast(),
            poll: poll::<T, F>,
            drop: release::<F>,
        }
    }
}

impl<T: Send + Unpin + 'static> Reply<T> {
    /// An answer that is there already.
    pub fn ready(answer: Answer<T>) -> Self {
        Self::new(Ready(Some(answer)))
    }
}

struct Ready<T>(Option<Answer<T>>);

impl<T: Send + Unpin + 'static> ReplySource<T> for Ready<T> {
    fn poll_into(
        mut self: Pin<&mut Self>,
        _waker: &mut Context<'_>,
        out: &mut MaybeUninit<Answer<T>>,
    ) -> Poll<()> {
        // Never asked twice; if it is, waiting for ever harms nobody but the asker.
        let Some(answer) = self.0.take() else {
            return Poll::Pending;
        };
        out.write(answer);
        Poll::Ready(())
    }
}

impl<T> Future for Reply<T> {
    type Output = Answer<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, waker: &mut Context<'_>) -> Poll<Answer<T>> {
        let mut out = MaybeUninit::uninit();
        // SAFETY: `future` belongs to `poll`, and `out` has room for the answer.
        let ready = waker
            .with_ffi_context(|waker| unsafe { (self.poll)(self.future, waker, out.as_mut_ptr()) });
        if ready {
            // SAFETY: `poll` said that it has written it.
            Poll::Ready(unsafe { out.assume_init() })
        } else {
            Poll::Pending
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        // SAFETY: `future` belongs to `drop` and is given back once.
        unsafe { (self.drop)(self.future) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::task::{Wake, Waker};

    struct Second {
        polls: u32,
        _kept: Arc<()>,
    }

    impl ReplySource<u32> for Second {
        fn poll_into(
            mut self: Pin<&mut Self>,
            waker: &mut Context<'_>,
            out: &mut MaybeUninit<Answer<u32>>,
        ) -> Poll<()> {
            self.polls += 1;
            if self.polls < 2 {
                waker.waker().wake_by_ref();
                return Poll::Pending;
            }
            out.write(RResult::ROk(self.polls));
            Poll::Ready(())
        }
    }

    struct Nobody;
    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    #[test]
    fn an_answer_that_is_there_is_given_at_once() {
        let mut reply = Reply::ready(RResult::ROk(7));
        let waker = Waker::from(Arc::new(Nobody));
        let done = Pin::new(&mut reply).poll(&mut Context::from_waker(&waker));
        assert!(matches!(done, Poll::Ready(RResult::ROk(7))));
        drop(Reply::ready(RResult::ROk(String::from("never asked"))));
    }

    #[test]
    fn it_is_polled_until_it_is_done_and_dropped_once() {
        let kept = Arc::new(());
        let source = |kept: &Arc<()>| Second {
            polls: 0,
            _kept: Arc::clone(kept),
        };
        let mut reply = Reply::new(source(&kept));
        let waker = Waker::from(Arc::new(Nobody));
        let mut cx = Context::from_waker(&waker);
        assert!(Pin::new(&mut reply).poll(&mut cx).is_pending());
        let done = Pin::new(&mut reply).poll(&mut cx);
        assert!(matches!(done, Poll::Ready(RResult::ROk(2))));
        let never_polled = Reply::new(source(&kept));
        assert_eq!(Arc::strong_count(&kept), 3);
        drop((reply, never_polled));
        assert_eq!(Arc::strong_count(&kept), 1);
    }
}
