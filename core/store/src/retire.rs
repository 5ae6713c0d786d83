//! Taking jobs out of the archive that ended long ago, into a tree that is read by key only.
//!
//! Records move as they are. The copy is written before the original goes, so a crash in between
//! leaves a job in both places and the next round takes it again; index entries go last, because a
//! leftover entry does no harm.

use causeway_model::ports::StoreError;
use causeway_model::{JobId, Timestamp};
use parking_lot::RwLock;
use sled::Batch;

use crate::archive::{Archive, COUNTS_KEY};
use crate::archive_keys::{block_key, entry_key, failed, read_entry_key};
use crate::archive_rows::encode;
use crate::hot::{self, Counts, Hot};

/// What one round changes.
#[derive(Default)]
struct Round {
    kept: Batch,
    gone: Batch,
    counts: Counts,
    entries: Vec<[[u8; 28]; 3]>,
}

impl Archive {
    /// Takes some jobs out that ended before a time; tells how many. Only for the thread that
    /// writes the archive.
    pub(crate) fn retire(
        &self,
        before: Timestamp,
        limit: usize,
        keep: bool,
        hot: &RwLock<Hot>,
    ) -> Result<usize, StoreError> {
        let mut round = Round::default();
        for lane in self.lanes.read().all() {
            let from = entry_key(lane, Timestamp(i64::MIN), JobId(uuid::Uuid::nil()));
            let to = entry_key(lane, before, JobId(uuid::Uuid::nil()));
            for entry in self.by_finish.range(from..to) {
                if round.entries.len() >= limit {
                    break;
                }
                let (key, _) = entry.map_err(|e| failed("read", e))?;
                let (_, id) =
                    read_entry_key(&key).ok_or_else(|| failed("read", "odd index key"))?;
                // It changed lately; it comes back here when it is done.
                if hot.read().jobs.contains_key(&id) {
                    continue;
                }
                if !self.take_out(id, &key, &mut round)? {
                    self.by_finish
                        .remove(&key)
                        .map_err(|e| failed("write to", e))?;
                }
            }
        }
        let taken = round.entries.len();
        self.finish_round(round, keep, hot)?;
        Ok(taken)
    }

    /// Adds a job to the round; false when its index entry was a leftover.
    fn take_out(&self, id: JobId, entry: &[u8], round: &mut Round) -> Result<bool, StoreError> {
        let Some((job, facts)) = self.facts(id)? else {
            return Ok(false);
        };
        let entries = self.entry_keys(&job, &facts)?;
        if entries[2] != *entry {
            return Ok(false);
        }
        // An older job of the same id may have had more rows.
        for old in self.backup.scan_prefix(id.0.as_bytes()).keys() {
            round.kept.remove(old.map_err(|e| failed("read", e))?);
        }
        let blocks = (0..facts.blocks).map(|block| block_key(id, block).to_vec());
        for key in std::iter::once(id.0.as_bytes().to_vec()).chain(blocks) {
            if let Some(record) = self.rows.get(&key).map_err(|e| failed("read", e))? {
                round.kept.insert(key.as_slice(), record);
            }
            round.gone.remove(key);
        }
        for (sum, more) in round.counts.iter_mut().zip(facts.counts) {
            *sum += more;
        }
        round.entries.push(entries);
        Ok(true)
    }

    fn finish_round(
        &self,
        mut round: Round,
        keep: bool,
        hot: &RwLock<Hot>,
    ) -> Result<(), StoreError> {
        if round.entries.is_empty() {
            return Ok(());
        }
        let write = |e| failed("write to", e);
        if keep {
            self.backup.apply_batch(round.kept).map_err(write)?;
        }
        let mut counts = self.counts()?;
        hot::subtract(&mut counts, &round.counts);
        round.gone.insert(COUNTS_KEY, encode(&counts)?);
        {
            let _one_moment = self.gate.write();
            self.rows.apply_batch(round.gone).map_err(write)?;
        }
        hot::subtract(&mut hot.write().cold, &round.counts);
        for [submit, owner, finish] in round.entries {
            self.by_submit
                .remove(submit)
                .and_then(|_| self.by_owner.remove(owner))
                .and_then(|_| self.by_finish.remove(finish))
                .map_err(write)?;
        }
        Ok(())
    }
}
