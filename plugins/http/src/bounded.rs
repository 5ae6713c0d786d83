//! A limit on what a server may make us hold: a reader that stops at an allowance which whoever
//! parses it renews.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncBufRead, AsyncRead, ReadBuf};

/// A source that gives no more than it is allowed to.
pub(crate) struct Bounded<R> {
    source: R,
    allowance: Arc<AtomicUsize>,
}

impl<R> Bounded<R> {
    pub(crate) fn new(source: R, allowance: Arc<AtomicUsize>) -> Self {
        Self { source, allowance }
    }
}

impl<R: AsyncBufRead + Unpin> AsyncRead for Bounded<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.source).poll_read(cx, out)
    }
}

impl<R: AsyncBufRead + Unpin> AsyncBufRead for Bounded<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.get_mut();
        if this.allowance.load(Ordering::Relaxed) == 0 {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        }
        Pin::new(&mut this.source).poll_fill_buf(cx)
    }

    fn consume(mut self: Pin<&mut Self>, amount: usize) {
        let left = self.allowance.load(Ordering::Relaxed);
        let left = left.saturating_sub(amount);
        self.allowance.store(left, Ordering::Relaxed);
        Pin::new(&mut self.source).consume(amount);
    }
}
