//! Work over many rows, a slice at a time, so that nothing else waits for it.
//!
//! A ban of a storage with a million transfers, a pass over all jobs: each is a walk through the
//! index of the board. A slice changes so many rows at most, and the next one waits until those are
//! durable, so no transaction is large and commands and reports come in between. What a slice does
//! with a row depends on the row and on the settings as they are then: a walk that meets a row
//! twice, or one that another walk has seen to, changes nothing.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use causeway_model::{FileId, JobId};

use crate::control::{Answer, Reply};
use crate::dispatcher::{Dispatcher, Effect, Stage};
use crate::index::{Lane, Position};

/// Rows, or jobs, in one slice.
const SLICE: usize = 500;

/// Through what, and where it is.
#[derive(Debug)]
pub(crate) enum Walk {
    /// Transfers from or to a storage, for its ban.
    Storage(Vec<Lane>, Option<FileId>),
    /// Jobs of a user who is banned.
    User(Arc<str>, Option<JobId>),
    /// All jobs, for new limits of the time in the queue.
    QueueTimes(Option<Position>),
    /// All jobs, for what cannot be.
    Sanity(Option<Position>),
    /// All links of the scheduler, for counters that are wrong.
    Slots(u32),
    /// All jobs, for chains that stand still.
    Chains(Option<Position>),
}

/// Walks that belong together, and who waits for their end.
#[derive(Debug, Default)]
pub(crate) struct Campaign {
    pub(crate) walks: VecDeque<Walk>,
    pub(crate) affected: BTreeSet<JobId>,
    pub(crate) answer: Option<Answer<Vec<JobId>>>,
}

impl Campaign {
    /// A walk that nobody waits for.
    pub(crate) fn of(walk: Walk) -> Self {
        Self {
            walks: VecDeque::from([walk]),
            ..Self::default()
        }
    }
}

impl Dispatcher {
    /// True when a slice can be done now.
    pub(crate) fn may_walk(&self) -> bool {
        let open = matches!(self.stage, Stage::Open);
        open && !self.broken && self.in_flight.is_none() && !self.campaigns.is_empty()
    }

    /// Does a slice.
    pub(crate) fn walk_on(&mut self) {
        if !self.may_walk() {
            return;
        }
        let Some(mut campaign) = self.campaigns.pop_front() else {
            return;
        };
        if let Some(walk) = campaign.walks.front_mut()
            && self.slice(walk, &mut campaign.affected) < SLICE
        {
            campaign.walks.pop_front();
        }
        if !campaign.walks.is_empty() {
            self.campaigns.push_front(campaign);
            return;
        }
        if let Some(answer) = campaign.answer {
            let affected = campaign.affected.into_iter().collect();
            let reply = Reply::Jobs(answer, affected);
            self.effects.push(Effect::Answer(reply));
        }
    }

    /// A transfer has obeyed a ban before the walk for it came by: its job was affected all the same.
    pub(crate) fn count_as_met(&mut self, file: FileId) {
        let Some(row) = self.board.file(file).map(|it| &it.row) else {
            return;
        };
        let is_its = |lane: &Lane| {
            (&lane.source, &lane.destination) == (&row.source_se, &row.dest_se)
                && lane.vo == row.vo_name
        };
        let comes_by = |walk: &Walk| match walk {
            Walk::Storage(lanes, _) => lanes.iter().any(is_its),
            _ => false,
        };
        for campaign in &mut self.campaigns {
            if campaign.walks.iter().any(comes_by) {
                campaign.affected.insert(row.job_id);
            }
        }
    }

    /// Goes on by a slice; gives how many rows it met.
    fn slice(&mut self, walk: &mut Walk, affected: &mut BTreeSet<JobId>) -> usize {
        match walk {
            Walk::Storage(lanes, after) => self.storage_slice(lanes, after, affected),
            Walk::User(dn, after) => {
                let jobs = self.board.index.jobs_of(dn, *after, SLICE);
                *after = jobs.last().copied();
                for id in &jobs {
                    if self.cancel_for_banned_user(*id) {
                        affected.insert(*id);
                    }
                }
                jobs.len()
            }
            Walk::QueueTimes(after) => self.job_slice(after, Self::watch_queue_time),
            Walk::Sanity(after) => self.job_slice(after, Self::check_job),
            Walk::Slots(from) => self.slot_slice(from),
            Walk::Chains(after) => self.job_slice(after, Self::check_chain),
        }
    }

    fn storage_slice(
        &mut self,
        lanes: &mut Vec<Lane>,
        after: &mut Option<FileId>,
        affected: &mut BTreeSet<JobId>,
    ) -> usize {
        let mut met = 0;
        while met < SLICE
            && let Some(lane) = lanes.last()
        {
            let files = self.board.index.files(lane, *after, SLICE - met);
            match files.last() {
                None => {
                    lanes.pop();
                    *after = None;
                }
                Some(last) => *after = Some(*last),
            }
            met += files.len();
            for file in files {
                let job = self.board.file(file).map(|it| it.row.job_id);
                if self.obey_bans(file) {
                    affected.extend(job);
                }
            }
        }
        met
    }

    fn slot_slice(&mut self, from: &mut u32) -> usize {
        match self.check_slots(*from, SLICE) {
            Some(next) => {
                *from = next;
                SLICE
            }
            None => 0,
        }
    }

    fn job_slice(
        &mut self,
        after: &mut Option<Position>,
        mut look: impl FnMut(&mut Self, JobId),
    ) -> usize {
        let jobs = self.board.index.jobs(after.as_ref(), SLICE);
        *after = jobs.last().cloned();
        for (_, id) in &jobs {
            look(self, *id);
        }
        jobs.len()
    }
}
