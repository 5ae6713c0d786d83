//! A job that deletes.

use std::collections::HashSet;

use causeway_model::{Deletion, DeletionState, FileId, JobState};
use serde_json::value::RawValue;

use super::document::{Object, list};
use super::pairs::StorageNames;
use super::params::Params;
use super::surl::Checker;
use super::value::{Kind, invalid, kind, malformed, missing, need_text};
use super::{Context, Submission, Tokens, job, metadata};
use crate::error::ApiError;

/// Priority of every deletion job.
const PRIORITY: i32 = 3;

/// Rows of a deletion job; a URL that stands twice is deleted once.
pub(super) fn deletions(
    raw: &RawValue,
    params: &Params<'_>,
    cx: Context<'_>,
) -> Result<Submission, ApiError> {
    let elements: Vec<&RawValue> =
        list(raw, cx.config.transfers_limit).map_err(|it| malformed(format!("delete: {it}")))?;
    if elements.is_empty() {
        return Err(ApiError::bad_request("No valid pairs available"));
    }
    let mut job = job::row(params, cx)?;
    job.state = JobState::Delete;
    job.priority = PRIORITY;
    let mut checker = Checker::new(cx.storages);
    let mut names = StorageNames::new(cx);
    let mut seen = HashSet::new();
    let mut rows: Vec<Deletion> = Vec::with_capacity(elements.len());
    for element in elements {
        let row = one(element, &mut checker, &mut names, cx)?;
        if seen.insert(row.source_surl.clone()) {
            rows.push(Deletion {
                job_id: job.job_id,
                file_id: FileId(rows.len() as u64),
                vo_name: job.vo_name.clone(),
                ..row
            });
        }
    }
    let first = rows.first().map(|it| it.source_se.clone());
    job.source_se = first.filter(|first| rows.iter().all(|it| it.source_se == *first));
    Ok(Submission {
        job,
        files: Vec::new(),
        deletions: rows,
        replicas: None,
        tokens: Tokens::default(),
    })
}

fn one(
    raw: &RawValue,
    checker: &mut Checker<'_>,
    names: &mut StorageNames<'_>,
    cx: Context<'_>,
) -> Result<Deletion, ApiError> {
    let (surl, given) = match kind(raw) {
        Kind::Text => (raw, None),
        Kind::Object => {
            let object = Object::read(raw).map_err(|it| malformed(format!("delete: {it}")))?;
            let surl = object.get("surl").ok_or_else(|| missing("surl"))?;
            (surl, object.get("metadata"))
        }
        _ => {
            return Err(malformed(
                "delete: an element is neither a string nor a dictionary",
            ));
        }
    };
    let url = checker.check(&need_text(surl, "surl")?).map_err(invalid)?;
    let (source_se, _ban) = names.of(&url)?;
    Ok(Deletion {
        file_id: FileId(0),
        job_id: causeway_model::JobId(uuid::Uuid::nil()),
        state: DeletionState::Delete,
        source_surl: url,
        vo_name: source_se.clone(),
        source_se,
        hashed_id: rand::random(),
        host: None,
        reason: None,
        start_time: None,
        finish_time: None,
        job_finished: None,
        tx_duration: None,
        retry: 0,
        retry_timestamp: None,
        file_metadata: metadata::free(given, "File metadata", cx.config.metadata_limit)?,
    })
}
