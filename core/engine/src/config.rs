//! What an operator can set about the engine: section `engine` of the configuration.
//!
//! Every field has a default, so an empty table is a complete configuration.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::crew::ProcessOptions;
use crate::optimizer_config::OptimizerConfig;
use crate::plan::PeerCopies;

/// The section `engine`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EngineConfig {
    /// Attempts after the first for jobs that name no number. 0 is none.
    pub retry: u32,
    /// Time between two attempts for jobs that name none.
    pub retry_delay_seconds: u64,
    /// Where transfers and plugins run in the service.
    pub isolation: Isolation,
    /// Worker processes; 0 takes one for each processor, two at most.
    pub workers: usize,
    /// Memory one of them may take; 0 for no limit.
    pub worker_memory_bytes: u64,
    /// One that gives no sign of life for so long, or whose plugin does not come back to it for so
    /// long, is ended; 0 for never.
    pub worker_ping_timeout_seconds: u64,
    /// Workers that a plugin may end before it is taken out of service; 0 for no limit.
    pub plugin_deaths_max: usize,
    /// Within this time.
    pub plugin_deaths_window_seconds: u64,
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
    /// Time one metadata call of a storage may take (stat, mkdir, unlink), and a commit, which gets
    /// a second more for every 32 MiB; 0 for no limit.
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
    /// Seed of all draws: by share, and of nodes for files that were brought online; by chance when
    /// not set.
    pub random_seed: Option<u64>,
    /// Jobs may state a priority that counts.
    pub allow_job_priority: bool,
    /// Only jobs of exactly this priority run, 1 to 5; 0 is off.
    pub use_fixed_job_priority: i32,
    /// Transfers of a link nobody configured and the optimizer has no value for.
    pub link_start_active: u32,
    /// Kept for compatibility, changes nothing: files to be started at once start as they come.
    pub force_start_check_interval_seconds: u64,
    /// Kept for compatibility, changes nothing: work is cancelled as it is asked.
    pub cancel_check_interval_seconds: u64,
    /// Kept for compatibility, changes nothing: limits of time in the queue are kept as they come due.
    pub queue_timeout_check_interval_seconds: u64,
    /// Hours that a job may be queued, unless a VO has its own; 0 is no limit.
    pub max_time_queue_hours: u64,
    /// Kept for compatibility, changes nothing: the same for work that runs.
    pub active_timeout_check_interval_seconds: u64,
    /// Running work without a word from its worker for so long is given up.
    pub check_stalled_timeout_seconds: u64,
    /// Whether that is checked.
    pub check_stalled_transfers: bool,
    /// How often rows are checked against each other.
    pub check_sanity_state_interval_seconds: u64,
    /// The same for the hops of multihop jobs.
    pub multihop_sanity_state_interval_seconds: u64,
    /// Hops that are never run become CANCELED.
    pub cancel_unused_multihop_files: bool,
    /// Below so much free memory nothing new starts.
    pub min_required_free_ram_bytes: u64,
    /// Most files in one bring-online request.
    pub staging_bulk_size: usize,
    /// Bring-online requests that are under way at the same time.
    pub staging_concurrent_requests: usize,
    /// How long a request may wait to be filled.
    pub staging_waiting_factor_seconds: u64,
    /// How often bring-online requests are made.
    pub staging_scheduling_interval_seconds: u64,
    /// How often a bring-online request is asked about.
    pub staging_poll_interval_seconds: u64,
    /// Failed questions in a row before a request is given up.
    pub staging_poll_retries: u32,
    /// Time bringing online may take for jobs that name only a pin.
    pub default_bring_online_timeout_seconds: i64,
    /// Pin for jobs that name only a time for bringing online.
    pub default_copy_pin_lifetime_seconds: i64,
    /// Most files in one question about archiving.
    pub archive_poll_bulk_size: usize,
    /// Failed questions in a row before a file is given up.
    pub archive_poll_retries: u32,
    /// How often files are asked about that wait for tape.
    pub archive_poll_interval_seconds: u64,
    /// Jobs may ask for one session for all their files.
    pub allow_session_reuse: bool,
    /// VOs, or `*`, that may have one live transfer to a destination only.
    pub duplicate_check_vos: Vec<String>,
    /// Several small files of one job over one link share a session without being asked.
    pub auto_session_reuse: bool,
    /// Days that ended jobs stay.
    pub clean_interval_days: u64,
    /// Ended jobs that are moved at a time.
    pub clean_bulk_size: usize,
    /// Ended jobs go to an archive before they are deleted.
    pub backup_tables: bool,
    /// Failures in a row that take a storage out of service for a while; 0 is never.
    pub breaker_failures: u32,
    /// How long a storage is out of service then.
    pub breaker_pause_seconds: u64,
    /// Directory for what lets a broken stream go on where it was; without one it begins anew.
    pub resume_dir: Option<PathBuf>,
    /// Smaller files always begin anew.
    pub resume_min_bytes: u64,
    /// The optimizer: a section of its own in the configuration of the program.
    #[serde(skip, default = "OptimizerConfig::off")]
    pub optimizer: OptimizerConfig,
    /// Directory for the logs of transfers; none are written when it is not set.
    pub log_dir: Option<PathBuf>,
}

