//! A transfer, or a job, is in another state.

use causeway_model::{FileState, Job, JobState, Timestamp, Transfer};

use super::{Body, metadata, millis, seconds, user_dn};
use crate::Voice;

/// What of the state the rows do not say.
#[derive(Clone, Copy, Debug)]
pub struct State {
    /// Of the job.
    pub job: JobState,
    /// Of the transfer.
    pub file: FileState,
    /// Attempts that had failed and were retried.
    pub retry: u32,
    /// When.
    pub at: Timestamp,
    /// It has just been submitted.
    pub is_new: bool,
}

/// The body of a state message. `submit_time`, `staging_start` and `staging_finished` are seconds.
pub fn state(voice: &Voice, job: &Job, file: &Transfer, now: State) -> String {
    let mut body = Body::default();
    body.put("user_dn", user_dn(voice, job))
        .put("src_url", file.source_surl.as_str())
        .put("dst_url", file.dest_surl.as_str())
        .put("vo_name", job.vo_name.as_ref())
        .put("source_se", file.source_se.as_ref())
        .put("dest_se", file.dest_se.as_ref())
        .put("job_id", file.job_id.to_string())
        .put("file_id", file.file_id.0)
        .put("job_state", now.job.name())
        .put("file_state", now.file.name())
        .put("retry_counter", now.retry)
        .put("retry_max", job.retry.max(0))
        .put("user_filesize", file.user_filesize)
        .put("timestamp", now.at.0)
        .put("submit_time", job.submit_time.seconds())
        .put("staging_start", seconds(file.staging_start))
        .put("staging_finished", seconds(file.staging_finished))
        .put("staging", job.bring_online > 0 || job.copy_pin_lifetime > 0)
        .put("archiving_start", millis(file.archive_start_time))
        .put("archiving_finished", millis(file.archive_finish_time))
        .put("archiving", job.archive_timeout > -1)
        .put("reason", file.reason.as_deref().unwrap_or(""))
        .put("job_metadata", metadata(job.job_metadata.as_ref()))
        .put("file_metadata", metadata(file.file_metadata.as_ref()));
    if now.is_new {
        body.put("endpnt", voice.endpoint());
    }
    body.text()
}

/// The body of a message about a job; the field has none, so this one is ours.
pub fn job(voice: &Voice, job: &Job, state: JobState, at: Timestamp) -> String {
    let mut body = Body::default();
    body.put("job_id", job.job_id.to_string())
        .put("job_state", state.name())
        .put("job_type", job.job_type.map(|it| it.letter()))
        .put("vo_name", job.vo_name.as_ref())
        .put("user_dn", user_dn(voice, job))
        .put("endpnt", voice.endpoint())
        .put("priority", job.priority)
        .put("timestamp", at.0)
        .put("submit_time", job.submit_time.0)
        .put("job_finished", millis(job.job_finished))
        .put("reason", job.reason.as_deref().unwrap_or(""))
        .put("job_metadata", metadata(job.job_metadata.as_ref()));
    body.text()
}
