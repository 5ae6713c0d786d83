//! [`BlockSender`]: sends one file in extended mode over the connections of an [`Outlet`].
//!
//! Each block goes whole to the first connection that is free, header and data in one write and the
//! data from where the caller has it. All connections move whenever the caller sends; in between, the
//! kernel's buffers do.

use std::future::poll_fn;
use std::io::IoSlice;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use futures_util::future::try_join_all;

use super::block::{BlockHeader, HEADER_LEN};
use super::limits::{Limits, Patience};
use super::open::{SocketOptions, connect};
use super::security::DataSecurity;
use super::socket::DataStream;
use crate::{Error, ErrorKind, Result};

/// Bytes of a block, as servers send them.
pub const DEFAULT_BLOCK: usize = 256 * 1024;

const SEND: &str = "send blocks";

/// The sending end of a session's data connections. Keep it until the server's final reply came: to
/// close a connection earlier may lose what is under way.
#[derive(Debug)]
pub struct Outlet {
    lanes: Vec<OutLane>,
    limits: Limits,
}

#[derive(Debug)]
struct OutLane {
    stream: DataStream,
    /// Which of the addresses it leads to.
    stripe: usize,
    header: [u8; HEADER_LEN],
    header_sent: usize,
    data: Bytes,
}

impl Outlet {
    /// Opens `streams` connections to each of the addresses of a `PASV`, `EPSV` or `SPAS` reply.
    ///
    /// # Errors
    /// As [`connect`].
    pub async fn connect(
        addresses: &[SocketAddr],
        streams: usize,
        options: &SocketOptions,
        security: &DataSecurity,
        limits: Limits,
    ) -> Result<Self> {
        let wanted = addresses.len().saturating_mul(streams);
        if wanted == 0 || wanted > limits.connections {
            let why = format!("open {wanted} data connections");
            return Err(Error::new(ErrorKind::Invalid, why));
        }
        let opening = addresses.iter().enumerate().flat_map(|(stripe, address)| {
            let limits = &limits;
            (0..streams).map(move |_| async move {
                let stream = connect(*address, options, security, limits).await?;
                Ok::<_, Error>(OutLane::new(stream, stripe))
            })
        });
        let lanes = try_join_all(opening).await?;
        Ok(Self { lanes, limits })
    }

    /// Number of open connections.
    pub fn connections(&self) -> usize {
        self.lanes.len()
    }

    /// Closes all connections in good order.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], [`crate::ErrorKind::TimedOut`]
    pub async fn close(mut self) -> Result<()> {
        let mut patience = Patience::new(&self.limits);
        poll_fn(|cx| {
            let mut is_done = true;
            for lane in &mut self.lanes {
                match lane.stream.poll_shutdown(cx) {
                    Poll::Ready(done) => done.map_err(|source| Error::io(SEND, &source))?,
                    Poll::Pending => is_done = false,
                }
            }
            match is_done {
                true => Poll::Ready(Ok(())),
                false => Poll::Ready(Err(ready!(patience.poll_exhausted(cx, SEND)))),
            }
        })
        .await
    }

    /// The blocks that end a file: each connection says that it is done, and the first one of each
    /// stripe tells its receiver how many there are.
    fn load_ends(&mut self) {
        let stripe_of: Vec<usize> = self.lanes.iter().map(|it| it.stripe).collect();
        for (number, lane) in self.lanes.iter_mut().enumerate() {
            let is_first = !stripe_of[..number].contains(&lane.stripe);
            let count = stripe_of.iter().filter(|it| **it == lane.stripe).count();
            let told = is_first.then_some(count as u64);
            lane.load(BlockHeader::end(told), Bytes::new());
        }
    }
}

impl OutLane {
    fn new(stream: DataStream, stripe: usize) -> Self {
        Self {
            stream,
            stripe,
            header: [0; HEADER_LEN],
            header_sent: HEADER_LEN,
            data: Bytes::new(),
        }
    }

    fn load(&mut self, header: BlockHeader, data: Bytes) {
        self.header = header.encode();
        self.header_sent = 0;
        self.data = data;
    }

