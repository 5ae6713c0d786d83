//! Rows for tests: plain jobs with plain transfers.
#![allow(dead_code, unreachable_pub)]

use std::sync::Arc;

use causeway_model::ports::{JobView, Transaction};
use causeway_model::{
    ChecksumMode, CopyParams, Deletion, DeletionState, FileId, FileState, Job, JobId, JobState,
    JobType, JsonText, Overwrite, RetryLog, Timestamp, Transfer,
};

pub fn job(id: JobId, submitted: i64) -> Job {
    Job {
        job_id: id,
        state: JobState::Submitted,
        job_type: Some(JobType::Normal),
        cancel_job: false,
        source_se: Some("mock://source.example.org".into()),
        dest_se: Some("mock://dest.example.org".into()),
        user_dn: "/DC=org/DC=example/CN=A User".into(),
        cred_id: "0123456789abcdef".into(),
        vo_name: "atlas".into(),
        submit_host: "gateway.example.org".into(),
        submit_time: Timestamp(submitted),
        job_finished: None,
        reason: None,
        priority: 3,
        retry: 0,
        retry_delay: 0,
        max_time_in_queue: None,
        space_token: String::new(),
        source_space_token: String::new(),
        copy_params: CopyParams::default(),
        overwrite: Overwrite::No,
        copy_pin_lifetime: -1,
        bring_online: -1,
        verify_checksum: ChecksumMode::BOTH,
        job_metadata: Some(JsonText(r#"{"issuer":"rucio"}"#.into())),
        archive_timeout: -1,
        target_qos: None,
        dst_file_report: false,
        os_project_id: None,
    }
}

pub fn file(job: &Job, id: u64, index: u32) -> Transfer {
    let url = |side: &str| format!("mock://{side}.example.org/atlas/rucio/data/{id:012}?size=1");
    Transfer {
        file_id: FileId(id),
        file_index: index,
        job_id: job.job_id,
        state: FileState::Submitted,
        source_surl: url("source").parse().unwrap(),
        dest_surl: url("dest").parse().unwrap(),
        source_se: "mock://source.example.org".into(),
        dest_se: "mock://dest.example.org".into(),
        vo_name: job.vo_name.clone(),
        activity: "default".into(),
        priority: job.priority,
        hashed_id: (id % 65536) as u16,
        transfer_host: None,
        staging_host: None,
        reason: None,
        recoverable: None,
        filesize: None,
        user_filesize: 1,
        checksum: Some("ADLER32:00620062".into()),
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

pub fn view(id: JobId, submitted: i64, files: std::ops::Range<u64>) -> JobView {
    let job = job(id, submitted);
    let rows = files
        .clone()
        .map(|it| file(&job, it, (it - files.start) as u32));
    JobView {
        files: rows.map(Arc::new).collect(),
        deletions: Vec::new(),
        job: Arc::new(job),
    }
}

/// The job and all its transfers in an end state.
pub fn finished(view: &JobView, at: i64) -> Transaction {
    let mut job = Job::clone(&view.job);
    job.state = JobState::Finished;
    job.job_finished = Some(Timestamp(at));
    let files = view.files.iter().map(|it| {
        let mut file = Transfer::clone(it);
        file.state = FileState::Finished;
        file.finish_time = Some(Timestamp(at));
        file.dest_surl_uuid = None;
        Arc::new(file)
    });
    Transaction {
        jobs: vec![Arc::new(job)],
        files: files.collect(),
        ..Transaction::default()
    }
}

/// The transfers in a state, the job as it is.
pub fn moved(view: &JobView, state: FileState) -> Transaction {
    let files = view.files.iter().map(|it| {
        let mut file = Transfer::clone(it);
        file.state = state;
        Arc::new(file)
    });
    Transaction {
        files: files.collect(),
        ..Transaction::default()
    }
}

pub fn retry(view: &JobView, attempt: u32) -> RetryLog {
    RetryLog {
        file_id: view.files[0].file_id,
        job_id: view.job.job_id,
        attempt,
        datetime: Timestamp(attempt.into()),
        reason: format!("TRANSFER [5] attempt {attempt} failed"),
        transfer_host: None,
        log_file: None,
    }
}

pub fn deletion(job: &Job, id: u64) -> Deletion {
    Deletion {
        file_id: FileId(id),
        job_id: job.job_id,
        state: DeletionState::Delete,
        source_surl: "mock://a/file".parse().unwrap(),
        source_se: "mock://a".into(),
        vo_name: job.vo_name.clone(),
        hashed_id: 1,
        host: None,
        reason: None,
        start_time: None,
        finish_time: None,
        job_finished: None,
        tx_duration: None,
        retry: 0,
        retry_timestamp: None,
        file_metadata: None,
    }
}
