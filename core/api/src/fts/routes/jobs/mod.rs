//! `/jobs`: submit, query, cancel, modify.

use std::sync::Arc;

use causeway_model::{Job, JobId};
use http::StatusCode;

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::wire::{self, Item};

pub mod cancel;
pub(crate) mod filter;
pub mod modify;
pub mod query;
pub mod submit;

/// An id as clients write it: 36 characters with dashes. Other spellings name no job.
pub(crate) fn job_id(text: &str) -> Option<JobId> {
    (text.len() == 36).then(|| text.parse().ok()).flatten()
}

/// A job that the caller may see.
pub(crate) async fn visible_job(call: &Call, text: &str) -> Result<Arc<Job>, ApiError> {
    let id = job_id(text).ok_or_else(|| ApiError::no_job(text))?;
    let job = call.state.store.job(id).await?;
    let job = job.ok_or_else(|| ApiError::no_job(text))?;
    check_visible(call, &job, text)?;
    Ok(job)
}

pub(crate) fn check_visible(call: &Call, job: &Job, text: &str) -> Result<(), ApiError> {
    let may = call
        .principal()
        .may("transfer", Some(&job.user_dn), Some(&job.vo_name));
    match may {
        true => Ok(()),
        false => Err(ApiError::foreign_job(text)),
    }
}

/// The ids of a path, and whether there was a comma: then the answer is a list.
fn id_list(text: &str) -> (Vec<&str>, bool) {
    let ids = text.split(',').map(str::trim).filter(|it| !it.is_empty());
    (ids.collect(), text.contains(','))
}

/// One object for one id, else a list; 207 as soon as one element of a list is an error.
fn respond(items: &[Item<'_>], is_list: bool) -> Outcome {
    if is_list {
        let status = match items.iter().any(Item::is_error) {
            true => StatusCode::MULTI_STATUS,
            false => StatusCode::OK,
        };
        return wire::json_with(status, &items);
    }
    match items.first() {
        Some(Item::Error(id, error)) => Err((*error).clone().about_job(id)),
        Some(item) => wire::json(item),
        None => Err(ApiError::no_job("")),
    }
}
