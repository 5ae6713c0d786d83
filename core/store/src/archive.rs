//! The archive: jobs that have ended, in sled.
//!
//! A job is a head (its row, what it is indexed under, its rows when they are few) and blocks of
//! rows; all records stay small, because sled puts large ones into files of their own. Three
//! indexes order jobs by submission, by owner and submission, and by end. Index entries are hints:
//! whoever follows one checks the row, so an entry that a crash left over does no harm.
//!
//! Written by one thread. `flush()` of sled never syncs its file on Linux, so [`Archive::sync`]
//! does. Should a power cut damage sled's file in spite of that, only history is lost: what has
//! not ended is in the journal and its snapshot, never here.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use causeway_model::ports::StoreError;
use causeway_model::{FileId, Job, JobId, RetryLog};
use parking_lot::RwLock;
use sled::{Batch, Db, Tree};

use crate::archive_keys::{Fingerprint, Lane, Lanes, block_key, entry_key, failed};
use crate::archive_rows::{BLOCK, HeadFacts, blocks_of, encode, facts_of, rows_of, take};
use crate::evolution::Evolution;
use crate::frame::io_failed;
use crate::hot::{self, Counts};
use crate::hot_job::HotJob;
use crate::options::StoreOptions;
use crate::record::{FORMAT, Rows, RowsRef};
use crate::reopening;

/// Bytes written in one batch, about; reads wait for a batch, so it is small.
const BATCH: usize = 128 << 10;
pub(crate) const COUNTS_KEY: &[u8] = b"counts";
const FORMAT_KEY: &[u8] = b"format";

/// The archive. See the module.
pub(crate) struct Archive {
    db: Db,
    file: File,
    pub(crate) rows: Tree,
    /// Jobs that were taken out, laid out like `rows`.
    pub(crate) backup: Tree,
    pub(crate) evolution: Evolution,
    pub(crate) by_submit: Tree,
    pub(crate) by_owner: Tree,
    pub(crate) by_finish: Tree,
    lane_names: Tree,
    pub(crate) lanes: RwLock<Lanes>,
    /// Held by whoever reads or writes the several records of a job.
    pub(crate) gate: RwLock<()>,
}

impl Archive {
    pub(crate) fn open(dir: &Path, options: &StoreOptions) -> Result<Self, StoreError> {
        let config = sled::Config::new()
            .path(dir)
            .cache_capacity(options.archive_cache_bytes)
            .flush_every_ms(None);
        let db = reopening::open(&config).map_err(|e| {
            StoreError::Failed(format!(
                "open the archive of ended jobs at {}: {e}. Jobs that have not ended are not in \
                 it: to start without the history, move this directory away",
                dir.display()
            ))
        })?;
        let tree = |name: &str| db.open_tree(name).map_err(|e| failed("open", e));
        let path = dir.join("db");
        let archive = Self {
            file: File::open(&path).map_err(|e| io_failed("open", &path, &e))?,
            rows: tree("rows")?,
            backup: tree("backup")?,
            evolution: Evolution::open(tree("evolution")?)?,
            by_submit: tree("by_submit")?,
            by_owner: tree("by_owner")?,
            by_finish: tree("by_finish")?,
            lane_names: tree("lanes")?,
            lanes: RwLock::default(),
            gate: RwLock::default(),
            db,
        };
        archive.check_format(dir)?;
        archive.load_lanes()?;
        archive.sync()?;
        crate::frame::sync_dir(&path)?;
        Ok(archive)
    }

    fn check_format(&self, dir: &Path) -> Result<(), StoreError> {
        let wanted = FORMAT.to_le_bytes();
        match self.rows.get(FORMAT_KEY).map_err(|e| failed("read", e))? {
            Some(found) if *found == wanted => Ok(()),
            None => {
                let set = self.rows.insert(FORMAT_KEY, &wanted);
                set.map(drop).map_err(|e| failed("write to", e))
            }
            Some(_) => Err(StoreError::Failed(format!(
                "open the archive of ended jobs at {}: written by another version of the gateway, \
                 which this one cannot read; to start without the history, move this directory away",
                dir.display()
            ))),
        }
    }

