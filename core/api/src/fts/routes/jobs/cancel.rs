//! Cancelling.

use std::sync::Arc;

use axum::response::Response;
use causeway_model::ports::{CancelCounts, FileCancel};
use causeway_model::{FileId, Job, JobType};
use serde_json::json;

use super::{id_list, respond, visible_job};
use crate::error::{ApiError, ITEM_NOT_MODIFIED, ITEM_OK, Outcome, TERMINAL_JOB};
use crate::extract::Call;
use crate::fts::wire::{self, Item, JobShape};

/// `DELETE /jobs/{job_ids}`
pub async fn jobs(call: Call) -> Outcome {
    let (ids, is_list) = id_list(call.param("job_ids"));
    let mut done = Vec::with_capacity(ids.len());
    for text in &ids {
        done.push(cancel(&call, text).await);
    }
    respond(&items(&ids, &done), is_list)
}

/// A job after a change that was tried, and whether it had ended before.
pub(super) type Changed = Result<(Arc<Job>, bool), ApiError>;

async fn cancel(call: &Call, text: &str) -> Changed {
    let job = visible_job(call, text).await?;
    let done = call.state.control.cancel_job(job.job_id).await?;
    let done = done.ok_or_else(|| ApiError::no_job(text))?;
    Ok((done.job, done.was_terminal))
}

/// Items of jobs that were changed, or left alone because they had ended.
pub(super) fn items<'a>(ids: &[&'a str], done: &'a [Changed]) -> Vec<Item<'a>> {
    let pairs = ids.iter().zip(done);
    let item = |(text, done): (&&'a str, &'a Changed)| match done {
        Ok((job, was_terminal)) => Item::Job(JobShape {
            status: Some(if *was_terminal {
                ITEM_NOT_MODIFIED
            } else {
                ITEM_OK
            }),
            message: Some(was_terminal.then_some(TERMINAL_JOB)),
            ..JobShape::new(job)
        }),
        Err(error) => Item::Error(text, error),
    };
    pairs.map(item).collect()
}

/// `DELETE /jobs/{job_id}/files/{file_ids}`
pub async fn files(call: Call) -> Outcome {
    let text = call.param("job_id");
    let job = visible_job(&call, text).await?;
    if job.job_type != Some(JobType::Normal) {
        let kind = job.job_type.map_or("None", |it| it.letter());
        return Err(ApiError::bad_request(format!(
            "Multihop or reuse jobs must be cancelled at once ({kind})"
        )));
    }
    let (texts, is_list) = id_list(call.param("file_ids"));
    let ids: Vec<Option<FileId>> = texts.iter().map(|it| it.parse().ok().map(FileId)).collect();
    let known: Vec<FileId> = ids.iter().flatten().copied().collect();
    let done = call.state.control.cancel_files(job.job_id, &known).await?;
    let mut done = done.ok_or_else(|| ApiError::no_job(text))?.into_iter();
    let words: Vec<&str> = ids
        .iter()
        // What is no number is no transfer of the job either.
        .map(|id| id.and_then(|_| done.next()).unwrap_or(FileCancel::NotInJob))
        .map(word)
        .collect();
    match words.as_slice() {
        [word] if !is_list => wire::json(word),
        words => wire::json(words),
    }
}

fn word(done: FileCancel) -> &'static str {
    match done {
        FileCancel::Canceled => "CANCELED",
        FileCancel::AlreadyTerminal(state) => state.name(),
        FileCancel::NotInJob => "File does not belong to the job",
    }
}

/// `DELETE /jobs/vo/{vo_name}`
pub async fn all_of_vo(call: Call) -> Outcome {
    let vo_name = call.param("vo_name");
    counts(call.state.control.cancel_all(Some(vo_name)).await?)
}

/// `DELETE /jobs/all`
pub async fn all(call: Call) -> Outcome {
    counts(call.state.control.cancel_all(None).await?)
}

fn counts(done: CancelCounts) -> Result<Response, ApiError> {
    wire::json(&json!({
        "affected_files": done.files,
        "affected_dm": done.deletions,
        "affected_jobs": done.jobs,
    }))
}
