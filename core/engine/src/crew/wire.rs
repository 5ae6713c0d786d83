//! Frames between the server and a worker process: a length, then one message in postcard.
//!
//! Several messages go out in one write. A message that is too long does not go out, and a frame
//! that is too long or cannot be read ends the connection: both ends are the same program, so it
//! can only be damage.
//!
//! # Invariants
//! - Every message survives the frames: `every_message_survives_the_frames`.

#[cfg(test)]
mod tests;

use std::io;

use causeway_model::workers::{PluginCounters, PluginMarks};
use causeway_sdk::{Capabilities, Credential, Error};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::call::{Answer, Call};
use super::keyring::Places;
use crate::messages::{Order, Report};

/// Longest message, in bytes. A page of a directory is the largest there is.
const LONGEST: usize = 64 << 20;
/// What is said instead of one that is longer.
pub(super) const TOO_LONG: &str = "the message is longer than 64 MiB";
/// Bytes read at a time.
const CHUNK: usize = 64 << 10;

/// From the server to a worker process.
#[derive(Serialize, Deserialize)]
pub(super) enum ToWorker {
    /// The first message: what to load, and the limits to live under.
    Setup(Box<Setup>),
    /// A credential to keep in a place, for the orders that follow.
    Credential(u8, Credential),
    /// About an attempt, with the places of its credentials.
    Order(Places, Order),
    /// A metadata call.
    Call(u64, Box<Call>),
    /// Nobody waits for the answer to a call any more.
    Forget(u64),
    /// A sign of life is wanted.
    Ping(u64),
    /// There is nothing left to do.
    Leave,
}

impl From<Order> for ToWorker {
    fn from(order: Order) -> Self {
        Self::Order(Places::default(), order)
    }
}

/// From a worker process to the server.
#[derive(Serialize, Deserialize)]
pub(super) enum FromWorker {
    /// The first message: it can work, with these plugins.
    Ready(Box<Table>),
    /// About an attempt.
    Report(Report),
    /// The answer to a call.
    Answer(u64, Box<Result<Answer, Error>>),
    /// A sign of life.
    Pong(u64),
    /// What was counted of its plugins since it started.
    News(Vec<PluginNews>),
}

/// What a worker tells of a plugin from time to time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginNews {
    /// Name.
    pub name: String,
    /// Counted since the worker started.
    pub marks: PluginMarks,
    /// What the plugin counts itself, since then.
    pub counters: PluginCounters,
    /// It works, but not well of late.
    pub is_degraded: bool,
}

/// What a worker process has to know before it can work. It may hold secrets, so it is never
/// shown, and goes neither through arguments nor through the environment.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Setup {
    /// Configuration of the plugins, as the program that loads them wrote it.
    pub config: String,
    /// Plugins that must not be loaded.
    pub excluded: Vec<String>,
    /// Memory the process may take in bytes; 0 for no limit.
    pub memory_bytes: u64,
    /// A plugin that does not come back to the process for so long is given up with it; 0 is never.
    pub stuck_after_seconds: u64,
}

/// The plugins of a worker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Every plugin, refused ones with their reason.
    pub plugins: Vec<PluginCard>,
    /// Which plugin serves a scheme: scheme and name.
    pub serves: Vec<(String, String)>,
}

/// What is shown of a plugin.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginCard {
    /// Name.
    pub name: String,
    /// Version, empty when it is not known.
    pub version: String,
    /// How it is loaded.
    pub kind: String,
    /// URL schemes.
    pub schemes: Vec<String>,
    /// Whether it works.
    pub state: String,
    /// Its file.
    pub path: Option<String>,
    /// SHA-256 of its file.
    pub sha256: Option<String>,
    /// The trusted key that it is signed with.
    pub signed_by: Option<String>,
    /// Why what lies in the plugin directory was not loaded, where a copy that was kept was.
    pub instead_of: Option<String>,
    /// What it can do; nothing when it was refused.
    pub capabilities: Option<Capabilities>,
}

/// Puts a message behind others that go out together. False when it is too long: then it is left
/// out, and whoever waits for it must be told something else.
pub(super) fn put(message: &impl Serialize, out: &mut Vec<u8>) -> io::Result<bool> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    *out = postcard::to_extend(message, std::mem::take(out)).map_err(damaged)?;
    let length = out.len() - start - 4;
    match u32::try_from(length).ok().filter(|_| length <= LONGEST) {
        Some(prefix) => out[start..start + 4].copy_from_slice(&prefix.to_le_bytes()),
        None => {
            out.truncate(start);
            // The next ones are short again.
            out.shrink_to(CHUNK);
        }
    }
    Ok(length <= LONGEST)
}

/// Reads messages one by one. Dropping a read loses nothing.
pub(super) struct Frames<R> {
    from: R,
    bytes: Vec<u8>,
    read: usize,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub(super) fn new(from: R) -> Self {
        Self {
            from,
            bytes: Vec::with_capacity(CHUNK),
            read: 0,
        }
    }

    /// The next message; `None` at the end.
    pub(super) async fn next<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        loop {
            if let Some(message) = self.take()? {
                return Ok(Some(message));
            }
            self.bytes.drain(..self.read);
            self.read = 0;
            self.bytes.reserve(CHUNK);
            if self.from.read_buf(&mut self.bytes).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn take<T: DeserializeOwned>(&mut self) -> io::Result<Option<T>> {
        let rest = &self.bytes[self.read..];
        let Some((prefix, rest)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        let length = u32::from_le_bytes(*prefix) as usize;
        if length > LONGEST {
            return Err(damaged("message is too long"));
        }
        let Some(message) = rest.get(..length) else {
            return Ok(None);
        };
        let message = postcard::from_bytes(message).map_err(damaged)?;
        self.read += 4 + length;
        Ok(Some(message))
    }
}

fn damaged(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, source)
}
