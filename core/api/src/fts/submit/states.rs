//! In which states a job and its transfers begin, and which of them guard their destination.

use std::collections::HashSet;
use std::sync::Arc;

use causeway_model::ids::destination_id;
use causeway_model::{FileState, JobState, JobType, Transfer};

use super::params::Params;
use crate::error::ApiError;

/// State of a transfer that begins at once.
pub(super) fn first_state(params: &Params<'_>) -> FileState {
    match () {
        () if params.stages() => FileState::Staging,
        () if params.target_qos.is_some() => FileState::QosTransition,
        () => FileState::Submitted,
    }
}

/// Of hops and replicas only the first one begins.
pub(super) fn leave_one(files: &mut [Transfer], kind: JobType) {
    if matches!(kind, JobType::Multihop | JobType::MultiReplica) {
        for file in files.iter_mut().skip(1) {
            file.state = FileState::NotUsed;
        }
    }
}

/// State of the job.
pub(super) fn job_state(files: &[Transfer]) -> JobState {
    let any = |state| files.iter().any(|it| it.state == state);
    match () {
        () if any(FileState::Staging) || any(FileState::OnHoldStaging) => JobState::Staging,
        () if any(FileState::QosTransition) => JobState::QosTransition,
        () => JobState::Submitted,
    }
}

/// One value for all transfers of a job that one node must own.
pub(super) fn share_hash(files: &mut [Transfer]) {
    let hash = rand::random();
    for file in files {
        file.hashed_id = hash;
    }
}

/// Marks destinations that must be free of other live transfers.
pub(super) fn guard_destinations(files: &mut [Transfer], kind: JobType) -> Result<(), ApiError> {
    let guarded = match kind {
        JobType::Multihop => files.len().saturating_sub(1)..files.len(),
        JobType::MultiReplica => 0..files.len().min(1),
        JobType::Normal | JobType::Reuse => 0..files.len(),
    };
    let mut taken = HashSet::new();
    for file in &mut files[guarded] {
        let id = destination_id(file.dest_surl.as_str());
        if !taken.insert(id) {
            let surl = file.dest_surl.as_str();
            return Err(ApiError::conflict(format!(
                "The submission is duplicated ({surl})"
            )));
        }
        file.dest_surl_uuid = Some(id);
    }
    Ok(())
}

/// The storage that all transfers share on each side. A chain goes from the first source to the
/// last destination.
pub(super) fn common_storages(
    files: &[Transfer],
    kind: JobType,
) -> (Option<Arc<str>>, Option<Arc<str>>) {
    let (Some(first), Some(last)) = (files.first(), files.last()) else {
        return (None, None);
    };
    if kind == JobType::Multihop {
        return (Some(first.source_se.clone()), Some(last.dest_se.clone()));
    }
    let one_source = files.iter().all(|it| it.source_se == first.source_se);
    let one_dest = files.iter().all(|it| it.dest_se == first.dest_se);
    (
        one_source.then(|| first.source_se.clone()),
        one_dest.then(|| first.dest_se.clone()),
    )
}
