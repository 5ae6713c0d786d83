//! Storages that speak FTP (RFC 959), plain or under TLS (RFC 4217).
//!
//! Knows one storage and one call at a time; who asks and why stays with the gateway.
//!
//! | room | what is in it |
//! |---|---|
//! | `storage` | the contract, thin; the work is in the rooms below |
//! | `inspect`, `namespace` | asking for metadata; changing names |
//! | `lister`, `listing` | directories page by page; one directory being read |
//! | `reader`, `writer`, `upload`, `cleanup` | bytes to us, from us, how they become a file, and what a failed write left |
//! | `pool`, `endpoint`, `connect` | sessions by server and account; those of one; from nothing to a session |
//! | `session`, `data` | one control connection; the data connections beside it |
//! | `account`, `veil`, `tls` | who we are, kept out of logs; connections under TLS |
//! | `place`, `temporary` | from a URL to a path; names of files that are not there yet |
//! | `reply`, `features`, `facts`, `columns`, `lines` | formats, without any network |
//! | `error` | foreign failures to the kinds of the SDK |

mod account;
mod cleanup;
mod columns;
mod config;
mod connect;
mod data;
mod endpoint;
mod error;
mod facts;
mod features;
mod inspect;
mod lines;
mod lister;
mod listing;
mod namespace;
mod place;
mod pool;
mod reader;
mod reply;
mod session;
mod storage;
mod temporary;
mod tls;
mod upload;
mod veil;
mod writer;

pub use config::{AccountOptions, Config, FtpsMode, Passive, Paths, TlsPolicy, UploadMode};
pub use reader::FtpRead;
pub use storage::FtpStorage;
pub use writer::FtpWrite;

causeway_sdk::export_plugin!(FtpStorage);
