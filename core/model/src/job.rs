//! Jobs: their states, their types, their row.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{ChecksumMode, CopyParams, JobId, JsonText, Overwrite, Timestamp};

macro_rules! wire_states {
    ($(#[$doc:meta])* $name:ident { $($variant:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $(#[doc = $text] $variant),* }

        impl $name {
            /// Every state.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Name on the wire.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                match text { $($text => Ok(Self::$variant),)* _ => Err(()) }
            }
        }
    };
}
pub(crate) use wire_states;

wire_states! {
    /// State of a job.
    JobState {
        Submitted = "SUBMITTED",
        Ready = "READY",
        Active = "ACTIVE",
        Staging = "STAGING",
        Archiving = "ARCHIVING",
        QosTransition = "QOS_TRANSITION",
        QosRequestSubmitted = "QOS_REQUEST_SUBMITTED",
        Delete = "DELETE",
        Finished = "FINISHED",
        Failed = "FAILED",
        Canceled = "CANCELED",
        FinishedDirty = "FINISHEDDIRTY",
    }
}

impl JobState {
    /// True when nothing will happen to the job any more.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Finished | Self::Failed | Self::Canceled | Self::FinishedDirty
        )
    }
}

/// How the transfers of a job belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum JobType {
    /// `N`: each on its own.
    Normal,
    /// `H`: hops, one after the other.
    Multihop,
    /// `Y`: over one session.
    Reuse,
    /// `R`: several replicas of one file, one of them is enough.
    MultiReplica,
}

impl JobType {
    /// Letter on the wire.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Normal => "N",
            Self::Multihop => "H",
            Self::Reuse => "Y",
            Self::MultiReplica => "R",
        }
    }

    /// True when a failed transfer may be tried again.
    pub fn retries(self) -> bool {
        matches!(self, Self::Normal | Self::Reuse)
    }
}

impl fmt::Display for JobType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.letter())
    }
}

impl FromStr for JobType {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "N" => Ok(Self::Normal),
            "H" => Ok(Self::Multihop),
            "Y" => Ok(Self::Reuse),
            "R" => Ok(Self::MultiReplica),
            _ => Err(()),
        }
    }
}

/// The row of a job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub job_id: JobId,
    /// Its state.
    pub state: JobState,
    /// `None` for a deletion job.
    pub job_type: Option<JobType>,
    /// The user asked for its end.
    pub cancel_job: bool,
    /// Common source storage of all transfers.
    pub source_se: Option<Arc<str>>,
    /// Common destination storage of all transfers.
    pub dest_se: Option<Arc<str>>,
    /// Who submitted it.
    pub user_dn: Arc<str>,
    /// Delegation id of the submitter.
    pub cred_id: Arc<str>,
    /// First VO of the submitter.
    pub vo_name: Arc<str>,
    /// Node that took it.
    pub submit_host: Arc<str>,
    /// When it was taken.
    pub submit_time: Timestamp,
    /// When it ended.
    pub job_finished: Option<Timestamp>,
    /// Why it ended as it did.
    pub reason: Option<String>,
    /// 1 to 5, 5 first.
    pub priority: i32,
    /// Attempts after the first; 0 means the server's default, negative means none.
    pub retry: i32,
    /// Seconds between attempts; 0 means the server's default.
    pub retry_delay: i32,
    /// Epoch second at which it leaves the queue.
    pub max_time_in_queue: Option<i64>,
    /// Space token at the destination.
    pub space_token: String,
    /// Space token at the source.
    pub source_space_token: String,
    /// How to copy.
    pub copy_params: CopyParams,
    /// What to do when the destination exists.
    pub overwrite: Overwrite,
    /// Seconds of pin after bringing online; positive asks for staging.
    pub copy_pin_lifetime: i64,
    /// Seconds that bringing online may take; positive asks for staging.
    pub bring_online: i64,
    /// What to verify.
    pub verify_checksum: ChecksumMode,
    /// The user's own data.
    pub job_metadata: Option<JsonText>,
    /// Seconds to wait for the tape copy; more than -1 asks for it.
    pub archive_timeout: i64,
    /// Quality of service asked for.
    pub target_qos: Option<String>,
    /// Report the destination when it exists.
    pub dst_file_report: bool,
    /// Cloud project.
    pub os_project_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for state in JobState::ALL {
            assert_eq!(state.name().parse(), Ok(*state));
        }
        assert_eq!(JobState::Canceled.name(), "CANCELED");
        assert!("FINISHED_DIRTY".parse::<JobState>().is_err());
    }
}
