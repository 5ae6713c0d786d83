//! From entries to transfers: every source with every destination, and the type of the job.

use std::collections::HashMap;
use std::sync::Arc;

use causeway_model::{FileId, FileState, JobId, JobType, Transfer};
use causeway_sdk::Url;

use super::Context;
use super::files::Entry;
use super::params::Params;
use super::strategy::Strategy;
use super::value::invalid;
use crate::error::ApiError;
use crate::state::StorageBan;

/// The type that the entries and the parameters give.
pub(super) fn job_type(entries: &[Entry], params: &Params<'_>) -> Result<JobType, ApiError> {
    let replicas = entries.iter().any(|it| it.pairs() > 1);
    let reuse = params.reuse == Some(true);
    if replicas && (reuse || params.multihop) {
        return Err(ApiError::bad_request(
            "Can not specify reuse and multiple replicas at the same time",
        ));
    }
    if replicas && entries.len() > 1 {
        return Err(ApiError::bad_request(
            "Multiple replicas jobs can only have one unique file",
        ));
    }
    Ok(match () {
        () if params.multihop => JobType::Multihop,
        () if replicas => JobType::MultiReplica,
        () if reuse => JobType::Reuse,
        () => JobType::Normal,
    })
}

/// The strategy of a job with replicas.
pub(super) fn strategy(entries: &[Entry], kind: JobType) -> Result<Option<Strategy>, ApiError> {
    if kind != JobType::MultiReplica {
        return Ok(None);
    }
    let given = entries.first().and_then(|it| it.strategy.as_deref());
    let given = given.unwrap_or(Strategy::DEFAULT);
    match Strategy::named(given) {
        Some(strategy) => Ok(Some(strategy)),
        None => Err(invalid(format!(
            "{given:.80} algorithm is not supported by Scheduler"
        ))),
    }
}

/// Names of storages, each kept once, and whether they are banned.
pub(super) struct StorageNames<'a> {
    cx: Context<'a>,
    known: HashMap<String, (Arc<str>, StorageBan)>,
}

impl<'a> StorageNames<'a> {
    pub(super) fn new(cx: Context<'a>) -> Self {
        Self {
            cx,
            known: HashMap::new(),
        }
    }

    /// The name, if transfers with it are taken; and whether they must wait.
    pub(super) fn of(&mut self, url: &Url) -> Result<(Arc<str>, StorageBan), ApiError> {
        let name = url.storage();
        if let Some(known) = self.known.get(&name) {
            return Ok(known.clone());
        }
        let ban = self
            .cx
            .bans
            .storage_ban(&name, self.cx.principal.primary_vo());
        if ban == StorageBan::Refuse {
            return Err(ApiError::forbidden(format!("{name} is banned")));
        }
        let known: (Arc<str>, _) = (name.as_str().into(), ban);
        self.known.insert(name, known.clone());
        Ok(known)
    }
}

/// All transfers, in the state in which a transfer of a plain job begins.
pub(super) fn expand(
    entries: Vec<Entry>,
    job_id: JobId,
    first_state: FileState,
    params: &Params<'_>,
    cx: Context<'_>,
) -> Result<Vec<Transfer>, ApiError> {
    let mut names = StorageNames::new(cx);
    let vo: Arc<str> = cx.principal.primary_vo().into();
    let mut activities: HashMap<String, Arc<str>> = HashMap::new();
    let mut files = Vec::with_capacity(entries.iter().map(Entry::pairs).sum());
    for (index, entry) in entries.into_iter().enumerate() {
        let activity = match activities.get(&entry.activity) {
            Some(known) => known.clone(),
            None => {
                let name: Arc<str> = entry.activity.as_str().into();
                activities.insert(entry.activity.clone(), name.clone());
                name
            }
        };
        for (from, source) in entry.sources.iter().enumerate() {
            for (to, destination) in entry.destinations.iter().enumerate() {
                let (source_se, source_ban) = names.of(source)?;
                let (dest_se, dest_ban) = names.of(destination)?;
                files.push(Transfer {
                    file_id: FileId(files.len() as u64),
                    file_index: index as u32,
                    state: held(first_state, source_ban.max(dest_ban)),
                    source_surl: source.clone(),
                    dest_surl: destination.clone(),
                    source_se,
                    dest_se,
                    activity: activity.clone(),
                    src_token_id: entry.source_tokens.get(from).copied(),
                    dst_token_id: entry.destination_tokens.get(to).copied(),
                    ..transfer(&entry, job_id, &vo, params)
                });
            }
        }
    }
    Ok(files)
}

fn held(state: FileState, ban: StorageBan) -> FileState {
    match (ban, state) {
        (StorageBan::Hold, FileState::Submitted) => FileState::OnHold,
        (StorageBan::Hold, FileState::Staging) => FileState::OnHoldStaging,
        _ => state,
    }
}

/// What all pairs of an entry share.
fn transfer(entry: &Entry, job_id: JobId, vo: &Arc<str>, params: &Params<'_>) -> Transfer {
    let source = &entry.sources[0];
    let empty: Arc<str> = vo.clone();
    Transfer {
        file_id: FileId(0),
        file_index: 0,
        job_id,
        state: FileState::Submitted,
        source_surl: source.clone(),
        dest_surl: source.clone(),
        source_se: empty.clone(),
        dest_se: empty.clone(),
        vo_name: vo.clone(),
        activity: empty,
        priority: entry.priority.unwrap_or(params.priority),
        hashed_id: rand::random(),
        transfer_host: None,
        staging_host: None,
        reason: None,
        recoverable: None,
        filesize: None,
        user_filesize: entry.filesize,
        checksum: Some(entry.checksum.clone()),
        transferred: None,
        start_time: None,
        finish_time: None,
        internal_file_params: None,
        pid: None,
        tx_duration: None,
        throughput: None,
        retry: 0,
        retry_timestamp: None,
        file_metadata: entry.metadata.clone(),
        selection_strategy: Some(
            entry
                .strategy
                .clone()
                .unwrap_or_else(|| Strategy::DEFAULT.to_owned()),
        ),
        staging_start: None,
        staging_finished: None,
        bringonline_token: None,
        archive_start_time: None,
        archive_finish_time: None,
        log_file: None,
        log_debug: None,
        dest_surl_uuid: None,
        staging_metadata: entry.staging_metadata.clone(),
        archive_metadata: entry.archive_metadata.clone(),
        scitag: entry.scitag,
        file_state_initial: None,
        commit_intent: None,
        destination_cleared: false,
        src_token_id: None,
        dst_token_id: None,
    }
}
