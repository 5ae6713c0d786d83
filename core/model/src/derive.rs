//! The state of a job from the states of its transfers, as FTS3 derives it: pure functions.

use std::collections::BTreeMap;

use crate::{DeletionState, FileState, JobState, JobType};

/// Reason of a job that ended with failures; clients show it.
pub const SOME_FAILED: &str =
    "One or more files failed. Please have a look at the details for more information";

/// State a job takes, and its reason if that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// The state.
    pub state: JobState,
    /// The reason that goes with a terminal state; `None` for an empty one.
    pub reason: Option<&'static str>,
}

#[derive(Default)]
struct IndexCount {
    all: u32,
    finished: u32,
    failed: u32,
    canceled: u32,
}

/// State of a job with transfers. `files` yields (file_index, state) of all of them.
pub fn job_state(
    current: JobState,
    job_type: JobType,
    files: impl IntoIterator<Item = (u32, FileState)>,
) -> Derived {
    if current.is_terminal() {
        return Derived {
            state: current,
            reason: None,
        };
    }
    let mut per_index: BTreeMap<u32, IndexCount> = BTreeMap::new();
    let mut live = Live::default();
    for (index, state) in files {
        let count = per_index.entry(index).or_default();
        // A replica that was never enabled says nothing about its index.
        if job_type == JobType::MultiReplica && state == FileState::NotUsed {
            continue;
        }
        live.add(state);
        count.all += 1;
        count.finished += u32::from(state == FileState::Finished);
        count.failed += u32::from(state == FileState::Failed);
        count.canceled += u32::from(state == FileState::Canceled);
    }
    over(job_type, &per_index).unwrap_or_else(|| Derived {
        state: live.state(current, job_type),
        reason: None,
    })
}

fn over(job_type: JobType, per_index: &BTreeMap<u32, IndexCount>) -> Option<Derived> {
    let total = per_index.len();
    let finished = per_index.values().filter(|it| it.finished > 0).count();
    let canceled = per_index
        .values()
        .filter(|it| it.all > 0 && it.canceled == it.all)
        .count();
    let failed = per_index
        .values()
        .filter(|it| it.failed > 0 && it.failed + it.canceled == it.all)
        .count();
    let chain_broken = job_type == JobType::Multihop && failed + canceled > 0;
    if finished + failed + canceled != total && !chain_broken {
        return None;
    }
    let (state, reason) = match () {
        () if finished > 0 && failed > 0 && job_type == JobType::Multihop => {
            (JobState::Failed, Some(SOME_FAILED))
        }
        () if finished > 0 && failed > 0 => (JobState::FinishedDirty, Some(SOME_FAILED)),
        () if finished == total => (JobState::Finished, None),
        () if failed > 0 => (JobState::Failed, Some(SOME_FAILED)),
        () if canceled > 0 => (JobState::Canceled, Some(SOME_FAILED)),
        () => (JobState::Failed, Some("Inconsistent internal state!")),
    };
    Some(Derived { state, reason })
}

#[derive(Default)]
struct Live {
    active: u32,
    staging: u32,
    archiving: u32,
    other: u32,
}

impl Live {
    fn add(&mut self, state: FileState) {
        match state {
            FileState::Ready | FileState::Active => self.active += 1,
            FileState::Staging | FileState::Started => self.staging += 1,
            FileState::Archiving => self.archiving += 1,
            state if state.is_terminal() => {}
            _ => self.other += 1,
        }
    }

    fn state(&self, current: JobState, job_type: JobType) -> JobState {
        if self.active > 0 {
            JobState::Active
        } else if self.archiving > 0 && self.staging == 0 && self.other == 0 {
            JobState::Archiving
        } else if current == JobState::Staging
            && self.staging == 0
            // Independent transfers leave it with the first that is active.
            && job_type != JobType::Normal
        {
            JobState::Submitted
        } else {
            current
        }
    }
}

/// State of a deletion job.
pub fn deletion_job_state(
    current: JobState,
    rows: impl IntoIterator<Item = DeletionState>,
) -> Derived {
    let (mut total, mut finished, mut failed, mut canceled) = (0, 0, 0, 0);
    for state in rows {
        total += 1;
        finished += u32::from(state == DeletionState::Finished);
        failed += u32::from(state == DeletionState::Failed);
        canceled += u32::from(state == DeletionState::Canceled);
    }
    if current.is_terminal() || finished + failed + canceled != total {
        return Derived {
            state: current,
            reason: None,
        };
    }
    let (state, reason) = match () {
        () if finished == total => (JobState::Finished, None),
        () if finished > 0 && failed > 0 => (JobState::FinishedDirty, Some(SOME_FAILED)),
        () if failed > 0 => (JobState::Failed, Some(SOME_FAILED)),
        () => (JobState::Canceled, Some(SOME_FAILED)),
    };
    Derived { state, reason }
}

#[cfg(test)]
mod tests;
