//! Checksums of whole files, read in short jobs, so that a dropped call ends after the next one.

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
    let mut hasher = algorithm.hasher();
    let mut offset = 0;
    loop {
        let (file, buffers) = (Arc::clone(&file), buffers.clone());
        let (after, end) = blocking(move || sum_some(&*file, &buffers, hasher, offset)).await?;
        hasher = after;
        match end {
            Some(position) => offset = position,
            None => return Ok(hasher.finish()),
        }
    }
}

/// Sums some chunks; gives back where to go on, `None` at the end.
fn sum_some(
    file: &impl AsFd,
    buffers: &Buffers,
    mut hasher: Hasher,
    mut offset: u64,
) -> Result<(Hasher, Option<u64>)> {
    for _ in 0..CHUNKS {
        let mut buffer = buffers.take(CHUNK);
        let len = rustix::io::pread(file, rustix::buffer::spare_capacity(&mut buffer), offset)
            .map_err(from_errno)?;
        hasher.update(&buffer);
        // Only gives the buffer back.
        drop(buffers.chunk(buffer));
        if len == 0 {
            return Ok((hasher, None));
        }
        offset += len as u64;
    }
    Ok((hasher, Some(offset)))
}
