//! What a worker is told: orders made from rows and configuration.

use causeway_model::{
    CopyParams, Deletion, IpFamily, Job, JobId, Overwrite, Rung, Settings, Transfer,
};
use causeway_sdk::Credential;

use crate::config::EngineConfig;
use crate::credentials::Keys;
use crate::messages::{AttemptId, AttemptLimits, AttemptSpec, DeletionSpec, Replace, Resume};
use crate::retry::{Defaults, attempts_after_first};

/// Most parallel streams of one copy.
const STREAMS_MAX: u32 = 256;
/// Time a copy may take on top of what its size gives it.
const COPY_SECONDS: u64 = 600;
/// Time a deletion may take.
const DELETION_TIMEOUT_SECONDS: u64 = 300;

/// What is decided about an attempt besides what its rows say.
pub(crate) struct Decided {
    pub(crate) attempt: AttemptId,
    pub(crate) keys: Keys,
    pub(crate) is_last_hop: bool,
    pub(crate) log: bool,
    /// Parallel streams that the optimizer found best.
    pub(crate) streams: Option<u32>,
    /// Ways that did not work lately.
    pub(crate) avoid: Vec<Rung>,
    pub(crate) trace: Option<String>,
    /// The job with whose files it shares a session.
    pub(crate) session: Option<JobId>,
    pub(crate) only_clean_up: bool,
}

/// The order for an attempt.
pub(crate) fn attempt(
    config: &EngineConfig,
    settings: &Settings,
    job: &Job,
    row: &Transfer,
    decided: Decided,
) -> AttemptSpec {
    let defaults = Defaults::of(config, settings, &job.vo_name);
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
        resume: config.resume_dir.clone().map(|dir| Resume {
            dir,
            min_bytes: config.resume_min_bytes,
            more_to_come: row.retry < attempts_after_first(defaults, job),
        }),
        params: params(settings, job, row),
        limits: limits(config, settings, job, row, decided.streams),
        avoid: decided.avoid,
        source_space_token: job.source_space_token.clone(),
        space_token: job.space_token.clone(),
        credential: decided.keys.source,
        destination_credential: decided.keys.destination,
        bringonline_token: match settings.storage_value(&row.source_se, |it| it.skip_eviction) {
            Some(true) => None,
            _ => row.bringonline_token.clone(),
        },
        activity: row.activity.as_ref().to_owned(),
        dst_file_report: job.dst_file_report,
        log: decided.log,
        trace: decided.trace,
        session: decided.session,
        only_clean_up: decided.only_clean_up,
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

/// How to copy: as the user asked, else as the storages are set.
fn params(settings: &Settings, job: &Job, row: &Transfer) -> CopyParams {
    let mut params = job.copy_params.clone();
    if params.is_empty() {
        let storages = [&row.source_se, &row.dest_se];
        let set = |se: &&std::sync::Arc<str>| settings.storage_value(se, |it| it.ipv6);
        let v6 = storages.iter().any(|se| set(se) == Some(true));
        params.ip = v6.then_some(IpFamily::V6);
    }
    params
}

/// Limits of an attempt. Some come from what is set whatever the user asked for; the others only
/// when the user asked for nothing.
pub(crate) fn limits(
    config: &EngineConfig,
    settings: &Settings,
    job: &Job,
    row: &Transfer,
    tuned: Option<u32>,
) -> AttemptLimits {
    let (source, destination) = (&row.source_se, &row.dest_se);
    let mut limits = AttemptLimits::of(config, &job.copy_params);
    let vo = &job.vo_name;
    if job.copy_params.is_empty() {
        let timeout = settings.vo_value(vo, |it| it.global_timeout);
        limits.timeout_seconds = timeout.unwrap_or(limits.timeout_seconds);
        let set = settings.link_value(source, destination, |it| it.nostreams);
        let streams = set.filter(|it| *it > 0).or(tuned);
        if let Some(streams) = streams.filter(|it| *it > 0) {
            limits.streams = streams.min(STREAMS_MAX);
        }
    }
    if job.copy_params.buffer_bytes.is_none() {
        let buffer = settings.link_value(source, destination, |it| it.tcp_buffer_size);
        limits.buffer_bytes = buffer.unwrap_or(0);
    }
    if let Some(seconds) = settings
        .vo_value(vo, |it| it.sec_per_mb)
        .filter(|it| *it > 0)
    {
        limits.sec_per_mb = seconds;
    }
    if let Some(forbidden) = settings.vo_value(vo, |it| it.no_streaming) {
        limits.streaming_allowed = !forbidden;
    }
    let (pulls, pushes) = settings.third_party(source, destination);
    limits.peer_copies = limits.peer_copies.and(pulls, pushes);
    limits
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
            streams: params.streams.unwrap_or(streams).clamp(1, STREAMS_MAX),
            buffer_bytes: params.buffer_bytes.unwrap_or(0),
            chunk_bytes: config.stream_chunk_bytes.clamp(4 << 10, 64 << 20),
            range_bytes: config.stream_range_bytes,
            peer_copies: config.peer_copies,
            streaming_allowed: !config.no_streaming,
        }
    }

    /// Seconds that a copy of this size may take: as was asked, or by size.
    pub fn copy_seconds(&self, size: Option<u64>) -> u64 {
        if self.timeout_seconds > 0 {
            return self.timeout_seconds;
        }
        let size = u128::from(size.unwrap_or(0));
        let by_size = (size * u128::from(self.sec_per_mb)).div_ceil(1 << 20);
        COPY_SECONDS.saturating_add(u64::try_from(by_size).unwrap_or(u64::MAX))
    }
}

