//! Why a transfer waits, as only the dispatcher can say it: from the state and place of its row,
//! and from the scheduler when it is queued.
//!
//! How it looks for a transfer that is only planned is found by queueing it for a moment: the
//! scheduler then gives the very reasons that the transfer would get. Nothing starts meanwhile, and
//! what came into being for it goes away with it.
//!
//! # Invariants
//! - Nobody notices a question: `a_plan_leaves_no_trace` in `tests/explain.rs`.

use std::sync::Arc;

use causeway_model::explain::{Explanation, Sibling, Wait};
use causeway_model::insight::{AvoidedWay, TrippedBreaker};
use causeway_model::{
    Conditions, FileId, FileState, Job, JobId, JobType, Rung, Timestamp, Transfer,
};

use crate::board::{FileEntry, Place};
use crate::breaker::Stand;
use crate::dispatcher::Dispatcher;
use crate::insight::bans;
use crate::messages::AttemptLimits;
use crate::order;
use crate::scheduler::{Lane, Request, Shares};

/// Replicas of one file that are looked through for the one that is tried.
const REPLICAS: usize = 1000;
/// Under this name a planned transfer is queued; behind everything, and nobody else's.
const PLANNED: FileId = FileId(u64::MAX);

/// How it looks on a link, for transfers of a job.
pub(crate) struct Outlook {
    /// Why the first would wait.
    pub(crate) waits: Vec<Wait>,
    /// Transfers that finish on the link in a second, when that is known.
    pub(crate) rate: Option<f64>,
    /// Ways that did not work lately.
    pub(crate) avoid: Vec<Rung>,
    pub(crate) limits: AttemptLimits,
}

impl Dispatcher {
    /// Why a transfer waits; `None` when it is not on the board or of another job.
    pub(crate) fn explain(&self, job: JobId, file: FileId) -> Option<Explanation> {
        let entry = self.board.file(file)?;
        let row = &entry.row;
        let owner = &self
            .board
            .job(row.job_id)
            .filter(|_| row.job_id == job)?
            .job;
        let waits = self.reasons(entry);
        if let Some(first) = waits.first() {
            tracing::debug!(file.id = file.0, job.id = %job, state = %row.state, "{first}");
        }
        let limits = order::limits(&self.config, &self.settings, owner, row, None);
        Some(Explanation {
            file_id: file,
            state: row.state,
            predicted_start: predicted(&waits, self.link_rate(row), self.now),
            waits,
            copy_seconds: limits.copy_seconds(order::known_size(row)),
        })
    }

    fn reasons(&self, entry: &FileEntry) -> Vec<Wait> {
        use FileState as S;
        let row = &entry.row;
        match (entry.place, row.state) {
            (Place::Queued, _) => self.scheduler.explain(row.file_id),
            (Place::InSession, _) => self.reasons_in_session(row.file_id),
            (Place::Delayed, _) => {
                let at = row.retry_timestamp.map(|at| Wait::RetryAt { at });
                at.into_iter().collect()
            }
            (_, S::OnHold | S::OnHoldStaging) => bans(&self.settings, row),
            (_, S::Staging | S::Started) => {
                let since = row.staging_start;
                vec![Wait::Staging { since }]
            }
            (_, S::NotUsed) => self.sibling_before(row).into_iter().collect(),
            (_, S::TokenPrep) => vec![Wait::Token],
            (Place::AwaitingTape, _) => {
                let what = "its copy on tape".to_owned();
                vec![Wait::Delayed { what }]
            }
            _ => Vec::new(),
        }
    }

    /// What stops the session, then whom the transfer lets go first in it.
    fn reasons_in_session(&self, file: FileId) -> Vec<Wait> {
        let Some(turn) = self.turn_in_session(file) else {
            return Vec::new();
        };
        let mut waits: Vec<Wait> = match turn.queued_as {
            Some(ticket) => self.scheduler.explain(ticket),
            None => Vec::new(),
        };
        waits.retain(Wait::is_obstacle);
        waits.push(Wait::Position {
            ahead: turn.ahead,
            exact: turn.exact,
        });
        waits
    }

    /// The transfer of its job that has to come first. Costs by the replicas of one file.
    fn sibling_before(&self, row: &Transfer) -> Option<Wait> {
        let job = self.board.job(row.job_id)?;
        let (waits_for, sibling) = match job.job.job_type {
            Some(JobType::Multihop) => {
                let index = job.files.partition_point(|it| *it < row.file_id);
                (*job.files.get(index.checked_sub(1)?)?, Sibling::Hop)
            }
            _ => {
                let files = job.files.iter().take(REPLICAS);
                let mut others = files.filter_map(|id| self.board.file(*id));
                let tried = others
                    .find(|it| it.row.state.is_cancelable() && it.row.file_index == row.file_index);
                (tried?.row.file_id, Sibling::Replica)
            }
        };
        Some(Wait::NotEnabled { waits_for, sibling })
    }

