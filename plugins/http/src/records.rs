//! Upload bodies cut where servers expect it.
//!
//! XrdHTTP 5.5 takes a body in pieces of one mebibyte. When the last TLS record reaches across such
//! a boundary, the rest of it stays in the server's TLS layer and the server waits for ever for
//! bytes it has. Clients that send whole blocks never meet that. So no write, and thereby no record,
//! crosses a boundary.
//!
//! # Invariants
//! - Bytes pass unchanged and in order; only the ends of writes move.
//! - It stands in connections that carry nothing but PUT, so what follows a body is a head.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};

const PIECE: u64 = 1 << 20;

/// A connection whose writes end at the boundaries of pieces.
pub(crate) struct Records<T> {
    inner: T,
    at: At,
}

/// Where in the stream of requests the next byte belongs.
enum At {
    /// In a head, of which this was sent.
    Head(Vec<u8>),
    /// In a body of known size.
    Body { offset: u64, size: u64 },
    /// In a body of unknown size, after which the connection is closed.
    Unknown,
}

impl<T> Records<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self {
            inner,
            at: At::Head(Vec::new()),
        }
    }
}

impl At {
    /// How many of these bytes one write may take.
    fn limit(&self, bytes: &[u8]) -> usize {
        match self {
            Self::Head(sent) => {
                let all = [sent.as_slice(), bytes].concat();
                end_of_head(&all).map_or(bytes.len(), |end| end - sent.len())
            }
            Self::Body { offset, size } => {
                let left = (size - offset).min(PIECE - offset % PIECE);
                bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX))
            }
            Self::Unknown => bytes.len(),
        }
    }

    fn advance(&mut self, sent: &[u8]) {
        match self {
            Self::Head(head) => {
                head.extend_from_slice(sent);
                if end_of_head(head).is_some() {
                    *self = Self::after(head);
                }
            }
            Self::Body { offset, size } => {
                *offset += sent.len() as u64;
                if offset == size {
                    *self = Self::Head(Vec::new());
                }
            }
            Self::Unknown => {}
        }
    }

    fn after(head: &mut [u8]) -> Self {
        let size = content_length(head);
        // It held a token.
        head.fill(0);
        match size {
            None => Self::Unknown,
            Some(0) => Self::Head(Vec::new()),
            Some(size) => Self::Body { offset: 0, size },
        }
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n")?;
    Some(end + 4)
}

fn content_length(head: &[u8]) -> Option<u64> {
    head.split(|byte| *byte == b'\n').find_map(|line| {
        let line = std::str::from_utf8(line).ok()?;
        let (name, value) = line.split_once(':')?;
        let is_it = name.eq_ignore_ascii_case("content-length");
        is_it.then(|| value.trim().parse().ok())?
    })
}

impl<T: Write + Unpin> Write for Records<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let bytes = &bytes[..self.at.limit(bytes)];
        let sent = ready!(Pin::new(&mut self.inner).poll_write(cx, bytes))?;
        self.at.advance(&bytes[..sent]);
        Poll::Ready(Ok(sent))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    // Claimed, so that the HTTP library hands chunks over without copying them together.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = parts.iter().find(|it| !it.is_empty());
        self.poll_write(cx, first.map_or(&[][..], |it| it))
    }
}

impl<T: Read + Unpin> Read for Records<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_read(cx, buffer)
    }
}

impl<T: Connection> Connection for Records<T> {
    fn connected(&self) -> Connected {
        self.inner.connected()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Sends bytes in writes of some size to a sink that takes some other size at a time; tells the
    /// ends of writes.
    fn send(all: &[u8], step: usize, takes: usize) -> Vec<usize> {
        let (mut at, mut done, mut ends) = (At::Head(Vec::new()), 0, Vec::new());
        while done < all.len() {
            let offered = &all[done..all.len().min(done + step)];
            let allowed = at.limit(offered);
            assert!(allowed > 0);
            let sent = allowed.min(takes);
            at.advance(&offered[..sent]);
            done += sent;
            ends.push(done);
        }
        ends
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn no_write_crosses_a_boundary(
            sizes in prop::collection::vec(0_usize..(3 << 20), 1..4),
            step in 1000_usize..(2 << 20),
            takes in 1000_usize..(2 << 20),
        ) {
            let mut all = Vec::new();
            let mut boundaries = Vec::new();
            for size in sizes {
                all.extend(format!("PUT /x HTTP/1.1\r\nContent-Length: {size}\r\n\r\n").bytes());
                let start = all.len();
                // A body may look like anything, also like a head.
                all.extend(b"PUT /\r\n\r\nContent-Length: 1\r\n\r\n".iter().cycle().take(size));
                boundaries.extend((start..=start + size).step_by(PIECE as usize));
            }
            let ends = send(&all, step, takes);
            for boundary in boundaries {
                prop_assert!(ends.contains(&boundary), "a write crosses {boundary}");
            }
        }
    }

    #[test]
    fn heads_may_come_in_pieces_and_bodies_without_size() {
        let text = b"PUT /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
        let ends = send(text, 7, 3);
        assert_eq!(ends.last(), Some(&text.len()));
    }
}
