//! Storages that speak HTTP: plain web servers, WebDAV, and the grid's HTTP doors with third-party
//! copy (XrdHTTP, dCache, EOS, StoRM).
//!
//! Knows one storage and one call at a time; who asks and why stays with the gateway.
//!
//! | room | what is in it |
//! |---|---|
//! | `storage` | the contract, thin; the work is in the rooms below |
//! | `inspect`, `namespace`, `lister` | asking for metadata; changing names; directories page by page |
//! | `places`, `cleanup` | what was learned of servers; what a failed write left |
//! | `reader`, `writer`, `peer_copy`, `macaroon` | bytes to us, from us, past us, and a token for that |
//! | `exchange`, `upload`, `redirect` | one request with its redirects; one streamed PUT; the policy |
//! | `client`, `letters`, `records` | connections by host and credential |
//! | `wire`, `propfind`, `bounded`, `digest`, `range`, `markers` | formats, without any network |
//! | `error` | foreign failures to the kinds of the SDK |

mod bounded;
mod cleanup;
mod client;
mod config;
mod digest;
mod error;
mod exchange;
mod inspect;
mod letters;
mod lister;
mod macaroon;
mod markers;
mod namespace;
mod peer_copy;
mod places;
mod propfind;
mod range;
mod reader;
mod records;
mod redirect;
mod storage;
mod upload;
mod wire;
mod writer;

pub use config::{Config, UploadMode};
pub use reader::HttpRead;
pub use storage::HttpStorage;
pub use writer::HttpWrite;

causeway_sdk::export_plugin!(HttpStorage);
