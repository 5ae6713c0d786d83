//! Transfers: their states, the legal transitions between them, their row.
//!
//! # Invariants
//! - A terminal state is never left: `transitions_never_leave_a_terminal_state`.
//! - What the table allows is what users of the field know, and no more: `every_transition`.

use std::sync::Arc;

use causeway_sdk::{Checksum, Url};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::job::wire_states;
use crate::oauth::TokenId;
use crate::{FileId, JobId, JsonText, Timestamp};

wire_states! {
    /// State of a transfer ("file").
    FileState {
        Submitted = "SUBMITTED",
        Ready = "READY",
        Active = "ACTIVE",
        Staging = "STAGING",
        Started = "STARTED",
        Archiving = "ARCHIVING",
        QosTransition = "QOS_TRANSITION",
        QosRequestSubmitted = "QOS_REQUEST_SUBMITTED",
        NotUsed = "NOT_USED",
        OnHold = "ON_HOLD",
        OnHoldStaging = "ON_HOLD_STAGING",
        ForceStart = "FORCE_START",
        TokenPrep = "TOKEN_PREP",
        Finished = "FINISHED",
        Failed = "FAILED",
        Canceled = "CANCELED",
    }
}

impl FileState {
    /// True when nothing will happen to the transfer any more.
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::Finished | Self::Failed | Self::Canceled)
    }

    /// True when a cancel of the job changes it. `NOT_USED` stays as it is.
    pub fn is_cancelable(self) -> bool {
        !self.is_terminal() && self != Self::NotUsed
    }

    /// The one table of legal transitions.
    pub fn can_become(self, next: Self) -> bool {
        use FileState as S;
        match self {
            S::Finished | S::Failed | S::Canceled => false,
            S::Submitted => matches!(
                next,
                S::Ready | S::OnHold | S::ForceStart | S::Failed | S::Canceled | S::Submitted
            ),
            S::ForceStart => matches!(next, S::Ready | S::Failed | S::Canceled),
            S::Ready => matches!(next, S::Active | S::Submitted | S::Failed | S::Canceled),
            S::Active => matches!(
                next,
                S::Active
                    | S::Finished
                    | S::Archiving
                    | S::Submitted
                    | S::Staging
                    | S::Failed
                    | S::Canceled
            ),
            S::Staging => matches!(
                next,
                S::Started | S::OnHoldStaging | S::Failed | S::Canceled
            ),
            S::Started => matches!(
                next,
                S::Submitted | S::Finished | S::Staging | S::Failed | S::Canceled
            ),
            S::Archiving => matches!(next, S::Finished | S::Failed | S::Canceled),
            S::NotUsed => matches!(next, S::Submitted | S::Staging | S::Failed | S::Canceled),
            S::OnHold => matches!(next, S::Submitted | S::Failed | S::Canceled),
            S::OnHoldStaging => matches!(next, S::Staging | S::Failed | S::Canceled),
            S::QosTransition => matches!(next, S::QosRequestSubmitted | S::Failed | S::Canceled),
            S::QosRequestSubmitted => matches!(next, S::Finished | S::Failed | S::Canceled),
            S::TokenPrep => matches!(next, S::Submitted | S::Staging | S::Failed | S::Canceled),
        }
    }
}

/// What an attempt announced before it made its destination visible. If the gateway dies right
/// after, the next start compares the destination with this instead of copying again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitIntent {
    /// Size of what was about to become visible, in bytes.
    pub size: u64,
    /// Its checksum, when one was computed.
    pub checksum: Option<Checksum>,
}

