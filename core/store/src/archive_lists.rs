//! Lists of the archive: which jobs to look at, in which order.
//!
//! What is given out may fit; whoever reads the job decides.

use causeway_model::ports::{FileQuery, JobQuery, StoreError};
use causeway_model::{JobId, Timestamp};
use sled::Tree;

use crate::archive::Archive;
use crate::archive_keys::{FINGERPRINT, Fingerprint, entry_key, failed, read_entry_key};
use crate::merge::Merge;

/// An index entry.
struct Entry {
    /// Submission or end.
    time: Timestamp,
    id: JobId,
    value: sled::IVec,
}

impl Entry {
    fn fingerprint(&self) -> Option<Fingerprint> {
        Fingerprint::read(&self.value)
    }

    /// Submission, in the index by end.
    fn submitted(&self) -> Option<Timestamp> {
        let bytes = self.value.get(FINGERPRINT..)?.try_into().ok()?;
        Some(Timestamp(i64::from_le_bytes(bytes)))
    }
}

impl Archive {
    /// Jobs that may fit, the newest submission first.
    pub(crate) fn jobs_that_may_fit<'a>(
        &'a self,
        query: &'a JobQuery,
    ) -> Box<dyn Iterator<Item = Result<JobId, StoreError>> + 'a> {
        if let Some(since) = query.finished_since {
            return match self.ended_since(query, since) {
                Ok(ids) => Box::new(ids.into_iter().map(Ok)),
                Err(e) => Box::new(std::iter::once(Err(e))),
            };
        }
        let by_owner = query.cred_id.is_some() || query.user_dn.is_some();
        let (tree, lanes) = match by_owner {
            true => (&self.by_owner, self.lanes.read().of_owners(query)),
            false => (&self.by_submit, self.lanes.read().of_vos(query)),
        };
        let entries = newest_first(tree, &lanes, Timestamp(i64::MIN));
        let fits = |it: &Entry| it.fingerprint().is_none_or(|it| it.may_fit(query));
        Box::new(entries.filter_map(move |entry| match entry {
            Ok(entry) => fits(&entry).then_some(Ok(entry.id)),
            Err(e) => Some(Err(e)),
        }))
    }

    fn ended_since(&self, query: &JobQuery, since: Timestamp) -> Result<Vec<JobId>, StoreError> {
        let lanes = self.lanes.read().of_vos(query);
        let mut found = Vec::new();
        for entry in newest_first(&self.by_finish, &lanes, since) {
            let entry = entry?;
            if entry.fingerprint().is_none_or(|it| it.may_fit(query)) {
                found.push((entry.submitted(), entry.id));
            }
        }
        found.sort_unstable_by(|a, b| b.cmp(a));
        Ok(found.into_iter().map(|(_, id)| id).collect())
    }

    /// Jobs whose transfers may fit, the newest end first.
    pub(crate) fn jobs_with_files<'a>(
        &'a self,
        query: &'a FileQuery,
    ) -> impl Iterator<Item = Result<JobId, StoreError>> + 'a {
        let lanes = self.lanes.read().of_files(query);
        let since = query.finished_since.unwrap_or(Timestamp(i64::MIN));
        let fits = |it: &Entry| it.fingerprint().is_none_or(|it| it.may_have(query));
        newest_first(&self.by_finish, &lanes, since).filter_map(move |entry| match entry {
            Ok(entry) => fits(&entry).then_some(Ok(entry.id)),
            Err(e) => Some(Err(e)),
        })
    }
}

/// Entries of some lanes from a time on, the newest first.
fn newest_first<'a>(
    tree: &'a Tree,
    lanes: &[u32],
    since: Timestamp,
) -> impl Iterator<Item = Result<Entry, StoreError>> + use<'a> {
    let nil = JobId(uuid::Uuid::nil());
    let max = JobId(uuid::Uuid::max());
    let ranges = lanes.iter().map(|lane| {
        let from = entry_key(*lane, since, nil);
        let to = entry_key(*lane, Timestamp(i64::MAX), max);
        tree.range(from..=to).rev().map(Found::from)
    });
    Merge::new(ranges.collect()).map(|it| it.0)
}

/// An entry or why there is none; an error comes before all entries.
struct Found(Result<Entry, StoreError>);

impl From<sled::Result<(sled::IVec, sled::IVec)>> for Found {
    fn from(found: sled::Result<(sled::IVec, sled::IVec)>) -> Self {
        let entry = found
            .map_err(|e| failed("read", e))
            .and_then(|(key, value)| {
                let (time, id) =
                    read_entry_key(&key).ok_or_else(|| failed("read", "odd index key"))?;
                Ok(Entry { time, id, value })
            });
        Self(entry)
    }
}

impl Ord for Found {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (&self.0, &other.0) {
            (Ok(a), Ok(b)) => (a.time, a.id).cmp(&(b.time, b.id)),
            (a, b) => a.is_err().cmp(&b.is_err()),
        }
    }
}

impl PartialOrd for Found {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Found {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Found {}
