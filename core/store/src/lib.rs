//! Where jobs, transfers, deletions, retries and delegated credentials are kept.
//!
//! This crate implements the ports [`JobStore`](causeway_model::ports::JobStore),
//! [`HistoryStore`](causeway_model::ports::HistoryStore),
//! [`EventFeed`](causeway_model::feed::EventFeed),
//! [`SettingsStore`](causeway_model::ports::SettingsStore),
//! [`CredentialVault`](causeway_model::ports::CredentialVault) and
//! [`CloudStorageStore`](causeway_model::clouds::CloudStorageStore) without any other server: all
//! it needs is a directory. It knows rows and nothing of what they mean for a transfer: no protocol,
//! no scheduling, no retry rule.
//!
//! ```text
//! insert / apply ──> writer thread ──> journal segment (one write, one sync for many callers)
//!                         │ then
//!                         v
//!                    hot model (memory) ──> reads of all that has not ended
//!                         │ ended
//!                         v
//!                    archive (sled) ──────> reads of all that has ended
//! ```
//!
//! - [`MemoryStore`] is the hot model alone, for tests.
//! - [`EmbeddedStore`] is the whole picture.
//! - [`EncryptedVault`] keeps credentials encrypted on disk, [`MemoryVault`] in memory.
//!
//! # What a list costs
//! A list of jobs by VO, owner (`cred_id`, `user_dn`), state, or end time reads index ranges and
//! stops at its limit; so does a list of transfers by VO, state or end time. These walk further,
//! because no index orders by them:
//! - jobs by `source_se`/`dest_se`: index entries are skipped by a fingerprint, without reading
//!   the job, until the limit is reached;
//! - jobs by `finished_since` together with an owner: all entries of that window are looked at;
//! - transfers by `source_se`, `dest_se` or `dest_surl`: every transfer of the chosen VOs and
//!   states is looked at until the limit is reached, ended ones by reading their job. With
//!   `unfinished_only` or `finished_since` the walk is bounded by the queue or by the window.
//!
//! # Invariants
//! - What was acknowledged is there after a crash: `tests/kill.rs`.
//! - Nothing is seen that was not made durable before: the writer syncs, then changes the model.
//! - Both stores answer alike: `tests/suite.rs` compares them with a plain model.

mod archive;
mod archive_keys;
mod archive_lists;
mod archive_rows;
mod archiver;
mod check;
mod embedded;
mod embedded_settings;
mod evolution;
mod feed;
mod frame;
mod hot;
mod hot_job;
mod hot_lists;
mod journal;
mod lists;
mod lock;
mod marks;
mod matching;
mod memory;
mod memory_settings;
mod merge;
mod names;
mod oauth;
mod oauth_table;
mod options;
mod readers;
mod record;
mod recovery;
mod reopening;
mod retire;
#[cfg(test)]
#[path = "../tests/rows/mod.rs"]
mod rows;
mod snapshot;
mod table;
mod vault;
mod vault_clouds;
mod vault_key;
mod vault_memory;
mod vault_memory_clouds;
mod vault_owners;
mod vault_seal;
mod vault_tokens;
mod writer;

pub use embedded::EmbeddedStore;
pub use memory::MemoryStore;
pub use oauth::OAuthRows;
pub use options::StoreOptions;
pub use vault::EncryptedVault;
pub use vault_memory::MemoryVault;
pub use vault_tokens::MemoryTokens;
