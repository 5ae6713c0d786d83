//! A connection on which nothing has moved for too long: it is given up, so that clients that went
//! away without a word, or never said one, do not keep their places.
//!
//! Stands between a socket and whatever speaks over it, and knows no protocol. What moves counts in
//! either direction, so an answer that takes its time is safe as long as the limit is longer than
//! the longest request.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// A connection with a limit for its silence.
pub struct Idle<S> {
    inner: S,
    limit: Duration,
    moved: Instant,
    /// Fires at the earliest moment that could be too late; moved on only then.
    alarm: Pin<Box<Sleep>>,
}

impl<S> Idle<S> {
    /// Guards a connection, from now on.
    pub fn new(inner: S, limit: Duration) -> Self {
        let moved = Instant::now();
        Self {
            inner,
            limit,
            moved,
            alarm: Box::pin(sleep_until(moved + limit)),
        }
    }

    /// Waits for the end of the silence that is allowed.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            let end = self.moved + self.limit;
            if Instant::now() >= end {
                return Poll::Ready(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "nothing moved for too long",
                ));
            }
            self.alarm.as_mut().reset(end);
        }
    }

    /// Notes that something moved, or looks whether it has been too long ago.
    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        match outcome {
            Poll::Ready(done) => {
                self.moved = Instant::now();
                Poll::Ready(done)
            }
            Poll::Pending => self.poll_silence(cx).map(Err),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Idle<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_read(cx, buffer);
        self.watch(cx, outcome)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Idle<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write(cx, bytes);
        self.watch(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.inner).poll_write_vectored(cx, parts);
        self.watch(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_flush(cx);
        // Flushing nothing is no movement.
        match outcome {
            Poll::Pending => self.poll_silence(cx).map(Err),
            done => done,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.inner).poll_shutdown(cx);
        self.watch(cx, outcome)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn silence_ends_it() {
        let (ours, _theirs) = duplex(64);
        let begin = Instant::now();
        let error = Idle::new(ours, LIMIT).read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begin.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn whatever_moves_counts() {
        let (ours, mut theirs) = duplex(64);
        let mut ours = Idle::new(ours, LIMIT);
        for _ in 0..5 {
            tokio::time::advance(LIMIT * 9 / 10).await;
            theirs.write_u8(1).await.unwrap();
            assert_eq!(ours.read_u8().await.unwrap(), 1);
            tokio::time::advance(LIMIT * 9 / 10).await;
            ours.write_u8(2).await.unwrap();
            assert_eq!(theirs.read_u8().await.unwrap(), 2);
        }
        let begin = Instant::now();
        assert!(ours.read_u8().await.is_err());
        assert_eq!(begin.elapsed(), LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_does_not_read_is_given_up() {
        let (ours, _theirs) = duplex(4);
        let mut ours = Idle::new(ours, LIMIT);
        let error = ours.write_all(&[0; 5]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
