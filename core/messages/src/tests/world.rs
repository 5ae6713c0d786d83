//! A store with a few jobs, and what can happen to them, for the tests of this crate.

use std::sync::Arc;

use causeway_model::events::{AttemptEnded, Event, FileMoved, JobMoved};
use causeway_model::feed::EventFeed;
use causeway_model::observe::StepTimes;
use causeway_model::ports::{JobStore, JobView, Transaction};
use causeway_model::{
    FileId, FileState, Job, JobId, JobState, JobType, JsonText, Rung, Timestamp, Transfer,
};
use causeway_store::{EmbeddedStore, StoreOptions};
use serde_json::json;

use crate::{Narrator, Voice};

pub(crate) struct World {
    pub(crate) store: Arc<EmbeddedStore>,
    _dir: tempfile::TempDir,
}

impl World {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = EmbeddedStore::open(dir.path(), StoreOptions::default()).unwrap();
        Self {
            store: Arc::new(store),
            _dir: dir,
        }
    }

    pub(crate) fn feed(&self) -> Arc<dyn EventFeed> {
        self.store.clone()
    }

    pub(crate) fn narrator(&self) -> Narrator {
        Narrator::new(voice(), self.store.clone())
    }

    /// A job with one transfer.
    pub(crate) async fn submit(&self, number: u64) -> JobView {
        let view = view(number);
        self.store.insert(view.clone()).await.unwrap();
        view
    }

    /// The transfer comes into states, each in a transaction of its own.
    pub(crate) async fn moves(&self, view: &JobView, states: &[FileState]) {
        for state in states {
            let file = Transfer {
                state: *state,
                ..Transfer::clone(&view.files[0])
            };
            let event = Event::File(FileMoved {
                job_id: file.job_id,
                file_id: file.file_id,
                from: FileState::Submitted,
                to: *state,
                job_state: JobState::Active,
                retry: 0,
                at: now(),
            });
            let transaction = Transaction {
                files: vec![Arc::new(file)],
                events: vec![event],
                ..Transaction::default()
            };
            self.store.apply(transaction).await.unwrap();
        }
    }

    /// The job comes into a state.
    pub(crate) async fn moves_job(&self, view: &JobView, state: JobState) {
        let job = Job {
            state,
            ..Job::clone(&view.job)
        };
        let event = Event::Job(JobMoved {
            job_id: job.job_id,
            state,
            at: now(),
        });
        let transaction = Transaction {
            jobs: vec![Arc::new(job)],
            events: vec![event],
            ..Transaction::default()
        };
        self.store.apply(transaction).await.unwrap();
    }
}

pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    Timestamp(since.unwrap().as_millis().try_into().unwrap())
}

pub(crate) fn voice() -> Voice {
    Voice::new("https://gateway.example:8446", |vo| vo == "open")
}

pub(crate) fn job(number: u64) -> Job {
    let text = json!({
        "job_id": JobId(uuid::Uuid::from_u128(number.into())), "state": "Submitted",
        "job_type": "Normal", "cancel_job": false, "source_se": "mock://a", "dest_se": "mock://b",
        "user_dn": "/CN=somebody", "cred_id": "c", "vo_name": "atlas", "submit_host": "h",
        "submit_time": now(), "priority": 3, "retry": 2, "retry_delay": 0,
        "space_token": "DST", "source_space_token": "SRC",
        "copy_params": causeway_model::CopyParams::default(), "overwrite": "No",
        "copy_pin_lifetime": -1, "bring_online": -1,
        "verify_checksum": causeway_model::ChecksumMode::BOTH,
        "job_metadata": r#"{"issuer":"rucio","auth_method":"oauth2"}"#,
        "archive_timeout": -1, "dst_file_report": false,
    });
    serde_json::from_value(text).unwrap()
}

pub(crate) fn file(job: &Job, number: u64) -> Transfer {
    let text = json!({
        "file_id": number, "file_index": 0, "job_id": job.job_id, "state": "Submitted",
        "source_surl": "mock://a.example/f", "dest_surl": "mock://b.example:99/g",
        "source_se": "mock://a.example", "dest_se": "mock://b.example:99", "vo_name": "atlas",
        "activity": "Production", "priority": 3, "hashed_id": 0, "user_filesize": 7, "retry": 0,
        "destination_cleared": false, "file_metadata": r#"{"request_id":"r-1"}"#, "scitag": 77,
    });
    serde_json::from_value(text).unwrap()
}

pub(crate) fn view(number: u64) -> JobView {
    let job = job(number);
    JobView {
        files: vec![Arc::new(file(&job, number))],
        deletions: Vec::new(),
        job: Arc::new(job),
    }
}

/// A streamed attempt of a second that worked.
pub(crate) fn ended(view: &JobView) -> AttemptEnded {
    let file = &view.files[0];
    AttemptEnded {
        job_id: file.job_id,
        file_id: file.file_id,
        job_state: JobState::Active,
        retry: 1,
        started: Some(Timestamp(1_795_317_300_000)),
        at: Timestamp(1_795_317_302_000),
        fault: None,
        canceled: false,
        last_hop: true,
        rung: Some(Rung::Stream),
        copy_seconds: 1.0,
        steps: StepTimes([100_000, 200_000, 1_000_000, 5000, 300_000, 0]),
        params: Some("nostreams:4,timeout:3600,buffersize:65536".into()),
        size: Some(1000),
        transferred: Some(1000),
    }
}

pub(crate) fn typed(view: &JobView, job_type: JobType) -> Job {
    Job {
        job_type: Some(job_type),
        ..Job::clone(&view.job)
    }
}

pub(crate) fn with_metadata(view: &JobView, text: &str) -> Transfer {
    Transfer {
        file_metadata: Some(JsonText(text.to_owned())),
        file_id: FileId(5),
        ..Transfer::clone(&view.files[0])
    }
}
