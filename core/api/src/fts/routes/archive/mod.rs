//! `/archive`: jobs that ended so long ago that they are no jobs any more. Found by id alone.

use causeway_model::ports::JobView;
use serde_json::json;

use super::jobs::{check_visible, job_id};
use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::submit::only_member;
use crate::fts::wire::{self, ArchivedJob, Fields};

/// `GET /archive`: what can be asked.
pub async fn index(call: Call) -> Outcome {
    wire::json(&json!({
        "_links": {
            "curies": [{"name": "fts", "href": call.state.config.public_url}],
            "fts:archivedJob": {
                "href": "/archive/{id}",
                "title": "Archived job information",
                "templated": true,
            },
        },
    }))
}

/// `GET /archive/{job_id}`
pub async fn get(call: Call) -> Outcome {
    let view = archived(&call).await?;
    wire::json(&ArchivedJob::new(&view, &Fields::ALL))
}

/// `GET /archive/{job_id}/{field}`: the value of one member alone.
pub async fn field(call: Call) -> Outcome {
    let view = archived(&call).await?;
    let fields = Fields::one(call.param("field"));
    let text = serde_json::to_string(&ArchivedJob::new(&view, &fields));
    let text = text.map_err(|error| ApiError::internal(error.to_string()))?;
    match only_member(&text) {
        Some(value) => wire::json(value),
        None => Err(ApiError::not_found("No such field")),
    }
}

/// A job out of the archive that the caller may see.
async fn archived(call: &Call) -> Result<JobView, ApiError> {
    let text = call.param("job_id");
    let missing = || {
        ApiError::not_found(format!(
            "No job with the id \"{text}\" has been found in the archive"
        ))
    };
    let id = job_id(text).ok_or_else(missing)?;
    let view = call.operations()?.history.archived(id).await?;
    let view = view.ok_or_else(missing)?;
    check_visible(call, &view.job, text)?;
    Ok(view)
}