    /// How it looks for a transfer like this.
    pub(crate) fn outlook(&mut self, job: &Job, row: &Transfer) -> Outlook {
        Outlook {
            waits: self.probe(row),
            rate: self.link_rate(row),
            avoid: self.avoided_ways(row),
            limits: order::limits(&self.config, &self.settings, job, row, None),
        }
    }

    /// The reasons a transfer would get, were it queued now.
    fn probe(&mut self, row: &Transfer) -> Vec<Wait> {
        let (source, destination) = (&row.source_se, &row.dest_se);
        let pair = (Arc::clone(source), Arc::clone(destination));
        let is_known = self.introduced.contains(&pair);
        self.introduce_link(source, destination);
        self.scheduler.enqueue(Request {
            file: PLANNED,
            source,
            destination,
            vo: &row.vo_name,
            activity: &row.activity,
            priority: row.priority,
            lane: Lane::Normal,
            files: 1,
        });
        let waits = self.scheduler.explain(PLANNED);
        self.scheduler.remove(PLANNED);
        if !is_known {
            self.introduced.remove(&pair);
            self.scheduler
                .set_shares(source, destination, Shares::default());
            self.scheduler.set_link_limit(source, destination, None);
        }
        waits
    }

    /// What was found out about storages and links.
    pub(crate) fn conditions(&self) -> Conditions {
        let breaker = |(storage, stand): (&Arc<str>, Stand)| {
            let (until, trials) = match stand {
                Stand::Open { until, trials } => (Some(until), trials),
                Stand::Trial { trials } => (None, trials),
                Stand::Closed(_) => return None,
            };
            Some(TrippedBreaker {
                storage: Arc::clone(storage),
                until,
                trials,
            })
        };
        let way = |(pair, way, until): (&(Arc<str>, Arc<str>), Rung, Timestamp)| AvoidedWay {
            source: Arc::clone(&pair.0),
            destination: Arc::clone(&pair.1),
            way,
            until,
        };
        Conditions {
            closed: self.closure(),
            breakers: self.breakers.tripped().filter_map(breaker).collect(),
            ways: self.ways.all(self.now).map(way).collect(),
            links: self.tuning.values().cloned().collect(),
        }
    }
}

/// When a transfer is likely to start: after those before it, at the rate at which its link
/// finishes transfers, of which it gets its part. `None` when that is up to somebody else, or no
/// rate is known.
pub(crate) fn predicted(waits: &[Wait], rate: Option<f64>, now: Timestamp) -> Option<Timestamp> {
    let (mut earliest, mut before, mut part) = (now, 0, 1.0);
    let mut is_full = false;
    if waits.is_empty() {
        return None;
    }
    for wait in waits {
        match wait {
            Wait::Next => {}
            Wait::RetryAt { at }
            | Wait::Breaker {
                until: Some(at), ..
            } => {
                earliest = earliest.max(*at);
            }
            Wait::Total { .. }
            | Wait::LinkLimit { .. }
            | Wait::StorageLimit { .. }
            | Wait::Throughput { .. }
            | Wait::Trial { .. } => is_full = true,
            Wait::Priority { ahead, .. } | Wait::Position { ahead, .. } => before += ahead,
            Wait::Share { probability, .. } | Wait::Activity { probability, .. } => {
                part *= probability;
            }
            _ => return None,
        }
    }
    let before = before + u64::from(is_full);
    if before == 0 {
        return Some(earliest);
    }
    let rate = rate? * part;
    let millis = before as f64 / rate * 1000.0;
    // Beyond a century nobody plans, and a rate of zero says nothing.
    (millis.is_finite() && millis < 3.2e12).then(|| earliest.plus_millis(millis as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_000_000);

    fn ahead(ahead: u64) -> Wait {
        Wait::Position { ahead, exact: true }
    }

    fn full() -> Wait {
        Wait::Total {
            active: 1,
            limit: 1,
        }
    }

    fn share(probability: f64) -> Wait {
        Wait::Share {
            vo: "v".into(),
            weight: 1.0,
            probability,
        }
    }

    #[test]
    fn starts_after_those_before_it() {
        let seconds = |waits: &[Wait], rate| {
            predicted(waits, rate, NOW).map(|it| it.seconds_since(NOW).round() as i64)
        };
        assert_eq!(seconds(&[Wait::Next], None), Some(0));
        assert_eq!(seconds(&[full(), ahead(9)], Some(0.5)), Some(20));
        assert_eq!(
            seconds(&[full(), share(0.25), ahead(9)], Some(0.5)),
            Some(80)
        );
        let at = NOW.plus_millis(60_000);
        assert_eq!(seconds(&[Wait::RetryAt { at }], None), Some(60));
        assert_eq!(seconds(&[full()], None), None);
        assert_eq!(seconds(&[full()], Some(0.0)), None);
        assert_eq!(seconds(&[full(), share(0.0)], Some(1.0)), None);
        assert_eq!(seconds(&[], Some(1.0)), None);
        assert_eq!(seconds(&[Wait::Token], Some(1.0)), None);
    }
}
