//! What a start does: the newest snapshot, then the segments after it, in order.

use std::path::Path;

use causeway_model::JobId;
use causeway_model::ports::{StoreError, Transaction};

use crate::archive::Archive;
use crate::check::job_ids;
use crate::feed::holding;
use crate::frame::{self, End, Kind, io_failed};
use crate::hot::{self, Counts, Hot};
use crate::journal::{segment_path, segments};
use crate::record::{self, Record};
use crate::snapshot;
use crate::table::{Table, TableWrite};

/// The state at the last acknowledged write, or a little later.
#[derive(Debug, Default)]
pub(crate) struct Recovered {
    pub(crate) hot: Hot,
    pub(crate) table: Table,
    /// The number that the next transfer may take.
    pub(crate) next_file: u64,
    /// The last segment there was.
    pub(crate) segment: u64,
    /// Bytes in the segments after the snapshot.
    pub(crate) journal_bytes: u64,
    /// Bytes in the snapshot.
    pub(crate) snapshot_bytes: u64,
    orphans: usize,
}

/// Reads a directory. The caller has its lock.
pub(crate) fn recover(dir: &Path, archive: &Archive) -> Result<Recovered, StoreError> {
    let mut found = Recovered {
        next_file: 1,
        ..Recovered::default()
    };
    let snapshots = snapshot::all(dir)?;
    if let Some(number) = snapshots.last() {
        read_snapshot(dir, *number, archive, &mut found)?;
        found.segment = *number;
    }
    remove_before(dir, found.segment)?;
    let segments = segments(dir)?;
    for number in &segments {
        read_segment(
            dir,
            *number,
            segments.last() == Some(number),
            archive,
            &mut found,
        )?;
    }
    if found.orphans > 0 {
        tracing::error!(
            rows = found.orphans,
            "the journal has rows of jobs that are nowhere; they were left out"
        );
    }
    found.hot.cold = cold(&mut found.hot, archive)?;
    Ok(found)
}

/// Removes what a snapshot stands for: older snapshots, and segments up to its number that no
/// reader of the feed needs.
pub(crate) fn remove_before(dir: &Path, snapshot: u64) -> Result<(), StoreError> {
    let older = snapshot::all(dir)?.into_iter().filter(|it| *it < snapshot);
    let covered = segments(dir)?.into_iter().filter(|it| *it <= snapshot);
    let mut removed = false;
    for path in older.map(|it| snapshot::path(dir, it)) {
        std::fs::remove_file(&path).map_err(|e| io_failed("remove", &path, &e))?;
        removed = true;
    }
    let lowest = holding::lowest(dir)?;
    for number in covered {
        holding::let_go(dir, number, lowest)?;
        removed = true;
    }
    if removed {
        frame::sync_dir(&dir.join("x"))?;
    }
    Ok(())
}

fn read_snapshot(
    dir: &Path,
    number: u64,
    archive: &Archive,
    found: &mut Recovered,
) -> Result<(), StoreError> {
    let path = snapshot::path(dir, number);
    let mut complete = false;
    let end = frame::read_file(&path, Kind::Snapshot, number, |payload| {
        record::decode_all(payload, |record| {
            complete |=
                matches!(&record, Record::End(jobs) if *jobs == found.hot.jobs.len() as u64);
            take(record, archive, found)
        })
    })?;
    if end != End::Clean || !complete {
        return Err(StoreError::Failed(format!(
            "read {}: it is damaged, and the journal before it is gone; restore the store's \
             directory from a backup",
            path.display()
        )));
    }
    let size = std::fs::metadata(&path).map_err(|e| io_failed("read", &path, &e))?;
    found.snapshot_bytes = size.len();
    Ok(())
}

fn read_segment(
    dir: &Path,
    number: u64,
    last: bool,
    archive: &Archive,
    found: &mut Recovered,
) -> Result<(), StoreError> {
    let path = segment_path(dir, number);
    if number != found.segment + 1 {
        return Err(StoreError::Failed(format!(
            "read {}: the segment before it, number {:x}, is missing; restore the store's \
             directory from a backup",
            path.display(),
            found.segment + 1
        )));
    }
    let end = frame::read_file(&path, Kind::Journal, number, |payload| {
        record::decode_all(payload, |record| take(record, archive, found))
    })?;
    match end {
        End::Clean => {}
        End::Torn(at) if last => cut(&path, at)?,
        End::Torn(at) => {
            return Err(StoreError::Failed(format!(
                "read {}: damaged at byte {at}, and later segments follow; restore the store's \
                 directory from a backup, or, to go on without the rows written since, cut this \
                 file to {at} bytes and move every file with a higher number away",
                path.display()
            )));
        }
    }
    if path.exists() {
        let size = std::fs::metadata(&path).map_err(|e| io_failed("read", &path, &e))?;
        found.journal_bytes += size.len();
        found.segment = number;
    }
    Ok(())
}

/// Cuts off what a crash left unfinished. Nobody was told that it is stored.
fn cut(path: &Path, at: u64) -> Result<(), StoreError> {
    tracing::warn!(
        file = %path.display(),
        at,
        "the journal ends in an unfinished write; it was cut off"
    );
    let failed = |e: std::io::Error| io_failed("cut", path, &e);
    if at < frame::FILE_HEADER as u64 {
        std::fs::remove_file(path).map_err(failed)?;
        return frame::sync_dir(path);
    }
    let file = std::fs::File::options()
        .write(true)
        .open(path)
        .map_err(failed)?;
    file.set_len(at).map_err(failed)?;
    file.sync_all().map_err(failed)
}

fn take(record: Record, archive: &Archive, found: &mut Recovered) -> Result<(), StoreError> {
    match record {
        Record::Insert(rows) => found.orphans += found.hot.apply(rows.into()),
        Record::Apply(rows) => {
            let mut rows = Transaction::from(rows);
            let mut unknown = Vec::new();
            for id in job_ids(&rows) {
                if !found.hot.jobs.contains_key(&id) && !unknown.contains(&id) {
                    match archive.load(id)? {
                        Some(job) => found.hot.add(job),
                        None => unknown.push(id),
                    }
                }
            }
            let known = |jobs: &mut Vec<_>, id: fn(&_) -> JobId| {
                jobs.retain(|it| !unknown.contains(&id(it)));
            };
            let before = rows.jobs.len();
            known(&mut rows.jobs, |it| it.job_id);
            found.orphans += before - rows.jobs.len();
            found.orphans += found.hot.apply(rows);
        }
        Record::Mark(mark) => found.next_file = mark,
        Record::End(_) => {}
        Record::Settings(changes, audit) => {
            found.table.apply(TableWrite::Settings(changes, audit));
        }
        Record::Optimizer(rows) => found.table.apply(TableWrite::Optimizer(rows)),
        // The rows say the same; these are for readers of the feed.
        Record::Events(_) | Record::Decided(_) => {}
    }
    Ok(())
}

/// Counts of what is in the archive only. Tells jobs that the archive has an image of them.
fn cold(hot: &mut Hot, archive: &Archive) -> Result<Counts, StoreError> {
    let mut counts = archive.counts()?;
    let ended: Vec<JobId> = hot.settled().collect();
    for id in ended {
        let known = archive.counts_of(id)?;
        if let Some(job) = hot.jobs.get_mut(&id) {
            job.archived = known.is_some();
        }
    }
    for (id, _) in hot.jobs.iter().filter(|(_, it)| it.archived) {
        if let Some(known) = archive.counts_of(*id)? {
            hot::subtract(&mut counts, &known);
        }
    }
    Ok(counts)
}
