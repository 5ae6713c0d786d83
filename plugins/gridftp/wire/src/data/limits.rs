//! [`Limits`]: what a peer may cost, in time, memory and connections. [`Patience`] applies the ones
//! on time.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

use crate::{Error, Result};

/// Bounds of a data channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest time to open a connection and to agree on its security.
    pub open: Duration,
    /// Longest time spent waiting for the peer until `least` bytes went over. Time that the caller
    /// takes for itself does not count.
    pub idle: Duration,
    /// Bytes of files that must go over in a time of `idle`: what defeats a slow drip.
    pub least: u64,
    /// Most data connections of one transfer.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            open: Duration::from_secs(30),
            idle: Duration::from_secs(120),
            least: 1,
            connections: 64,
        }
    }
}

/// Counts the time that was spent waiting without enough bytes to show for it.
#[derive(Debug)]
pub(crate) struct Patience {
    idle: Duration,
    least: u64,
    /// Waited since the last time that `least` was reached, without the current wait.
    waited: Duration,
    got: u64,
    waiting_since: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
}

impl Patience {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            idle: limits.idle,
            least: limits.least.max(1),
            waited: Duration::ZERO,
            got: 0,
            waiting_since: None,
            alarm: Box::pin(tokio::time::sleep(limits.idle)),
        }
    }

    /// Bytes of the file went over.
    pub(crate) fn progressed(&mut self, bytes: u64) {
        self.pause();
        self.got = self.got.saturating_add(bytes);
        if self.got >= self.least {
            self.waited = Duration::ZERO;
            self.got = 0;
        }
    }

    /// The caller has the word: its time is its own.
    pub(crate) fn pause(&mut self) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
        }
    }

    /// Called with nothing left to do but wait: ready when that took too long.
    pub(crate) fn poll_exhausted(&mut self, cx: &mut Context<'_>, what: &str) -> Poll<Error> {
        if self.waiting_since.is_none() {
            let now = Instant::now();
            self.waiting_since = Some(now);
            let left = self.idle.saturating_sub(self.waited);
            self.alarm.as_mut().reset(now + left);
        }
        ready!(self.alarm.as_mut().poll(cx));
        Poll::Ready(Error::timed_out(what, self.idle))
    }
}

/// Limits one step that has no bytes to count.
pub(crate) async fn within<T>(
    limit: Duration,
    what: &str,
    step: impl Future<Output = Result<T>>,
) -> Result<T> {
    match tokio::time::timeout(limit, step).await {
        Ok(done) => done,
        Err(_) => Err(Error::timed_out(what, limit)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    fn limits(least: u64) -> Limits {
        Limits {
            idle: Duration::from_secs(10),
            least,
            ..Limits::default()
        }
    }

    async fn wait(patience: &mut Patience, seconds: u64) -> bool {
        let exhausted = poll_fn(|cx| patience.poll_exhausted(cx, "wait"));
        tokio::time::timeout(Duration::from_secs(seconds), exhausted)
            .await
            .is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_renew_it() {
        let mut patience = Patience::new(&limits(1));
        for _ in 0..5 {
            assert!(!wait(&mut patience, 9).await);
            patience.progressed(1);
        }
        assert!(wait(&mut patience, 11).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_drip_does_not_renew_it() {
        let mut patience = Patience::new(&limits(100));
        let mut rounds = 0;
        while !wait(&mut patience, 2).await {
            patience.progressed(1);
            rounds += 1;
        }
        assert_eq!(rounds, 4);
    }

    #[tokio::test(start_paused = true)]
    async fn the_callers_own_time_is_free() {
        let mut patience = Patience::new(&limits(100));
        assert!(!wait(&mut patience, 9).await);
        patience.pause();
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert!(!wait(&mut patience, 0).await);
        assert!(wait(&mut patience, 2).await);
    }
}
