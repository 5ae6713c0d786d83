//! Bytes from reader to writer, summed up on the way.
//!
//! While one chunk is written the next is read: two chunks are in memory, however slow the sink.
//! Knows no final name and does not commit: that is the attempt's.

use causeway_model::Fault;
use causeway_sdk::{Algorithm, Bytes, Checksum, DynRead, DynWrite, ReadOptions};
use futures_util::try_join;

use crate::attempt::{Attempt, ECOMM};
use crate::ranges::{self, too_long, too_short};
use crate::resume_sums::{Summing, combine};
use crate::resume_track::{Piece, Track};
use crate::verify::size_mismatch;
use crate::watchdog::Pulse;

/// A copy through the worker.
pub(crate) struct Flow<'a> {
    pub(crate) attempt: &'a Attempt<'a>,
    pub(crate) size: Option<u64>,
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) pulse: &'a Pulse,
    /// Pieces, when the copy can be gone on with.
    pub(crate) track: Option<&'a Track>,
}

/// What went through.
#[derive(Debug)]
pub(crate) struct Streamed {
    pub(crate) bytes: u64,
    pub(crate) checksum: Option<Checksum>,
}

/// Moves all bytes into the sink.
pub(crate) async fn run(flow: &Flow<'_>, sink: &mut Box<dyn DynWrite>) -> Result<Streamed, Fault> {
    if let Some(cut) = ranges::Cut::fitting(flow) {
        let (streams, attempt) = (cut.streams, flow.attempt);
        attempt.info(|| format!("Streaming with {streams} parallel ranges"));
        return ranges::run(flow, &cut, sink).await;
    }
    match flow.track {
        Some(track) => in_pieces(flow, track, sink).await,
        None => in_order(flow, sink).await,
    }
}

/// In order, but only what is missing, and piece by piece into the ledger.
async fn in_pieces(
    flow: &Flow<'_>,
    track: &Track,
    sink: &mut Box<dyn DynWrite>,
) -> Result<Streamed, Fault> {
    let mut pieces: Vec<Piece> = track.earlier().collect();
    // Of any other checksum the beginning would be missing.
    let other = flow.algorithm.filter(|it| *it != Algorithm::Adler32);
    let mut whole = other.filter(|_| track.is_fresh()).map(Algorithm::hasher);
    for gap in track.gaps() {
        let len = gap.end - gap.start;
        let mut summing = Summing::from(track, gap.start);
        let mut reader = flow.open(gap.start, Some(len)).await?;
        let mut offset = gap.start;
        let mut chunk = flow.read(&mut reader).await?;
        while let Some(bytes) = chunk {
            let end = offset + bytes.len() as u64;
            if end > gap.end {
                return Err(too_long(flow));
            }
            let sum = async {
                if let Some(whole) = &mut whole {
                    whole.update(&bytes);
                }
                Ok(summing.take(&bytes))
            };
            let (_, next, ended) = try_join!(
                flow.write(sink, offset, bytes.clone()),
                flow.read(&mut reader),
                sum
            )?;
            for piece in ended {
                flow.arrived(piece).await;
                pieces.push(piece);
            }
            offset = end;
            chunk = next;
        }
        if offset < gap.end {
            return Err(too_short(flow));
        }
    }
    Ok(Streamed {
        bytes: pieces.iter().map(|it| it.len).sum(),
        checksum: match flow.algorithm {
            Some(Algorithm::Adler32) => Some(combine(pieces)),
            _ => whole.map(causeway_sdk::Hasher::finish),
        },
    })
}

async fn in_order(flow: &Flow<'_>, sink: &mut Box<dyn DynWrite>) -> Result<Streamed, Fault> {
    let mut reader = flow.open(0, None).await?;
    let mut hasher = flow.algorithm.map(Algorithm::hasher);
    // A source that yields more than it said may have no end at all.
    let strict = flow.attempt.spec.params.strict;
    let announced = flow.size.filter(|_| !strict).unwrap_or(u64::MAX);
    let mut offset = 0_u64;
    let mut chunk = flow.read(&mut reader).await?;
    while let Some(bytes) = chunk {
        let len = bytes.len() as u64;
        let hash = async {
            // Last in the join, so that both sides are at work while it is summed up.
            if let Some(hasher) = &mut hasher {
                hasher.update(&bytes);
            }
            Ok(())
        };
        let (_, next, _) = try_join!(
            flow.write(sink, offset, bytes.clone()),
            flow.read(&mut reader),
            hash
        )?;
        offset += len;
        if offset > announced {
            return Err(size_mismatch());
        }
        chunk = next;
    }
    Ok(Streamed {
        bytes: offset,
        checksum: hasher.map(causeway_sdk::Hasher::finish),
    })
}

impl Flow<'_> {
    pub(crate) async fn open(
        &self,
        offset: u64,
        len: Option<u64>,
    ) -> Result<Box<dyn DynRead>, Fault> {
        let site = &self.attempt.source;
        let options = ReadOptions {
            offset,
            len,
            chunk_hint: self.chunk_bytes(),
            if_match: None,
        };
        let reader = site.storage.open_read(&site.cx, &site.url, options).await;
        let reader = reader.map_err(|error| self.attempt.side_fault("open the source", &error))?;
        if let Some(track) = self.track
            && !track.opened(&reader.opened()).await
        {
            // Pieces of two versions must not end up in one file.
            let text = "read the source: it is another file by now";
            return Err(self.attempt.copy_fault(ECOMM, text));
        }
        Ok(reader)
    }

    /// True when pieces are summed up one by one.
    pub(crate) fn sums_pieces(&self) -> bool {
        self.algorithm.is_some() || self.track.is_some()
    }

    /// Notes a piece that the destination took.
    pub(crate) async fn arrived(&self, piece: Piece) {
        if let Some(track) = self.track {
            track.arrived(piece).await;
        }
    }

    pub(crate) async fn read(&self, reader: &mut Box<dyn DynRead>) -> Result<Option<Bytes>, Fault> {
        // Two sides that never wait would hold the thread, and nothing could end the copy.
        tokio::task::coop::consume_budget().await;
        let chunk = reader.next().await;
        chunk.map_err(|error| self.attempt.side_fault("read the source", &error))
    }

    pub(crate) async fn write(
        &self,
        sink: &mut Box<dyn DynWrite>,
        offset: u64,
        chunk: Bytes,
    ) -> Result<(), Fault> {
        let len = chunk.len() as u64;
        let written = sink.write(offset, chunk).await;
        written.map_err(|error| self.attempt.side_fault("write the destination", &error))?;
        self.pulse.moved(len);
        Ok(())
    }

    fn chunk_bytes(&self) -> u32 {
        let ours = self.attempt.spec.limits.chunk_bytes;
        match self.attempt.source.abilities.read.preferred_chunk {
            0 => ours,
            preferred => preferred.min(ours),
        }
    }
}
