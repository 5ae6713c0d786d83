//! Between a component and the network while it is checked: [`faults`] lets exchanges fail, [`record`]
//! keeps them, [`replay`] answers from what was kept.
//!
//! They stand where the plugin's requests are still without the user's credential. What is written
//! goes through [`redact`] all the same. [`tape`] is the file.

mod faults;
mod record;
mod redact;
mod replay;
mod tape;

use std::sync::Arc;

use parking_lot::Mutex;

pub(super) use faults::WireFaults;
pub(super) use record::Recorder;
pub(super) use redact::Redactor;
pub(super) use replay::Replay;
pub(super) use tape::{Head, Recording};

/// Name of the case that runs.
pub(super) type Current = Arc<Mutex<String>>;