/// Where transfers and plugins run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// In worker processes: a plugin that crashes costs its own attempts.
    #[default]
    Process,
    /// In the service's own process: for tests, and for those who trust every plugin.
    InProcess,
}

impl Default for EngineConfig {
    fn default() -> Self {
        Self {
            retry: 0,
            retry_delay_seconds: 120,
            isolation: Isolation::default(),
            workers: 0,
            worker_memory_bytes: 2 << 30,
            worker_ping_timeout_seconds: 30,
            plugin_deaths_max: 3,
            plugin_deaths_window_seconds: 600,
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
            random_seed: None,
            allow_job_priority: true,
            use_fixed_job_priority: 0,
            link_start_active: 2,
            force_start_check_interval_seconds: 30,
            cancel_check_interval_seconds: 10,
            queue_timeout_check_interval_seconds: 300,
            max_time_queue_hours: 0,
            active_timeout_check_interval_seconds: 300,
            check_stalled_timeout_seconds: 900,
            check_stalled_transfers: true,
            check_sanity_state_interval_seconds: 3600,
            multihop_sanity_state_interval_seconds: 600,
            cancel_unused_multihop_files: false,
            min_required_free_ram_bytes: 50 << 20,
            staging_bulk_size: 200,
            staging_concurrent_requests: 1000,
            staging_waiting_factor_seconds: 300,
            staging_scheduling_interval_seconds: 60,
            staging_poll_interval_seconds: 600,
            staging_poll_retries: 3,
            default_bring_online_timeout_seconds: 604_800,
            default_copy_pin_lifetime_seconds: 604_800,
            archive_poll_bulk_size: 200,
            archive_poll_retries: 3,
            archive_poll_interval_seconds: 600,
            allow_session_reuse: true,
            duplicate_check_vos: Vec::new(),
            auto_session_reuse: false,
            clean_interval_days: 7,
            clean_bulk_size: 5000,
            backup_tables: true,
            breaker_failures: 20,
            breaker_pause_seconds: 60,
            resume_dir: None,
            resume_min_bytes: 64 << 20,
            optimizer: OptimizerConfig::off(),
            log_dir: None,
        }
    }
}

impl EngineConfig {
    /// Transfers that may run at the same time, whatever limit says so.
    pub(crate) fn slots(&self) -> usize {
        self.max_active
            .min(
                self.number_of_workers()
                    .saturating_mul(self.transfers_per_worker),
            )
            .max(1)
    }

    /// Worker processes.
    pub fn number_of_workers(&self) -> usize {
        match self.workers {
            0 => one_or_two(),
            number => number,
        }
    }

    /// How worker processes are kept.
    pub fn process_options(&self) -> ProcessOptions {
        ProcessOptions {
            workers: self.number_of_workers(),
            transfers_per_worker: self.transfers_per_worker,
            memory_bytes: self.worker_memory_bytes,
            ping_timeout: Duration::from_secs(self.worker_ping_timeout_seconds),
            plugin_deaths_max: self.plugin_deaths_max,
            plugin_deaths_window: Duration::from_secs(self.plugin_deaths_window_seconds),
        }
    }

    pub(crate) fn retry_delay(&self) -> Duration {
        Duration::from_secs(self.retry_delay_seconds)
    }
}

/// Two where there are two processors. Asked once: the system reads several files for the answer,
/// and every turn of the dispatcher wants it.
fn one_or_two() -> usize {
    static NUMBER: OnceLock<usize> = OnceLock::new();
    *NUMBER.get_or_init(|| std::thread::available_parallelism().map_or(1, |it| it.get().min(2)))
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