    /// Writes on; ready when nothing is left. `moved` counts bytes of the file.
    fn poll_progress(&mut self, cx: &mut Context<'_>, moved: &mut u64) -> Poll<Result<()>> {
        let failed = |source| Error::io(SEND, &source);
        while self.header_sent < HEADER_LEN || !self.data.is_empty() {
            let slices = [
                IoSlice::new(&self.header[self.header_sent..]),
                IoSlice::new(&self.data),
            ];
            let written = ready!(self.stream.poll_write(cx, &slices)).map_err(failed)?;
            if written == 0 {
                let why = format!("{SEND}: the peer closed a data connection");
                return Poll::Ready(Err(Error::new(ErrorKind::Io, why)));
            }
            let of_header = written.min(HEADER_LEN - self.header_sent);
            self.header_sent += of_header;
            self.data.advance(written - of_header);
            *moved += (written - of_header) as u64;
        }
        // TLS may hold back what the socket had no room for.
        self.stream.poll_flush(cx).map_err(failed)
    }
}

/// Sends one file.
#[derive(Debug)]
pub struct BlockSender {
    outlet: Outlet,
    block: usize,
    turn: usize,
    patience: Patience,
}

impl BlockSender {
    /// Sends blocks of at most `block` bytes over the connections of an outlet.
    pub fn new(outlet: Outlet, block: usize) -> Self {
        Self {
            patience: Patience::new(&outlet.limits),
            outlet,
            block: block.max(1),
            turn: 0,
        }
    }

    /// Sends bytes that belong at an offset of the file. Returns when the last of them is with a
    /// connection. Dropping the future leaves some of them unsent: drop the sender, too.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], [`crate::ErrorKind::TimedOut`]
    pub async fn send(&mut self, offset: u64, data: Bytes) -> Result<()> {
        if offset.checked_add(data.len() as u64).is_none() {
            let why = format!("{SEND}: they end behind the largest number");
            return Err(Error::new(ErrorKind::Invalid, why));
        }
        let mut rest = (offset, data);
        poll_fn(|cx| self.poll_send(cx, &mut rest)).await
    }

    /// Sends what is under way and tells the receiver that this was all. The connections remain, for
    /// the next file.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], [`crate::ErrorKind::TimedOut`]
    pub async fn finish(mut self) -> Result<Outlet> {
        poll_fn(|cx| self.poll_idle(cx)).await?;
        self.outlet.load_ends();
        poll_fn(|cx| self.poll_idle(cx)).await?;
        Ok(self.outlet)
    }

    fn poll_send(&mut self, cx: &mut Context<'_>, rest: &mut (u64, Bytes)) -> Poll<Result<()>> {
        let (offset, data) = rest;
        while !data.is_empty() {
            let Some(free) = self.progress(cx)? else {
                return Poll::Ready(Err(ready!(self.patience.poll_exhausted(cx, SEND))));
            };
            let block = data.split_to(data.len().min(self.block));
            let header = BlockHeader::data(*offset, block.len() as u64);
            *offset += header.count;
            self.outlet.lanes[free].load(header, block);
            self.turn = free + 1;
        }
        self.progress(cx)?;
        self.patience.pause();
        Poll::Ready(Ok(()))
    }

    /// Moves all connections on, and finds one that is free.
    fn progress(&mut self, cx: &mut Context<'_>) -> Result<Option<usize>> {
        let count = self.outlet.lanes.len();
        let (mut moved, mut free) = (0, None);
        for step in 0..count {
            let number = (self.turn + step) % count;
            let lane = &mut self.outlet.lanes[number];
            if let Poll::Ready(done) = lane.poll_progress(cx, &mut moved) {
                done?;
                free = free.or(Some(number));
            }
        }
        if moved > 0 {
            self.patience.progressed(moved);
        }
        Ok(free)
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let (mut moved, mut is_idle) = (0, true);
        for lane in &mut self.outlet.lanes {
            match lane.poll_progress(cx, &mut moved) {
                Poll::Ready(done) => done?,
                Poll::Pending => is_idle = false,
            }
        }
        if moved > 0 {
            self.patience.progressed(moved);
        }
        match is_idle {
            true => Poll::Ready(Ok(())),
            false => Poll::Ready(Err(ready!(self.patience.poll_exhausted(cx, SEND)))),
        }
    }
}
