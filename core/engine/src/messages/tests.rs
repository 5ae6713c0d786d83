//! One message of each kind, and that all of them survive the wire.

use causeway_model::observe::StepTimes;
use causeway_model::transfer::CommitIntent;
use causeway_model::{ChecksumMode, CopyParams, Fault, FileId, JobId, Phase, Scope, Timestamp};
use causeway_sdk::{Algorithm, Checksum, Credential, LogLevel, Secret};

use super::*;
use crate::crew::Loss;
use crate::plan::{PeerCopies, Rung};

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
        destination_credential: Some(Credential::Bearer(Secret::new("token"))),
        bringonline_token: Some("t".into()),
        activity: "default".into(),
        dst_file_report: true,
        log: true,
        trace: Some("00-1-2-01".into()),
        session: Some(JobId::random()),
        only_clean_up: true,
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
            part: crate::crew::Part::Suspect,
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
