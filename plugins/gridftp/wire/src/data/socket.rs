//! [`DataStream`]: one open data connection, in clear or inside TLS.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead as _, AsyncWrite as _, BufReader, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsStream;

/// An open data connection.
#[derive(Debug)]
pub struct DataStream {
    kind: Kind,
    /// A failure that was met behind bytes which had to be handed out first. The system tells of a
    /// broken connection once; the next read would look like an orderly end.
    failed: Option<io::Error>,
    /// The peer of a TLS connection closed the socket without a word.
    is_cut: bool,
}

#[derive(Debug)]
enum Kind {
    Clear(TcpStream),
    Tls(Box<TlsStream<BufReader<TcpStream>>>),
}

impl DataStream {
    pub(crate) fn clear(socket: TcpStream) -> Self {
        Self {
            kind: Kind::Clear(socket),
            failed: None,
            is_cut: false,
        }
    }

    pub(crate) fn tls(stream: TlsStream<BufReader<TcpStream>>) -> Self {
        Self {
            kind: Kind::Tls(Box::new(stream)),
            failed: None,
            is_cut: false,
        }
    }

    /// The other end.
    ///
    /// # Errors
    /// When the connection is gone.
    pub fn peer(&self) -> io::Result<SocketAddr> {
        match &self.kind {
            Kind::Clear(socket) => socket.peer_addr(),
            Kind::Tls(stream) => stream.get_ref().0.get_ref().peer_addr(),
        }
    }

    /// True when TLS protects the bytes but not their end: somebody may have cut it off.
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Reads as much as is there and fits. Zero bytes are the end.
    pub(crate) fn poll_fill(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(why) = self.failed.take() {
            return Poll::Ready(Err(why));
        }
        if self.is_cut {
            return Poll::Ready(Ok(0));
        }
        let mut filled = 0;
        while filled < buffer.len() {
            let mut target = ReadBuf::new(&mut buffer[filled..]);
            let read = match &mut self.kind {
                Kind::Clear(socket) => Pin::new(socket).poll_read(cx, &mut target),
                Kind::Tls(stream) => Pin::new(stream).poll_read(cx, &mut target),
            };
            match read {
                Poll::Ready(Ok(())) if target.filled().is_empty() => break,
                Poll::Ready(Ok(())) => filled += target.filled().len(),
                // Globus never says goodbye. Whether something is missing is for others to judge.
                Poll::Ready(Err(why)) if why.kind() == io::ErrorKind::UnexpectedEof => {
                    self.is_cut = true;
                    break;
                }
                Poll::Ready(Err(why)) if filled > 0 => {
                    self.failed = Some(why);
                    break;
                }
                Poll::Ready(Err(why)) => return Poll::Ready(Err(why)),
                Poll::Pending if filled > 0 => break,
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(filled))
    }

    pub(crate) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.kind {
            Kind::Clear(socket) => Pin::new(socket).poll_write_vectored(cx, slices),
            Kind::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    pub(crate) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.kind {
            Kind::Clear(socket) => Pin::new(socket).poll_flush(cx),
            Kind::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    /// Says that nothing more comes.
    pub(crate) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.kind {
            Kind::Clear(socket) => Pin::new(socket).poll_shutdown(cx),
            Kind::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
