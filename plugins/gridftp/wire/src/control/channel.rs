//! [`Channel`]: one control connection. Commands go out, replies come in, whole and bounded.
//!
//! # Invariants
//! - Reading can be given up at any await: what came stays in the buffers for the next read.
//! - Once there is security, an unprotected reply is an error, whatever it says.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf as _, BytesMut};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::gsi::Gsi;
use crate::reply::{Assembler, Reply};
use crate::{Error, ErrorKind, Result};

const READ: &str = "read a reply";
const WRITE: &str = "send a command";

/// Longest line of text and longest reply, in bytes, unless more was asked for.
const MAX_REPLY: usize = 1024 * 1024;

/// A control connection.
#[derive(Debug)]
pub(crate) struct Channel {
    socket: TcpStream,
    /// Bytes as they came.
    raw: BytesMut,
    /// What was inside protected lines.
    plain: BytesMut,
    assembler: Assembler,
    gsi: Option<Box<Gsi>>,
    /// Longest time to send a command and to wait for a reply.
    limit: Duration,
    max_reply: usize,
    is_broken: bool,
}

impl Channel {
    pub(crate) async fn connect(host: &str, port: u16, limit: Duration) -> Result<Self> {
        let what = format!("connect to {host}:{port}");
        let host = host.trim_matches(['[', ']']);
        let connecting = tokio::time::timeout(limit, TcpStream::connect((host, port))).await;
        let socket = connecting
            .map_err(|_| Error::timed_out(&what, limit))?
            .map_err(|why| Error::io(&what, &why))?;
        // Commands are small and each waits for its answer.
        socket
            .set_nodelay(true)
            .map_err(|why| Error::io(&what, &why))?;
        Ok(Self {
            socket,
            raw: BytesMut::new(),
            plain: BytesMut::new(),
            assembler: Assembler::default(),
            gsi: None,
            limit,
            max_reply: MAX_REPLY,
            is_broken: false,
        })
    }

    pub(super) fn secure(&mut self, gsi: Gsi) {
        self.gsi = Some(Box::new(gsi));
    }

    pub(crate) fn is_secured(&self) -> bool {
        self.gsi.is_some()
    }

