//! Opening data connections: [`connect`] to where the server listens, or a [`Listener`] for a server
//! that connects.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::task::{Context, Poll};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::limits::{Limits, within};
use super::security::{DataSecurity, Role};
use super::socket::DataStream;
use crate::{Error, Result};

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 128;

/// Connections of strangers that are turned away before a listener gives up.
const MAX_STRANGERS: usize = 64;

/// How sockets of data connections are made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// Size of the buffers in the kernel, each way. None leaves it to the kernel, which adapts it.
    pub buffer: Option<u32>,
    /// Ports to listen on, where a firewall allows a few only.
    pub ports: Option<RangeInclusive<u16>>,
}

impl SocketOptions {
    fn socket(&self, family_of: IpAddr) -> io::Result<TcpSocket> {
        let socket = match family_of {
            IpAddr::V4(_) => TcpSocket::new_v4()?,
            IpAddr::V6(_) => TcpSocket::new_v6()?,
        };
        // Must be set before the connection exists: it decides the largest window.
        if let Some(size) = self.buffer {
            socket.set_recv_buffer_size(size)?;
            socket.set_send_buffer_size(size)?;
        }
        Ok(socket)
    }
}

/// Opens a data connection to where the server listens.
///
/// # Errors
/// [`crate::ErrorKind::Io`], [`crate::ErrorKind::TimedOut`], and the ones about security.
pub async fn connect(
    to: SocketAddr,
    options: &SocketOptions,
    security: &DataSecurity,
    limits: &Limits,
) -> Result<DataStream> {
    let opening = async {
        let socket = options.socket(to.ip());
        let socket = socket.map_err(|source| Error::io(OPEN, &source))?;
        let socket = socket.connect(to).await;
        let socket = socket.map_err(|source| Error::io(OPEN, &source))?;
        ready_to_secure(&socket)?;
        security.secure(socket, Role::Connects).await
    };
    within(limits.open, OPEN, opening).await
}

/// Waits for a server to connect.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    security: DataSecurity,
    limits: Limits,
    /// Whose connections are taken; all, when empty.
    from: Vec<IpAddr>,
    strangers: usize,
}

impl Listener {
    /// Listens at `host`, usually the near end of the control connection, for connections from one
    /// of the addresses `from`. When that is empty, whoever comes first is believed as far as the
    /// security goes.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`]
    pub fn bind(
        host: IpAddr,
        from: Vec<IpAddr>,
        options: &SocketOptions,
        security: DataSecurity,
        limits: Limits,
    ) -> Result<Self> {
        let from = from.iter().map(IpAddr::to_canonical).collect();
        let socket = bind(host, options);
        Ok(Self {
            socket: socket.map_err(|source| Error::io("listen for data", &source))?,
            security,
            limits,
            from,
            strangers: 0,
        })
    }

    /// Where it listens: what `PORT` or `EPRT` tells.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`]
    pub fn address(&self) -> Result<SocketAddr> {
        let address = self.socket.local_addr();
        address.map_err(|source| Error::io("listen for data", &source))
    }

    /// The next data connection, ready to use.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], [`crate::ErrorKind::TimedOut`], and the ones about security.
    pub async fn accept(&mut self) -> Result<DataStream> {
        let limit = self.limits.open;
        let socket = std::future::poll_fn(|cx| self.poll_accept(cx));
        let socket = within(limit, OPEN, socket).await?;
        secured(socket, self.security.clone(), limit).await
    }

    /// The next socket, whose security is still to be agreed on.
    pub(crate) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<Result<TcpStream>> {
        while let Poll::Ready(accepted) = self.socket.poll_accept(cx) {
            let (socket, peer) = match accepted {
                Ok(it) => it,
                Err(source) => return Poll::Ready(Err(Error::io(OPEN, &source))),
            };
            if self.from.is_empty() || self.from.contains(&peer.ip().to_canonical()) {
                return Poll::Ready(ready_to_secure(&socket).map(|()| socket));
            }
            self.strangers += 1;
            if self.strangers > MAX_STRANGERS {
                let why = format!("{OPEN}: strangers connect, such as {}", peer.ip());
                return Poll::Ready(Err(Error::protocol(why)));
            }
        }
        Poll::Pending
    }

    pub(crate) fn security(&self) -> &DataSecurity {
        &self.security
    }
}

/// Agrees on the security of an accepted socket.
pub(crate) async fn secured(
    socket: TcpStream,
    security: DataSecurity,
    limit: std::time::Duration,
) -> Result<DataStream> {
    within(limit, OPEN, security.secure(socket, Role::Accepts)).await
}

const OPEN: &str = "open a data connection";

fn ready_to_secure(socket: &TcpStream) -> Result<()> {
    // The short blocks at the end shall not wait for company.
    let set = socket.set_nodelay(true);
    set.map_err(|source| Error::io(OPEN, &source))
}

fn bind(host: IpAddr, options: &SocketOptions) -> io::Result<TcpListener> {
    let Some(ports) = &options.ports else {
        return bind_to(SocketAddr::new(host, 0), options);
    };
    let (first, count) = (*ports.start(), ports.clone().count());
    if count == 0 {
        return Err(io::Error::other("the range of ports is empty"));
    }
    // Several processes share the range: each begins elsewhere.
    let begin = std::process::id() as usize;
    let mut last = io::Error::other("the range of ports is empty");
    for step in 0..count {
        let offset = u16::try_from((begin + step) % count).expect("a range of u16 is that long");
        match bind_to(SocketAddr::new(host, first + offset), options) {
            Err(why) if why.kind() == io::ErrorKind::AddrInUse => last = why,
            done => return done,
        }
    }
    Err(last)
}

fn bind_to(address: SocketAddr, options: &SocketOptions) -> io::Result<TcpListener> {
    let socket = options.socket(address.ip())?;
    // A port of a connection that has just ended can be had again.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sockets_get_the_buffers_that_were_asked_for() {
        const SIZE: u32 = 64 << 10;
        let options = SocketOptions {
            buffer: Some(SIZE),
            ..SocketOptions::default()
        };
        for host in ["127.0.0.1", "::1"] {
            let socket = options.socket(host.parse().unwrap()).unwrap();
            let sizes = [socket.send_buffer_size(), socket.recv_buffer_size()];
            // The kernel adds as much again for itself.
            for size in sizes.map(Result::unwrap) {
                assert!((SIZE..=2 * SIZE).contains(&size), "{host}: {size}");
            }
        }
    }
}
