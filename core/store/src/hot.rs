//! The model in memory: every job that has not ended, with its rows and indexes.
//!
//! Jobs that have ended stay until someone evicts them; [`MemoryStore`](crate::MemoryStore) never
//! does. Rows are post-images, so applying one twice changes nothing. It has no lock, no clock and
//! no disk, and it trusts its caller: [`check`](crate::check) decides what may be applied.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use causeway_model::ports::Transaction;
use causeway_model::{FileId, FileState, Job, JobId, JobState, Timestamp, Transfer};
use uuid::Uuid;

use crate::hot_job::HotJob;

/// Number of transfers per state.
pub(crate) type Counts = [u64; FileState::ALL.len()];

/// Adds the states of transfers to counts.
pub(crate) fn count(counts: &mut Counts, files: &[Arc<Transfer>]) {
    for file in files {
        counts[file.state as usize] += 1;
    }
}

/// `a - b`; the parts of `b` were added to `a` before.
pub(crate) fn subtract(a: &mut Counts, b: &Counts) {
    for (a, b) in a.iter_mut().zip(b) {
        *a = a.saturating_sub(*b);
    }
}

/// Jobs that share what most lists ask for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct JobLane {
    pub(crate) vo: Arc<str>,
    pub(crate) state: JobState,
}

/// Jobs of one owner in one state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct OwnerLane {
    pub(crate) cred_id: Arc<str>,
    pub(crate) user_dn: Arc<str>,
    pub(crate) state: JobState,
}

/// Transfers that share what most lists ask for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FileLane {
    pub(crate) vo: Arc<str>,
    pub(crate) state: FileState,
}

/// Jobs by submission; the id makes the order total.
pub(crate) type ByTime = BTreeSet<(Timestamp, JobId)>;

/// The model. See the module.
#[derive(Debug, Default)]
pub(crate) struct Hot {
    pub(crate) jobs: HashMap<JobId, HotJob>,
    pub(crate) lanes: BTreeMap<JobLane, ByTime>,
    pub(crate) owners: BTreeMap<OwnerLane, ByTime>,
    pub(crate) files: BTreeMap<FileLane, BTreeMap<FileId, JobId>>,
    destinations: HashMap<Uuid, FileId>,
    counts: Counts,
    /// Transfers of jobs that are in the archive only.
    pub(crate) cold: Counts,
    /// Jobs that ended and are not evicted yet, each with its number of rows.
    settled: HashMap<JobId, usize>,
    settled_rows: usize,
    version: u64,
}

impl Hot {
    /// Who holds a destination.
    pub(crate) fn holder(&self, destination: Uuid) -> Option<FileId> {
        self.destinations.get(&destination).copied()
    }

    /// Number of transfers per state, here and in the archive.
    pub(crate) fn file_counts(&self) -> Vec<(FileState, u64)> {
        let all = FileState::ALL.iter();
        all.map(|it| (*it, self.counts[*it as usize] + self.cold[*it as usize]))
            .collect()
    }

    /// Jobs that have not ended, or that have rows that have not, oldest first.
    pub(crate) fn unfinished(&self) -> Vec<JobId> {
        let live = self.jobs.values().filter(|it| !it.is_settled());
        let mut ids: Vec<_> = live.map(|it| (it.job.submit_time, it.job.job_id)).collect();
        ids.sort_unstable();
        ids.into_iter().map(|(_, id)| id).collect()
    }

