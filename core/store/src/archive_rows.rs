//! How a job that has ended is laid out in records of the archive.

use causeway_model::Timestamp;
use causeway_model::ports::StoreError;
use serde::{Deserialize, Serialize};

use crate::archive_keys::{StateMask, bit, failed};
use crate::hot::{self, Counts};
use crate::hot_job::HotJob;
use crate::record::RowsRef;

/// Bytes of rows in one record, about.
pub(crate) const BLOCK: usize = 8 << 10;

/// What a head says beside the row of the job.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HeadFacts {
    pub(crate) files: StateMask,
    pub(crate) finish: Timestamp,
    pub(crate) counts: Counts,
    pub(crate) blocks: u32,
}

pub(crate) fn facts_of(hot: &HotJob) -> HeadFacts {
    let mut counts = Counts::default();
    hot::count(&mut counts, &hot.files);
    // Not earlier than the end of any row, so that a list by time need not look further back.
    let ends = hot.files.iter().filter_map(|it| it.finish_time);
    let last = ends.chain(hot.job.job_finished).max();
    HeadFacts {
        files: hot.files.iter().fold(0, |mask, it| mask | bit(it.state)),
        finish: last.unwrap_or(hot.job.submit_time),
        counts,
        blocks: 0,
    }
}

pub(crate) fn rows_of(hot: &HotJob) -> RowsRef<'_> {
    RowsRef {
        jobs: &[],
        files: &hot.files,
        deletions: &hot.deletions,
        retries: &hot.retries,
    }
}

/// The rows of a job in portions of about [`BLOCK`] bytes, given how many they have together.
pub(crate) fn blocks_of(hot: &HotJob, bytes: usize) -> impl Iterator<Item = RowsRef<'_>> {
    let rows = hot.files.len() + hot.deletions.len() + hot.retries.len();
    let portion = (rows * BLOCK / bytes.max(1)).max(1);
    let none = RowsRef::NONE;
    let files = hot
        .files
        .chunks(portion)
        .map(move |files| RowsRef { files, ..none });
    let deletions = hot.deletions.chunks(portion);
    let deletions = deletions.map(move |deletions| RowsRef { deletions, ..none });
    let retries = hot
        .retries
        .chunks(portion)
        .map(move |retries| RowsRef { retries, ..none });
    files.chain(deletions).chain(retries)
}

pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, StoreError> {
    postcard::to_stdvec(value).map_err(|e| failed("write to", e))
}

pub(crate) fn take<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<(T, &'a [u8]), StoreError> {
    postcard::take_from_bytes(bytes).map_err(|e| failed("read", e))
}
