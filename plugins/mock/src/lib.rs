//! A storage that stores nothing: everything is simulated by the URL query.
//!
//! `mock://host/path?size=10&errno=2` and the like. The tool of all tests that need a storage
//! which is slow, full, broken or on tape at will. Keys are described in the README.

mod abilities;
mod chance;
mod config;
mod content;
mod copy;
mod journal;
mod lister;
mod memory;
mod reader;
mod script;
mod signal;
mod staging;
mod storage;
mod writer;

pub use memory::Commits;
pub use reader::MockReader;
pub use storage::MockStorage;
pub use writer::MockWriter;

causeway_sdk::export_plugin!(MockStorage);
