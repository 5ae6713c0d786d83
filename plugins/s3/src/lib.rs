//! Object stores that speak S3: Amazon's own, Ceph's gateway, MinIO and their kind.
//!
//! Knows one storage and one call at a time; who asks and why stays with the gateway. Signatures
//! are object_store's. The requests are our own, because its interface has no room for what matters
//! here: codes of errors, times to wait, checksums of objects, names with any slashes, restores.
//!
//! | room | what is in it |
//! |---|---|
//! | `storage` | the contract, thin; the work is in the rooms below |
//! | `inspect`, `namespace`, `lister` | asking for metadata; changing names; directories page by page |
//! | `reader`, `writer`, `peer_copy` | bytes to us, from us, past us |
//! | `whole`, `upload`, `part`, `leftover` | an object in one request, or in parts; one of them; what they leave |
//! | `earlier` | what an earlier life began and did not end |
//! | `held`, `parts`, `retry` | the part being filled; sizes of parts; when to send again |
//! | `staging`, `handout` | restores from an archive; signed URLs for others |
//! | `caller`, `signer`, `environment` | who asks, and with which keys |
//! | `absent`, `subdirs` | names just seen to be free; directories that a directory has |
//! | `reading`, `place` | what a URL means; where that is over the wire |
//! | `exchange`, `client` | one request; connections |
//! | `xml`, `digest` | formats, without any network |
//! | `error` | foreign failures to the kinds of the SDK |

mod absent;
mod caller;
mod client;
mod config;
mod digest;
mod earlier;
mod environment;
mod error;
mod exchange;
mod handout;
mod held;
mod inspect;
mod leftover;
mod lister;
mod namespace;
mod part;
mod parts;
mod peer_copy;
mod place;
mod reader;
mod reading;
mod retry;
mod signer;
mod staging;
mod storage;
mod subdirs;
mod upload;
mod whole;
mod writer;
mod xml;

pub use config::{Addressing, Config, HostOptions, UploadChecksum};
pub use reader::S3Read;
pub use storage::S3Storage;
pub use writer::S3Write;

causeway_sdk::export_plugin!(S3Storage);
