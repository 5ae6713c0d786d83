//! Where and how the service listens.

use serde::{Deserialize, Serialize};

/// Section `server`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerConfig {
    /// Address and port of the REST API over TLS.
    pub listen: String,
    /// A second address and port for the same, such as the `[::]:8449` that Rucio's links to the
    /// monitoring lead to; empty for none.
    pub monitoring_listen: String,
    /// Name of this node in rows and links; empty for the machine's own.
    pub hostname: String,
    /// Largest request body, in bytes.
    pub max_body_bytes: usize,
    /// Longest time for one request, in seconds.
    pub request_timeout_seconds: u64,
    /// Longest time for a TLS handshake, in seconds.
    pub handshake_timeout_seconds: u64,
    /// Longest time in which nothing moves on a connection, in seconds. Always longer than a request may
    /// take.
    pub idle_timeout_seconds: u64,
    /// Requests a second that one identity may send in the long run; 0: no limit.
    pub requests_per_second: u32,
    /// Requests that one identity may send at once, after a pause.
    pub request_burst: u32,
    /// Connections at the same time; more wait in the backlog.
    pub max_connections: usize,
    /// On a stop, how long running transfers may go on, in seconds.
    pub shutdown_grace_seconds: u64,
}

impl Default for ServerConfig {
    fn default() -> Self {
        Self {
            listen: "[::]:8446".into(),
            monitoring_listen: String::new(),
            hostname: String::new(),
            max_body_bytes: 64 << 20,
            request_timeout_seconds: 60,
            handshake_timeout_seconds: 30,
            idle_timeout_seconds: 120,
            requests_per_second: 0,
            request_burst: 1000,
            max_connections: 10_000,
            shutdown_grace_seconds: 20,
        }
    }
}

impl ServerConfig {
    /// The limit for silence, which an answer that takes its time must not run into.
    pub fn idle_timeout_seconds(&self) -> u64 {
        let longest_request = self.request_timeout_seconds.saturating_add(10);
        self.idle_timeout_seconds.max(longest_request)
    }
}