/// The row of a transfer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Transfer {
    /// Its number.
    pub file_id: FileId,
    /// Position of its entry in the submission; replicas share one.
    pub file_index: u32,
    /// Its job.
    pub job_id: JobId,
    /// Its state.
    pub state: FileState,
    /// From here.
    pub source_surl: Url,
    /// To there.
    pub dest_surl: Url,
    /// Storage of the source.
    pub source_se: Arc<str>,
    /// Storage of the destination.
    pub dest_se: Arc<str>,
    /// VO of the job.
    pub vo_name: Arc<str>,
    /// Activity, for shares.
    pub activity: Arc<str>,
    /// Priority of the job, or its own.
    pub priority: i32,
    /// Splits the work between nodes; 0 to 65535.
    pub hashed_id: u16,
    /// Node that ran it last.
    pub transfer_host: Option<Arc<str>>,
    /// Node that staged it.
    pub staging_host: Option<Arc<str>>,
    /// Why it is in its state.
    pub reason: Option<String>,
    /// Whether the last failure was worth a retry.
    pub recoverable: Option<bool>,
    /// Size in bytes, from the storage.
    pub filesize: Option<u64>,
    /// Size in bytes, from the user; 0 when not given.
    pub user_filesize: u64,
    /// Checksum text of the user, `ALG:value` or `ALG`.
    pub checksum: Option<String>,
    /// Bytes moved so far.
    pub transferred: Option<u64>,
    /// When the last attempt was picked.
    pub start_time: Option<Timestamp>,
    /// When it ended.
    pub finish_time: Option<Timestamp>,
    /// Parameters of the last attempt.
    pub internal_file_params: Option<String>,
    /// Process that runs it.
    pub pid: Option<u32>,
    /// Seconds the copy took.
    pub tx_duration: Option<f64>,
    /// MiB/s.
    pub throughput: Option<f64>,
    /// Attempts that failed and were retried.
    pub retry: u32,
    /// Not before this.
    pub retry_timestamp: Option<Timestamp>,
    /// The user's own data.
    pub file_metadata: Option<JsonText>,
    /// How a replica is chosen.
    pub selection_strategy: Option<String>,
    /// When bringing online began.
    pub staging_start: Option<Timestamp>,
    /// When it ended.
    pub staging_finished: Option<Timestamp>,
    /// Names the bring-online request at the storage.
    pub bringonline_token: Option<String>,
    /// When archiving began.
    pub archive_start_time: Option<Timestamp>,
    /// When it ended.
    pub archive_finish_time: Option<Timestamp>,
    /// Log of the last attempt.
    pub log_file: Option<String>,
    /// Its level of detail.
    pub log_debug: Option<i32>,
    /// Set while live, for VOs whose duplicate destinations are refused.
    pub dest_surl_uuid: Option<Uuid>,
    /// For the storage, with bringing online.
    pub staging_metadata: Option<JsonText>,
    /// For the storage, with archiving.
    pub archive_metadata: Option<JsonText>,
    /// Packet marking.
    pub scitag: Option<u32>,
    /// The state to take up when tokens are ready.
    pub file_state_initial: Option<FileState>,
    /// Announced just before the destination became visible.
    pub commit_intent: Option<CommitIntent>,
    /// The attempt found no destination, or removed it; what is there now is its own.
    pub destination_cleared: bool,
    /// The token with which the source is approached; without one it is the owner's proxy.
    pub src_token_id: Option<TokenId>,
    /// The same for the destination.
    pub dst_token_id: Option<TokenId>,
}

impl Transfer {
    /// True while something is to happen to it: it has not ended, or it was cancelled and its
    /// attempt has not.
    pub fn is_live(&self) -> bool {
        let dying = self.state == FileState::Canceled && self.pid.is_some();
        self.state.is_cancelable() || (dying && self.finish_time.is_none())
    }
}

