//! What can be set about the embedded store.

use std::time::Duration;

/// Settings of an [`EmbeddedStore`](crate::EmbeddedStore). The defaults suit one gateway.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Memory for pages of the archive, in bytes.
    pub archive_cache_bytes: u64,
    /// A new journal segment begins when the current one has this many bytes.
    pub segment_bytes: u64,
    /// Jobs that ended go to the archive this often.
    pub archive_interval: Duration,
    /// They go earlier when there are so many.
    pub archive_jobs: usize,
    /// New jobs are refused as long as more rows than this wait for the archive.
    pub archive_backlog_rows: usize,
    /// A snapshot of the live jobs is due when so many bytes of journal have come since the last
    /// one, and at least as many as that one has.
    pub snapshot_bytes: u64,
    /// Bytes of journal that are kept for readers of the feed who have not acknowledged them; the
    /// oldest give way.
    pub held_bytes: u64,
    /// Threads that read the archive: so many for single jobs, and as many for lists.
    pub readers: usize,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            archive_cache_bytes: 64 << 20,
            segment_bytes: 64 << 20,
            archive_interval: Duration::from_secs(5),
            archive_jobs: 10_000,
            archive_backlog_rows: 1_000_000,
            snapshot_bytes: 128 << 20,
            held_bytes: 4 << 30,
            readers: 2,
        }
    }
}
