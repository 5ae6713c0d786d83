//! What a worker is told: everything that it needs, and that nobody will tell it later.

use std::path::PathBuf;

use causeway_model::transfer::CommitIntent;
use causeway_model::{ChecksumMode, CopyParams, FileId, JobId};
use causeway_sdk::{Credential, Url};
use serde::{Deserialize, Serialize};

use super::AttemptId;
use crate::plan::{PeerCopies, Rung};

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
    /// With what the destination is approached, if with something else.
    pub destination_credential: Option<Credential>,
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
    /// Job whose files share connections, which storages keep for each process: they go to the
    /// worker that had the one before.
    pub session: Option<JobId>,
    /// The transfer has ended: nothing is copied, what was left to be gone on with is removed.
    pub only_clean_up: bool,
}

impl AttemptSpec {
    /// With what the destination is approached.
    pub(crate) fn for_destination(&self) -> &Credential {
        let own = self.destination_credential.as_ref();
        own.unwrap_or(&self.credential)
    }
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
