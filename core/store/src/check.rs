//! Whether rows may be taken: unknown jobs, taken ids, taken destinations.
//!
//! A group of writes is checked before any of it is visible, so what earlier writes of the group
//! will change is remembered here until the group is through.

use std::collections::{HashMap, HashSet};

use causeway_model::ports::{StoreError, Transaction};
use causeway_model::{FileId, JobId, Transfer};
use uuid::Uuid;

use crate::hot::{Hot, held_destination};

/// What the writes before this one will have changed.
#[derive(Default)]
pub(crate) struct Pending {
    jobs: HashSet<JobId>,
    holders: HashMap<Uuid, Option<FileId>>,
    held: HashMap<FileId, Option<Uuid>>,
}

impl Pending {
    /// Whether the job is in memory, or will be.
    pub(crate) fn knows(&self, hot: &Hot, id: JobId) -> bool {
        self.jobs.contains(&id) || hot.jobs.contains_key(&id)
    }

    /// Checks a new job. The caller has asked the archive for its id.
    pub(crate) fn check_insert(&mut self, hot: &Hot, rows: &Transaction) -> Result<(), StoreError> {
        let [job] = rows.jobs.as_slice() else {
            return Err(StoreError::Failed("insert takes exactly one job".into()));
        };
        let id = job.job_id;
        let own = rows.files.iter().all(|it| it.job_id == id)
            && rows.deletions.iter().all(|it| it.job_id == id)
            && rows.retries.iter().all(|it| it.job_id == id);
        if !own {
            return Err(StoreError::Failed(format!(
                "rows of another job came with {id}"
            )));
        }
        if self.knows(hot, id) {
            return Err(StoreError::DuplicateJob);
        }
        self.check_destinations(hot, rows)?;
        self.jobs.insert(id);
        Ok(())
    }

    /// Checks changes. The caller has loaded from the archive what is there.
    pub(crate) fn check_apply(&mut self, hot: &Hot, rows: &Transaction) -> Result<(), StoreError> {
        if let Some(id) = job_ids(rows).find(|id| !self.knows(hot, *id)) {
            return Err(StoreError::Failed(format!(
                "change rows: there is no job {id}"
            )));
        }
        self.check_destinations(hot, rows)
    }

    fn check_destinations(&mut self, hot: &Hot, rows: &Transaction) -> Result<(), StoreError> {
        let mut holders = HashMap::new();
        let mut held = HashMap::new();
        // What is given up first, so that one transaction can hand a destination on.
        for file in &rows.files {
            let (old, new) = (self.held_by(hot, file), held_destination(file));
            if let Some(old) = old
                && Some(old) != new
            {
                holders.insert(old, None);
            }
            if old != new {
                held.insert(file.file_id, new);
            }
        }
        for file in &rows.files {
            let Some(destination) = held_destination(file) else {
                continue;
            };
            let earlier = holders
                .get(&destination)
                .or_else(|| self.holders.get(&destination));
            let holder = earlier.copied().unwrap_or_else(|| hot.holder(destination));
            if holder.is_some_and(|it| it != file.file_id) {
                let url = file.dest_surl.redacted();
                return Err(StoreError::DuplicateDestination(url));
            }
            holders.insert(destination, Some(file.file_id));
        }
        self.holders.extend(holders);
        self.held.extend(held);
        Ok(())
    }

    fn held_by(&self, hot: &Hot, file: &Transfer) -> Option<Uuid> {
        if let Some(held) = self.held.get(&file.file_id) {
            return *held;
        }
        let row = hot.jobs.get(&file.job_id)?.file(file.file_id)?;
        held_destination(row)
    }
}

/// Jobs that rows belong to.
pub(crate) fn job_ids(rows: &Transaction) -> impl Iterator<Item = JobId> + '_ {
    let jobs = rows.jobs.iter().map(|it| it.job_id);
    jobs.chain(rows.files.iter().map(|it| it.job_id))
        .chain(rows.deletions.iter().map(|it| it.job_id))
        .chain(rows.retries.iter().map(|it| it.job_id))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::memory::rows_of;
    use crate::rows;

    fn holding(number: u64, destination: u128) -> Transaction {
        let id = JobId::deterministic("vo", &number.to_string());
        let mut view = rows::view(id, 1, number..number + 1);
        Arc::make_mut(&mut view.files[0]).dest_surl_uuid = Some(Uuid::from_u128(destination));
        rows_of(view)
    }

    fn released(rows: &Transaction) -> Transaction {
        let mut rows = rows.clone();
        Arc::make_mut(&mut rows.files[0]).dest_surl_uuid = None;
        rows
    }

    fn is_taken(result: &Result<(), StoreError>) -> bool {
        matches!(result, Err(StoreError::DuplicateDestination(_)))
    }

    #[test]
    fn a_group_sees_its_own_earlier_writes() {
        let hot = Hot::default();
        let mut group = Pending::default();
        let (first, second) = (holding(1, 7), holding(2, 7));
        group.check_insert(&hot, &first).unwrap();
        let again = group.check_insert(&hot, &first);
        assert!(matches!(again, Err(StoreError::DuplicateJob)));
        assert!(is_taken(&group.check_insert(&hot, &second)));
        // Nothing of a refused write stays.
        assert!(!group.knows(&hot, second.jobs[0].job_id));
        group.check_apply(&hot, &released(&first)).unwrap();
        group.check_insert(&hot, &second).unwrap();
        assert!(is_taken(&group.check_apply(&hot, &first)));
    }

    #[test]
    fn one_transaction_hands_a_destination_on() {
        let mut hot = Hot::default();
        let (first, second) = (holding(1, 7), holding(2, 8));
        hot.apply(first.clone());
        hot.apply(second);
        let mut both = holding(2, 7);
        assert!(is_taken(&Pending::default().check_apply(&hot, &both)));
        both.files.extend(released(&first).files);
        Pending::default().check_apply(&hot, &both).unwrap();
    }

    #[test]
    fn two_transfers_of_one_job_do_not_share_a_destination() {
        let mut rows = holding(1, 7);
        let mut twin = Transfer::clone(&rows.files[0]);
        twin.file_id = FileId(99);
        rows.files.push(Arc::new(twin));
        let result = Pending::default().check_insert(&Hot::default(), &rows);
        assert!(is_taken(&result));
    }
}
