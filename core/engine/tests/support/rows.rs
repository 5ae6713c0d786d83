//! Rows as a submission makes them.
#![allow(dead_code, unreachable_pub)]

use std::sync::Arc;

use causeway_model::ports::{JobStore, JobView};
use causeway_model::{
    ChecksumMode, CopyParams, Deletion, DeletionState, FileId, FileState, Job, JobId, JobState,
    JobType, Overwrite, Timestamp, Transfer,
};
use causeway_sdk::Url;

pub fn url(text: &str) -> Url {
    text.parse().unwrap()
}

pub fn job(store: &dyn JobStore, now: Timestamp, pairs: &[(&str, &str)]) -> JobView {
    let job_id = JobId::random();
    let ids = store.reserve_file_ids(pairs.len() as u64);
    let files = ids.zip(pairs).enumerate().map(|(index, (id, pair))| {
        let (source, destination) = pair;
        Arc::new(transfer(
            job_id,
            FileId(id),
            index as u32,
            source,
            destination,
        ))
    });
    JobView {
        files: files.collect(),
        job: Arc::new(job_row(job_id, now)),
        deletions: Vec::new(),
    }
}

pub fn deletion_job(store: &dyn JobStore, now: Timestamp, urls: &[&str]) -> JobView {
    let job_id = JobId::random();
    let ids = store.reserve_file_ids(urls.len() as u64);
    let rows = ids.zip(urls).map(|(id, text)| {
        let source_surl = url(text);
        Arc::new(Deletion {
            file_id: FileId(id),
            job_id,
            state: DeletionState::Delete,
            source_se: source_surl.storage().into(),
            source_surl,
            vo_name: "dteam".into(),
            hashed_id: 0,
            host: None,
            reason: None,
            start_time: None,
            finish_time: None,
            job_finished: None,
            tx_duration: None,
            retry: 0,
            retry_timestamp: None,
            file_metadata: None,
        })
    });
    JobView {
        deletions: rows.collect(),
        files: Vec::new(),
        job: Arc::new(Job {
            state: JobState::Delete,
            job_type: None,
            ..job_row(job_id, now)
        }),
    }
}

fn job_row(job_id: JobId, now: Timestamp) -> Job {
    Job {
        job_id,
        state: JobState::Submitted,
        job_type: Some(JobType::Normal),
        cancel_job: false,
        source_se: None,
        dest_se: None,
        user_dn: "/CN=tester".into(),
        cred_id: "0123456789abcdef".into(),
        vo_name: "dteam".into(),
        submit_host: "node1".into(),
        submit_time: now,
        job_finished: None,
        reason: None,
        priority: 3,
        retry: -1,
        retry_delay: 0,
        max_time_in_queue: None,
        space_token: String::new(),
        source_space_token: String::new(),
        copy_params: CopyParams::default(),
        overwrite: Overwrite::No,
        copy_pin_lifetime: -1,
        bring_online: -1,
        verify_checksum: ChecksumMode::NONE,
        job_metadata: None,
        archive_timeout: -1,
        target_qos: None,
        dst_file_report: false,
        os_project_id: None,
    }
}

fn transfer(
    job_id: JobId,
    file_id: FileId,
    file_index: u32,
    source: &str,
    destination: &str,
) -> Transfer {
    let (source_surl, dest_surl) = (url(source), url(destination));
    Transfer {
        file_id,
        file_index,
        job_id,
        state: FileState::Submitted,
        source_se: source_surl.storage().into(),
        dest_se: dest_surl.storage().into(),
        source_surl,
        dest_surl,
        vo_name: "dteam".into(),
        activity: "default".into(),
        priority: 3,
        hashed_id: 0,
        transfer_host: None,
        staging_host: None,
        reason: None,
        recoverable: None,
        filesize: None,
        user_filesize: 0,
        checksum: None,
        transferred: None,
        start_time: None,
        finish_time: None,
        internal_file_params: None,
        pid: None,
        tx_duration: None,
        throughput: None,
        retry: 0,
        retry_timestamp: None,
        file_metadata: None,
        selection_strategy: None,
        staging_start: None,
        staging_finished: None,
        bringonline_token: None,
        archive_start_time: None,
        archive_finish_time: None,
        log_file: None,
        log_debug: None,
        dest_surl_uuid: None,
        staging_metadata: None,
        archive_metadata: None,
        scitag: None,
        file_state_initial: None,
        commit_intent: None,
        destination_cleared: false,
        src_token_id: None,
        dst_token_id: None,
    }
}
