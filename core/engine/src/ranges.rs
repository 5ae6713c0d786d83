//! A large file in parallel ranges, where the source seeks and the destination takes any order.
//!
//! Readers take ranges one after the other from a common counter; all chunks go through one narrow
//! channel to the one writer. In memory: one chunk for each reader, one in the channel, one being
//! written.

use std::sync::atomic::{AtomicUsize, Ordering};

use causeway_model::Fault;
use causeway_sdk::{Algorithm, Bytes, DynWrite};
use futures_util::future::try_join_all;
use futures_util::try_join;
use tokio::sync::mpsc;

use crate::attempt::ECOMM;
use crate::resume_sums::{combine, value};
use crate::resume_track::{MOST_PIECES, Piece};
use crate::stream::{Flow, Streamed};

/// How a file is cut.
pub(crate) struct Cut {
    pub(crate) streams: u32,
    size: u64,
    range: u64,
    /// Numbers of the ranges that must move.
    missing: Vec<u64>,
}

/// What readers tell the writer, in order for each range.
enum Item {
    Chunk(u64, Bytes),
    /// All chunks of a range were sent.
    End(Piece),
}

impl Cut {
    /// The cut for a flow; `None` when it is better moved in order.
    pub(crate) fn fitting(flow: &Flow<'_>) -> Option<Self> {
        let attempt = flow.attempt;
        let read = &attempt.source.abilities.read;
        let limits = &attempt.spec.limits;
        let size = flow.size?;
        let range = match flow.track {
            Some(track) => track.range(),
            None => limits.range_bytes.max(1),
        };
        let streams = limits.streams.min(read.parallel.max(1));
        // Only Adler-32 of pieces can be put together.
        let sums = matches!(flow.algorithm, None | Some(Algorithm::Adler32));
        let able = read.ranges && attempt.destination.abilities.write.positional;
        let too_many = size.div_ceil(range) > MOST_PIECES;
        if !able || !sums || streams < 2 || size <= range || too_many {
            return None;
        }
        let missing = match flow.track {
            Some(track) => track.missing(),
            None => (0..size.div_ceil(range)).collect(),
        };
        Some(Self {
            streams: (streams as usize).min(missing.len()) as u32,
            size,
            range,
            missing,
        })
    }
}

pub(crate) async fn run(
    flow: &Flow<'_>,
    cut: &Cut,
    sink: &mut Box<dyn DynWrite>,
) -> Result<Streamed, Fault> {
    let (chunks, mut arriving) = mpsc::channel::<Item>(1);
    let next = AtomicUsize::new(0);
    let readers = try_join_all((0..cut.streams).map(|_| read(flow, cut, &next, chunks.clone())));
    // The readers hold the senders; when the last of them ends, the writer does.
    drop(chunks);
    let writer = async {
        let mut pieces: Vec<Piece> = Vec::with_capacity(cut.missing.len());
        while let Some(item) = arriving.recv().await {
            match item {
                Item::Chunk(offset, chunk) => flow.write(sink, offset, chunk).await?,
                Item::End(piece) => {
                    flow.arrived(piece).await;
                    pieces.push(piece);
                }
            }
        }
        Ok(pieces)
    };
    let (_, mut pieces) = try_join!(readers, writer)?;
    pieces.extend(flow.track.into_iter().flat_map(|it| it.earlier()));
    Ok(Streamed {
        bytes: pieces.iter().map(|it| it.len).sum(),
        checksum: flow.algorithm.map(|_| combine(pieces)),
    })
}

async fn read(
    flow: &Flow<'_>,
    cut: &Cut,
    next: &AtomicUsize,
    chunks: mpsc::Sender<Item>,
) -> Result<(), Fault> {
    while let Some(index) = cut.missing.get(next.fetch_add(1, Ordering::Relaxed)) {
        let start = index.saturating_mul(cut.range);
        let len = cut.range.min(cut.size - start);
        read_range(flow, *index, start, len, &chunks).await?;
    }
    Ok(())
}

async fn read_range(
    flow: &Flow<'_>,
    index: u64,
    start: u64,
    len: u64,
    chunks: &mpsc::Sender<Item>,
) -> Result<(), Fault> {
    let send = async |item| {
        chunks.send(item).await.map_err(|_| {
            let text = "write the destination: writer is gone";
            flow.attempt.copy_fault(ECOMM, text)
        })
    };
    let mut reader = flow.open(start, Some(len)).await?;
    let mut hasher = flow.sums_pieces().then(|| Algorithm::Adler32.hasher());
    let mut read = 0;
    while let Some(chunk) = flow.read(&mut reader).await? {
        let offset = start + read;
        read += chunk.len() as u64;
        if read > len {
            return Err(too_long(flow));
        }
        if let Some(hasher) = &mut hasher {
            hasher.update(&chunk);
        }
        send(Item::Chunk(offset, chunk)).await?;
    }
    if read < len {
        return Err(too_short(flow));
    }
    let adler = hasher.map_or(1, |it| value(&it.finish()));
    send(Item::End(Piece { index, adler, len })).await
}

pub(crate) fn too_long(flow: &Flow<'_>) -> Fault {
    let text = "read the source: more bytes than the range has";
    flow.attempt.copy_fault(ECOMM, text)
}

pub(crate) fn too_short(flow: &Flow<'_>) -> Fault {
    let text = "read the source: range ended early";
    flow.attempt.copy_fault(ECOMM, text)
}
