//! Files between a server and this process: [`Download`] and [`Upload`].
//!
//! Brings a session's commands and the data channel together: while bytes move, the server is heard,
//! so what it says about a failure is what the caller learns. With parallel streams, blocks go over
//! as many connections, which stay up for the session's next file. Without, one connection in
//! stream mode, opened by this side, passes any firewall. So does a download whose data connections
//! are authenticated by a name that [`crate::data::DataSecurity::can_accept`] refuses.
//!
//! # Invariants
//! - A transfer succeeded when all bytes went over and the server said so, and in no other case.
//! - After a failure the session is not idle unless its server had said its last word; data
//!   connections are kept after a success only.

mod connect;
mod download;
mod upload;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::data::{Inlet, Marker, Order, Outlet, Ranges};
use crate::reply::Reply;
use crate::{Error, Result, Session};

pub use crate::copy::Part;
pub use download::{Download, DownloadPlan};
pub use upload::{Upload, UploadPlan};

/// Longest time to wait for what a server says about a transfer whose data connections broke.
const EXPLAIN: Duration = Duration::from_secs(2);

/// Most replies that are read to find it.
const MAX_REPLIES: usize = 1000;

/// How the bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// One connection in stream mode, from this side to the server.
    Stream,
    /// Blocks over so many connections. The sender connects: for a download that is the server.
    Blocks {
        /// Parallel connections, to each of the server's stripes; at least one is used.
        streams: u32,
    },
}

/// Data connections of the last transfer, good for the next one in the same direction.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// The session's link when they were kept: any other transfer changes it.
    link: Option<u64>,
    inlet: Option<Inlet>,
    outlet: Option<Outlet>,
}

impl Kept {
    fn of_inlet(inlet: Inlet) -> Self {
        Self {
            inlet: Some(inlet),
            ..Self::default()
        }
    }

    fn of_outlet(outlet: Outlet) -> Self {
        Self {
            outlet: Some(outlet),
            ..Self::default()
        }
    }
}

impl Session {
    /// Notes connections that are up after a success.
    fn keep(&mut self, mut kept: Kept) {
        // The upper half of the numbers: the lower one is for links between two servers.
        static LINKS: AtomicU64 = AtomicU64::new(1 << 63);
        kept.link = Some(LINKS.fetch_add(1, Ordering::Relaxed));
        self.link = kept.link;
        self.kept = kept;
    }

    /// The connections of the last transfer, if nothing happened since. They are the next one's to
    /// keep again.
    fn take_kept(&mut self) -> Kept {
        let kept = std::mem::take(&mut self.kept);
        let link = self.link.take();
        match link.is_some() && kept.link == link {
            true => kept,
            false => Kept::default(),
        }
    }

    /// What the server says about a transfer that failed here, if it says anything soon.
    async fn explain(&mut self, what: &str, why: Error) -> Error {
        let waiting = async {
            for _ in 0..MAX_REPLIES {
                if !self.owes() || self.is_broken() {
                    break;
                }
                // Without a connection there is nothing to hear.
                let reply = self.next_reply(EXPLAIN).await.ok()?;
                if reply.code() >= 400 {
                    return Some(reply.refusal(what));
                }
            }
            None
        };
        let said = tokio::time::timeout(EXPLAIN, waiting).await;
        said.ok().flatten().unwrap_or_else(|| why.during(what))
    }
}

/// A marker, if the reply is one.
fn marker(reply: &Reply) -> Result<Option<Marker>> {
    match reply.code() {
        111 | 112 => Marker::parse(reply.code(), &reply.text()).map(Some),
        _ => Ok(None),
    }
}

/// Order of pieces for who cannot write in place, with room for some dozen blocks.
pub const ASCENDING: Order = Order::Ascending {
    window: 16 * 1024 * 1024,
};

/// Argument of `REST` for bytes that are there, in blocks.
fn restart(already: &Ranges) -> Option<String> {
    (!already.is_empty()).then(|| format!("REST {already}"))
}