    /// Jobs that ended and wait for the archive.
    pub(crate) fn settled(&self) -> impl Iterator<Item = JobId> + '_ {
        self.settled.keys().copied()
    }

    /// Rows of the jobs that ended and are still here.
    pub(crate) fn settled_rows(&self) -> usize {
        self.settled_rows
    }

    /// Number of jobs that ended and are still here.
    pub(crate) fn settled_jobs(&self) -> usize {
        self.settled.len()
    }

    /// Takes rows as they are. Rows of unknown jobs are given back as a count.
    pub(crate) fn apply(&mut self, rows: Transaction) -> usize {
        let mut rows = rows;
        if let [job] = rows.jobs.as_slice()
            && !self.jobs.contains_key(&job.job_id)
            && rows.files.iter().all(|it| it.job_id == job.job_id)
            && rows.deletions.iter().all(|it| it.job_id == job.job_id)
            && rows.retries.iter().all(|it| it.job_id == job.job_id)
        {
            let job = rows.jobs.remove(0);
            self.add(HotJob::new(job, rows.files, rows.deletions, rows.retries));
            return 0;
        }
        self.apply_each(rows)
    }

    fn apply_each(&mut self, rows: Transaction) -> usize {
        let mut orphans = 0;
        let mut touched = Vec::new();
        for job in rows.jobs {
            touched.push(job.job_id);
            self.put_job(job);
        }
        for file in rows.files {
            orphans += self.put(file.job_id, &mut touched, |hot, id| hot.put_file(id, file));
        }
        for row in rows.deletions {
            orphans += self.put(row.job_id, &mut touched, |hot, id| {
                hot.put_in(id, |job| job.put_deletion(row))
            });
        }
        for row in rows.retries {
            orphans += self.put(row.job_id, &mut touched, |hot, id| {
                hot.put_in(id, |job| job.put_retry(row))
            });
        }
        for id in touched {
            self.touch(id);
        }
        orphans
    }

    fn put(
        &mut self,
        id: JobId,
        touched: &mut Vec<JobId>,
        put: impl FnOnce(&mut Self, JobId),
    ) -> usize {
        if !self.jobs.contains_key(&id) {
            return 1;
        }
        if touched.last() != Some(&id) {
            touched.push(id);
        }
        put(self, id);
        0
    }

    /// Takes a whole job that is not here yet.
    pub(crate) fn add(&mut self, hot: HotJob) {
        let id = hot.job.job_id;
        self.index_job(&hot.job);
        for file in &hot.files {
            self.index_file(file);
        }
        self.jobs.insert(id, hot);
        self.touch(id);
    }

    /// Takes a job out, for one that is in the archive.
    pub(crate) fn remove(&mut self, id: JobId) -> Option<HotJob> {
        self.unsettle(id);
        let hot = self.jobs.remove(&id)?;
        self.unindex_job(&hot.job);
        for file in &hot.files {
            self.unindex_file(file);
        }
        Some(hot)
    }

    fn put_job(&mut self, job: Arc<Job>) {
        let id = job.job_id;
        let Some(old) = self.jobs.get(&id).map(|it| it.job.clone()) else {
            return self.add(HotJob::new(job, Vec::new(), Vec::new(), Vec::new()));
        };
        let moved = |a: &Job, b: &Job| {
            (a.state, a.submit_time) != (b.state, b.submit_time)
                || a.vo_name != b.vo_name
                || a.cred_id != b.cred_id
                || a.user_dn != b.user_dn
        };
        if moved(&old, &job) {
            self.unindex_job(&old);
            self.index_job(&job);
        }
        if let Some(hot) = self.jobs.get_mut(&id) {
            hot.job = job;
        }
    }

    fn put_in(&mut self, id: JobId, put: impl FnOnce(&mut HotJob)) {
        if let Some(hot) = self.jobs.get_mut(&id) {
            put(hot);
        }
    }

    fn put_file(&mut self, id: JobId, file: Arc<Transfer>) {
        let Some(hot) = self.jobs.get_mut(&id) else {
            return;
        };
        let old = hot.put_file(file.clone());
        let same = |old: &Transfer| {
            old.state == file.state
                && old.vo_name == file.vo_name
                && old.dest_surl_uuid == file.dest_surl_uuid
        };
        if old.as_deref().is_some_and(same) {
            return;
        }
        if let Some(old) = old {
            self.unindex_file(&old);
        }
        self.index_file(&file);
    }

    fn unsettle(&mut self, id: JobId) {
        self.settled_rows -= self.settled.remove(&id).unwrap_or(0);
    }

    fn touch(&mut self, id: JobId) {
        self.unsettle(id);
        self.version += 1;
        let Some(hot) = self.jobs.get_mut(&id) else {
            return;
        };
        hot.version = self.version;
        if hot.is_settled() {
            self.settled_rows += hot.rows();
            self.settled.insert(id, hot.rows());
        }
    }

    fn index_job(&mut self, job: &Job) {
        let key = (job.submit_time, job.job_id);
        self.lanes.entry(job_lane(job)).or_default().insert(key);
        self.owners.entry(owner_lane(job)).or_default().insert(key);
    }

    fn unindex_job(&mut self, job: &Job) {
        let key = (job.submit_time, job.job_id);
        remove_from(&mut self.lanes, job_lane(job), |set| {
            set.remove(&key);
            set.is_empty()
        });
        remove_from(&mut self.owners, owner_lane(job), |set| {
            set.remove(&key);
            set.is_empty()
        });
    }

    fn index_file(&mut self, file: &Transfer) {
        self.counts[file.state as usize] += 1;
        let lane = self.files.entry(file_lane(file)).or_default();
        lane.insert(file.file_id, file.job_id);
        if let Some(destination) = held_destination(file) {
            self.destinations.insert(destination, file.file_id);
        }
    }

    fn unindex_file(&mut self, file: &Transfer) {
        self.counts[file.state as usize] -= 1;
        remove_from(&mut self.files, file_lane(file), |lane| {
            lane.remove(&file.file_id);
            lane.is_empty()
        });
        if let Some(destination) = held_destination(file)
            && self.holder(destination) == Some(file.file_id)
        {
            self.destinations.remove(&destination);
        }
    }
}

/// The destination that a live transfer keeps for itself.
pub(crate) fn held_destination(file: &Transfer) -> Option<Uuid> {
    file.dest_surl_uuid.filter(|_| !file.state.is_terminal())
}

fn job_lane(job: &Job) -> JobLane {
    JobLane {
        vo: job.vo_name.clone(),
        state: job.state,
    }
}

fn owner_lane(job: &Job) -> OwnerLane {
    OwnerLane {
        cred_id: job.cred_id.clone(),
        user_dn: job.user_dn.clone(),
        state: job.state,
    }
}

fn file_lane(file: &Transfer) -> FileLane {
    FileLane {
        vo: file.vo_name.clone(),
        state: file.state,
    }
}

/// Changes what stands at a key and takes the key away when that is empty.
fn remove_from<K: Ord, V>(map: &mut BTreeMap<K, V>, key: K, change: impl FnOnce(&mut V) -> bool) {
    if let Some(value) = map.get_mut(&key)
        && change(value)
    {
        map.remove(&key);
    }
}
