//! Plugins that are WebAssembly components: compiled once, run in instances with limits, and to the
//! rest of the gateway the same kind of storage as a native library.
//!
//! [`engine`] holds what all components of a process share; [`cache`] keeps compiled ones;
//! [`component`] is one plugin, its instances and their number; [`instance`] is one of them as callers
//! see it, [`actor`] the task that owns it; [`bridge`] makes a storage of a component. Each published
//! version of the contract has one module, [`v0_1`] so far: it alone knows the types that cross.
//!
//! # Invariants
//! - A component imports what its world lists and nothing else (`tests/wasm_refused.rs`).
//! - Whatever a component does is bounded: memory, time between pauses, depth of its stack, what one
//!   answer may weigh, calls at once (`tests/wasm_hostile.rs`).
//! - A trap ends one instance and the calls in it; the next call gets a new one.
//! - A secret of a user enters a component only if that was granted (`tests/wasm_http.rs`).

mod actor;
mod bridge;
mod cache;
mod component;
mod counters;
mod engine;
mod fate;
mod http;
mod imports;
mod instance;
mod limits;
mod load;
mod print;
mod pulse;
mod state;
mod stream;
mod v0_1;

pub use cache::use_directory;
pub(crate) use counters::Counters;
pub use http::{Body, Onwards, Reply, Sent, Wire};
pub(crate) use load::{is_wasm, load_file, load_installed, world_name};
