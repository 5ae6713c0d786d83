//! Stream mode (`MODE S`): the bytes of a file from its first to its last, then the connection closes.
//!
//! Whether that was the whole file only the server's final reply and its size tell.

use std::future::poll_fn;
use std::io::IoSlice;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};

use super::buffers::Buffers;
use super::limits::{Limits, Patience};
use super::socket::DataStream;
use crate::{Error, Result};

const READ: &str = "read data";
const WRITE: &str = "write data";

/// Reads a file in stream mode.
#[derive(Debug)]
pub struct StreamReader {
    stream: DataStream,
    buffers: Buffers,
    patience: Patience,
    has_ended: bool,
}

impl StreamReader {
    /// Reads from an open data connection.
    pub fn new(stream: DataStream, buffers: Buffers, limits: &Limits) -> Self {
        Self {
            stream,
            buffers,
            patience: Patience::new(limits),
            has_ended: false,
        }
    }

    /// True when the end came without the announcement that protects it: only the size of the file
    /// tells then whether it is all.
    pub fn is_cut(&self) -> bool {
        self.stream.is_cut()
    }

    /// The next bytes; none at the end. What was read is never lost when the future is dropped.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], [`crate::ErrorKind::TimedOut`]
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Bytes>>> {
        if self.has_ended {
            return Poll::Ready(Ok(None));
        }
        let mut buffer = self.buffers.take();
        match self.stream.poll_fill(cx, &mut buffer) {
            Poll::Pending => {
                self.buffers.give_back(buffer);
                let exhausted = ready!(self.patience.poll_exhausted(cx, READ));
                Poll::Ready(Err(exhausted))
            }
            Poll::Ready(Err(source)) => {
                self.buffers.give_back(buffer);
                Poll::Ready(Err(Error::io(READ, &source)))
            }
            Poll::Ready(Ok(0)) => {
                self.has_ended = true;
                self.buffers.give_back(buffer);
                Poll::Ready(Ok(None))
            }
            Poll::Ready(Ok(filled)) => {
                self.patience.progressed(filled as u64);
                Poll::Ready(Ok(Some(self.buffers.chunk(buffer, filled))))
            }
        }
    }
}

/// Writes a file in stream mode.
#[derive(Debug)]
pub struct StreamWriter {
    stream: DataStream,
    patience: Patience,
}

impl StreamWriter {
    /// Writes to an open data connection.
    pub fn new(stream: DataStream, limits: &Limits) -> Self {
        Self {
            stream,
            patience: Patience::new(limits),
        }
    }

    /// Writes a piece. Returns when the kernel has all of it. Dropping the future leaves the file
    /// with a part of the piece: drop the writer, too.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], [`crate::ErrorKind::TimedOut`]
    pub async fn write(&mut self, mut data: Bytes) -> Result<()> {
        poll_fn(|cx| self.poll_write(cx, &mut data)).await
    }

    /// Tells the peer that this was all.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], [`crate::ErrorKind::TimedOut`]
    pub async fn finish(mut self) -> Result<()> {
        poll_fn(|cx| {
            let Self { stream, patience } = &mut self;
            match stream.poll_shutdown(cx) {
                Poll::Ready(done) => Poll::Ready(done.map_err(|it| Error::io(WRITE, &it))),
                Poll::Pending => Poll::Ready(Err(ready!(patience.poll_exhausted(cx, WRITE)))),
            }
        })
        .await
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, data: &mut Bytes) -> Poll<Result<()>> {
        while !data.is_empty() {
            match self.stream.poll_write(cx, &[IoSlice::new(data)]) {
                Poll::Ready(Ok(written)) if written > 0 => {
                    self.patience.progressed(written as u64);
                    data.advance(written);
                }
                Poll::Ready(Ok(_)) => return Poll::Ready(Err(closed())),
                Poll::Ready(Err(source)) => return Poll::Ready(Err(Error::io(WRITE, &source))),
                Poll::Pending => {
                    let exhausted = ready!(self.patience.poll_exhausted(cx, WRITE));
                    return Poll::Ready(Err(exhausted));
                }
            }
        }
        self.patience.pause();
        match self.stream.poll_flush(cx) {
            Poll::Ready(done) => Poll::Ready(done.map_err(|it| Error::io(WRITE, &it))),
            Poll::Pending => Poll::Ready(Err(ready!(self.patience.poll_exhausted(cx, WRITE)))),
        }
    }
}

fn closed() -> Error {
    Error::new(
        crate::ErrorKind::Io,
        format!("{WRITE}: the peer closed the connection"),
    )
}
