//! Looking at jobs.

use causeway_model::ports::{JobQuery, JobView};
use causeway_model::{FileId, Level};

use super::filter::{NOTHING, states_in, time_window};
use super::{check_visible, id_list, job_id, respond, visible_job};
use crate::error::{ApiError, ITEM_OK, Outcome};
use crate::extract::Call;
use crate::fts::submit;
use crate::fts::wire::{self, DeletionShape, Fields, FileShape, Item, JobShape, RetryShape};

/// Bytes of an ordinary transfer in an answer.
const FILE_BYTES: usize = 1100;
/// Bytes of an ordinary job in an answer.
const JOB_BYTES: usize = 800;
/// Most jobs that may be asked for at once with `limit`.
const LIMIT_MAX: i64 = 500;

/// `GET /jobs`
pub async fn list(call: Call) -> Outcome {
    let Some(query) = job_query(&call)? else {
        return wire::json(NOTHING);
    };
    let fields = call
        .query
        .given("fields")
        .map_or(Fields::ALL, Fields::parse);
    let jobs = call.state.store.list_jobs(&query).await?;
    let shapes: Vec<JobShape<'_>> = jobs
        .iter()
        .map(|it| JobShape::with_fields(it, &fields))
        .collect();
    wire::json_rows(&shapes, JOB_BYTES)
}

/// The conditions; `None` when they contradict what the caller may see.
fn job_query(call: &Call) -> Result<Option<JobQuery>, ApiError> {
    let caller = call.principal();
    let level = call.level("transfer")?;
    let given = |name| call.query.given(name).map(str::to_owned);
    let own_id = caller.delegation_id.clone().unwrap_or_default();

    let user_dn = given("user_dn");
    if level != Level::All && user_dn.as_ref().is_some_and(|it| *it != caller.user_dn) {
        return Err(ApiError::bad_request(
            "user_dn and delegation_id must be those of the caller",
        ));
    }
    let dlg_id = given("dlg_id");
    if dlg_id.as_ref().is_some_and(|it| *it != own_id) {
        return Err(ApiError::forbidden(
            "The requested delegation id is not that of the caller",
        ));
    }
    let (mut cred_id, mut vo_name) = (dlg_id, given("vo_name"));
    match level {
        Level::Private => cred_id = Some(own_id),
        Level::Vo => {
            let own = caller.primary_vo();
            if vo_name.is_some_and(|it| it != own) {
                return Ok(None);
            }
            vo_name = Some(own.to_owned());
        }
        Level::All => {}
    }
    let limit = limit(call.query.given("limit"))?;
    let states = call.query.given("state_in").map(states_in);
    let window = call.query.given("time_window");
    let finished_since = match window {
        Some(text) if states.is_some() && limit.is_none() => {
            Some(time_window(text, call.state.clock.now())?)
        }
        _ => None,
    };
    let unfinished_only = match &states {
        None => true,
        Some(_) => limit.is_none() && finished_since.is_none(),
    };
    Ok(Some(JobQuery {
        cred_id,
        user_dn,
        vo_name,
        states,
        source_se: given("source_se"),
        dest_se: given("dest_se"),
        unfinished_only,
        finished_since,
        limit,
    }))
}

/// A number in bounds; what is no number counts for nothing.
fn limit(text: Option<&str>) -> Result<Option<usize>, ApiError> {
    match text.and_then(|it| it.trim().parse::<i64>().ok()) {
        None => Ok(None),
        Some(limit @ 0..=LIMIT_MAX) => Ok(Some(limit as usize)),
        Some(_) => Err(ApiError::bad_request(format!(
            "The limit must be between 0 and {LIMIT_MAX}"
        ))),
    }
}

/// `GET /jobs/{job_ids}`
pub async fn get(call: Call) -> Outcome {
    let (ids, is_list) = id_list(call.param("job_ids"));
    let fields = call.query.given("files").map(Fields::parse);
    let mut found: Vec<Result<JobView, ApiError>> = Vec::with_capacity(ids.len());
    for text in &ids {
        found.push(view(&call, text, fields.is_some()).await);
    }
    let items: Vec<Item<'_>> = ids
        .iter()
        .zip(&found)
        .map(|(text, found)| match found {
            Ok(view) => Item::Job(JobShape {
                status: Some(ITEM_OK),
                files: fields.as_ref().map(|fields| shapes(view, fields)),
                ..JobShape::new(&view.job)
            }),
            Err(error) => Item::Error(text, error),
        })
        .collect();
    respond(&items, is_list)
}

/// A job, with its rows only if they are needed.
async fn view(call: &Call, text: &str, with_files: bool) -> Result<JobView, ApiError> {
    if !with_files {
        let job = visible_job(call, text).await?;
        return Ok(JobView {
            job,
            files: Vec::new(),
            deletions: Vec::new(),
        });
    }
    let id = job_id(text).ok_or_else(|| ApiError::no_job(text))?;
    let view = call.state.store.view(id).await?;
    let view = view.ok_or_else(|| ApiError::no_job(text))?;
    check_visible(call, &view.job, text)?;
    Ok(view)
}

fn shapes<'a>(view: &'a JobView, fields: &'a Fields) -> Vec<FileShape<'a>> {
    let files = view.files.iter();
    files.map(|file| FileShape { file, fields }).collect()
}

/// `GET /jobs/{job_id}/files`
pub async fn files(call: Call) -> Outcome {
    let view = view(&call, call.param("job_id"), true).await?;
    wire::json_rows(&shapes(&view, &Fields::ALL), FILE_BYTES)
}

/// `GET /jobs/{job_id}/dm`
pub async fn deletions(call: Call) -> Outcome {
    let view = view(&call, call.param("job_id"), true).await?;
    let rows = view.deletions.iter().map(|it| DeletionShape(it));
    wire::json(&rows.collect::<Vec<_>>())
}

/// `GET /jobs/{job_id}/{field}`: the value of one member alone.
pub async fn field(call: Call) -> Outcome {
    let job = visible_job(&call, call.param("job_id")).await?;
    let fields = Fields::one(call.param("field"));
    let text = serde_json::to_string(&JobShape::with_fields(&job, &fields));
    let text = text.map_err(|error| ApiError::internal(error.to_string()))?;
    match submit::only_member(&text) {
        Some(value) => wire::json(value),
        None => Err(ApiError::not_found("No such field")),
    }
}

/// `GET /jobs/{job_id}/files/{file_id}/retries`
pub async fn retries(call: Call) -> Outcome {
    let view = view(&call, call.param("job_id"), true).await?;
    let text = call.param("file_id");
    let file = text.parse().ok().map(FileId);
    let file = file.filter(|id| view.files.iter().any(|it| it.file_id == *id));
    let Some(file) = file else {
        return Err(ApiError::not_found(format!(
            "No file with the id \"{text}\" has been found"
        )));
    };
    let logs = call.state.store.retries(view.job.job_id, file).await?;
    wire::json(&logs.iter().map(RetryShape).collect::<Vec<_>>())
}
