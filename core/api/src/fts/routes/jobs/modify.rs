//! Changing a job: its priority, and nothing else.

use super::cancel::{Changed, items};
use super::{id_list, respond, visible_job};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::submit::{read_object, wanted_priority};

/// `POST /jobs/{job_ids}`
pub async fn modify(mut call: Call) -> Outcome {
    let body = call.take_object().await?;
    let priority = wanted_priority(&read_object(&body)?)?;
    let (ids, is_list) = id_list(call.param("job_ids"));
    let mut done = Vec::with_capacity(ids.len());
    for text in &ids {
        done.push(change(&call, text, priority).await);
    }
    respond(&items(&ids, &done), is_list)
}

async fn change(call: &Call, text: &str, priority: Option<i32>) -> Changed {
    let job = visible_job(call, text).await?;
    let Some(priority) = priority else {
        let was_terminal = job.state.is_terminal();
        return Ok((job, was_terminal));
    };
    let done = call
        .state
        .control
        .set_priority(job.job_id, priority)
        .await?;
    let done = done.ok_or_else(|| ApiError::no_job(text))?;
    Ok((done.job, done.was_terminal))
}
