//! Files of the gateway's own machine, confined to directories that the operator names.
//!
//! Server-side storage, not the client's disk: a URL outside the configured roots is refused.
//! Options and guarantees are described in the README.

mod buffers;
mod checksum;
mod config;
mod confine;
mod covered;
mod entry;
mod error;
mod leftovers;
mod lister;
mod offload;
mod path;
mod reader;
mod storage;
mod temporary;
mod writer;

pub use reader::FileReader;
pub use storage::FileStorage;
pub use writer::FileWriter;

causeway_sdk::export_plugin!(FileStorage);
