//! TLS as the FTP library wants it: a stream and who makes it.
//!
//! The library's own would do but for three things. It turns every failure into a text, and what kind
//! of failure it was is then lost: here the last one is kept beside it. It makes an end without a
//! goodbye an error, with which old servers end every data connection: here it is an end that is
//! noted, so that whoever knows the size of a file can tell whether all of it came. And it waits for
//! replies to commands that may still be in the buffer of TLS: here they are sent before that.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use causeway_sdk::Error;
use parking_lot::Mutex;
use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use suppaftp::tokio::{AsyncTlsConnector, TokioTlsStream};
use suppaftp::{FtpError, FtpResult};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::error::from_io;

/// A connection under TLS.
#[derive(Debug)]
pub(crate) struct Tls {
    stream: TlsStream<TcpStream>,
    trouble: Trouble,
    /// Something may be in the buffer that was not sent.
    is_full: bool,
}

impl AsyncRead for Tls {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Who waits for an answer wants the question to go out. If it cannot yet, this is woken
        // when it can.
        if self.is_full
            && let Poll::Ready(Err(error)) = self.as_mut().poll_flush(cx)
        {
            return Poll::Ready(Err(error));
        }
        match Pin::new(&mut self.stream).poll_read(cx, out) {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                self.trouble.0.is_cut.store(true, Ordering::Relaxed);
                Poll::Ready(Ok(()))
            }
            other => other,
        }
    }
}

impl AsyncWrite for Tls {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_full = true;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.is_full &= !matches!(flushed, Poll::Ready(Ok(())));
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

impl TokioTlsStream for Tls {
    type InnerStream = TlsStream<TcpStream>;

    fn tcp_stream(self) -> FtpResult<TcpStream> {
        Ok(self.stream.into_inner().0)
    }

    fn get_ref(&self) -> &TcpStream {
        self.stream.get_ref().0
    }

    fn mut_ref(&mut self) -> &mut Self::InnerStream {
        &mut self.stream
    }
}

/// What went wrong last on a control connection or one of its data connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trouble(Arc<Last>);

#[derive(Debug, Default)]
struct Last {
    failure: Mutex<Option<Error>>,
    /// One ended without a goodbye.
    is_cut: AtomicBool,
}

impl Trouble {
    /// Takes the last failure out.
    pub(crate) fn take(&self) -> Option<Error> {
        self.0.failure.lock().take()
    }

    /// Whether a connection ended without a goodbye since this was asked last.
    pub(crate) fn take_cut(&self) -> bool {
        self.0.is_cut.swap(false, Ordering::Relaxed)
    }
}

/// Makes TLS out of a connection.
pub(crate) struct Connector {
    tls: TlsConnector,
    what: String,
    trouble: Trouble,
}

impl Connector {
    /// `what` is in front of error texts.
    pub(crate) fn new(config: ClientConfig, what: &str, trouble: Trouble) -> Self {
        Self {
            tls: TlsConnector::from(Arc::new(config)),
            what: what.to_owned(),
            trouble,
        }
    }
}

impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connector")
    }
}

#[async_trait::async_trait]
impl AsyncTlsConnector for Connector {
    type Stream = Tls;

    async fn connect(&self, domain: &str, stream: TcpStream) -> FtpResult<Tls> {
        let name = ServerName::try_from(domain.to_owned())
            .map_err(|source| FtpError::SecureError(source.to_string()))?;
        match self.tls.connect(name, stream).await {
            Ok(stream) => Ok(Tls {
                stream,
                trouble: self.trouble.clone(),
                is_full: false,
            }),
            Err(source) => {
                *self.trouble.0.failure.lock() = Some(from_io(&self.what, &source));
                Err(FtpError::SecureError(source.to_string()))
            }
        }
    }
}
