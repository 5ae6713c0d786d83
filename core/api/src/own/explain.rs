//! `GET /jobs/{job_id}/files/{file_id}/explain`: why a transfer waits.
//!
//! The engine is asked first, because it answers without reading the job; the store knows those
//! that the engine has done with.

use causeway_model::explain::Explanation;
use causeway_model::{FileId, Job};
use serde_json::json;

use super::shape::{self, Means};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::routes::jobs::visible_job;
use crate::fts::wire;

/// `GET /jobs/{job_id}/files/{file_id}/explain`
pub async fn file(call: Call) -> Outcome {
    let job = visible_job(&call, call.param("job_id")).await?;
    let text = call.param("file_id");
    let known = match text.parse().ok().map(FileId) {
        Some(file) => explanation(&call, &job, file).await?,
        None => None,
    };
    let mut known = known.ok_or_else(|| {
        ApiError::not_found(format!("No file with the id \"{text}\" has been found"))
    })?;
    let now = call.state.clock.now();
    let mut credential = None;
    if !known.state.is_terminal() {
        let means = Means::of(&call.state, &job).await?;
        shape::join(&mut known.waits, means.obstacle(now));
        let end = shape::latest_end(now, known.predicted_start, known.copy_seconds);
        credential = Some(json!({
            "expires": shape::time(means.expires),
            "outlives": means.outlives(end),
        }));
    }
    wire::json(&json!({
        "file_id": known.file_id.0,
        "job_id": job.job_id.to_string(),
        "file_state": known.state.name(),
        "waits": shape::waits(&known.waits)?,
        "predicted_start": shape::time(known.predicted_start),
        "credential": credential,
    }))
}

/// What the engine says, else what the store knows: a transfer that waits for nothing any more.
async fn explanation(
    call: &Call,
    job: &Job,
    file: FileId,
) -> Result<Option<Explanation>, ApiError> {
    let known = call.state.insight.explain(job.job_id, file).await?;
    if known.is_some() {
        return Ok(known);
    }
    let view = call.state.store.view(job.job_id).await?;
    let row = view.and_then(|it| it.files.into_iter().find(|it| it.file_id == file));
    Ok(row.map(|row| Explanation {
        file_id: file,
        state: row.state,
        waits: Vec::new(),
        predicted_start: None,
        copy_seconds: 0,
    }))
}
