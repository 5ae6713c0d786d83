//! What engine and worker say to each other.
//!
//! They share no memory, so that a worker can be a process of its own: whatever a worker needs is
//! in the order, whatever the engine learns is in a report.
//!
//! # Invariants
//! - Every message survives serialisation: `every_message_survives_the_wire`.

use std::path::PathBuf;

use causeway_model::observe::StepTimes;
use causeway_model::transfer::CommitIntent;
use causeway_model::{ChecksumMode, CopyParams, Fault, FileId, JobId, Timestamp};
use causeway_sdk::{Checksum, Credential, LogLevel, Url};
use serde::{Deserialize, Serialize};

use crate::crew::Loss;
use crate::plan::{PeerCopies, Rung};

/// Names one attempt, or one deletion, within the life of an engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct AttemptId(pub u64);

/// From the engine to a worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Order {
    /// Try a transfer.
    Start(Box<AttemptSpec>),
    /// Delete a file.
    Delete(Box<DeletionSpec>),
    /// Give an attempt up and clean up behind it.
    Cancel(AttemptId),
    /// Give an attempt up for now: the next start of the engine takes it up.
    Leave(AttemptId),
    /// What the attempt announced is journalled: it may go on.
    CommitGranted(AttemptId),
}

/// What happens when something stands at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Replace {
    /// The attempt fails.
    Never,
    /// It is removed.
    Always,
    /// It is removed if it is on disk and not on tape.
    OnlyOnDisk,
}

/// Limits of an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptLimits {
    /// Time the copy may take; 0 means by size.
    pub timeout_seconds: u64,
    /// By size: seconds for each MiB.
    pub sec_per_mb: u64,
    /// Time without progress; 0 for no limit.
    pub stall_timeout_seconds: u64,
    /// Time one metadata call may take; 0 for no limit.
    pub operation_timeout_seconds: u64,
    /// Time computing a checksum at a storage may take; 0 for no limit.
    pub checksum_timeout_seconds: u64,
    /// Time for cleaning up.
    pub cleanup_timeout_seconds: u64,
    /// Time between progress reports.
    pub ping_interval_seconds: u64,
    /// Parallel streams.
    pub streams: u32,
    /// TCP buffer in bytes; 0 means the system's.
    pub buffer_bytes: u64,
    /// Chunk of a streamed copy.
    pub chunk_bytes: u32,
    /// Range of a parallel stream.
    pub range_bytes: u64,
    /// Which third-party copies may be tried.
    pub peer_copies: PeerCopies,
    /// Bytes may go through the gateway.
    pub streaming_allowed: bool,
}

/// How a stream that is broken off may be gone on with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resume {
    /// Directory of the ledgers, on the worker's machine.
    pub dir: PathBuf,
    /// Smaller files begin anew.
    pub min_bytes: u64,
    /// Another attempt may follow this one.
    pub more_to_come: bool,
}

/// Everything a worker needs for one attempt.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AttemptSpec {
    /// Names it in reports.
    pub attempt: AttemptId,
    /// The transfer.
    pub file_id: FileId,
    /// Its job.
    pub job_id: JobId,
    /// Attempts before this one.
    pub retry: u32,
    /// From here.
    pub source: Url,
    /// To there.
    pub destination: Url,
    /// Size the user named; 0 for none.
    pub user_filesize: u64,
    /// What to verify.
    pub checksum_mode: ChecksumMode,
    /// Checksum text of the user.
    pub checksum: Option<String>,
    /// When something is at the destination.
    pub replace: Replace,
    /// What is at the destination was left there by an earlier run of this very attempt.
    pub leftover_is_ours: bool,
    /// What an earlier run of this very attempt was about to make visible.
    pub commit_intent: Option<CommitIntent>,
    /// How it may be gone on with; `None` when it may not.
    pub resume: Option<Resume>,
    /// How to copy, as the user asked.
    pub params: CopyParams,
    /// Limits.
    pub limits: AttemptLimits,
    /// Ways that did not work on this link lately: they are tried last.
    pub avoid: Vec<Rung>,
    /// Space token at the source, empty for none.
    pub source_space_token: String,
    /// Space token at the destination, empty for none.
    pub space_token: String,
    /// With what the storages are approached.
    pub credential: Credential,
    /// Request whose pin on the source is given back afterwards.
    pub bringonline_token: Option<String>,
    /// Activity of the transfer.
    pub activity: String,
    /// Describe the destination when it exists and may not be replaced.
    pub dst_file_report: bool,
    /// Send log lines.
    pub log: bool,
    /// The trace it belongs to, as a W3C `traceparent`.
    pub trace: Option<String>,
}

