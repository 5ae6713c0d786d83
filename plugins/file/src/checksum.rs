//! Checksums of files and parts of them, read in short jobs, so that a dropped call ends after the
//! next one.

use std::ops::Range;
use std::os::fd::AsFd;
use std::sync::Arc;

use causeway_sdk::{Algorithm, Checksum, Hasher, Result};

use crate::buffers::{Buffers, CHUNK};
use crate::error::from_errno;
use crate::offload::blocking;

/// Chunks summed in one job.
const CHUNKS: u64 = 8;

/// Sums a file from beginning to end.
pub(crate) async fn of<F>(file: Arc<F>, buffers: Buffers, algorithm: Algorithm) -> Result<Checksum>
where
    F: AsFd + Send + Sync + 'static,
{
    of_range(file, buffers, algorithm, 0..u64::MAX).await
}

/// Sums what a file has of a range.
pub(crate) async fn of_range<F>(
    file: Arc<F>,
    buffers: Buffers,
    algorithm: Algorithm,
    mut range: Range<u64>,
) -> Result<Checksum>
where
    F: AsFd + Send + Sync + 'static,
{
    let mut hasher = algorithm.hasher();
    loop {
        let (file, buffers) = (Arc::clone(&file), buffers.clone());
        let (after, left) = blocking(move || sum_some(&*file, &buffers, hasher, range)).await?;
        hasher = after;
        match left {
            Some(left) => range = left,
            None => return Ok(hasher.finish()),
        }
    }
}

/// Sums some chunks; gives back what is left to be summed, `None` at the end.
fn sum_some(
    file: &impl AsFd,
    buffers: &Buffers,
    mut hasher: Hasher,
    mut range: Range<u64>,
) -> Result<(Hasher, Option<Range<u64>>)> {
    for _ in 0..CHUNKS {
        let mut buffer = buffers.take(CHUNK);
        let room = rustix::buffer::spare_capacity(&mut buffer);
        rustix::io::pread(file, room, range.start).map_err(from_errno)?;
        let wanted = range.end.saturating_sub(range.start);
        buffer.truncate(wanted.min(CHUNK as u64) as usize);
        let len = buffer.len() as u64;
        hasher.update(&buffer);
        // Only gives the buffer back.
        drop(buffers.chunk(buffer));
        if len == 0 {
            return Ok((hasher, None));
        }
        range.start += len;
    }
    Ok((hasher, Some(range)))
}
