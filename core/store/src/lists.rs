//! Lists over memory and archive together.
//!
//! Memory is asked first. A job moves from memory to the archive, never out of sight, so a job
//! that was not met in memory is met in the archive; a job met in both is taken from memory.

use std::collections::HashSet;
use std::sync::Arc;

use causeway_model::ports::{FileQuery, JobQuery, StoreError};
use causeway_model::{Job, JobId, Transfer};

use crate::embedded::Inner;
use crate::hot_lists;
use crate::matching;

/// Jobs that fit, the newest submission first.
pub(crate) fn jobs(inner: &Inner, query: &JobQuery) -> Result<Vec<Arc<Job>>, StoreError> {
    let limit = query.limit.unwrap_or(usize::MAX);
    let mut found = inner.hot.read().list_jobs(query);
    if query.unfinished_only || limit == 0 {
        return Ok(found);
    }
    let mut seen: HashSet<JobId> = found.iter().map(|it| it.job_id).collect();
    let mut from_archive = 0;
    for id in inner.archive.jobs_that_may_fit(query) {
        let id = id?;
        if from_archive == limit {
            break;
        }
        if !seen.insert(id) {
            continue;
        }
        let in_memory = inner.hot.read().jobs.get(&id).map(|it| it.job.clone());
        let job = match in_memory {
            Some(job) => Some(job),
            None => inner.archive.job(id)?,
        };
        if let Some(job) = job.filter(|it| matching::job(query, it)) {
            found.push(job);
            from_archive += 1;
        }
    }
    found.sort_unstable_by_key(|it| std::cmp::Reverse((it.submit_time, it.job_id)));
    found.truncate(limit);
    Ok(found)
}

/// Transfers that fit: those in memory, then those of the jobs that ended last.
pub(crate) fn files(inner: &Inner, query: &FileQuery) -> Result<Vec<Arc<Transfer>>, StoreError> {
    let mut found = hot_lists::list_files(&inner.hot, query);
    if query.unfinished_only || found.len() >= query.limit {
        return Ok(found);
    }
    let mut seen: HashSet<_> = found.iter().map(|it| it.file_id).collect();
    let mut jobs = HashSet::new();
    for id in inner.archive.jobs_with_files(query) {
        let id = id?;
        if !jobs.insert(id) {
            continue;
        }
        let in_memory = inner.hot.read().jobs.get(&id).cloned();
        let job = match in_memory {
            Some(job) => Some(job),
            None => inner.archive.load(id)?,
        };
        let Some(job) = job else {
            continue;
        };
        for file in &job.files {
            if matching::file(query, job.job.state, file) && seen.insert(file.file_id) {
                found.push(file.clone());
                if found.len() >= query.limit {
                    return Ok(found);
                }
            }
        }
    }
    Ok(found)
}
