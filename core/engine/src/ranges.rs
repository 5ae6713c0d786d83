//! A large file in parallel ranges, where the source seeks and the destination takes any order.
//!
//! Readers take ranges one after the other from a common counter; all chunks go through one narrow
//! channel to the one writer. In memory: one chunk for each reader, one in the channel, one being
//! written.

use std::sync::atomic::{AtomicU64, Ordering};

use causeway_model::Fault;
use causeway_sdk::checksum::adler32_combine;
use causeway_sdk::{Algorithm, Bytes, Checksum, DynWrite};
use futures_util::future::try_join_all;
use futures_util::try_join;
use tokio::sync::mpsc;

use crate::attempt::ECOMM;
use crate::stream::{Flow, Streamed};

/// How a file is cut.
pub(crate) struct Cut {
    pub(crate) streams: u32,
    size: u64,
    range: u64,
}

/// One summed-up range.
struct Piece {
    index: u64,
    adler: u32,
    len: u64,
}

impl Cut {
    /// The cut for a flow; `None` when it is better moved in order.
    pub(crate) fn fitting(flow: &Flow<'_>) -> Option<Self> {
        let attempt = flow.attempt;
        let read = &attempt.source.abilities.read;
        let limits = &attempt.spec.limits;
        let size = flow.size?;
        let range = limits.range_bytes.max(1);
        let streams = limits.streams.min(read.parallel.max(1));
        // Only Adler-32 of pieces can be put together.
        let sums = matches!(flow.algorithm, None | Some(Algorithm::Adler32));
        let able = read.ranges && attempt.destination.abilities.write.positional;
        (able && sums && streams > 1 && size > range).then_some(Self {
            streams: u64::from(streams).min(size.div_ceil(range)) as u32,
            size,
            range,
        })
    }
}

pub(crate) async fn run(
    flow: &Flow<'_>,
    cut: &Cut,
    sink: &mut Box<dyn DynWrite>,
) -> Result<Streamed, Fault> {
    let (chunks, mut arriving) = mpsc::channel::<(u64, Bytes)>(1);
    let next = AtomicU64::new(0);
    let readers = try_join_all((0..cut.streams).map(|_| read(flow, cut, &next, chunks.clone())));
    // The readers hold the senders; when the last of them ends, the writer does.
    drop(chunks);
    let writer = async {
        while let Some((offset, chunk)) = arriving.recv().await {
            flow.write(sink, offset, chunk).await?;
        }
        Ok(())
    };
    let (pieces, ()) = try_join!(readers, writer)?;
    let pieces: Vec<Piece> = pieces.into_iter().flatten().collect();
    Ok(Streamed {
        bytes: pieces.iter().map(|it| it.len).sum(),
        checksum: flow.algorithm.map(|_| combine(pieces)),
    })
}

async fn read(
    flow: &Flow<'_>,
    cut: &Cut,
    next: &AtomicU64,
    chunks: mpsc::Sender<(u64, Bytes)>,
) -> Result<Vec<Piece>, Fault> {
    let mut pieces = Vec::new();
    loop {
        let index = next.fetch_add(1, Ordering::Relaxed);
        let start = index.saturating_mul(cut.range);
        if start >= cut.size {
            return Ok(pieces);
        }
        let len = cut.range.min(cut.size - start);
        pieces.push(read_range(flow, index, start, len, &chunks).await?);
    }
}

async fn read_range(
    flow: &Flow<'_>,
    index: u64,
    start: u64,
    len: u64,
    chunks: &mpsc::Sender<(u64, Bytes)>,
) -> Result<Piece, Fault> {
    let mut reader = flow.open(start, Some(len)).await?;
    let mut hasher = flow.algorithm.map(|_| simd_adler());
    let mut read = 0;
    while let Some(chunk) = flow.read(&mut reader).await? {
        let offset = start + read;
        read += chunk.len() as u64;
        if read > len {
            let text = "read the source: more bytes than the range has";
            return Err(flow.attempt.copy_fault(ECOMM, text));
        }
        if let Some(hasher) = &mut hasher {
            hasher.update(&chunk);
        }
        if chunks.send((offset, chunk)).await.is_err() {
            let text = "write the destination: writer is gone";
            return Err(flow.attempt.copy_fault(ECOMM, text));
        }
    }
    if read < len {
        let text = "read the source: range ended early";
        return Err(flow.attempt.copy_fault(ECOMM, text));
    }
    let adler = hasher.map_or(1, |it| value(&it.finish()));
    Ok(Piece { index, adler, len })
}

fn simd_adler() -> causeway_sdk::Hasher {
    Algorithm::Adler32.hasher()
}

fn value(sum: &Checksum) -> u32 {
    u32::from_str_radix(&sum.hex, 16).expect("our own hasher writes eight hexadecimal digits")
}

fn combine(mut pieces: Vec<Piece>) -> Checksum {
    pieces.sort_unstable_by_key(|it| it.index);
    // 1 is the sum of nothing.
    let sum = pieces
        .iter()
        .fold(1, |sum, it| adler32_combine(sum, it.adler, it.len));
    Checksum::new(Algorithm::Adler32, format!("{sum:08x}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_add_up_in_any_order() {
        let data: Vec<u8> = (0..10_000_u32).map(|i| (i * 7) as u8).collect();
        let piece = |index: usize, bytes: &[u8]| {
            let mut hasher = simd_adler();
            hasher.update(bytes);
            Piece {
                index: index as u64,
                adler: value(&hasher.finish()),
                len: bytes.len() as u64,
            }
        };
        let mut pieces: Vec<_> = data
            .chunks(3000)
            .enumerate()
            .map(|(i, it)| piece(i, it))
            .collect();
        pieces.reverse();
        let mut whole = simd_adler();
        whole.update(&data);
        assert_eq!(combine(pieces), whole.finish());
    }
}
