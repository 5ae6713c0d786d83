//! The rules of a world: pure functions of rows before and after.

use std::collections::HashSet;
use std::sync::Arc;

use causeway_engine::messages::AttemptId;
use causeway_model::derive::{deletion_job_state, job_state};
use causeway_model::settings::Operation;
use causeway_model::{
    Deletion, DeletionState, FileState, Job, JobState, Settings, Timestamp, Transfer,
};

use crate::record::{Ledger, Run};

type Holds = Result<(), String>;

fn must(holds: bool, text: impl FnOnce() -> String) -> Holds {
    if holds { Ok(()) } else { Err(text()) }
}

/// Whether one state can come after another; a transaction may hold several changes.
pub fn reaches(from: FileState, to: FileState) -> bool {
    let mut seen = HashSet::from([from]);
    let mut ahead = vec![from];
    while let Some(state) = ahead.pop() {
        for next in FileState::ALL {
            if state.can_become(*next) && seen.insert(*next) {
                ahead.push(*next);
            }
        }
    }
    seen.contains(&to)
}

/// A transfer goes forward only, and its row fits its state.
pub fn transfer_may_become(before: &Transfer, after: &Transfer) -> Holds {
    let id = after.file_id;
    must(reaches(before.state, after.state), || {
        format!("file {id} went from {} to {}", before.state, after.state)
    })?;
    must(after.retry >= before.retry, || {
        format!("file {id} forgot a retry")
    })?;
    let same = (
        &before.source_surl,
        &before.dest_surl,
        before.job_id,
        before.file_index,
    ) == (
        &after.source_surl,
        &after.dest_surl,
        after.job_id,
        after.file_index,
    );
    must(same, || format!("file {id} is another one now"))?;
    if after.state.is_terminal() {
        must(after.dest_surl_uuid.is_none(), || {
            format!("file {id} is {} and holds its destination", after.state)
        })?;
        let ended = after.finish_time.is_some() || after.state == FileState::Canceled;
        must(ended, || {
            format!("file {id} is {} without a time", after.state)
        })?;
    }
    if before.state.is_terminal() {
        let kept = before.reason == after.reason && before.filesize == after.filesize;
        must(kept, || format!("file {id} was changed after its end"))?;
    }
    if after.state == FileState::Failed || after.state == FileState::Canceled {
        must(after.reason.is_some(), || {
            format!("file {id} is {} for no reason", after.state)
        })?;
    }
    must(
        after.state != FileState::Finished || after.reason.is_none(),
        || format!("file {id} finished, and yet {:?}", after.reason),
    )
}

/// The same for a deletion.
pub fn deletion_may_become(before: &Deletion, after: &Deletion) -> Holds {
    let id = after.file_id;
    let legal = before.state == after.state || !before.state.is_terminal();
    must(legal, || {
        format!(
            "deletion {id} went from {} to {}",
            before.state, after.state
        )
    })?;
    must(after.retry >= before.retry, || {
        format!("deletion {id} forgot a retry")
    })?;
    must(
        !after.state.is_terminal() || after.finish_time.is_some(),
        || format!("deletion {id} is {} without a time", after.state),
    )
}

/// The state of a job follows from its rows, unless it was cancelled as a whole.
pub fn job_follows(
    before: &Job,
    after: &Job,
    files: &[Arc<Transfer>],
    deletions: &[DeletionState],
) -> Holds {
    let id = after.job_id;
    let states = files.iter().map(|it| (it.file_index, it.state));
    let derived = match after.job_type {
        Some(job_type) => job_state(before.state, job_type, states),
        None => deletion_job_state(before.state, deletions.iter().copied()),
    };
    if before.state.is_terminal() {
        let kept = before.state == after.state && before.reason == after.reason;
        return must(kept, || {
            format!("job {id} ended {} and became {}", before.state, after.state)
        });
    }
    let idle = files.iter().all(|it| !it.state.is_cancelable())
        && deletions.iter().all(|it| it.is_terminal());
    let canceled = after.state == JobState::Canceled && after.cancel_job && idle;
    must(canceled || derived.state == after.state, || {
        let files: Vec<_> = files.iter().map(|it| it.state).collect();
        format!(
            "job {id} is {} where {} follows from {files:?} {deletions:?}",
            after.state, derived.state
        )
    })?;
    must(
        after.state.is_terminal() == after.job_finished.is_some(),
        || {
            format!(
                "job {id} is {} with the end {:?}",
                after.state, after.job_finished
            )
        },
    )
}

/// An attempt that has just started keeps to the limits that were in force since it was picked.
pub fn within_limits(ledger: &Ledger, attempt: AttemptId, since: Timestamp) -> Holds {
    let run = &ledger.running[&attempt];
    let of_kind = || {
        ledger
            .running
            .values()
            .filter(|it| it.deletes == run.deletes)
    };
    let (transfers, deletions) = ledger.most;
    let most = if run.deletes { deletions } else { transfers };
    must(of_kind().count() <= most, || {
        format!("{} run of {most} in all", of_kind().count())
    })?;
    if run.deletes {
        return deletion_limit(ledger, run, since);
    }
    if run.forced {
        return Ok(());
    }
    // A session keeps its slot from file to file, whatever becomes of the limits meanwhile.
    let row = &ledger.files[&run.file];
    let stored = &ledger.jobs[&row.job_id];
    let since = match stored.job.job_type {
        Some(causeway_model::JobType::Reuse) => stored.job.submit_time,
        _ => since,
    };
    let bound = |it: &&Run| !it.forced;
    let (from, to) = (run.source.as_str(), run.destination.as_str());
    let on_link = of_kind()
        .filter(bound)
        .filter(|it| it.source == from && it.destination == to)
        .count();
    let out = of_kind()
        .filter(bound)
        .filter(|it| it.source == from)
        .count();
    let into = of_kind()
        .filter(bound)
        .filter(|it| it.destination == to)
        .count();
    let link = |it: &Settings| it.link(from, to).map_or(u32::MAX, |row| row.max_active);
    let on_link_most = match ledger.eras.tuned {
        true => ledger.values.most(since, from, to),
        false => ledger.eras.most(since, link),
    };
    within(on_link, on_link_most, || format!("{from} to {to}"))?;
    within(
        out,
        ledger.eras.most(since, |it| it.outbound_limit(from)),
        || format!("out of {from}"),
    )?;
    within(
        into,
        ledger.eras.most(since, |it| it.inbound_limit(to)),
        || format!("into {to}"),
    )
}

fn deletion_limit(ledger: &Ledger, run: &Run, since: Timestamp) -> Holds {
    let vo = &ledger.deletions[&run.file].vo_name;
    let at = run.source.as_str();
    let same =
        |it: &&Run| it.deletes && it.source == at && ledger.deletions[&it.file].vo_name == *vo;
    let count = ledger.running.values().filter(same).count();
    let limit = |it: &Settings| {
        it.operation_limit(vo, at, Operation::Delete)
            .unwrap_or(u32::MAX)
    };
    within(count, ledger.eras.most(since, limit), || {
        format!("deletions of {vo} at {at}")
    })
}

fn within(count: usize, limit: u32, what: impl Fn() -> String) -> Holds {
    let fits = u32::try_from(count).is_ok_and(|it| it <= limit);
    must(fits, || format!("{count} of {limit} run {}", what()))
}
