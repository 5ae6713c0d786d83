//! The vocabulary of the project: plain types, no input or output, no clock.
//!
//! Everything in `core` speaks these words; nothing here knows a protocol, a database or HTTP.
//!
//! | word | meaning |
//! |---|---|
//! | job | what a user submits: one or more transfers, or deletions, with common parameters |
//! | transfer | one source URL to one destination URL; "file" on the wire |
//! | attempt | one try at a transfer; a transfer with retries has several |
//! | link | an ordered pair of storages, `(source_se, dest_se)` |
//! | storage (SE) | `scheme://host` of a URL, in lower case |
//! | principal | who calls: a DN, its VOs and roles, what it may do |
//! | delegation | the proxy a user left with us, named by its delegation id |
//! | fault | why an attempt failed: scope, phase, errno, text, whether to retry |
//! | replica | one of several sources of the same file |
//! | hop | one transfer of a multihop job |

pub mod checksum_mode;
pub mod cloud_keys;
pub mod clouds;
pub mod deletion;
pub mod derive;
pub mod events;
pub mod explain;
pub mod fault;
pub mod feed;
pub mod ids;
pub mod insight;
pub mod job;
pub mod links;
pub mod names;
pub mod oauth;
pub mod observe;
pub mod optimizer;
pub mod params;
pub mod ports;
pub mod principal;
pub mod settings;
pub mod time;
pub mod transfer;
pub mod workers;

pub use checksum_mode::{ChecksumMode, UserChecksum};
pub use deletion::{Deletion, DeletionState};
pub use fault::{Fault, Phase, Scope};
pub use ids::{BASE_ID, FileId, JobId};
pub use insight::{Conditions, Forecast, Rung};
pub use job::{Job, JobState, JobType};
pub use optimizer::{EvolutionRow, OptimizerRow};
pub use params::{CopyParams, IpFamily, JsonText, Overwrite};
pub use principal::{AuthMethod, Level, Principal};
pub use settings::Settings;
pub use time::Timestamp;
pub use transfer::{FileState, RetryLog, Transfer};
