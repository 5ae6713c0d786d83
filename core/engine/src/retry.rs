//! What follows a failed attempt: pure functions of the job, the transfer and the fault.

use std::time::Duration;

use causeway_model::{Fault, Job, JobType, RetryLog, Settings, Timestamp, Transfer};

use crate::attempt::ETIMEDOUT;
use crate::config::EngineConfig;

/// What becomes of a transfer whose attempt failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It was given up on purpose.
    Canceled,
    /// It is tried again after this time.
    Retry(Duration),
    /// It must be brought online again.
    Restage,
    /// It failed.
    Failed,
}

/// What counts for jobs that do not say it themselves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    /// Attempts after the first.
    retry: u32,
    /// Time between two attempts.
    delay: Duration,
}

impl Defaults {
    /// Those of a VO.
    pub(crate) fn of(config: &EngineConfig, settings: &Settings, vo: &str) -> Self {
        let set = settings.vo_value(vo, |it| it.retry);
        Self {
            // None for a negative number.
            retry: set.map_or(config.retry, |it| u32::try_from(it).unwrap_or(0)),
            delay: config.retry_delay(),
        }
    }
}

/// The verdict on a transfer.
pub(crate) fn verdict(
    defaults: Defaults,
    job: &Job,
    transfer: &Transfer,
    fault: &Fault,
) -> Verdict {
    if fault.is_cancellation() {
        return Verdict::Canceled;
    }
    let retries = job.job_type.is_some_and(JobType::retries);
    if !retries || !fault.is_recoverable() || transfer.retry >= attempts_after_first(defaults, job)
    {
        return Verdict::Failed;
    }
    if is_staged(job) && fault.errno == ETIMEDOUT {
        return Verdict::Restage;
    }
    Verdict::Retry(delay(defaults, job))
}

/// Attempts after the first that a job has.
pub(crate) fn attempts_after_first(defaults: Defaults, job: &Job) -> u32 {
    match job.retry {
        0 => defaults.retry,
        // None for a negative number.
        asked => u32::try_from(asked).unwrap_or(0),
    }
}

pub(crate) fn delay(defaults: Defaults, job: &Job) -> Duration {
    match u64::try_from(job.retry_delay) {
        Ok(seconds) if seconds > 0 => Duration::from_secs(seconds),
        _ => defaults.delay,
    }
}

/// True when the files of a job are brought online first.
pub(crate) fn is_staged(job: &Job) -> bool {
    job.bring_online > 0 || job.copy_pin_lifetime > 0
}

/// The row that remembers a failed attempt.
pub(crate) fn remember(transfer: &Transfer, now: Timestamp, reason: &str) -> RetryLog {
    RetryLog {
        file_id: transfer.file_id,
        job_id: transfer.job_id,
        attempt: transfer.retry + 1,
        datetime: now,
        reason: reason.to_owned(),
        transfer_host: transfer.transfer_host.clone(),
        log_file: transfer.log_file.clone(),
    }
}

/// When bringing a file online is tried again; `None` when it failed for good.
pub(crate) fn after_staging(
    defaults: Defaults,
    job: &Job,
    transfer: &Transfer,
    fault: &Fault,
) -> Option<Duration> {
    match verdict(defaults, job, transfer, fault) {
        Verdict::Retry(_) | Verdict::Restage => Some(delay(defaults, job)),
        Verdict::Canceled | Verdict::Failed => None,
    }
}

/// Nothing is tried before this time is over.
pub(crate) fn put_off(row: &mut Transfer, now: Timestamp, delay: Duration) {
    let delay = i64::try_from(delay.as_millis()).unwrap_or(i64::MAX);
    row.retry_timestamp = Some(now.plus_millis(delay));
}

/// Makes the row of a transfer that waits for its next attempt.
pub(crate) fn reset(row: &mut Transfer, now: Timestamp, delay: Duration) {
    row.retry += 1;
    put_off(row, now, delay);
    row.recoverable = Some(true);
    row.throughput = Some(0.0);
    row.start_time = None;
    row.transfer_host = None;
    row.log_file = None;
    row.pid = None;
    row.transferred = None;
    forget_announcements(row);
}

/// Makes the row of a transfer that must be brought online again.
pub(crate) fn reset_for_staging(row: &mut Transfer) {
    row.retry += 1;
    row.recoverable = Some(false);
    row.filesize = None;
    row.internal_file_params = None;
    row.transfer_host = None;
    row.staging_host = None;
    row.pid = None;
    row.start_time = None;
    row.staging_start = None;
    row.staging_finished = None;
    row.transferred = None;
    row.log_file = None;
    forget_announcements(row);
}

/// The attempt ended in order and cleaned up: what is at the destination from now on is not ours.
pub(crate) fn forget_announcements(row: &mut Transfer) {
    row.commit_intent = None;
    row.destination_cleared = false;
}
