//! Plugins: found, verified, loaded, and looked up by URL scheme.
//!
//! The engine asks [`Host::storage_for`] and gets a [`DynStorage`](causeway_sdk::DynStorage); whether
//! it was a native library, a WebAssembly component or is linked into the program it cannot tell. This crate knows no
//! protocol and no job.
//!
//! # Invariants
//! - A damaged file never reaches `dlopen`: size, SHA-256 and the ELF header are checked first
//!   (`tests/refused.rs`).
//! - One plugin that cannot be loaded is listed with its reason and keeps nobody else from working.
//! - A library that was loaded is never unloaded.
//! - An operation that a plugin does not list is answered here; the plugin is not called.

mod culprit;
mod description;
mod folder;
#[cfg(feature = "wasm")]
mod grants;
mod handle;
mod image;
mod install;
mod layers;
mod manifest;
mod native;
mod refusal;
mod registry;
mod signature;
mod versions;
mod wanted;
#[cfg(feature = "wasm")]
mod wasm;

pub use culprit::{add_last_words, leave, leave_last_words, stuck_for};
pub use handle::{Kind, PluginHandle, PluginInfo, State};
pub use install::write_manifest;
pub use layers::Marks;
pub use manifest::Manifest;
pub use refusal::Refusal;
pub use registry::Host;
pub use signature::{KeyError, SignaturePolicy, generate as generate_keys, sign};
pub use versions::{Candidate, Candidates, Version, keep};
pub use wanted::{Decided, Wanted};
#[cfg(feature = "wasm")]
pub use wasm::use_directory as keep_compiled_in;

/// What may stand between a component and the network while it is checked.
#[cfg(feature = "wasm")]
pub mod wire {
    pub use crate::wasm::{Body, Onwards, Reply, Sent, Wire};
}
