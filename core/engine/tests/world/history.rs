//! Jobs that ended long ago and left: a part of the ledger.

use causeway_model::{JobId, Timestamp};

use crate::record::Ledger;

impl Ledger {
    /// Jobs that may leave: they ended before then, and nothing of them goes on.
    pub fn ended_before(&self, then: Timestamp) -> Vec<JobId> {
        let old = self.jobs.iter().filter(|(id, it)| {
            let end = it.job.job_finished.filter(|_| it.job.state.is_terminal());
            end.is_some_and(|end| end < then) && !self.retired.contains_key(id)
        });
        let over = old.filter(|(_, it)| it.files.iter().all(|id| !self.files[id].is_live()));
        over.map(|(id, _)| *id).collect()
    }

    /// Jobs left, and as many as were told did.
    pub fn left(&mut self, now: Timestamp, gone: &[JobId], told: usize, keep: bool) {
        if gone.len() != told {
            self.blame(format!("{told} jobs left, of those that may: {gone:?}"));
        }
        for id in gone {
            self.note(now, format!("job {id} leaves"));
            self.retired.insert(*id, keep);
            if self.running.values().any(|it| {
                let (job, file) = (self.jobs.get(id), &it.file);
                job.is_some_and(|job| job.files.contains(file) || job.deletions.contains(file))
            }) {
                self.blame(format!("job {id} left while something of it ran"));
            }
        }
    }
}
