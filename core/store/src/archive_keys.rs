//! Keys of the archive: lanes, index entries, fingerprints.
//!
//! A lane is a set of jobs that a list takes or leaves as a whole. There are few of them (VOs times
//! end states times the sets of states that transfers of one job end in; owners times end states),
//! so a list picks its lanes in memory and then reads one range of an index per lane.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use causeway_model::ports::{FileQuery, JobQuery, StoreError};
use causeway_model::{FileState, Job, JobId, JobState, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::matching;

/// One bit per state that some transfer of a job has.
pub(crate) type StateMask = u32;

pub(crate) fn bit(state: FileState) -> StateMask {
    1 << state as u32
}

/// What the jobs of a lane have in common.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Lane {
    Vo {
        vo: String,
        state: JobState,
        files: StateMask,
    },
    Owner {
        cred_id: String,
        user_dn: String,
        state: JobState,
    },
}

/// All lanes, by number.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    numbers: HashMap<Lane, u32>,
    /// VOs of the lanes.
    vos: BTreeSet<String>,
}

impl Lanes {
    pub(crate) fn add(&mut self, lane: Lane, number: u32) {
        if let Lane::Vo { vo, .. } = &lane
            && !self.vos.contains(vo)
        {
            self.vos.insert(vo.clone());
        }
        self.numbers.insert(lane, number);
    }

    pub(crate) fn number(&self, lane: &Lane) -> Option<u32> {
        self.numbers.get(lane).copied()
    }

    pub(crate) fn len(&self) -> u32 {
        self.numbers.len() as u32
    }

    /// VOs in order, from a name on.
    pub(crate) fn vos_from(&self, name: &str) -> impl Iterator<Item = &String> {
        let from = (Bound::Included(name), Bound::Unbounded);
        self.vos.range::<str, _>(from)
    }

    /// Lanes of all VOs, in an order that does not depend on which was made first.
    pub(crate) fn all(&self) -> Vec<u32> {
        let key = |(lane, number): (&Lane, &u32)| match lane {
            Lane::Vo { vo, state, files } => Some((vo.clone(), *state as u8, *files, *number)),
            Lane::Owner { .. } => None,
        };
        let mut lanes: Vec<_> = self.numbers.iter().filter_map(key).collect();
        lanes.sort_unstable();
        lanes.into_iter().map(|(.., number)| number).collect()
    }

    /// Lanes of VOs whose jobs may fit.
    pub(crate) fn of_vos(&self, query: &JobQuery) -> Vec<u32> {
        self.pick(|lane| match lane {
            Lane::Vo { vo, state, .. } => {
                query.vo_name.as_ref().is_none_or(|it| it == vo)
                    && matching::job_state(query, *state)
            }
            Lane::Owner { .. } => false,
        })
    }

    /// Lanes of owners whose jobs may fit.
    pub(crate) fn of_owners(&self, query: &JobQuery) -> Vec<u32> {
        self.pick(|lane| match lane {
            Lane::Owner {
                cred_id,
                user_dn,
                state,
            } => {
                query.cred_id.as_ref().is_none_or(|it| it == cred_id)
                    && query.user_dn.as_ref().is_none_or(|it| it == user_dn)
                    && matching::job_state(query, *state)
            }
            Lane::Vo { .. } => false,
        })
    }

    /// Lanes of VOs whose jobs may have transfers that fit.
    pub(crate) fn of_files(&self, query: &FileQuery) -> Vec<u32> {
        let states = FileState::ALL.iter();
        let wanted = states
            .filter(|it| matching::file_state(query, **it))
            .fold(0, |mask, it| mask | bit(*it));
        self.pick(|lane| match lane {
            Lane::Vo { vo, files, .. } => {
                query.vo_name.as_ref().is_none_or(|it| it == vo) && files & wanted != 0
            }
            Lane::Owner { .. } => false,
        })
    }

    fn pick(&self, wanted: impl Fn(&Lane) -> bool) -> Vec<u32> {
        let lanes = self.numbers.iter().filter(|(lane, _)| wanted(lane));
        lanes.map(|(_, number)| *number).collect()
    }
}

