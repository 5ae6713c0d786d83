//! Which replica a transfer begins with.
//!
//! Queue lengths come from the store. The other strategies weigh a link's recent past, of which
//! there is none yet; a source of which nothing is known is taken at once, so they take the first.

use causeway_model::FileState;
use causeway_model::ports::{FileQuery, JobStore, StoreError};

use super::Submission;

/// How a replica is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The first one listed.
    Orderly,
    /// The one whose link has the shortest queue of this VO.
    Queue,
    /// The one whose link has the best recent past, in some respect.
    Past,
}

impl Strategy {
    /// Name of the strategy of a file that names none.
    pub const DEFAULT: &'static str = "auto";

    /// By its name on the wire.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "orderly" => Self::Orderly,
            "auto" | "queue" => Self::Queue,
            "success"
            | "throughput"
            | "file-throughput"
            | "pending-data"
            | "waiting-time"
            | "waiting-time-with-error"
            | "duration" => Self::Past,
            _ => return None,
        })
    }
}

/// Lets the chosen replica begin instead of the first one.
///
/// # Errors
/// Those of the store.
pub async fn choose(submission: &mut Submission, store: &dyn JobStore) -> Result<(), StoreError> {
    if submission.strategy != Some(Strategy::Queue) {
        return Ok(());
    }
    let mut best = (usize::MAX, 0);
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for (index, file) in submission.files.iter().enumerate().take(REPLICAS_MAX) {
        let link = (&*file.source_se, &*file.dest_se);
        if seen.contains(&link) {
            continue;
        }
        seen.push(link);
        let queued = store.list_files(&queued(file)).await?.len();
        if queued < best.0 {
            best = (queued, index);
        }
        if queued == 0 {
            break;
        }
    }
    enable(submission, best.1);
    Ok(())
}

/// Replicas of which the queue is looked at.
const REPLICAS_MAX: usize = 64;
/// Longer queues count as equally long.
const QUEUE_MAX: usize = 1000;

fn queued(file: &causeway_model::Transfer) -> FileQuery {
    FileQuery {
        vo_name: Some(file.vo_name.to_string()),
        states: Some(vec![FileState::Submitted]),
        source_se: Some(file.source_se.to_string()),
        dest_se: Some(file.dest_se.to_string()),
        unfinished_only: true,
        limit: QUEUE_MAX,
        ..FileQuery::default()
    }
}

fn enable(submission: &mut Submission, index: usize) {
    let files = &mut submission.files;
    if index == 0 || index >= files.len() {
        return;
    }
    let (head, tail) = files.split_at_mut(index);
    let (first, chosen) = (&mut head[0], &mut tail[0]);
    std::mem::swap(&mut first.state, &mut chosen.state);
    if first.dest_surl_uuid.take().is_some() {
        let id = causeway_model::ids::destination_id(chosen.dest_surl.as_str());
        chosen.dest_surl_uuid = Some(id);
    }
}
