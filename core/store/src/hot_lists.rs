//! Lists over the model in memory.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

use causeway_model::ports::{FileQuery, JobQuery};
use causeway_model::{FileId, Job, JobId, Timestamp, Transfer};
use parking_lot::RwLock;

use crate::hot::{ByTime, FileLane, Hot};
use crate::matching;
use crate::merge::Merge;

/// Transfers looked at in one go; after that the lock is given up for a moment, so that a list
/// that finds little in a long queue does not hold commits up.
const STRIDE: usize = 65_536;

impl Hot {
    /// Jobs that fit, the newest submission first.
    pub(crate) fn list_jobs(&self, query: &JobQuery) -> Vec<Arc<Job>> {
        let sets: Vec<&ByTime> = if query.cred_id.is_some() || query.user_dn.is_some() {
            let fits = |wanted: &Option<String>, is: &str| {
                wanted.as_deref().is_none_or(|wanted| wanted == is)
            };
            let lanes = self.owners.iter();
            lanes
                .filter(|(lane, _)| fits(&query.cred_id, &lane.cred_id))
                .filter(|(lane, _)| fits(&query.user_dn, &lane.user_dn))
                .filter(|(lane, _)| matching::job_state(query, lane.state))
                .map(|(_, set)| set)
                .collect()
        } else {
            let vo = query.vo_name.as_deref();
            let lanes = self.lanes.iter();
            lanes
                .filter(|(lane, _)| vo.is_none_or(|vo| *lane.vo == *vo))
                .filter(|(lane, _)| matching::job_state(query, lane.state))
                .map(|(_, set)| set)
                .collect()
        };
        let newest_first = Merge::new(sets.into_iter().map(|it| it.iter().rev()).collect());
        newest_first
            .filter_map(|(_, id): &(Timestamp, JobId)| self.jobs.get(id))
            .filter(|it| matching::job(query, &it.job))
            .take(query.limit.unwrap_or(usize::MAX))
            .map(|it| it.job.clone())
            .collect()
    }
}

/// Transfers that fit, no order promised.
pub(crate) fn list_files(hot: &RwLock<Hot>, query: &FileQuery) -> Vec<Arc<Transfer>> {
    let mut walk = Walk::default();
    let mut found = Vec::new();
    if query.limit == 0 {
        return found;
    }
    while walk.stride(&hot.read(), query, &mut found) {}
    if walk.strides > 1 {
        // A transfer that changed its state between two strides may have been met twice.
        let mut seen = HashSet::new();
        found.retain(|it| seen.insert(it.file_id));
    }
    found
}

/// How far a walk came: the last lane, and the last transfer in it.
#[derive(Default)]
struct Walk {
    at: Option<(FileLane, FileId)>,
    strides: usize,
}

impl Walk {
    /// Goes on for a while; false when done.
    fn stride(&mut self, hot: &Hot, query: &FileQuery, found: &mut Vec<Arc<Transfer>>) -> bool {
        self.strides += 1;
        let mut left = STRIDE;
        let from = match self.at.take() {
            None => Bound::Unbounded,
            Some((lane, after)) => {
                if let Some(stop) = self.lane(hot, query, &lane, Some(after), &mut left, found) {
                    return stop;
                }
                Bound::Excluded(lane)
            }
        };
        let vo = query.vo_name.as_deref();
        for (lane, _) in hot.files.range((from, Bound::Unbounded)) {
            let wanted =
                vo.is_none_or(|vo| *lane.vo == *vo) && matching::file_state(query, lane.state);
            if !wanted {
                continue;
            }
            if let Some(stop) = self.lane(hot, query, lane, None, &mut left, found) {
                return stop;
            }
        }
        false
    }

    /// Walks one lane. `Some(true)`: the stride is over; `Some(false)`: the limit is reached.
    fn lane(
        &mut self,
        hot: &Hot,
        query: &FileQuery,
        lane: &FileLane,
        after: Option<FileId>,
        left: &mut usize,
        found: &mut Vec<Arc<Transfer>>,
    ) -> Option<bool> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        for (file, job) in hot.files.get(lane)?.range((start, Bound::Unbounded)) {
            if *left == 0 {
                return Some(true);
            }
            *left -= 1;
            self.at = Some((lane.clone(), *file));
            let Some(hot_job) = hot.jobs.get(job) else {
                continue;
            };
            if let Some(row) = hot_job.file(*file)
                && matching::file(query, hot_job.job.state, row)
            {
                found.push(row.clone());
                if found.len() >= query.limit {
                    return Some(false);
                }
            }
        }
        None
    }
}
