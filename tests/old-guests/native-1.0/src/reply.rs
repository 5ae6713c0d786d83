//! Answers that are there at once.

use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use causeway_abi::{Answer, Error, Reply, ReplySource};

use crate::{UNSUPPORTED, error};

/// An answer that is there already, of any type.
struct Given<T>(Option<Answer<T>>);

// Nothing in it refers to itself.
impl<T> Unpin for Given<T> {}

impl<T: Send + 'static> ReplySource<T> for Given<T> {
    fn poll_into(
        mut self: Pin<&mut Self>,
        _waker: &mut Context<'_>,
        out: &mut MaybeUninit<Answer<T>>,
    ) -> Poll<()> {
        let Some(answer) = self.0.take() else {
            return Poll::Pending;
        };
        out.write(answer);
        Poll::Ready(())
    }
}

pub fn answer<T: Send + 'static>(answer: Result<T, Error>) -> Reply<T> {
    Reply::new(Given(Some(answer.into())))
}

pub fn unsupported<T: Send + 'static>() -> Reply<T> {
    answer(Err(error(UNSUPPORTED, 95, "do that: it cannot")))
}
