//! Offers [`Options`]: how long to wait, how much to take, and how data connections are protected.

use std::time::Duration;

use crate::data::{Dcau, Limits, Protection, SocketOptions};

/// Settings of sessions. The same for all sessions of a pool.
#[derive(Debug, Clone)]
pub struct Options {
    /// Longest wait for a connection, and for each ordinary reply.
    pub reply: Duration,
    /// Longest wait for a checksum that the server computes: it reads the file in silence. What it
    /// says on the way does not make the wait longer.
    pub checksum: Duration,
    /// Longest time without progress: a marker of more bytes than before, or an end.
    pub stall: Duration,
    /// Largest listing that is taken inside a reply, in bytes.
    pub listing: usize,
    /// Name and version told to the server with `SITE CLIENTINFO`; nothing is told when empty.
    pub client: String,
    /// Who the other end of a data connection must be.
    pub dcau: Dcau,
    /// What protects the bytes of data connections.
    pub protection: Protection,
    /// Bounds of data connections of our own.
    pub data: Limits,
    /// How sockets of data connections of our own are made.
    pub sockets: SocketOptions,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            reply: Duration::from_secs(60),
            checksum: Duration::from_secs(3600),
            stall: Duration::from_secs(360),
            listing: 1024 * 1024,
            client: String::new(),
            dcau: Dcau::None,
            protection: Protection::Clear,
            data: Limits::default(),
            sockets: SocketOptions::default(),
        }
    }
}