    pub(crate) fn tls_version(&self) -> Option<&'static str> {
        self.gsi.as_ref()?.version()
    }

    /// True when nothing can be sent or read any more.
    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Allows larger replies than usual, until it is called again with `None`.
    pub(crate) fn allow_reply(&mut self, limit: Option<usize>) {
        self.max_reply = limit.unwrap_or(MAX_REPLY);
    }

    /// The server's end of the connection.
    pub(crate) fn peer(&self) -> Result<SocketAddr> {
        self.socket.peer_addr().map_err(|why| Error::io(READ, &why))
    }

    /// Our end of the connection.
    pub(crate) fn local(&self) -> Result<SocketAddr> {
        self.socket
            .local_addr()
            .map_err(|why| Error::io(READ, &why))
    }

    /// True when the server has closed the connection or said something nobody asked for.
    pub(crate) fn has_gone(&mut self) -> bool {
        let mut byte = [0];
        let quiet = matches!(self.socket.try_read(&mut byte), Err(why) if why.kind() == std::io::ErrorKind::WouldBlock);
        self.is_broken |= !quiet || !self.raw.is_empty() || !self.plain.is_empty();
        self.is_broken
    }

    /// Sends commands, each with what it needs around it, in one go.
    pub(crate) async fn send(&mut self, commands: &[&str]) -> Result<()> {
        let mut out = String::new();
        for command in commands {
            if command.contains(['\r', '\n', '\0']) {
                let text = "send a command: its name holds a line break";
                return Err(Error::new(ErrorKind::Invalid, text));
            }
            match &mut self.gsi {
                Some(gsi) => {
                    out.push_str("ENC ");
                    out.push_str(&gsi.wrap(&format!("{command}\r\n"))?);
                }
                None => out.push_str(command),
            }
            out.push_str("\r\n");
        }
        self.write(out.as_bytes()).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        // Half a command on the wire cannot be taken back: broken until proved otherwise.
        self.is_broken = true;
        let writing = tokio::time::timeout(self.limit, self.socket.write_all(bytes)).await;
        writing
            .map_err(|_| Error::timed_out(WRITE, self.limit))?
            .map_err(|why| Error::io(WRITE, &why))?;
        self.is_broken = false;
        Ok(())
    }

    /// The next reply, within the usual time.
    pub(crate) async fn reply(&mut self) -> Result<Reply> {
        self.reply_within(self.limit).await
    }

    /// The next reply. Giving up waiting loses nothing.
    pub(crate) async fn reply_within(&mut self, limit: Duration) -> Result<Reply> {
        self.reply_by(Instant::now() + limit, limit).await
    }

    /// The same at a deadline that several replies share; `limit` is for the text of the error.
    pub(crate) async fn reply_by(&mut self, deadline: Instant, limit: Duration) -> Result<Reply> {
        let read = self.read_reply(deadline, limit).await;
        self.is_broken |= read.is_err();
        read
    }

    async fn read_reply(&mut self, deadline: Instant, limit: Duration) -> Result<Reply> {
        loop {
            let plain = if self.gsi.is_some() {
                &mut self.plain
            } else {
                &mut self.raw
            };
            while let Some(line) = take_line(plain) {
                let line = String::from_utf8_lossy(&line);
                if let Some(reply) = self.assembler.line(&line, self.max_reply)? {
                    return Ok(reply);
                }
            }
            if self.gsi.is_some() && self.take_protected()? {
                continue;
            }
            self.fill(deadline, limit).await?;
        }
    }

    /// Takes the next protected line apart, if one is there.
    fn take_protected(&mut self) -> Result<bool> {
        let (Some(line), Some(gsi)) = (take_line(&mut self.raw), &mut self.gsi) else {
            return Ok(false);
        };
        let line = String::from_utf8_lossy(&line);
        let token = match line.split_at_checked(3) {
            Some(("631" | "632" | "633", rest)) => rest.trim_start_matches(['-', ' ']),
            Some(("421", _)) => {
                let text = format!("{READ}: the server closes the connection: {}", line.trim());
                return Err(Error::new(ErrorKind::Io, text));
            }
            _ => return Err(Error::protocol(format!("{READ}: it is not protected"))),
        };
        let plain = gsi.unwrap(token, self.max_reply)?;
        self.plain.extend_from_slice(&plain);
        if self.plain.len() > self.max_reply {
            let text = format!("{READ}: it is longer than {} bytes", self.max_reply);
            return Err(Error::protocol(text));
        }
        Ok(true)
    }

    async fn fill(&mut self, deadline: Instant, limit: Duration) -> Result<()> {
        // Base64 and TLS make a reply half as long again.
        if self.raw.len() > self.max_reply.saturating_mul(2) {
            return Err(Error::protocol(format!("{READ}: a line does not end")));
        }
        // A socket that always has something to read never meets a deadline by itself.
        if Instant::now() >= deadline {
            return Err(Error::timed_out(READ, limit));
        }
        self.raw.reserve(8192);
        let reading = timeout_at(deadline, self.socket.read_buf(&mut self.raw)).await;
        let count = reading
            .map_err(|_| Error::timed_out(READ, limit))?
            .map_err(|why| Error::io(READ, &why))?;
        if count == 0 {
            let text = format!("{READ}: the server closed the connection");
            return Err(Error::new(ErrorKind::Io, text));
        }
        Ok(())
    }

    /// Sends a command and reads its reply.
    pub(crate) async fn ask(&mut self, command: &str) -> Result<Reply> {
        self.send(&[command]).await?;
        self.reply().await
    }
}

/// The next line, without its line break.
fn take_line(buffer: &mut BytesMut) -> Option<BytesMut> {
    let end = buffer.iter().position(|it| *it == b'\n')?;
    let mut line = buffer.split_to(end);
    buffer.advance(1);
    if line.last() == Some(&b'\r') {
        line.truncate(end - 1);
    }
    Some(line)
}
