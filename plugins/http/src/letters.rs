//! Header names written as servers of the field want them.
//!
//! HTTP does not care about upper and lower case; XrdHTTP before 5.6 does. Capitals after dashes
//! are an option of the HTTP library. But the library keeps names in lower case and cannot know
//! that `TransferHeaderAuthorization` has capitals without dashes, so the head of a COPY is
//! corrected on its way to the connection.
//!
//! # Invariants
//! - It stands in connections that carry nothing but COPY. Such a head is taken over as a whole,
//!   so no write begins in the middle of one, and its length stays.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

/// Names that are not simply capitals after dashes.
const NAMES: [&[u8]; 3] = [
    b"\r\nTransferHeaderAuthorization:",
    b"\r\nRequireChecksumVerification:",
    b"\r\nSciTag:",
];

/// A connection that corrects the head of a COPY.
pub(crate) struct Letters<T> {
    inner: T,
    /// A corrected head on its way out.
    head: Vec<u8>,
    sent: usize,
}

impl<T> Letters<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self {
            inner,
            head: Vec::new(),
            sent: 0,
        }
    }
}

fn is_head(bytes: &[u8]) -> bool {
    bytes.starts_with(b"COPY ")
}

fn correct(head: &mut [u8]) {
    // Behind the head may be bytes of a body, which are nobody's business.
    let end = find(head, b"\r\n\r\n").map_or(head.len(), |at| at + 2);
    for name in NAMES {
        let at = head[..end]
            .windows(name.len())
            .position(|it| it.eq_ignore_ascii_case(name));
        if let Some(at) = at {
            head[at..at + name.len()].copy_from_slice(name);
        }
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|it| it == what)
}

impl<T: Write + Unpin> Letters<T> {
    /// Sends what is left of a corrected head.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.head.len() {
            let left = &self.head[self.sent..];
            let sent = ready!(Pin::new(&mut self.inner).poll_write(cx, left))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += sent;
        }
        // It held a token; a long-lived connection should not.
        self.head.fill(0);
        self.head.clear();
        self.sent = 0;
        Poll::Ready(Ok(()))
    }
}

impl<T: Write + Unpin> Write for Letters<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_head(cx))?;
        if !is_head(bytes) {
            return Pin::new(&mut self.inner).poll_write(cx, bytes);
        }
        let mut head = bytes.to_vec();
        correct(&mut head);
        self.head = head;
        // Taken over: what does not go now goes before the next write or flush.
        if let Poll::Ready(Err(error)) = self.poll_head(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_head(cx))?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_head(cx))?;
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_head(cx))?;
        match parts.iter().find(|it| !it.is_empty()) {
            Some(first) if is_head(first) => self.poll_write(cx, first),
            _ => Pin::new(&mut self.inner).poll_write_vectored(cx, parts),
        }
    }
}

impl<T: Read + Unpin> Read for Letters<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<T: Connection> Connection for Letters<T> {
    fn connected(&self) -> Connected {
        self.inner.connected()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes one to three bytes at a time and sometimes none.
    #[derive(Default)]
    struct Narrow {
        got: Vec<u8>,
        turn: usize,
    }

    impl Write for Narrow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.turn += 1;
            let len = (self.turn % 4).min(bytes.len());
            if len == 0 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.got.extend_from_slice(&bytes[..len]);
            Poll::Ready(Ok(len))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    async fn send(requests: &[&str]) -> String {
        let mut io = Letters::new(Narrow::default());
        for request in requests {
            let mut left = request.as_bytes();
            while !left.is_empty() {
                let sent = std::future::poll_fn(|cx| Pin::new(&mut io).poll_write(cx, left));
                left = &left[sent.await.unwrap()..];
            }
        }
        std::future::poll_fn(|cx| Pin::new(&mut io).poll_flush(cx))
            .await
            .unwrap();
        assert!(io.head.is_empty());
        String::from_utf8(io.inner.got).unwrap()
    }

    #[tokio::test]
    async fn a_copy_gets_its_capitals_and_nothing_else_changes() {
        let copy = "COPY /x HTTP/1.1\r\nTransferheaderauthorization: Bearer Scitag:\r\n\
            Scitag: 65\r\n\r\n\r\nScitag: body";
        let get = "GET /x HTTP/1.1\r\nTransferheaderauthorization: x\r\n\r\n";
        let sent = send(&[copy, get, copy]).await;
        let corrected = "COPY /x HTTP/1.1\r\nTransferHeaderAuthorization: Bearer Scitag:\r\n\
            SciTag: 65\r\n\r\n\r\nScitag: body";
        assert_eq!(sent, format!("{corrected}{get}{corrected}"));
    }
}