/// One failed attempt that was retried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryLog {
    /// The transfer.
    pub file_id: FileId,
    /// Its job.
    pub job_id: JobId,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// When it failed.
    pub datetime: Timestamp,
    /// Why.
    pub reason: String,
    /// Where it ran.
    pub transfer_host: Option<Arc<str>>,
    /// Its log.
    pub log_file: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transitions_never_leave_a_terminal_state() {
        for from in FileState::ALL {
            for to in FileState::ALL {
                if from.is_terminal() {
                    assert!(!from.can_become(*to), "{from} to {to}");
                }
            }
        }
    }

    #[test]
    fn a_cancelled_transfer_lives_as_long_as_its_attempt() {
        let text = serde_json::json!({
            "file_id": 1, "file_index": 0, "job_id": JobId(Uuid::nil()), "state": "Canceled",
            "source_surl": "x://a/f", "dest_surl": "x://b/f", "source_se": "x://a",
            "dest_se": "x://b", "vo_name": "v", "activity": "default", "priority": 3,
            "hashed_id": 0, "user_filesize": 0, "retry": 0, "destination_cleared": false,
        });
        let mut row: Transfer = serde_json::from_value(text).unwrap();
        assert!(!row.is_live());
        row.pid = Some(7);
        assert!(row.is_live());
        row.finish_time = Some(Timestamp(1));
        assert!(!row.is_live());
    }

    #[test]
    fn every_live_state_can_be_canceled() {
        for from in FileState::ALL {
            assert_eq!(
                from.can_become(FileState::Canceled),
                !from.is_terminal(),
                "{from}"
            );
        }
    }

    /// One row for each reason to change a state: from, to.
    const TABLE: &[(&[FileState], &[FileState])] = {
        use FileState as S;
        &[
            // Picked by the scheduler.
            (&[S::Submitted, S::ForceStart], &[S::Ready]),
            // An operator wants it at once.
            (&[S::Submitted], &[S::ForceStart]),
            // Its worker has begun; it says so again after a restart.
            (&[S::Ready, S::Active], &[S::Active]),
            // Done, or done but for the tape copy.
            (&[S::Active], &[S::Finished, S::Archiving]),
            // Failed and tried again.
            (&[S::Active, S::Ready, S::Submitted], &[S::Submitted]),
            // Not online any more.
            (&[S::Active], &[S::Staging]),
            // Failed, could not be started, has no share, went down with its session or chain.
            (
                &[
                    S::Active,
                    S::Ready,
                    S::Submitted,
                    S::ForceStart,
                    S::NotUsed,
                    S::OnHold,
                    S::OnHoldStaging,
                ],
                &[S::Failed],
            ),
            // Brought online.
            (&[S::Staging], &[S::Started, S::Failed]),
            (
                &[S::Started],
                &[S::Submitted, S::Finished, S::Failed, S::Staging],
            ),
            // On tape.
            (&[S::Archiving], &[S::Finished, S::Failed]),
            // The hop before it finished; the replica before it failed.
            (&[S::NotUsed], &[S::Submitted, S::Staging]),
            // Storages banned and free again.
            (&[S::Submitted], &[S::OnHold]),
            (&[S::Staging], &[S::OnHoldStaging]),
            (&[S::OnHold], &[S::Submitted]),
            (&[S::OnHoldStaging], &[S::Staging]),
            // Quality of service.
            (&[S::QosTransition], &[S::QosRequestSubmitted, S::Failed]),
            (&[S::QosRequestSubmitted], &[S::Finished, S::Failed]),
            // Tokens exchanged, or not to be had.
            (&[S::TokenPrep], &[S::Submitted, S::Staging, S::Failed]),
        ]
    };

    #[test]
    fn every_transition() {
        for from in FileState::ALL {
            for to in FileState::ALL {
                let by_reason = TABLE
                    .iter()
                    .any(|(before, after)| before.contains(from) && after.contains(to));
                // Whatever has not ended can be cancelled.
                let canceled = *to == FileState::Canceled && !from.is_terminal();
                assert_eq!(
                    from.can_become(*to),
                    by_reason || canceled,
                    "{from} to {to}"
                );
            }
        }
    }

    #[test]
    fn late_reports_are_refused() {
        assert!(!FileState::Active.can_become(FileState::Ready));
        assert!(!FileState::Canceled.can_become(FileState::Finished));
        assert!(!FileState::Submitted.can_become(FileState::Finished));
    }
}
