//! A job with transfers, put together from its parts.

use causeway_model::{FileState, Job, JobId, JobState, JobType};
use serde_json::value::RawValue;

use super::params::Params;
use super::{Context, Replicas, Submission, Tokens, files, metadata, pairs, reuse, states, tokens};
use crate::error::ApiError;

/// Rows of a job with transfers.
pub(super) fn transfers(
    raw: &RawValue,
    params: &Params<'_>,
    cx: Context<'_>,
) -> Result<Submission, ApiError> {
    let mut brought = Tokens::default();
    let entries = files::entries(raw, &cx, &mut brought)?;
    tokens::refuse_long_work(&brought, params)?;
    if params.unmanaged_tokens {
        brought.use_as_they_are();
    }
    let mut kind = pairs::job_type(&entries, params)?;
    let strategy = pairs::strategy(&entries, kind)?;
    let has_checksum = entries.iter().any(|it| it.has_checksum);
    check_staging_distance(params, cx)?;

    let mut job = row(params, cx)?;
    job.overwrite = params
        .overwrite
        .decide(params.multihop, params.archive_timeout)?;
    job.verify_checksum = params.verify.mode(has_checksum);

    let begin = states::first_state(params);
    let mut files = pairs::expand(entries, job.job_id, begin, params, cx)?;
    (job.source_se, job.dest_se) = states::common_storages(&files, kind);
    let one_link = job.source_se.is_some() && job.dest_se.is_some();
    if kind == JobType::Reuse {
        reuse::check(job.source_se.is_some(), job.dest_se.is_some())?;
    }
    let may_reuse = kind == JobType::Normal && params.reuse.is_none() && !params.stages();
    if may_reuse && one_link && reuse::is_worth_it(&files, &cx.config.auto_reuse) {
        kind = JobType::Reuse;
    }
    let replicas = strategy.map(|strategy| Replicas {
        strategy,
        begin: files.iter().map(|it| it.state).collect(),
    });
    states::leave_one(&mut files, kind);
    if kind != JobType::Normal || begin == FileState::Staging {
        states::share_hash(&mut files);
    }
    if cx.config.refuses_duplicates_of(cx.principal.primary_vo()) {
        states::guard_destinations(&mut files, kind)?;
    }
    job.job_type = Some(kind);
    job.state = states::job_state(&files);
    Ok(Submission {
        job,
        files,
        deletions: Vec::new(),
        replicas,
        tokens: brought,
    })
}

/// An operator may demand that a job stays in the queue for some time after it was brought online.
fn check_staging_distance(params: &Params<'_>, cx: Context<'_>) -> Result<(), ApiError> {
    let distance = cx.config.staging_expiry_distance_seconds;
    match (params.max_time_in_queue, params.bring_online) {
        (Some(queue), Some(online)) if distance > 0 && queue.saturating_sub(online) < distance => {
            Err(ApiError::bad_request(format!(
                "Bringonline and Expiration timeout must be at least {distance} seconds apart"
            )))
        }
        _ => Ok(()),
    }
}

/// The job's row with everything that the parameters say.
pub(super) fn row(params: &Params<'_>, cx: Context<'_>) -> Result<Job, ApiError> {
    let caller = cx.principal;
    let vo = caller.primary_vo();
    let limit = cx.config.metadata_limit;
    let mut given = metadata::free(params.job_metadata, "Job metadata", limit)?;
    if cx.config.note_auth_method {
        given = metadata::with_auth_method(params.job_metadata, given, caller.method);
    }
    let job_id: JobId = params.id.make(vo);
    Ok(Job {
        job_id,
        state: JobState::Submitted,
        job_type: None,
        cancel_job: false,
        source_se: None,
        dest_se: None,
        user_dn: caller.user_dn.as_str().into(),
        cred_id: caller.delegation_id.as_deref().unwrap_or("").into(),
        vo_name: vo.into(),
        submit_host: cx.submit_host.into(),
        submit_time: cx.now,
        job_finished: None,
        reason: None,
        priority: params.priority,
        retry: params.retry,
        retry_delay: params.retry_delay,
        max_time_in_queue: params
            .max_time_in_queue
            .map(|it| cx.now.seconds().saturating_add(it)),
        space_token: params.spacetoken.clone(),
        source_space_token: params.source_spacetoken.clone(),
        copy_params: params.copy.clone(),
        overwrite: causeway_model::Overwrite::No,
        copy_pin_lifetime: params.copy_pin_lifetime,
        bring_online: params.bring_online.unwrap_or(-1),
        verify_checksum: causeway_model::ChecksumMode::NONE,
        job_metadata: given,
        archive_timeout: params.archive_timeout,
        target_qos: params.target_qos.clone(),
        dst_file_report: params.dst_file_report,
        os_project_id: params.os_project_id.clone(),
    })
}