/// Everything a worker needs for one deletion.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DeletionSpec {
    /// Names it in reports.
    pub attempt: AttemptId,
    /// The deletion.
    pub file_id: FileId,
    /// Its job.
    pub job_id: JobId,
    /// What shall go.
    pub url: Url,
    /// With what the storage is approached.
    pub credential: Credential,
    /// Time it may take.
    pub timeout_seconds: u64,
}

/// From a worker to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Which attempt.
    pub attempt: AttemptId,
    /// What happened.
    pub event: AttemptEvent,
}

/// What happened in an attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum AttemptEvent {
    /// It runs.
    Started {
        /// Process that runs it.
        pid: u32,
    },
    /// What was decided once the source was known.
    Parameters {
        /// `nostreams:<n>,timeout:<t>,buffersize:<b>`
        params: String,
        /// Size of the source, in bytes.
        size: Option<u64>,
    },
    /// Nothing is at the destination any more. The attempt waits for [`Order::CommitGranted`].
    Cleared,
    /// It still runs.
    Alive,
    /// Bytes move.
    Progress {
        /// Bytes so far.
        bytes: u64,
        /// MiB/s since the start of the copy.
        throughput: f64,
    },
    /// Lines for the log of the transfer.
    Log(Vec<LogLine>),
    /// About to make this visible. The attempt waits for [`Order::CommitGranted`].
    Committing(CommitIntent),
    /// It worked. The last report.
    Finished(AttemptResult),
    /// It did not. The last report.
    Failed(Box<AttemptFailure>),
    /// Its worker is no more. The last report, made by whoever saw the worker end.
    Lost(Loss),
}

/// A line of the log of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// When.
    pub time: Timestamp,
    /// How grave.
    pub level: LogLevel,
    /// Text without secrets.
    pub text: String,
}

/// What a successful attempt has to say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AttemptResult {
    /// Size of the file, in bytes.
    pub size: Option<u64>,
    /// Seconds the copy took.
    pub duration_seconds: f64,
    /// How the bytes moved; `None` when an earlier run had moved them.
    pub rung: Option<Rung>,
    /// Ways that turned out not to work before that.
    pub refused: Vec<Rung>,
    /// Checksum of the file, when one was computed.
    pub checksum: Option<Checksum>,
    /// How long each step took.
    pub steps: StepTimes,
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AttemptFailure {
    /// The fault.
    pub fault: Fault,
    /// Seconds the copy took until then; 0 when it never began.
    pub duration_seconds: f64,
    /// What stands at the destination, when that was asked for and is why it failed.
    pub dst_file: Option<DstFile>,
    /// Ways that turned out not to work.
    pub refused: Vec<Rung>,
    /// How long each step took.
    pub steps: StepTimes,
}

impl From<Fault> for AttemptFailure {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            duration_seconds: 0.0,
            dst_file: None,
            refused: Vec::new(),
            steps: StepTimes::default(),
        }
    }
}

/// What stands at a destination that may not be replaced.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DstFile {
    /// Size in bytes.
    pub file_size: Option<u64>,
    /// Algorithm of the checksum, in upper case.
    pub checksum_type: Option<String>,
    /// Its value.
    pub checksum_value: Option<String>,
    /// It is on tape.
    pub file_on_tape: Option<bool>,
    /// It is on disk.
    pub file_on_disk: Option<bool>,
}

#[cfg(test)]
pub(crate) use tests::{events, orders};

#[cfg(test)]
mod tests {
    use causeway_model::{Phase, Scope};
    use causeway_sdk::{Algorithm, Secret};

    use super::*;

