//! The control channel: lines over TCP, GSI around them, logging in.
//!
//! [`Channel`] moves commands and replies and knows no command's meaning; [`login`] brings a fresh
//! connection to where commands are taken; `session` builds the verbs on top.

mod channel;
mod gsi;
pub(crate) mod login;

pub(crate) use channel::Channel;
