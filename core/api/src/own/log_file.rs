//! `GET /jobs/{job_id}/files/{file_id}/log`: the log of an attempt, for whoever may read the job.
//!
//! The path stands in the row of the transfer. It is looked at once more: nothing outside the
//! directory of logs is ever sent.

use std::path::{Path, PathBuf};

use axum::body::Body;
use causeway_model::{FileId, Transfer};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH, HeaderName, HeaderValue};
use tokio::fs::File;
use tokio::io::AsyncReadExt as _;
use tokio_util::io::ReaderStream;

use crate::error::{ApiError, Outcome};
use crate::extract::Call;
use crate::fts::routes::jobs::visible_job;
use crate::fts::wire;

const NO_SNIFF: HeaderName = HeaderName::from_static("x-content-type-options");

/// `GET /jobs/{job_id}/files/{file_id}/log?attempt=`
pub async fn download(call: Call) -> Outcome {
    let job = visible_job(&call, call.param("job_id")).await?;
    let text = call.param("file_id");
    let no_file = || ApiError::not_found(format!("No file with the id \"{text}\" has been found"));
    let id = text.parse().map(FileId).map_err(|_| no_file())?;
    let view = call
        .state
        .store
        .view(job.job_id)
        .await?
        .ok_or_else(no_file)?;
    let file = view
        .files
        .iter()
        .find(|it| it.file_id == id)
        .ok_or_else(no_file)?;
    let path = path_of(&call, file).await?;
    let (path, host) = path.ok_or_else(|| ApiError::not_found("There is no log"))?;
    let found = match &call.state.config.log_dir {
        Some(root) => open(root, Path::new(&path)).await,
        None => None,
    };
    let (log, length) = found.ok_or_else(|| {
        let host = host.as_deref().unwrap_or("another host");
        ApiError::not_found(format!("The log is not here; it was written on {host}"))
    })?;
    let body = Body::from_stream(ReaderStream::new(log.take(length)));
    let mut response = wire::with_body(StatusCode::OK, "text/plain; charset=utf-8", body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, length.into());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(NO_SNIFF, HeaderValue::from_static("nosniff"));
    Ok(response)
}

/// Path and host of the log that is wanted: of the attempt with that number, else of the last one.
async fn path_of(
    call: &Call,
    file: &Transfer,
) -> Result<Option<(String, Option<String>)>, ApiError> {
    let host = |it: &Option<std::sync::Arc<str>>| it.as_deref().map(str::to_owned);
    let wanted = match call.query.given("attempt").map(str::parse::<u32>) {
        Some(Err(_)) => return Err(ApiError::bad_request("The attempt must be a number")),
        Some(Ok(number)) => Some(number),
        None => None,
    };
    let current = file.retry + 1;
    let of_row = file
        .log_file
        .clone()
        .map(|it| (it, host(&file.transfer_host)));
    if wanted.is_none_or(|it| it == current) && of_row.is_some() {
        return Ok(of_row);
    }
    let earlier = call.state.store.retries(file.job_id, file.file_id).await?;
    let fits = |attempt| wanted.is_none_or(|it| it == attempt);
    let found = earlier.into_iter().rev().find(|it| fits(it.attempt));
    Ok(found.and_then(|it| Some((it.log_file?, host(&it.transfer_host)))))
}

/// Opens a log, if it is one: a file in the directory of logs, and no link out of it.
async fn open(root: &Path, path: &Path) -> Option<(File, u64)> {
    let (root, path) = (real(root).await?, real(path).await?);
    if !path.starts_with(&root) {
        tracing::warn!(path = %path.display(), "the log of a transfer is not among the logs");
        return None;
    }
    let file = File::open(&path).await.ok()?;
    let about = file.metadata().await.ok()?;
    about.is_file().then_some((file, about.len()))
}

/// A path without links; `None` when nothing is there.
async fn real(path: &Path) -> Option<PathBuf> {
    tokio::fs::canonicalize(path).await.ok()
}
