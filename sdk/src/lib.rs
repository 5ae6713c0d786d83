//! What a storage plugin is written against.
//!
//! An author implements [`Storage`] with plain `async fn`s, writes
//! `causeway_sdk::export_plugin!(MyStorage);` and builds a `cdylib`: a native library, or for the target
//! `wasm32-unknown-unknown` a module that `causeway plugins build` makes a component of. What
//! crosses the boundary to the gateway is in [`native`], or in `component`; nobody else has to know
//! that there are two.
//!
//! This crate knows nothing of jobs, schedulers or REST. It knows one storage and one call at a time.
//!
//! | to learn about | read |
//! |---|---|
//! | the methods and what each of them promises | [`storage`] |
//! | saying what a storage can do | [`capability`] |
//! | failing well | [`error`] |
//! | which servers to believe under TLS | `trust`, behind the feature of this name |
//! | what a killed process leaves at servers | `journal`, of native plugins |
//! | connections and failures of HTTP with reqwest | `http_client`, behind the feature `http-client` |
//! | deadlines, cancellation, credentials, options of a call | [`context`] |
#![warn(missing_docs)]

pub mod capability;
pub mod checksum;
#[cfg(target_family = "wasm")]
pub mod component;
pub mod context;
#[cfg(not(target_family = "wasm"))]
pub mod dynamic;
pub mod error;
mod export;
#[cfg(all(feature = "http-client", not(target_family = "wasm")))]
pub mod http_client;
#[cfg(not(target_family = "wasm"))]
pub mod journal;
#[cfg(not(target_family = "wasm"))]
pub mod native;
pub mod secret;
pub mod storage;
#[cfg(all(feature = "trust", not(target_family = "wasm")))]
pub mod trust;
pub mod types;

pub use bytes::Bytes;
pub use capability::{Capabilities, Operation};
pub use checksum::{Algorithm, Checksum, Hasher};
#[cfg(target_family = "wasm")]
pub use component::http;
pub use context::{CancelToken, Credential, Ctx, Host, LogLevel};
#[cfg(not(target_family = "wasm"))]
pub use dynamic::{BoxFuture, DynRead, DynStorage, DynWrite, Erased, Storages};
pub use error::{Error, ErrorKind, Result, Retry};
pub use secret::Secret;
pub use storage::{MaybeSend, NoBody, ReadBody, Storage, WriteBody};
pub use types::*;
