//! What a storage plugin is written against.
//!
//! An author implements [`Storage`] with plain `async fn`s, writes
//! `causeway_sdk::export_plugin!(MyStorage);` and builds a `cdylib`. Everything that crosses the
//! boundary to the gateway is in [`native`]; nobody else has to know it exists.
//!
//! This crate knows nothing of jobs, schedulers or REST. It knows one storage and one call at a time.
//!
//! | to learn about | read |
//! |---|---|
//! | the methods and what each of them promises | [`storage`] |
//! | saying what a storage can do | [`capability`] |
//! | failing well | [`error`] |
//! | deadlines, cancellation, credentials, options of a call | [`context`] |
#![warn(missing_docs)]

pub mod capability;
pub mod checksum;
pub mod context;
pub mod dynamic;
pub mod error;
mod export;
pub mod native;
pub mod secret;
pub mod storage;
pub mod types;

pub use bytes::Bytes;
pub use capability::{Capabilities, Operation};
pub use checksum::{Algorithm, Checksum, Hasher};
pub use context::{CancelToken, Credential, Ctx, Host, LogLevel};
pub use dynamic::{BoxFuture, DynRead, DynStorage, DynWrite, Erased, Storages};
pub use error::{Error, ErrorKind, Result, Retry};
pub use secret::Secret;
pub use storage::{MaybeSend, NoBody, ReadBody, Storage, WriteBody};
pub use types::*;
