//! Whether a row fits a query: the one definition that the memory, the archive and both stores use.

use causeway_model::ports::{EvolutionQuery, FileQuery, JobQuery};
use causeway_model::{EvolutionRow, FileState, Job, JobState, Transfer};

/// Whether a decision of the optimizer fits. `limit` is not looked at.
pub(crate) fn evolution(query: &EvolutionQuery, row: &EvolutionRow) -> bool {
    let fits = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|it| it == is);
    fits(&query.source_se, &row.source_se) && fits(&query.dest_se, &row.dest_se)
}

/// Whether a job fits. `limit` is not looked at.
pub(crate) fn job(query: &JobQuery, job: &Job) -> bool {
    fn text(wanted: Option<&str>, is: Option<&str>) -> bool {
        wanted.is_none_or(|wanted| is == Some(wanted))
    }
    text(query.cred_id.as_deref(), Some(&job.cred_id))
        && text(query.user_dn.as_deref(), Some(&job.user_dn))
        && text(query.vo_name.as_deref(), Some(&job.vo_name))
        && text(query.source_se.as_deref(), job.source_se.as_deref())
        && text(query.dest_se.as_deref(), job.dest_se.as_deref())
        && job_state(query, job.state)
        && query
            .finished_since
            .is_none_or(|since| job.job_finished.is_some_and(|at| at >= since))
}

/// Whether jobs in this state can fit.
pub(crate) fn job_state(query: &JobQuery, state: JobState) -> bool {
    let wanted = query.states.as_ref();
    wanted.is_none_or(|states| states.contains(&state))
        && !(query.unfinished_only && state.is_terminal())
}

/// Whether a transfer of a job in this state fits. `limit` is not looked at.
///
/// A replica that was never used counts as unfinished as long as its job does.
pub(crate) fn file(query: &FileQuery, job: JobState, file: &Transfer) -> bool {
    let unfinished =
        file.state.is_cancelable() || (file.state == FileState::NotUsed && !job.is_terminal());
    file_state(query, file.state)
        && (unfinished || !query.unfinished_only)
        && query
            .vo_name
            .as_deref()
            .is_none_or(|it| *file.vo_name == *it)
        && query
            .source_se
            .as_deref()
            .is_none_or(|it| *file.source_se == *it)
        && query
            .dest_se
            .as_deref()
            .is_none_or(|it| *file.dest_se == *it)
        && query
            .dest_surl
            .as_deref()
            .is_none_or(|it| file.dest_surl.as_str() == it)
        && query
            .finished_since
            .is_none_or(|since| file.finish_time.is_some_and(|at| at >= since))
}

/// Whether transfers in this state can fit.
pub(crate) fn file_state(query: &FileQuery, state: FileState) -> bool {
    let wanted = query.states.as_ref();
    wanted.is_none_or(|states| states.contains(&state))
        && !(query.unfinished_only && state.is_terminal())
}
