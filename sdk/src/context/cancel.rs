//! A flag that says that the caller has given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::lent::Above;

/// A flag that is raised once, and can be waited for.
#[derive(Clone, Debug, Default)]
pub struct CancelToken(Arc<State>);

#[derive(Debug, Default)]
struct State {
    raised: AtomicBool,
    notify: tokio::sync::Notify,
    // The caller's flag, when the caller is on the other side of a boundary.
    above: Option<Above>,
}

impl CancelToken {
    /// A token that is also raised when the caller's is.
    pub(super) fn below(above: Above) -> Self {
        Self(Arc::new(State {
            above: Some(above),
            ..State::default()
        }))
    }

    /// Raises the flag and wakes all that wait for it.
    pub fn cancel(&self) {
        self.0.raised.store(true, Ordering::SeqCst);
        self.0.notify.notify_waiters();
    }

    /// True once the flag is raised.
    pub fn is_cancelled(&self) -> bool {
        let above = || self.0.above.as_ref().is_some_and(Above::is_cancelled);
        self.0.raised.load(Ordering::SeqCst) || above()
    }

    /// Waits until the flag is raised.
    pub async fn cancelled(&self) {
        let mut waiting = std::pin::pin!(self.0.notify.notified());
        // Registered before the flag is read, so a raise in between is not missed.
        waiting.as_mut().enable();
        if self.is_cancelled() {
            return;
        }
        match &self.0.above {
            Some(above) => {
                futures_util::future::select(waiting, above.cancelled()).await;
            }
            None => waiting.await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_raise_wakes_and_stays() {
        let token = CancelToken::default();
        let waiter = tokio::spawn({
            let token = token.clone();
            async move { token.cancelled().await }
        });
        tokio::task::yield_now().await;
        token.cancel();
        waiter.await.unwrap();
        token.cancelled().await;
    }
}
