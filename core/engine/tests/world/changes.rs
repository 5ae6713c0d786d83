//! Rows that changed, as the store was told: a part of the ledger.

use std::collections::BTreeSet;
use std::sync::Arc;

use causeway_model::ports::Transaction;
use causeway_model::{Deletion, Job, JobId, Timestamp, Transfer};

use crate::record::{Ledger, since_the_beginning};
use crate::rules;

impl Ledger {
    /// Rows were changed.
    pub fn applied(&mut self, now: Timestamp, rows: &Transaction) {
        self.transactions += 1;
        self.tape.rows(since_the_beginning(now), rows);
        let mut touched: BTreeSet<JobId> = rows.jobs.iter().map(|it| it.job_id).collect();
        for row in &rows.files {
            touched.insert(row.job_id);
            self.file_changed(now, row);
        }
        for row in &rows.deletions {
            touched.insert(row.job_id);
            self.deletion_changed(now, row);
        }
        for retry in &rows.retries {
            let known = self.retries.entry(retry.file_id).or_default();
            *known += 1;
            if retry.attempt != *known {
                let text = format!("retry {known} of {} is {}", retry.file_id, retry.attempt);
                self.blame(text);
            }
        }
        for id in touched {
            let new = rows.jobs.iter().find(|it| it.job_id == id);
            self.job_changed(now, id, new);
        }
    }

    fn file_changed(&mut self, now: Timestamp, row: &Arc<Transfer>) {
        let Some(before) = self.files.get(&row.file_id).cloned() else {
            self.blame(format!("transfer {} came from nowhere", row.file_id));
            return;
        };
        if before.state != row.state {
            self.note(
                now,
                format!("file {} {} > {}", row.file_id, before.state, row.state),
            );
        }
        self.must(rules::transfer_may_become(&before, row));
        let retries = self.retries_allowed(row.job_id);
        if row.retry > retries {
            self.blame(format!(
                "file {} has {} of {retries} retries",
                row.file_id, row.retry
            ));
        }
        self.files.insert(row.file_id, Arc::clone(row));
    }

    fn deletion_changed(&mut self, now: Timestamp, row: &Arc<Deletion>) {
        let Some(before) = self.deletions.get(&row.file_id).cloned() else {
            self.blame(format!("deletion {} came from nowhere", row.file_id));
            return;
        };
        if before.state != row.state {
            self.note(
                now,
                format!("deletion {} {} > {}", row.file_id, before.state, row.state),
            );
        }
        self.must(rules::deletion_may_become(&before, row));
        let retries = self.retries_allowed(row.job_id);
        if row.retry > retries {
            self.blame(format!(
                "deletion {} has {} of {retries} retries",
                row.file_id, row.retry
            ));
        }
        self.deletions.insert(row.file_id, Arc::clone(row));
    }

    fn job_changed(&mut self, now: Timestamp, id: JobId, new: Option<&Arc<Job>>) {
        let Some(stored) = self.jobs.get(&id) else {
            self.blame(format!("job {id} came from nowhere"));
            return;
        };
        let before = Arc::clone(&stored.job);
        let after = new.cloned().unwrap_or_else(|| Arc::clone(&before));
        let files: Vec<_> = stored
            .files
            .iter()
            .map(|it| Arc::clone(&self.files[it]))
            .collect();
        let deletions = stored.deletions.iter();
        let deletions: Vec<_> = deletions.map(|it| self.deletions[it].state).collect();
        if before.state != after.state {
            self.note(now, format!("job {id} {} > {}", before.state, after.state));
        }
        self.must(rules::job_follows(&before, &after, &files, &deletions));
        if let Some(stored) = self.jobs.get_mut(&id) {
            stored.job = after;
        }
    }
}
