//! Bytes from reader to writer, summed up on the way.
//!
//! While one chunk is written the next is read: two chunks are in memory, however slow the sink.
//! Knows no final name and does not commit: that is the attempt's.

use causeway_model::Fault;
use causeway_sdk::{Algorithm, Bytes, Checksum, DynRead, DynWrite, ReadOptions};
use futures_util::try_join;

use crate::attempt::Attempt;
use crate::ranges;
use crate::watchdog::Pulse;

/// A copy through the worker.
pub(crate) struct Flow<'a> {
    pub(crate) attempt: &'a Attempt<'a>,
    pub(crate) size: Option<u64>,
    pub(crate) algorithm: Option<Algorithm>,
    pub(crate) pulse: &'a Pulse,
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
    in_order(flow, sink).await
}

async fn in_order(flow: &Flow<'_>, sink: &mut Box<dyn DynWrite>) -> Result<Streamed, Fault> {
    let mut reader = flow.open(0, None).await?;
    let mut hasher = flow.algorithm.map(Algorithm::hasher);
    let mut offset = 0;
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
        reader.map_err(|error| self.attempt.side_fault("open the source", &error))
    }

    pub(crate) async fn read(&self, reader: &mut Box<dyn DynRead>) -> Result<Option<Bytes>, Fault> {
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
