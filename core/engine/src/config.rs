//! What an operator can set about the engine: section `engine` of the configuration.
//!
//! Every field has a default, so an empty table is a complete configuration.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::plan::PeerCopies;

/// The section `engine`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// Attempts after the first for jobs that name no number. 0 is none.
    pub retry: u32,
    /// Time between two attempts for jobs that name none.
    pub retry_delay_seconds: u64,
    /// Workers.
    pub workers: usize,
    /// Attempts that run at the same time in one worker.
    pub transfers_per_worker: usize,
    /// Transfers that run at the same time, over all links.
    pub max_active: usize,
    /// Transfers of one link that run at the same time.
    pub link_max_active: u32,
    /// Transfers to one storage that run at the same time.
    pub inbound_max_active: u32,
    /// Transfers from one storage that run at the same time.
    pub outbound_max_active: u32,
    /// Deletions that run at the same time.
    pub deletion_max_active: usize,
    /// Time a copy may take; 0 means by size.
    pub global_timeout_seconds: u64,
    /// By size: so many seconds for each MiB, on top of 600.
    pub sec_per_mb: u64,
    /// A copy without progress for so long is given up; 0 for never.
    pub stall_timeout_seconds: u64,
    /// Time one metadata call of a storage may take (stat, mkdir, unlink); 0 for no limit.
    pub operation_timeout_seconds: u64,
    /// Time a storage may take to compute a checksum; 0 for no limit.
    pub checksum_timeout_seconds: u64,
    /// Time that removing a failed copy may take.
    pub cleanup_timeout_seconds: u64,
    /// How often a running transfer reports its progress.
    pub url_copy_process_ping_interval_seconds: u64,
    /// Never move bytes through the gateway.
    pub no_streaming: bool,
    /// Which third-party copies may be tried.
    pub peer_copies: PeerCopies,
    /// Parallel streams for jobs that name no number.
    pub streams: u32,
    /// Size of the chunks of a streamed copy; two of them are in memory for each stream.
    pub stream_chunk_bytes: u32,
    /// Size of the ranges that parallel streams take.
    pub stream_range_bytes: u64,
    /// Directory for the logs of transfers; none are written when it is not set.
    pub log_dir: Option<PathBuf>,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            retry: 0,
            retry_delay_seconds: 120,
            workers: 1,
            transfers_per_worker: 2000,
            max_active: 2000,
            link_max_active: 130,
            inbound_max_active: 200,
            outbound_max_active: 200,
            deletion_max_active: 100,
            global_timeout_seconds: 0,
            sec_per_mb: 2,
            stall_timeout_seconds: 120,
            operation_timeout_seconds: 180,
            checksum_timeout_seconds: 3600,
            cleanup_timeout_seconds: 60,
            url_copy_process_ping_interval_seconds: 5,
            no_streaming: false,
            peer_copies: PeerCopies::Full,
            streams: 1,
            stream_chunk_bytes: 512 << 10,
            stream_range_bytes: 64 << 20,
            log_dir: None,
        }
    }
}

impl EngineConfig {
    /// Transfers that may run at the same time, whatever limit says so.
    pub(crate) fn slots(&self) -> usize {
        self.max_active
            .min(
                self.workers
                    .max(1)
                    .saturating_mul(self.transfers_per_worker),
            )
            .max(1)
    }

    pub(crate) fn retry_delay(&self) -> Duration {
        Duration::from_secs(self.retry_delay_seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_table_is_complete_and_a_typing_error_is_seen() {
        let config: EngineConfig = serde_json::from_str("{}").unwrap();
        assert_eq!(config, EngineConfig::default());
        let error = serde_json::from_str::<EngineConfig>(r#"{"worker":2}"#).unwrap_err();
        assert!(error.to_string().contains("worker"));
    }

    #[test]
    fn workers_bound_the_slots() {
        let config = EngineConfig {
            workers: 2,
            transfers_per_worker: 10,
            ..EngineConfig::default()
        };
        assert_eq!(config.slots(), 20);
    }
}
