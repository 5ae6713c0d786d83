//! Giving a future up at a chosen moment.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// Polls a future at most so many times, then drops it. `None` means that it was dropped.
///
/// The caller of a storage may go away at any `.await`; counting polls visits them one by one.
pub async fn poll_at_most<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn counts() {
        let three = || async {
            tokio::task::yield_now().await;
            tokio::task::yield_now().await;
            7
        };
        assert_eq!(poll_at_most(three(), 0).await, None);
        assert_eq!(poll_at_most(three(), 2).await, None);
        assert_eq!(poll_at_most(three(), 3).await, Some(7));
    }
}
