//! GridFTP as servers speak it: the control channel with GSI, third-party copies, the data channel.
//!
//! Stands alone: it knows tokio, rustls and the protocol, and nothing of the program that uses it.
//! A caller makes a [`Credential`], opens a [`Session`] to a server, and calls its verbs; or keeps
//! sessions in a [`Pool`]. Every wait has a limit and every buffer a bound; dropping a future
//! never leaves a session in an unknown state in a pool.
//!
//! | to learn about | read |
//! |---|---|
//! | what fails, and how that is said | [`error`] |
//! | user certificates, proxies, trust, names of servers | [`credential`], [`trust`] |
//! | files between a server and this process | [`transfer`] |
//! | bytes of files: stream mode, extended blocks, markers | [`data`] |
#![warn(missing_docs)]

mod control;
pub mod copy;
pub mod credential;
pub mod data;
pub mod endpoint;
pub mod error;
pub mod facts;
pub mod features;
pub mod options;
pub mod pool;
pub mod reply;
mod session;
pub mod transfer;
pub mod trust;
mod x509;

pub use credential::{Credential, PeerRule};
pub use endpoint::{Endpoint, Security};
pub use error::{Error, ErrorKind, Result};
pub use facts::Facts;
pub use features::Features;
pub use options::Options;
pub use pool::{Lease, Pool, PoolLimits};
pub use reply::Reply;
pub use session::{Listing, Session};
pub use transfer::{Download, Upload};
pub use trust::Trust;

/// Its example compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
