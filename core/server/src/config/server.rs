//! Where and how the service listens.

use serde::{Deserialize, Serialize};

/// Section `server`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerConfig {
    /// Address and port of the REST API over TLS.
    pub listen: String,
    /// Name of this node in rows and links; empty for the machine's own.
    pub hostname: String,
    /// Largest request body, in bytes.
    pub max_body_bytes: usize,
    /// Longest time for one request, in seconds.
    pub request_timeout_seconds: u64,
    /// Longest time for a TLS handshake, in seconds.
    pub handshake_timeout_seconds: u64,
    /// Connections at the same time; more wait in the backlog.
    pub max_connections: usize,
    /// On a stop, how long running transfers may go on, in seconds.
    pub shutdown_grace_seconds: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: "[::]:8446".into(),
            hostname: String::new(),
            max_body_bytes: 64 << 20,
            request_timeout_seconds: 60,
            handshake_timeout_seconds: 30,
            max_connections: 10_000,
            shutdown_grace_seconds: 20,
        }
    }
}
