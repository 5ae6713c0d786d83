//! What a worker is told: orders made from rows and configuration.

use causeway_model::{CopyParams, Deletion, Job, Overwrite, Transfer};
use causeway_sdk::Credential;

use crate::config::EngineConfig;
use crate::messages::{AttemptId, AttemptLimits, AttemptSpec, DeletionSpec, Replace};

/// Time a deletion may take.
const DELETION_TIMEOUT_SECONDS: u64 = 300;

/// What is decided about an attempt besides what its rows say.
pub(crate) struct Decided {
    pub(crate) attempt: AttemptId,
    pub(crate) credential: Credential,
    pub(crate) is_last_hop: bool,
    pub(crate) log: bool,
}

/// The order for an attempt.
pub(crate) fn attempt(
    config: &EngineConfig,
    job: &Job,
    row: &Transfer,
    decided: Decided,
) -> AttemptSpec {
    AttemptSpec {
        attempt: decided.attempt,
        file_id: row.file_id,
        job_id: row.job_id,
        retry: row.retry,
        source: row.source_surl.clone(),
        destination: row.dest_surl.clone(),
        user_filesize: row.user_filesize,
        checksum_mode: job.verify_checksum,
        checksum: row.checksum.clone(),
        replace: replace(job.overwrite, row.retry, decided.is_last_hop),
        leftover_is_ours: row.destination_cleared,
        commit_intent: row.commit_intent.clone(),
        params: job.copy_params.clone(),
        limits: limits(config, job),
        source_space_token: job.source_space_token.clone(),
        space_token: job.space_token.clone(),
        credential: decided.credential,
        bringonline_token: row.bringonline_token.clone(),
        activity: row.activity.as_ref().to_owned(),
        dst_file_report: job.dst_file_report,
        log: decided.log,
    }
}

/// The order for a deletion.
pub(crate) fn deletion(row: &Deletion, attempt: AttemptId, credential: Credential) -> DeletionSpec {
    DeletionSpec {
        attempt,
        file_id: row.file_id,
        job_id: row.job_id,
        url: row.source_surl.clone(),
        credential,
        timeout_seconds: DELETION_TIMEOUT_SECONDS,
    }
}

fn limits(config: &EngineConfig, job: &Job) -> AttemptLimits {
    AttemptLimits::of(config, &job.copy_params)
}

impl AttemptLimits {
    /// Limits of an attempt with these parameters. When any is named, only they count.
    pub fn of(config: &EngineConfig, params: &CopyParams) -> Self {
        let own = !params.is_empty();
        let streams = if own { 1 } else { config.streams };
        let timeout = if own {
            0
        } else {
            config.global_timeout_seconds
        };
        Self {
            timeout_seconds: params.timeout_seconds.unwrap_or(timeout),
            sec_per_mb: config.sec_per_mb,
            stall_timeout_seconds: config.stall_timeout_seconds,
            operation_timeout_seconds: config.operation_timeout_seconds,
            checksum_timeout_seconds: config.checksum_timeout_seconds,
            cleanup_timeout_seconds: config.cleanup_timeout_seconds,
            ping_interval_seconds: config.url_copy_process_ping_interval_seconds,
            streams: params.streams.unwrap_or(streams).clamp(1, 256),
            buffer_bytes: params.buffer_bytes.unwrap_or(0),
            chunk_bytes: config.stream_chunk_bytes.clamp(4 << 10, 64 << 20),
            range_bytes: config.stream_range_bytes,
            peer_copies: config.peer_copies,
            streaming_allowed: !config.no_streaming,
        }
    }
}

fn replace(overwrite: Overwrite, retry: u32, is_last_hop: bool) -> Replace {
    let when = |yes| if yes { Replace::Always } else { Replace::Never };
    match overwrite {
        Overwrite::No => Replace::Never,
        Overwrite::Yes => Replace::Always,
        Overwrite::OnRetry => when(retry > 0),
        Overwrite::Hop => when(!is_last_hop),
        Overwrite::WhenOnlyOnDisk if is_last_hop => Replace::OnlyOnDisk,
        Overwrite::WhenOnlyOnDisk => Replace::Never,
        Overwrite::HopAndOnlyOnDisk if is_last_hop => Replace::OnlyOnDisk,
        Overwrite::HopAndOnlyOnDisk => Replace::Always,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overwrite_by_letter() {
        use Overwrite as O;
        use Replace as R;
        let rows = [
            (O::No, 1, true, R::Never),
            (O::Yes, 0, true, R::Always),
            (O::OnRetry, 0, true, R::Never),
            (O::OnRetry, 1, true, R::Always),
            (O::Hop, 0, false, R::Always),
            (O::Hop, 1, true, R::Never),
            (O::WhenOnlyOnDisk, 0, true, R::OnlyOnDisk),
            (O::WhenOnlyOnDisk, 0, false, R::Never),
            (O::HopAndOnlyOnDisk, 0, false, R::Always),
            (O::HopAndOnlyOnDisk, 0, true, R::OnlyOnDisk),
        ];
        for (overwrite, retry, last, expected) in rows {
            assert_eq!(replace(overwrite, retry, last), expected, "{overwrite:?}");
        }
    }
}
