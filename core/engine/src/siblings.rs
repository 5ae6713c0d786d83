//! Transfers that wait for another of their job: the next replica, the next hop.

use causeway_model::{FileId, FileState, Job, JobType};

use crate::board::Board;
use crate::dispatcher::Dispatcher;
use crate::retry::is_staged;
use crate::scheduler::Scheduler;

/// Reason of a hop that is never run.
const HOP_BEFORE_FAILED: &str = "Canceled because a hop before it failed";

impl Dispatcher {
    /// What follows in its job when a transfer has finished.
    pub(crate) fn file_finished(&mut self, file: FileId) {
        if let Some(hop) = after_success(&self.board, file)
            && self.board.move_file(hop, FileState::Submitted, |_| {})
        {
            self.line_up(hop);
        }
        let Some((job, row)) = self.rows(file) else {
            return;
        };
        if job.job_type == Some(JobType::MultiReplica) {
            let source = row.source_se.clone();
            let change = |job: &mut Job| job.source_se = Some(source);
            self.board.change_job(job.job_id, change);
        }
    }

    /// Cancels the hops after one that failed, where that is wanted.
    fn end_chain(&mut self, failed: FileId) {
        if !self.config.cancel_unused_multihop_files {
            return;
        }
        let now = self.now;
        for hop in unused_hops(&self.board, failed) {
            self.board.move_file(hop, FileState::Canceled, |row| {
                row.finish_time = Some(now);
                row.reason = Some(HOP_BEFORE_FAILED.to_owned());
                row.dest_surl_uuid = None;
            });
        }
    }

    /// What follows in its job when a transfer has failed for good.
    pub(crate) fn file_failed(&mut self, file: FileId) {
        self.leave_session(file);
        self.end_chain(file);
        let next = after_failure(&self.board, &self.scheduler, file);
        if let Some((replica, state)) = next
            && self.board.move_file(replica, state, |_| {})
        {
            self.line_up(replica);
        }
    }
}

/// The hops of a chain that will never be run because one before them failed.
fn unused_hops(board: &Board, failed: FileId) -> Vec<FileId> {
    let job = board.file(failed).and_then(|it| board.job(it.row.job_id));
    let Some(job) = job.filter(|it| it.job.job_type == Some(JobType::Multihop)) else {
        return Vec::new();
    };
    let hops = job.files.iter().filter_map(|id| board.file(*id));
    let unused = hops.filter(|it| it.row.state == FileState::NotUsed);
    unused.map(|it| it.row.file_id).collect()
}

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
            scheduler.queued_by(&it.row.source_se, &it.row.dest_se, &it.row.vo_name)
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
