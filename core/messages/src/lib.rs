//! Tells the outside what happened: brokers over STOMP, webhooks over HTTP, and whoever listens at
//! the REST surface.
//!
//! ```text
//! the store's feed ──> narrator ──> pump ──> STOMP broker        at least once, in order,
//!   (its journal)     (messages)      └────> webhook             each with a place of its own
//!                         └─────────> hub ──> server-sent events  while somebody listens
//! ```
//!
//! What happened is read from the store's feed, so a message is about something durable, and a
//! receiver that was away gets what it missed. A message that was delivered but not yet noted as
//! such is delivered again after a crash.
//!
//! It knows the words of the field's messages ([`shape`]) and how to deliver them. It does not know
//! why something happens (the engine), how it is kept (the store), or who may see it (the API).
//!
//! # Invariants
//! - A place is acknowledged only when everything before it was taken by the receiver, was not
//!   wanted, or was too old: the tests of [`pump`].
//! - Messages about one transfer arrive in the order in which they became true.
#![warn(missing_docs)]

pub mod config;
pub mod hub;
pub mod message;
pub mod narrator;
pub mod pump;
pub mod shape;
pub mod stomp;
mod tally;
mod tls;
pub mod webhook;
mod wire_up;
#[cfg(test)]
#[path = "tests/world.rs"]
mod world;

pub use config::{MessagesConfig, WebhookConfig};
pub use hub::{Hub, Next, Subscription};
pub use message::{Kind, Message};
pub use narrator::{Narrator, Voice};
pub use tally::{SinkTally, Tally};
pub use wire_up::{Messages, SetupError};