    fn load_lanes(&self) -> Result<(), StoreError> {
        let mut lanes = self.lanes.write();
        for entry in self.lane_names.iter() {
            let (number, lane) = entry.map_err(|e| failed("read", e))?;
            let number = number.as_ref().try_into().map_err(|e| failed("read", e))?;
            let lane = postcard::from_bytes(&lane).map_err(|e| failed("read", e))?;
            lanes.add(lane, u32::from_be_bytes(number));
        }
        Ok(())
    }

    /// Makes durable what was written.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        self.db.flush().map_err(|e| failed("flush", e))?;
        self.file.sync_data().map_err(|e| failed("sync", e))
    }

    /// Whether a job is here.
    pub(crate) fn contains(&self, id: JobId) -> Result<bool, StoreError> {
        let found = self.rows.contains_key(id.0.as_bytes());
        found.map_err(|e| failed("read", e))
    }

    /// Whether a job is here, or was taken out and kept: then its id is not free. What is taken out
    /// is written there before it goes here, so it is in one of them all the time.
    pub(crate) fn knows(&self, id: JobId) -> Result<bool, StoreError> {
        let kept = || self.backup.contains_key(id.0.as_bytes());
        Ok(self.contains(id)? || kept().map_err(|e| failed("read", e))?)
    }

    /// The row of a job.
    pub(crate) fn job(&self, id: JobId) -> Result<Option<Arc<Job>>, StoreError> {
        let head = self
            .rows
            .get(id.0.as_bytes())
            .map_err(|e| failed("read", e))?;
        head.map(|it| Ok(Arc::new(take(&it)?.0))).transpose()
    }

    /// A job with everything.
    pub(crate) fn load(&self, id: JobId) -> Result<Option<HotJob>, StoreError> {
        self.load_from(&self.rows, id)
    }

    /// A job that was taken out, with everything.
    pub(crate) fn load_backup(&self, id: JobId) -> Result<Option<HotJob>, StoreError> {
        self.load_from(&self.backup, id)
    }

    fn load_from(&self, tree: &Tree, id: JobId) -> Result<Option<HotJob>, StoreError> {
        let _one_moment = self.gate.read();
        let Some(head) = tree.get(id.0.as_bytes()).map_err(|e| failed("read", e))? else {
            return Ok(None);
        };
        let (job, rest) = take::<Job>(&head)?;
        let (facts, rest) = take::<HeadFacts>(rest)?;
        let mut rows = take::<Rows>(rest)?.0;
        for block in 0..facts.blocks {
            let bytes = tree
                .get(block_key(id, block))
                .map_err(|e| failed("read", e))?;
            let bytes = bytes.ok_or_else(|| failed("read", format!("rows of {id} are missing")))?;
            let more = take::<Rows>(&bytes)?.0;
            rows.files.extend(more.files);
            rows.deletions.extend(more.deletions);
            rows.retries.extend(more.retries);
        }
        let mut job = HotJob::new(Arc::new(job), rows.files, rows.deletions, rows.retries);
        job.archived = true;
        Ok(Some(job))
    }

    /// Failed attempts of a transfer.
    pub(crate) fn retries(&self, id: JobId, file: FileId) -> Result<Vec<RetryLog>, StoreError> {
        let job = self.load(id)?;
        Ok(job.map(|it| it.retries_of(file)).unwrap_or_default())
    }

    /// States of the transfers of one job, if it is here.
    pub(crate) fn counts_of(&self, id: JobId) -> Result<Option<Counts>, StoreError> {
        Ok(self.facts(id)?.map(|(_, facts)| facts.counts))
    }

    pub(crate) fn facts(&self, id: JobId) -> Result<Option<(Job, HeadFacts)>, StoreError> {
        let head = self
            .rows
            .get(id.0.as_bytes())
            .map_err(|e| failed("read", e))?;
        let Some(head) = head else {
            return Ok(None);
        };
        let (job, rest) = take(&head)?;
        Ok(Some((job, take(rest)?.0)))
    }

    /// States of all transfers here.
    pub(crate) fn counts(&self) -> Result<Counts, StoreError> {
        match self.rows.get(COUNTS_KEY).map_err(|e| failed("read", e))? {
            Some(bytes) => Ok(take(&bytes)?.0),
            None => Ok(Counts::default()),
        }
    }

    /// Writes jobs as they are now. Durable after [`Archive::sync`].
    pub(crate) fn write(&self, jobs: &[HotJob]) -> Result<(), StoreError> {
        let mut counts = self.counts()?;
        let mut batch = Batch::default();
        let mut size = 0;
        for job in jobs {
            size += self.write_job(job, &mut batch, &mut counts)?;
            if size > BATCH {
                self.apply(std::mem::take(&mut batch), &counts)?;
                size = 0;
            }
        }
        self.apply(batch, &counts)
    }

    /// Rows and their counts change together, so the counts are right after a crash too.
    fn apply(&self, mut batch: Batch, counts: &Counts) -> Result<(), StoreError> {
        batch.insert(COUNTS_KEY, encode(counts)?);
        let _one_moment = self.gate.write();
        self.rows
            .apply_batch(batch)
            .map_err(|e| failed("write to", e))
    }

    fn write_job(
        &self,
        hot: &HotJob,
        batch: &mut Batch,
        counts: &mut Counts,
    ) -> Result<usize, StoreError> {
        let id = hot.job.job_id;
        let old = if hot.archived { self.facts(id)? } else { None };
        let mut facts = facts_of(hot);
        let inline = encode(&rows_of(hot))?;
        let mut size = inline.len();
        let mut head = encode(&*hot.job)?;
        if inline.len() <= BLOCK {
            head.extend(encode(&facts)?);
            head.extend(inline);
        } else {
            for block in blocks_of(hot, inline.len()) {
                batch.insert(&block_key(id, facts.blocks), encode(&block)?);
                facts.blocks += 1;
            }
            head.extend(encode(&facts)?);
            head.extend(encode(&RowsRef::NONE)?);
        }
        size += head.len();
        batch.insert(id.0.as_bytes(), head);
        self.index(&hot.job, &facts)?;
        if let Some((job, old)) = old {
            for block in facts.blocks..old.blocks {
                batch.remove(&block_key(id, block));
            }
            self.unindex(&job, &old, &hot.job, &facts)?;
            hot::subtract(counts, &old.counts);
        }
        for (sum, more) in counts.iter_mut().zip(facts.counts) {
            *sum += more;
        }
        Ok(size)
    }

    fn index(&self, job: &Job, facts: &HeadFacts) -> Result<(), StoreError> {
        let fingerprint = Fingerprint::of(job).to_bytes();
        let mut with_submit = fingerprint.to_vec();
        with_submit.extend(job.submit_time.0.to_le_bytes());
        let [submit, owner, finish] = self.entry_keys(job, facts)?;
        self.by_submit
            .insert(submit, &fingerprint)
            .and_then(|_| self.by_owner.insert(owner, &fingerprint))
            .and_then(|_| self.by_finish.insert(finish, with_submit))
            .map(drop)
            .map_err(|e| failed("write to", e))
    }

    fn unindex(
        &self,
        old: &Job,
        old_facts: &HeadFacts,
        new: &Job,
        new_facts: &HeadFacts,
    ) -> Result<(), StoreError> {
        let new = self.entry_keys(new, new_facts)?;
        let old = self.entry_keys(old, old_facts)?;
        let trees = [&self.by_submit, &self.by_owner, &self.by_finish];
        for ((tree, old), new) in trees.into_iter().zip(old).zip(new) {
            if old != new {
                tree.remove(old).map_err(|e| failed("write to", e))?;
            }
        }
        Ok(())
    }

    pub(crate) fn entry_keys(
        &self,
        job: &Job,
        facts: &HeadFacts,
    ) -> Result<[[u8; 28]; 3], StoreError> {
        let vo = self.lane(Lane::Vo {
            vo: job.vo_name.as_ref().into(),
            state: job.state,
            files: facts.files,
        })?;
        let owner = self.lane(Lane::Owner {
            cred_id: job.cred_id.as_ref().into(),
            user_dn: job.user_dn.as_ref().into(),
            state: job.state,
        })?;
        Ok([
            entry_key(vo, job.submit_time, job.job_id),
            entry_key(owner, job.submit_time, job.job_id),
            entry_key(vo, facts.finish, job.job_id),
        ])
    }

    fn lane(&self, lane: Lane) -> Result<u32, StoreError> {
        if let Some(number) = self.lanes.read().number(&lane) {
            return Ok(number);
        }
        let mut lanes = self.lanes.write();
        let number = lanes.len();
        let key = number.to_be_bytes();
        let named = self.lane_names.insert(key, encode(&lane)?);
        named.map_err(|e| failed("write to", e))?;
        lanes.add(lane, number);
        Ok(number)
    }
}
