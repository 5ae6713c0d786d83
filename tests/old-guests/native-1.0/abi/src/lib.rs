//! The native mirror of `causeway_sdk::Storage`: every type and call that crosses between the
//! gateway and a plugin that was compiled by somebody else.
//!
//! It stands under the SDK's glue (plugin side) and the host's bridge (gateway side); nobody else
//! names it. It knows no SDK type: the glue converts, in one place per type.
//!
//! # Invariants
//! - A plain struct here never changes its fields. New data goes into its `ext`, or into a new
//!   method at the end of a trait, with a default body, below the last prefix method.
//! - What is an enum elsewhere crosses as a `u32` newtype; a reader maps unknown values to something
//!   harmless.
//! - Whoever made a value frees it: every owning type carries its drop function. Arguments are
//!   borrowed for the call only; every future is `'static`.
//! - [`METHODS`] names the methods of [`storage::Storage`], and a test of the SDK
//!   compares them with its own trait.

// Raw pointers and C function tables are what this crate is about. Each block says what makes it sound.
#![allow(unsafe_code)]

pub mod call;
pub mod chunk;
pub mod context;
pub mod ext;
pub mod preamble;
pub mod reply;
pub mod root;
pub mod storage;
pub mod values;

pub use abi_stable;
pub use async_ffi;

pub use call::{
    CopyRequest, Credential, Pair, ReadOptions, StageRequest, TurlRequest, UrlRef, WriteOptions,
};
pub use chunk::Chunk;
pub use context::{CtxHandle, CtxSource};
pub use ext::Ext;
pub use preamble::Preamble;
pub use reply::{Answer, Reply, ReplySource};
pub use root::{Host, Plugin, Plugin_Ref};
pub use storage::METHODS;
pub use values::{
    Checksum, Copied, DirPage, Entry, Error, FileState, KeyValue, Opened, Progress, Space, Staged,
    Stat, TransferUrl, Written,
};