    fn spec() -> AttemptSpec {
        AttemptSpec {
            attempt: AttemptId(7),
            file_id: FileId(3),
            job_id: JobId::random(),
            retry: 2,
            source: "mock://a/b?size=1".parse().unwrap(),
            destination: "mock://c/d".parse().unwrap(),
            user_filesize: 10,
            checksum_mode: ChecksumMode::BOTH,
            checksum: Some("ADLER32:1".into()),
            replace: Replace::OnlyOnDisk,
            leftover_is_ours: true,
            commit_intent: Some(intent()),
            resume: Some(Resume {
                dir: "/state/resume".into(),
                min_bytes: 12,
                more_to_come: true,
            }),
            params: CopyParams::default(),
            limits: AttemptLimits {
                timeout_seconds: 1,
                sec_per_mb: 2,
                stall_timeout_seconds: 3,
                operation_timeout_seconds: 10,
                checksum_timeout_seconds: 11,
                cleanup_timeout_seconds: 4,
                ping_interval_seconds: 5,
                streams: 6,
                buffer_bytes: 7,
                chunk_bytes: 8,
                range_bytes: 9,
                peer_copies: PeerCopies::Pull,
                streaming_allowed: true,
            },
            avoid: vec![Rung::Pull],
            source_space_token: "s".into(),
            space_token: "d".into(),
            credential: Credential::X509(Secret::new("pem")),
            bringonline_token: Some("t".into()),
            activity: "default".into(),
            dst_file_report: true,
            log: true,
            trace: Some("00-1-2-01".into()),
        }
    }

    fn intent() -> CommitIntent {
        CommitIntent {
            size: 5,
            checksum: Some(Checksum::new(Algorithm::Md5, "ab")),
        }
    }

    /// One order of each kind.
    pub(crate) fn orders() -> Vec<Order> {
        let spec = spec();
        vec![
            Order::Delete(Box::new(DeletionSpec {
                attempt: spec.attempt,
                file_id: spec.file_id,
                job_id: spec.job_id,
                url: spec.source.clone(),
                credential: Credential::None,
                timeout_seconds: 9,
            })),
            Order::Start(Box::new(spec)),
            Order::Cancel(AttemptId(1)),
            Order::Leave(AttemptId(1)),
            Order::CommitGranted(AttemptId(2)),
        ]
    }

    /// One event of each kind.
    pub(crate) fn events() -> Vec<AttemptEvent> {
        let fault = Fault::new(Scope::Source, Phase::Preparation, 2, "gone");
        vec![
            AttemptEvent::Started { pid: 1 },
            AttemptEvent::Parameters {
                params: "nostreams:1".into(),
                size: Some(2),
            },
            AttemptEvent::Cleared,
            AttemptEvent::Progress {
                bytes: 3,
                throughput: 0.5,
            },
            AttemptEvent::Alive,
            AttemptEvent::Log(vec![LogLine {
                time: Timestamp(1),
                level: LogLevel::Warn,
                text: "x".into(),
            }]),
            AttemptEvent::Committing(intent()),
            AttemptEvent::Finished(AttemptResult {
                size: Some(1),
                duration_seconds: 2.5,
                rung: Some(Rung::Stream),
                refused: vec![Rung::Push],
                checksum: intent().checksum,
                steps: StepTimes([1, 2, 3, 4, 5, 6]),
            }),
            AttemptEvent::Failed(Box::new(AttemptFailure {
                dst_file: Some(DstFile::default()),
                ..fault.into()
            })),
            AttemptEvent::Lost(Loss {
                how: "signal 11 (SIGSEGV)".into(),
                innocent: true,
            }),
        ]
    }

    #[test]
    fn every_message_survives_the_wire() {
        for order in orders() {
            let text = serde_json::to_string(&order).unwrap();
            let back: Order = serde_json::from_str(&text).unwrap();
            assert_eq!(text, serde_json::to_string(&back).unwrap());
        }
        for event in events() {
            let report = Report {
                attempt: AttemptId(4),
                event,
            };
            let text = serde_json::to_string(&report).unwrap();
            assert_eq!(report, serde_json::from_str::<Report>(&text).unwrap());
        }
    }
}
