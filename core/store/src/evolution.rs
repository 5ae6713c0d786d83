//! The optimizer's decisions, in a tree of the archive: bounded, the oldest go first.
//!
//! Keys are numbers that ascend, so the newest are at the end and counting is subtracting. A list by
//! storage walks back from the newest and gives up after a while.

use causeway_model::ports::{EvolutionQuery, StoreError};
use causeway_model::{EvolutionRow, Timestamp};
use parking_lot::Mutex;
use sled::{Batch, Tree};

use crate::archive_keys::failed;
use crate::archive_rows::{encode, take};
use crate::matching;

/// Rows that are kept.
const KEPT: u64 = 1_000_000;
/// Rows that one list looks at.
const LOOKED_AT: usize = 200_000;

/// The tree. See the module.
pub(crate) struct Evolution {
    tree: Tree,
    kept: u64,
    /// Number of the next row; held while rows are written.
    next: Mutex<u64>,
}

impl Evolution {
    pub(crate) fn open(tree: Tree) -> Result<Self, StoreError> {
        let last = tree.last().map_err(|e| failed("read", e))?;
        let next = last.map_or(Ok(0), |(key, _)| number(&key).map(|it| it + 1))?;
        Ok(Self {
            tree,
            kept: KEPT,
            next: Mutex::new(next),
        })
    }

    /// Adds rows, and takes as many of the oldest away as there are too many.
    pub(crate) fn append(&self, rows: &[EvolutionRow]) -> Result<(), StoreError> {
        let mut next = self.next.lock();
        let mut batch = Batch::default();
        let mut number = *next;
        for row in rows {
            batch.insert(&number.to_be_bytes(), encode(row)?);
            number += 1;
        }
        let first = self.first()?.unwrap_or(number);
        let surplus = (number - first.min(number)).saturating_sub(self.kept);
        for old in first..first + surplus {
            batch.remove(&old.to_be_bytes());
        }
        let written = self.tree.apply_batch(batch);
        written.map_err(|e| failed("write to", e))?;
        *next = number;
        Ok(())
    }

    fn first(&self) -> Result<Option<u64>, StoreError> {
        let first = self.tree.first().map_err(|e| failed("read", e))?;
        first.map(|(key, _)| number(&key)).transpose()
    }

    /// Rows that fit, the newest first.
    pub(crate) fn list(&self, query: &EvolutionQuery) -> Result<Vec<EvolutionRow>, StoreError> {
        let mut found = Vec::new();
        for entry in self.tree.iter().rev().take(LOOKED_AT) {
            if found.len() >= query.limit {
                break;
            }
            let (_, row) = entry.map_err(|e| failed("read", e))?;
            let row: EvolutionRow = take(&row)?.0;
            if matching::evolution(query, &row) {
                found.push(row);
            }
        }
        Ok(found)
    }

    /// Takes some rows away that are older than a time; tells how many.
    pub(crate) fn forget(&self, before: Timestamp, limit: usize) -> Result<usize, StoreError> {
        let _nobody_writes = self.next.lock();
        let mut batch = Batch::default();
        let mut forgotten = 0;
        for entry in self.tree.iter().take(limit) {
            let (key, row) = entry.map_err(|e| failed("read", e))?;
            let row: EvolutionRow = take(&row)?.0;
            if row.datetime >= before {
                break;
            }
            batch.remove(key);
            forgotten += 1;
        }
        let written = self.tree.apply_batch(batch);
        written.map_err(|e| failed("write to", e))?;
        Ok(forgotten)
    }
}

fn number(key: &[u8]) -> Result<u64, StoreError> {
    let key = key.try_into().map_err(|_| failed("read", "odd key"))?;
    Ok(u64::from_be_bytes(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: i64) -> EvolutionRow {
        EvolutionRow {
            datetime: Timestamp(number),
            source_se: format!("mock://s{}", number % 2).into(),
            dest_se: "mock://d".into(),
            active: 2,
            throughput: 0.0,
            success: 100.0,
            rationale: "steady".to_owned(),
            diff: 0,
            actual_active: 2,
            queue_size: 0,
            ema: 0.0,
            filesize_avg: 0.0,
            filesize_stddev: 0.0,
        }
    }

    #[test]
    fn the_oldest_give_way() {
        let dir = tempfile::tempdir().unwrap();
        let db = sled::open(dir.path()).unwrap();
        let mut it = Evolution::open(db.open_tree("e").unwrap()).unwrap();
        it.kept = 10;
        for number in 0..25 {
            it.append(&[row(number)]).unwrap();
        }
        let all = EvolutionQuery {
            limit: 100,
            ..EvolutionQuery::default()
        };
        let times =
            |rows: Vec<EvolutionRow>| rows.iter().map(|it| it.datetime.0).collect::<Vec<_>>();
        assert_eq!(
            times(it.list(&all).unwrap()),
            Vec::from_iter((15..25).rev())
        );
        let of_one = EvolutionQuery {
            source_se: Some("mock://s0".into()),
            limit: 3,
            ..EvolutionQuery::default()
        };
        assert_eq!(times(it.list(&of_one).unwrap()), [24, 22, 20]);
        assert_eq!(it.forget(Timestamp(20), 3).unwrap(), 3);
        assert_eq!(it.forget(Timestamp(20), 100).unwrap(), 2);
        assert_eq!(it.forget(Timestamp(20), 100).unwrap(), 0);
        // Numbers go on where they were.
        let again = Evolution::open(db.open_tree("e").unwrap()).unwrap();
        again.append(&[row(25)]).unwrap();
        assert_eq!(
            times(again.list(&all).unwrap()),
            Vec::from_iter((20..26).rev())
        );
    }
}
