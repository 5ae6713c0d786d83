//! Tape: bringing files online, and waiting for them to be archived.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Error, Url};

/// A request to bring files online, for many files at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StageRequest {
    /// The files.
    pub files: Vec<Url>,
    /// How long they shall stay on disk.
    pub pin: Duration,
    /// How long the recall may take.
    pub timeout: Duration,
    /// JSON text for the storage, one per file, empty for none.
    pub metadata: Vec<String>,
}

/// Where a file is on its way from or to tape.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StagingState {
    /// Still queued or moving.
    Pending,
    /// Online (after bring-online), or on tape (archive poll).
    Done,
    /// It will not come.
    Failed(Error),
}

/// State of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileState {
    /// The file.
    pub url: Url,
    /// Its state.
    pub state: StagingState,
}

/// Answer to a bring-online request.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// Names the request in later calls; survives restarts of the gateway.
    pub token: String,
    /// Files of which the storage already knows; the others are pending.
    pub files: Vec<FileState>,
}
