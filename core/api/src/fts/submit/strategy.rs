//! Which replica a transfer begins with: what is known of each link, asked of the stores, and the
//! replica that `ranking` puts first.

use std::collections::HashMap;

use causeway_model::ports::{EvolutionQuery, FileQuery, JobStore, SettingsStore, StoreError};
use causeway_model::{FileState, Timestamp, Transfer};

use super::Submission;
use super::ranking::{Link, best};

/// How a replica is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strategy {
    /// The first one listed.
    Orderly,
    /// The one whose link has the shortest queue of this VO.
    Queue,
    /// The one whose link had the fewest failures.
    Success,
    /// The one whose link moved most.
    Throughput,
    /// The one whose link moved most for a single file.
    FileThroughput,
    /// The one whose link has least waiting, against what it moves.
    PendingData,
    /// The one that is likely to start first.
    WaitingTime,
    /// The same, with what failures cost.
    WaitingTimeWithError,
    /// The one that is likely to end first.
    Duration,
}

impl Strategy {
    /// Name of the strategy of a file that names none.
    pub const DEFAULT: &'static str = "auto";

    /// By its name on the wire.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "orderly" => Self::Orderly,
            "auto" | "queue" => Self::Queue,
            "success" => Self::Success,
            "throughput" => Self::Throughput,
            "file-throughput" => Self::FileThroughput,
            "pending-data" => Self::PendingData,
            "waiting-time" => Self::WaitingTime,
            "waiting-time-with-error" => Self::WaitingTimeWithError,
            "duration" => Self::Duration,
            _ => return None,
        })
    }

    fn needs_queue(self) -> bool {
        matches!(
            self,
            Self::Queue
                | Self::PendingData
                | Self::WaitingTime
                | Self::WaitingTimeWithError
                | Self::Duration
        )
    }

    fn needs_history(self) -> bool {
        !matches!(self, Self::Orderly | Self::Queue)
    }
}

/// The replicas of a job, and how one of them is chosen.
#[derive(Clone, Debug)]
pub struct Replicas {
    /// How.
    pub strategy: Strategy,
    /// The state in which each would begin.
    pub begin: Vec<FileState>,
}

/// Where the past of links stands, and what time it is.
#[derive(Clone, Copy)]
pub struct Sources<'a> {
    /// What is queued.
    pub jobs: &'a dyn JobStore,
    /// What the optimizer found, if there is one.
    pub past: Option<&'a dyn SettingsStore>,
    /// Now.
    pub now: Timestamp,
}

/// Replicas of which the link is looked at.
const REPLICAS_MAX: usize = 64;
/// Longer queues count as equally long.
const QUEUE_MAX: usize = 1000;
/// How far back the past of a link counts, in milliseconds.
const PAST_MILLIS: i64 = 3_600_000;
/// More decisions than are made in that time.
const DECISIONS_MAX: usize = 200;

/// Lets the chosen replica begin instead of the first one.
///
/// # Errors
/// Those of the stores.
pub async fn choose(submission: &mut Submission, sources: Sources<'_>) -> Result<(), StoreError> {
    let Some(replicas) = submission.replicas.take() else {
        return Ok(());
    };
    let strategy = replicas.strategy;
    if strategy == Strategy::Orderly {
        return Ok(());
    }
    let mut links: Vec<Link> = Vec::new();
    let mut known: HashMap<(&str, &str), Link> = HashMap::new();
    for file in submission.files.iter().take(REPLICAS_MAX) {
        let ends = (&*file.source_se, &*file.dest_se);
        let link = match known.get(&ends) {
            Some(link) => *link,
            None => look(file, strategy, sources).await?,
        };
        known.insert(ends, link);
        links.push(link);
    }
    let size = submission.files.first().map_or(0, |it| it.user_filesize);
    enable(submission, best(strategy, &links, size), &replicas.begin);
    Ok(())
}

/// What is known of the link of a transfer; what the strategy does not ask for stays unknown.
async fn look(
    file: &Transfer,
    strategy: Strategy,
    sources: Sources<'_>,
) -> Result<Link, StoreError> {
    let mut link = Link::default();
    if strategy.needs_queue() {
        let queued = sources.jobs.list_files(&queued(file)).await?;
        link.queued = queued.len();
        link.pending_bytes = queued.iter().map(|it| it.user_filesize as f64).sum();
    }
    if let Some(past) = sources.past.filter(|_| strategy.needs_history()) {
        let decisions = past.evolution(&decided_on(file)).await?;
        let since = Timestamp(sources.now.0 - PAST_MILLIS);
        link.remember(decisions.iter().filter(|it| it.datetime >= since));
    }
    Ok(link)
}

fn queued(file: &Transfer) -> FileQuery {
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

fn decided_on(file: &Transfer) -> EvolutionQuery {
    EvolutionQuery {
        source_se: Some(file.source_se.to_string()),
        dest_se: Some(file.dest_se.to_string()),
        limit: DECISIONS_MAX,
    }
}

fn enable(submission: &mut Submission, index: usize, begin: &[FileState]) {
    let files = &mut submission.files;
    if index == 0 || index >= files.len() {
        return;
    }
    let (head, tail) = files.split_at_mut(index);
    let (first, chosen) = (&mut head[0], &mut tail[0]);
    first.state = FileState::NotUsed;
    chosen.state = begin[index];
    if first.dest_surl_uuid.take().is_some() {
        let id = causeway_model::ids::destination_id(chosen.dest_surl.as_str());
        chosen.dest_surl_uuid = Some(id);
    }
}
