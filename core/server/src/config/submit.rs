//! What a submission may ask for.
//!
//! The rules that jobs are run by, too, stand in section `engine`: `duplicate_check_vos` and
//! `auto_session_reuse`.

use serde::{Deserialize, Serialize};

/// Section `submit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SubmitConfig {
    /// Whoever comes with a certificate must have delegated a proxy.
    pub require_delegation: bool,
    /// Note in a job's metadata how its submitter was authenticated.
    pub note_auth_method: bool,
    /// Longest metadata of a job, of a file, for staging and for the archive; 0: no limit.
    pub metadata_max_characters: usize,
    /// Most transfers or deletions in one job.
    pub transfers_max: usize,
    /// Least seconds between `bring_online` and `max_time_in_queue` of a job that gives both; 0: no
    /// such rule.
    pub staging_expiry_distance_seconds: u32,
    /// With `engine.auto_session_reuse`, jobs of more files than this.
    pub auto_reuse_more_than_files: usize,
    /// Jobs of at most so many files.
    pub auto_reuse_max_files: usize,
    /// A file up to this is small, in bytes.
    pub auto_reuse_small_bytes: u64,
    /// A larger one up to this is big, in bytes.
    pub auto_reuse_big_bytes: u64,
    /// Most big files; all but one must be small.
    pub auto_reuse_max_big_files: usize,
}

impl Default for SubmitConfig {
    fn default() -> Self {
        Self {
            require_delegation: true,
            note_auth_method: true,
            metadata_max_characters: 1024,
            transfers_max: 100_000,
            staging_expiry_distance_seconds: 0,
            auto_reuse_more_than_files: 5,
            auto_reuse_max_files: 1000,
            auto_reuse_small_bytes: 100 << 20,
            auto_reuse_big_bytes: 1 << 30,
            auto_reuse_max_big_files: 2,
        }
    }
}
