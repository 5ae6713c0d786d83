//! The plugin's side of the component boundary: makes any [`Storage`] callable through the world of
//! `wit/`, and the gateway's imports usable by its author.
//!
//! Compiled for WebAssembly only, where [`crate::native`] is not.
//! [`export_plugin!`](crate::export_plugin) picks one of the two; authors write the same source for both. Of this
//! folder an author uses [`http`] and the few functions of [`host`].
//!
//! # Invariants
//! - One instance has one storage, made by `create`, which the gateway calls first.
//! - A panic is written to the gateway's log, masked, before it ends the instance.
//! - A body that is dropped ends what it had begun, a request that is being sent included.

pub mod bindings;
mod body;
mod calls;
mod convert;
mod credential;
pub mod host;
pub mod http;

use std::cell::OnceCell;
use std::thread::LocalKey;

use crate::Storage;

pub(crate) use bindings::causeway::storage::types::CallContext;
pub(crate) use convert::level;
pub use credential::Held;
pub(crate) use credential::credential;
pub(crate) use host::{clock, wait_until_cancelled};

/// Where a component keeps its storage; written by [`export_plugin!`](crate::export_plugin).
pub trait Plugin: 'static {
    /// What the author wrote.
    type Storage: Storage;

    /// The storage of this instance, once there is one.
    fn slot() -> &'static LocalKey<OnceCell<&'static Self::Storage>>;
}

/// The storage of this instance.
fn storage<P: Plugin>() -> &'static P::Storage {
    let made = P::slot().with(|slot| slot.get().copied());
    made.expect("the gateway calls `create` before anything else")
}
