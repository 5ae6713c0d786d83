//! GridFTP servers: metadata, bytes to and from us, and copies between two servers.
//!
//! Knows one storage and one call at a time; who asks and why stays with the gateway. The protocol
//! itself is the crate `causeway-gridftp-wire` beside this one.
//!
//! | room | what is in it |
//! |---|---|
//! | `storage` | the contract, thin; the work is in the rooms below |
//! | `client`, `trust` | sessions by server and credential; whom to believe |
//! | `namespace`, `lister` | metadata and names; directories page by page |
//! | `reader`, `writer`, `peer_copy` | bytes to us, from us, past us |
//! | `lanes` | many small files between the same two servers |
//! | `looks` | many questions of what stands somewhere |
//! | `queues` | what both wait in |
//! | `sights` | what need not be asked again |
//! | `cleanup` | what a failed write or copy left |
//! | `error` | failures of the wire to the kinds of the SDK |

mod cleanup;
mod client;
mod config;
mod error;
mod lanes;
mod lister;
mod looks;
mod namespace;
mod peer_copy;
mod queues;
mod reader;
mod sights;
mod storage;
mod trust;
mod writer;

pub use config::Config;
pub use reader::GridftpRead;
pub use storage::GridftpStorage;
pub use writer::GridftpWrite;

causeway_sdk::export_plugin!(GridftpStorage);
