//! Third-party copy: bytes go from one storage to the other and not through us.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Checksum, Credential, Url};

/// Which side does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The destination's storage fetches; the call goes to the destination's plugin.
    Pull,
    /// The source's storage sends; the call goes to the source's plugin.
    Push,
}

/// A third-party copy. The credential of the side that is called is in the [`Ctx`](crate::Ctx).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CopyRequest {
    /// Who works.
    pub direction: Direction,
    /// From here.
    pub source: Url,
    /// To there.
    pub destination: Url,
    /// What the passive side accepts.
    pub peer_credential: Credential,
    /// Replace what is there.
    pub overwrite: bool,
    /// Parallel streams; 0 leaves it to the storages.
    pub streams: u32,
    /// Size of the source in bytes, when known.
    pub size: Option<u64>,
    /// Checksum the copy must have, when known.
    pub expect: Option<Checksum>,
}

/// What a third-party copy reported at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// Bytes at the destination, when the storage told.
    pub bytes: Option<u64>,
    /// Checksum, when the storage told.
    pub checksum: Option<Checksum>,
}

/// State of a running copy, from one performance marker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Bytes moved so far, over all stripes.
    pub bytes: u64,
}

/// Where a plugin reports progress. Each report counts as a sign of life: a copy that reports
/// nothing for long is taken for stalled and given up.
#[derive(Clone)]
pub struct ProgressSink(Arc<dyn Fn(Progress) + Send + Sync>);

impl ProgressSink {
    /// A sink that calls `report`.
    pub fn new(report: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Arc::new(report))
    }

    /// A sink nobody reads.
    pub fn ignore() -> Self {
        Self::new(|_| {})
    }

    /// Reports progress; cheap, never blocks.
    pub fn report(&self, progress: Progress) {
        (self.0)(progress);
    }
}

impl std::fmt::Debug for ProgressSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ProgressSink")
    }
}