/// Size of a transfer, as far as its row knows it.
pub(crate) fn known_size(row: &Transfer) -> Option<u64> {
    let named = (row.user_filesize > 0).then_some(row.user_filesize);
    row.filesize.or(named)
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

    fn rows() -> (Job, Transfer) {
        let id = uuid::Uuid::nil();
        let transfer = serde_json::json!({
            "file_id": 1, "file_index": 0, "job_id": id, "state": "Ready",
            "source_surl": "mock://a/f", "dest_surl": "mock://b/f",
            "source_se": "mock://a", "dest_se": "mock://b",
            "vo_name": "atlas", "activity": "default", "priority": 3, "hashed_id": 0,
            "user_filesize": 0, "retry": 0, "destination_cleared": false,
            "bringonline_token": "t",
        });
        let params = CopyParams::default();
        let job = serde_json::json!({
            "job_id": id, "state": "Active", "job_type": "Normal", "cancel_job": false,
            "user_dn": "u", "cred_id": "c", "vo_name": "atlas", "submit_host": "h",
            "submit_time": 0, "priority": 3, "retry": 0, "retry_delay": 0,
            "space_token": "", "source_space_token": "", "copy_params": params,
            "overwrite": "No", "copy_pin_lifetime": -1, "bring_online": -1,
            "verify_checksum": causeway_model::ChecksumMode::NONE, "archive_timeout": -1,
            "dst_file_report": false,
        });
        (
            serde_json::from_value(job).unwrap(),
            serde_json::from_value(transfer).unwrap(),
        )
    }

    /// Everything that can be set for a VO, a link, a storage.
    fn everything() -> Settings {
        use causeway_model::settings::{Change, LinkRow, StorageRow, TpcSupport, VoRow};
        let mut settings = Settings::default();
        settings.apply(&Change::PutVo(VoRow {
            retry: Some(7),
            sec_per_mb: Some(9),
            global_timeout: Some(1234),
            no_streaming: Some(true),
            ..VoRow::new("atlas")
        }));
        settings.apply(&Change::PutLink(LinkRow {
            tcp_buffer_size: Some(65_536),
            nostreams: Some(8),
            ..LinkRow::new("l", "mock://a", "*")
        }));
        settings.apply(&Change::PutStorage(StorageRow {
            tpc_support: Some(TpcSupport::Push),
            skip_eviction: Some(true),
            ipv6: Some(true),
            ..StorageRow::new("mock://a")
        }));
        settings
    }

    fn spec(settings: &Settings, job: &Job, row: &Transfer) -> AttemptSpec {
        let decided = Decided {
            attempt: AttemptId(1),
            keys: Keys {
                source: Credential::None,
                destination: None,
            },
            is_last_hop: true,
            log: false,
            streams: Some(3),
            avoid: Vec::new(),
            trace: None,
            session: None,
            only_clean_up: false,
        };
        attempt(&EngineConfig::default(), settings, job, row, decided)
    }

    #[test]
    fn what_is_set_counts_unless_the_user_asked_for_something() {
        use crate::plan::PeerCopies;
        let (mut job, row) = rows();
        let it = spec(&everything(), &job, &row);
        assert_eq!((it.limits.timeout_seconds, it.limits.streams), (1234, 8));
        assert_eq!((it.limits.sec_per_mb, it.limits.buffer_bytes), (9, 65_536));
        assert!(!it.limits.streaming_allowed);
        assert_eq!(it.limits.peer_copies, PeerCopies::Push);
        assert_eq!(it.params.ip, Some(IpFamily::V6));
        assert_eq!(it.bringonline_token, None);
        // Asked for anything, the user gets only that; the last four always count.
        job.copy_params.timeout_seconds = Some(60);
        let it = spec(&everything(), &job, &row);
        assert_eq!((it.limits.timeout_seconds, it.limits.streams), (60, 1));
        assert_eq!((it.limits.sec_per_mb, it.limits.buffer_bytes), (9, 65_536));
        assert!(!it.limits.streaming_allowed);
        assert_eq!(it.limits.peer_copies, PeerCopies::Push);
        assert_eq!(it.params.ip, None);
    }

    #[test]
    fn without_anything_set_the_configuration_counts() {
        let (job, row) = rows();
        let it = spec(&Settings::default(), &job, &row);
        let config = EngineConfig::default();
        let of_config = AttemptLimits::of(&config, &job.copy_params);
        let streams = 3;
        assert_eq!(
            it.limits,
            AttemptLimits {
                streams,
                ..of_config
            }
        );
        assert_eq!(it.bringonline_token.as_deref(), Some("t"));
    }

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
