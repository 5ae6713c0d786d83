//! Transfers that wait for another of their job: the next replica, the next hop.

use causeway_model::{FileId, FileState, JobType};

use crate::board::Board;
use crate::retry::is_staged;
use crate::scheduler::Scheduler;

/// The transfer that is enabled because another failed, and the state it takes: the next replica.
pub(crate) fn after_failure(
    board: &Board,
    scheduler: &Scheduler,
    failed: FileId,
) -> Option<(FileId, FileState)> {
    let row = &board.file(failed)?.row;
    let job = board.job(row.job_id)?;
    if job.job.job_type != Some(JobType::MultiReplica) {
        return None;
    }
    let replicas = job.files.iter().filter_map(|id| board.file(*id));
    let replicas: Vec<_> = replicas
        .filter(|it| it.row.file_index == row.file_index)
        .collect();
    if replicas.iter().any(|it| it.row.state.is_cancelable()) {
        return None;
    }
    let waiting = replicas
        .into_iter()
        .filter(|it| it.row.state == FileState::NotUsed);
    let shortest_queue = matches!(row.selection_strategy.as_deref(), Some("auto" | "queue"));
    let next = waiting.min_by_key(|it| {
        let queued = if shortest_queue {
            scheduler.queued(it.link)
        } else {
            0
        };
        (queued, it.row.file_id)
    })?;
    let state = match is_staged(&job.job) {
        true => FileState::Staging,
        false => FileState::Submitted,
    };
    Some((next.row.file_id, state))
}

/// The transfer that is enabled because another finished: the next hop.
pub(crate) fn after_success(board: &Board, finished: FileId) -> Option<FileId> {
    let job = board.job(board.file(finished)?.row.job_id)?;
    if job.job.job_type != Some(JobType::Multihop) {
        return None;
    }
    let hops = job.files.iter().filter_map(|id| board.file(*id));
    let waiting = hops.filter(|it| it.row.state == FileState::NotUsed);
    waiting.map(|it| it.row.file_id).min()
}

/// True for the last hop of a multihop job, and for every transfer of other jobs.
pub(crate) fn is_last_hop(board: &Board, file: FileId) -> bool {
    let Some(entry) = board.file(file) else {
        return true;
    };
    match board.job(entry.row.job_id) {
        Some(job) if job.job.job_type == Some(JobType::Multihop) => {
            job.files.iter().max() == Some(&file)
        }
        _ => true,
    }
}
