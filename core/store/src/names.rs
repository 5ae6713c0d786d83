//! Names of VOs that have, or had, jobs: out of the lanes that lists are read by, which are sorted
//! and of which a VO has a handful.

use async_trait::async_trait;
use causeway_model::JobState;
use causeway_model::names::{NameIndex, beginning};
use causeway_model::ports::StoreError;

use crate::archive_keys::Lanes;
use crate::embedded::EmbeddedStore;
use crate::hot::{Hot, JobLane};
use crate::memory::MemoryStore;

impl Hot {
    /// VOs with jobs in memory.
    fn vo_names(&self, prefix: &str, limit: usize) -> Vec<String> {
        let first = JobLane {
            vo: prefix.into(),
            // The states of one VO follow each other; this one is the first of them.
            state: JobState::Submitted,
        };
        let lanes = self.lanes.range(first..).map(|(lane, _)| &lane.vo);
        beginning(lanes, prefix, limit)
    }
}

impl Lanes {
    /// VOs with jobs in the archive, or that had some.
    fn vo_names(&self, prefix: &str, limit: usize) -> Vec<String> {
        beginning(self.vos_from(prefix), prefix, limit)
    }
}

#[async_trait]
impl NameIndex for EmbeddedStore {
    async fn names(&self, prefix: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        let mut names = self.inner.hot.read().vo_names(prefix, limit);
        let archived = self.inner.archive.lanes.read().vo_names(prefix, limit);
        names.extend(archived);
        names.sort_unstable();
        names.dedup();
        names.truncate(limit);
        Ok(names)
    }
}

#[async_trait]
impl NameIndex for MemoryStore {
    async fn names(&self, prefix: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        Ok(self.hot.read().vo_names(prefix, limit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn submitted_is_the_first_state() {
        assert_eq!(JobState::ALL.iter().min(), Some(&JobState::Submitted));
    }
}
