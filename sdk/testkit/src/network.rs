//! What may go wrong between a plugin and its server, and who makes it go wrong.
//!
//! The cases under `faults/` ask a [`Network`] for one fault after the other and look at what the plugin
//! makes of it. [`FaultProxy`] is one for plugins that make their own connections; whoever lends a plugin
//! its network may be another. Nothing here knows a storage.

mod proxy;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use proxy::FaultProxy;

/// Something that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkFault {
    /// Answers come late, by [`NetworkFault::DELAY`].
    Delay,
    /// The connection breaks before the answer.
    Reset,
    /// The answer ends early, after [`NetworkFault::TRUNCATED_AT`] bytes.
    Truncate,
    /// The server says that it is out of order (503).
    ServerError,
    /// The answer comes in pieces of [`NetworkFault::DRIP`] bytes.
    Drip,
}

impl NetworkFault {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Delay,
        Self::Reset,
        Self::Truncate,
        Self::ServerError,
        Self::Drip,
    ];
    /// How late answers come.
    pub const DELAY: Duration = Duration::from_millis(300);
    /// Bytes of an answer that come before it ends early.
    pub const TRUNCATED_AT: usize = 700;
    /// Size of a piece that drips.
    pub const DRIP: usize = 8192;
    /// Time between two of them.
    pub const DRIP_PAUSE: Duration = Duration::from_millis(1);
    /// What the server says when it is out of order.
    pub const STATUS: u16 = 503;
}

/// Something between a plugin and its server that can be told to misbehave.
pub trait Network: Send + Sync {
    /// What goes wrong from now on, on old connections as well.
    fn disturb(&self, fault: Option<NetworkFault>);
    /// How often something went wrong until now.
    fn hits(&self) -> u64;
}
