//! A proxy that passes bytes on and makes them go wrong when it is told to.
//!
//! It sees bytes and no protocol, with one exception: to say that a server is out of order it has to
//! speak, and it can in HTTP without encryption only. Anything else passes unharmed then, which
//! shows in [`Network::hits`].

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};

use super::{Network, NetworkFault};

/// Bytes that are taken at a time.
const BUFFER: usize = 64 << 10;
/// So long somebody may go on talking to a server that is out of order.
const PATIENCE: Duration = Duration::from_secs(5);
const OUT_OF_ORDER: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A proxy on a free loopback port, before one server. It ends with this value.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    fault: watch::Sender<Option<NetworkFault>>,
    hits: Arc<AtomicU64>,
    accepting: JoinHandle<()>,
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Network for FaultProxy {
    fn disturb(&self, fault: Option<NetworkFault>) {
        self.fault.send_replace(fault);
    }

    fn hits(&self) -> u64 {
        self.hits.load(Ordering::SeqCst)
    }
}

/// What each connection knows.
#[derive(Clone)]
struct Mood {
    fault: watch::Receiver<Option<NetworkFault>>,
    hits: Arc<AtomicU64>,
}

impl Mood {
    fn fault(&self) -> Option<NetworkFault> {
        *self.fault.borrow()
    }

    fn hit(&self) {
        self.hits.fetch_add(1, Ordering::SeqCst);
    }
}

/// How a connection ends.
enum End {
    /// As its two sides wished.
    Done,
    /// So that the client sees it broken.
    Broken,
    /// With the answer of a server that is out of order.
    OutOfOrder,
}

impl FaultProxy {
    /// Starts one before the server at `host:port`.
    ///
    /// # Errors
    /// When there is no free port.
    pub async fn start(server: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (fault, heard) = watch::channel(None);
        let hits = Arc::new(AtomicU64::new(0));
        let mood = Mood {
            fault: heard,
            hits: Arc::clone(&hits),
        };
        let server = server.to_owned();
        let accepting = tokio::spawn(async move {
            // They end with the proxy.
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                while connections.try_join_next().is_some() {}
                connections.spawn(serve(client, server.clone(), mood.clone()));
            }
        });
        Ok(Self {
            address,
            fault,
            hits,
            accepting,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// One connection. Its failures are seen by the two that talk.
async fn serve(mut client: TcpStream, server: String, mood: Mood) {
    let Ok(mut upstream) = TcpStream::connect(&server).await else {
        return;
    };
    let end = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = upstream.split();
        let up = upwards(from_client, to_server, &mood);
        let down = downwards(from_server, to_client, &mood);
        let (mut up, mut down) = (std::pin::pin!(up), std::pin::pin!(down));
        tokio::select! {
            // A client that has said everything still wants its answer.
            end = &mut up => match end {
                End::Done => down.await,
                end => end,
            },
            end = &mut down => end,
        }
    };
    match end {
        End::Done => {}
        // Without lingering the socket is reset when it is dropped.
        End::Broken => drop(client.set_zero_linger()),
        End::OutOfOrder => refuse(client).await,
    }
}

/// From the client to the server.
async fn upwards(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mood: &Mood) -> End {
    let mut buffer = vec![0; BUFFER];
    loop {
        let Ok(len @ 1..) = from.read(&mut buffer).await else {
            // The other side learns that nothing more comes; if it has gone, it knows.
            drop(to.shutdown().await);
            return End::Done;
        };
        match mood.fault() {
            Some(NetworkFault::Reset) => {
                mood.hit();
                return End::Broken;
            }
            Some(NetworkFault::ServerError) if is_request(&buffer[..len]) => {
                mood.hit();
                return End::OutOfOrder;
            }
            _ => {}
        }
        if to.write_all(&buffer[..len]).await.is_err() {
            return End::Broken;
        }
    }
}

/// From the server to the client.
async fn downwards(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, mood: &Mood) -> End {
    let (mut buffer, mut passed) = (vec![0; BUFFER], 0);
    loop {
        let Ok(len @ 1..) = from.read(&mut buffer).await else {
            drop(to.shutdown().await);
            return End::Done;
        };
        let fault = mood.fault();
        let mut bytes = &buffer[..len];
        passed = match fault {
            Some(NetworkFault::Truncate) => passed + len,
            _ => 0,
        };
        let over = passed.saturating_sub(NetworkFault::TRUNCATED_AT);
        bytes = &bytes[..len - over.min(len)];
        let piece = match fault {
            Some(NetworkFault::Delay) => {
                mood.hit();
                sleep(NetworkFault::DELAY).await;
                BUFFER
            }
            Some(NetworkFault::Drip) => {
                mood.hit();
                NetworkFault::DRIP
            }
            _ => BUFFER,
        };
        for piece in bytes.chunks(piece) {
            if to.write_all(piece).await.is_err() {
                return End::Broken;
            }
            if fault == Some(NetworkFault::Drip) {
                sleep(NetworkFault::DRIP_PAUSE).await;
            }
        }
        if over > 0 {
            mood.hit();
            // An orderly end, so that only whoever counts notices.
            drop(to.shutdown().await);
            return End::Done;
        }
    }
}

/// Whether bytes begin a request of HTTP/1.
fn is_request(bytes: &[u8]) -> bool {
    let line = bytes.split(|it| *it == b'\r').next().unwrap_or_default();
    line.ends_with(b" HTTP/1.1") || line.ends_with(b" HTTP/1.0")
}

/// Answers, and listens to what still comes, so that the answer is not lost with it.
async fn refuse(mut client: TcpStream) {
    if client.write_all(OUT_OF_ORDER).await.is_err() || client.shutdown().await.is_err() {
        return;
    }
    let mut buffer = vec![0; BUFFER];
    let rest = async { while matches!(client.read(&mut buffer).await, Ok(1..)) {} };
    // Who goes on for longer is cut off.
    drop(timeout(PATIENCE, rest).await);
}