/// Hashes of what lists filter by, so that most jobs that do not fit need not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fingerprint([u32; 5]);

/// Length of a fingerprint in an index entry.
pub(crate) const FINGERPRINT: usize = 20;

/// 0 stands for nothing known.
fn hash(text: &str) -> u32 {
    crc32c::crc32c(text.as_bytes()).max(1)
}

impl Fingerprint {
    pub(crate) fn of(job: &Job) -> Self {
        let optional = |text: &Option<_>| text.as_deref().map_or(0, hash);
        Self([
            hash(&job.user_dn),
            hash(&job.cred_id),
            hash(&job.vo_name),
            optional(&job.source_se),
            optional(&job.dest_se),
        ])
    }

    pub(crate) fn to_bytes(self) -> [u8; FINGERPRINT] {
        let mut bytes = [0; FINGERPRINT];
        for (slot, word) in bytes.chunks_exact_mut(4).zip(self.0) {
            slot.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut words = [0; 5];
        for (word, slot) in words
            .iter_mut()
            .zip(bytes.get(..FINGERPRINT)?.chunks_exact(4))
        {
            *word = u32::from_le_bytes(slot.try_into().ok()?);
        }
        Some(Self(words))
    }

    /// False when the job cannot fit.
    pub(crate) fn may_fit(self, query: &JobQuery) -> bool {
        let wanted = [
            &query.user_dn,
            &query.cred_id,
            &query.vo_name,
            &query.source_se,
            &query.dest_se,
        ];
        let pairs = wanted.into_iter().zip(self.0);
        pairs
            .into_iter()
            .all(|(wanted, is)| wanted.as_deref().is_none_or(|it| hash(it) == is))
    }

    /// False when no transfer of the job can fit. Storages are known only where all share one.
    pub(crate) fn may_have(self, query: &FileQuery) -> bool {
        let wanted = [(&query.source_se, self.0[3]), (&query.dest_se, self.0[4])];
        wanted
            .into_iter()
            .all(|(wanted, is)| is == 0 || wanted.as_deref().is_none_or(|it| hash(it) == is))
    }
}

const ENTRY: usize = 28;

/// Key of an index entry: lane, time, job, in an order that bytes keep.
pub(crate) fn entry_key(lane: u32, time: Timestamp, id: JobId) -> [u8; ENTRY] {
    let mut key = [0; ENTRY];
    key[..4].copy_from_slice(&lane.to_be_bytes());
    key[4..12].copy_from_slice(&(time.0 as u64 ^ (1 << 63)).to_be_bytes());
    key[12..].copy_from_slice(id.0.as_bytes());
    key
}

/// Time and job of an index entry.
pub(crate) fn read_entry_key(key: &[u8]) -> Option<(Timestamp, JobId)> {
    let key: &[u8; ENTRY] = key.try_into().ok()?;
    let time = u64::from_be_bytes(key[4..12].try_into().ok()?) ^ (1 << 63);
    let id = Uuid::from_slice(&key[12..]).ok()?;
    Some((Timestamp(time as i64), JobId(id)))
}

/// Key of a block of rows of a job; the job itself stands at its id alone.
pub(crate) fn block_key(id: JobId, block: u32) -> [u8; 20] {
    let mut key = [0; 20];
    key[..16].copy_from_slice(id.0.as_bytes());
    key[16..].copy_from_slice(&block.to_be_bytes());
    key
}

/// An error of the archive, for the operator.
pub(crate) fn failed(what: &str, e: impl std::fmt::Display) -> StoreError {
    StoreError::Failed(format!("{what} the archive of ended jobs: {e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_time() {
        let id = JobId(Uuid::from_u128(5));
        let times = [i64::MIN, -1, 0, 1, 1_700_000_000_000, i64::MAX];
        let keys: Vec<_> = times.map(|it| entry_key(3, Timestamp(it), id)).into();
        assert!(keys.is_sorted());
        for (time, key) in times.iter().zip(&keys) {
            assert_eq!(read_entry_key(key), Some((Timestamp(*time), id)));
        }
    }
}
