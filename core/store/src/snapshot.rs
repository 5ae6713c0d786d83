//! Snapshots: settings and all jobs in memory, in a file. The journal up to the snapshot's number may go.
//!
//! A snapshot is made while writes go on. It holds each job at some moment after the number's
//! segment ended; the segments that follow hold every later change, and applying a change that the
//! snapshot has already does no harm. Settings are as they were when that segment ended.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use causeway_model::ports::StoreError;
use causeway_model::{FileId, JobId};
use parking_lot::RwLock;

use crate::frame::{self, Kind, io_failed};
use crate::hot::Hot;
use crate::hot_job::HotJob;
use crate::journal::numbers;
use crate::record::{RecordRef, RowsRef};
use crate::table::{Table, TableWrite};

/// Bytes in one frame, about.
const FRAME: usize = 1 << 20;
/// Jobs looked at under one lock.
const STRIDE: usize = 64;

/// Path of the snapshot that stands for all segments up to `number`.
pub(crate) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("snapshot-{number:016x}.snap"))
}

/// Numbers of the snapshots in a directory, ascending.
pub(crate) fn all(dir: &Path) -> Result<Vec<u64>, StoreError> {
    numbers(dir, "snapshot-", ".snap")
}

/// Writes a snapshot; durable, with its name, when this returns. Gives its size.
pub(crate) fn write(
    dir: &Path,
    number: u64,
    hot: &RwLock<Hot>,
    table: &Table,
    mark: u64,
) -> Result<u64, StoreError> {
    let unfinished = dir.join("snapshot.tmp");
    match std::fs::remove_file(&unfinished) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            return Err(io_failed("remove", &unfinished, &e));
        }
        _ => {}
    }
    let mut out = Out {
        file: frame::create(&unfinished, Kind::Snapshot, number)?,
        path: &unfinished,
        frame: frame::begin(),
    };
    out.put(&RecordRef::Mark(mark))?;
    for write in table.writes() {
        out.put_table(&write)?;
    }
    // In the order of their numbers, because a start fills its indexes faster in order.
    let mut ids: Vec<(Option<FileId>, JobId)> = {
        let hot = hot.read();
        let jobs = hot.jobs.iter();
        jobs.map(|(id, it)| (it.files.first().map(|it| it.file_id), *id))
            .collect()
    };
    ids.sort_unstable();
    let mut jobs = 0;
    for ids in ids.chunks(STRIDE) {
        let stride: Vec<HotJob> = {
            let hot = hot.read();
            ids.iter()
                .filter_map(|(_, id)| hot.jobs.get(id).cloned())
                .collect()
        };
        for job in &stride {
            out.put(&RecordRef::Insert(RowsRef {
                jobs: std::slice::from_ref(&job.job),
                files: &job.files,
                deletions: &job.deletions,
                retries: &job.retries,
            }))?;
            jobs += 1;
        }
    }
    out.put(&RecordRef::End(jobs))?;
    out.flush()?;
    out.file
        .sync_all()
        .map_err(|e| io_failed("sync", &unfinished, &e))?;
    let size = out
        .file
        .metadata()
        .map_err(|e| io_failed("read", &unfinished, &e))?;
    let path = path(dir, number);
    std::fs::rename(&unfinished, &path).map_err(|e| io_failed("rename", &unfinished, &e))?;
    frame::sync_dir(&path)?;
    Ok(size.len())
}

struct Out<'a> {
    file: File,
    path: &'a Path,
    frame: Vec<u8>,
}

impl Out<'_> {
    fn put(&mut self, record: &RecordRef<'_>) -> Result<(), StoreError> {
        self.frame = record.encode(std::mem::take(&mut self.frame))?;
        self.flush_when_full()
    }

    fn put_table(&mut self, write: &TableWrite) -> Result<(), StoreError> {
        self.frame = write.encode(std::mem::take(&mut self.frame))?;
        self.flush_when_full()
    }

    fn flush_when_full(&mut self) -> Result<(), StoreError> {
        if self.frame.len() >= FRAME {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        frame::finish(&mut self.frame)?;
        let written = self.file.write_all(&self.frame);
        written.map_err(|e| io_failed("write to", self.path, &e))?;
        self.frame = frame::begin();
        Ok(())
    }
}
