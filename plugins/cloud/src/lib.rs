//! Google Cloud Storage, Azure Blob Storage, Dropbox and Google Drive.
//!
//! Knows one storage and one call at a time; who asks and why stays with the gateway.
//!
//! | room | what is in it |
//! |---|---|
//! | `storage`, `backend` | the contract, thin; what every service does, whatever its protocol |
//! | `azure`, `gcs` | the two that keep objects under flat names; `flat` makes directories of those |
//! | `dropbox`, `gdrive` | the two that have directories of their own |
//! | `handout` | links that others read with |
//! | `reader`, `writer`, `parts`, `sums` | bytes to us, bytes from us, how they are cut and summed up |
//! | `settling` | the request that makes a file of them, and what became of it |
//! | `resumable` | upload sessions as both of Google's services take them |
//! | `exchange`, `caller`, `login`, `accounts`, `client` | one request; who asks, and how that is said; connections |
//! | `place`, `config`, `environment` | what URLs, options and variables mean |
//! | `digest`, `xml`, `fault` | formats, without any network |
//! | `error`, `codes` | foreign failures to the kinds of the SDK |

mod accounts;
mod azure;
mod backend;
mod caller;
mod client;
mod codes;
mod config;
mod digest;
mod dropbox;
mod environment;
mod error;
mod exchange;
mod fault;
mod flat;
mod gcs;
mod gdrive;
mod handout;
mod login;
mod parts;
mod place;
mod reader;
mod related;
mod resumable;
mod settling;
mod storage;
mod sums;
mod writer;
mod xml;

pub use config::{Config, ServiceOptions};
pub use reader::CloudRead;
pub use storage::CloudStorage;
pub use writer::CloudWrite;

causeway_sdk::export_plugin!(CloudStorage);
