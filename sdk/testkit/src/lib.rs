//! The behaviour suite for storage plugins: every promise at [`Storage`](causeway_sdk::Storage),
//! checked on any storage.
//!
//! A suite reads the capabilities, runs the cases that fit and lists the others as skipped with the
//! reason. It knows no protocol: all it sees is a [`DynStorage`](causeway_sdk::DynStorage) and URLs.
//!
//! ```
//! use causeway_sdk::{Erased, Host, Storage};
//! use causeway_testkit::{MemoryStorage, Suite};
//!
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! let storage = MemoryStorage::create("", Host::silent()).unwrap();
//! let report = Suite::new(Erased::shared(storage), "memory://test/")
//!     .run()
//!     .await;
//! report.assert();
//! # });
//! ```
//!
//! | to learn about | read |
//! |---|---|
//! | starting a suite | [`Suite`] |
//! | what comes out | [`Report`] |
//! | a storage that fails at will | [`FaultStorage`] |
//! | a storage to compare with | [`MemoryStorage`] |
//! | a network that fails | [`Network`] |
//! | changing some calls of a storage | [`Layer`] |
#![warn(missing_docs)]

mod cases;
mod fault;
mod layer;
mod memory;
mod need;
mod network;
mod payload;
mod polls;
mod probe;
mod report;
mod suite;
mod verdict;

pub use fault::{FaultStorage, ReadFault, Traffic};
pub use layer::{Layer, Layered};
pub use memory::{MemoryReader, MemoryStorage, MemoryWriter};
pub use network::{FaultProxy, Network, NetworkFault};
pub use payload::payload;
pub use polls::poll_at_most;
pub use report::{Case, Outcome, Report};
pub use suite::Suite;
