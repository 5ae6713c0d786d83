//! Chunks that come in any order.

use bytes::Bytes;
use causeway_sdk::{Operation, Url};

use super::cases;
use crate::need::Need;
use crate::payload::payload;
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, failed};

const NEEDS: Need = Need::Can(Operation::Write);

cases! {
    "write/backwards" [NEEDS, Need::Kept, Need::Positional] backwards;
    "write/interleaved" [NEEDS, Need::Kept, Need::Positional] interleaved;
    "write/hole" [NEEDS, Need::Kept, Need::Positional] hole;
}

/// Pieces of a size that fits no boundary, with their offsets.
fn pieces(content: &Bytes) -> Vec<(u64, Bytes)> {
    let len = content.len();
    let starts = (0..len).step_by(100_003);
    let piece = |start: usize| {
        (
            start as u64,
            content.slice(start..(start + 100_003).min(len)),
        )
    };
    starts.map(piece).collect()
}

async fn write(probe: &Probe, at: &Url, size: usize, pieces: &[(u64, Bytes)]) -> Verdict<bool> {
    let cx = probe.cx();
    let body = probe
        .storage
        .open_write(&cx, at, probe.write_options(size))
        .await;
    let mut body = body.or_fail("open a file for writing")?;
    for (offset, chunk) in pieces {
        let sent = body.write(*offset, chunk.clone()).await;
        sent.or_fail(format!("write at {offset}"))?;
    }
    Ok(body.commit().await.is_ok())
}

async fn check(probe: &Probe, order: fn(&mut Vec<(u64, Bytes)>), what: &str) -> Verdict {
    let (at, content) = (probe.fresh(), payload(11, 2 * (1 << 20) + 77));
    let mut pieces = pieces(&content);
    order(&mut pieces);
    if !write(probe, &at, content.len(), &pieces).await? {
        return failed(format!("{what}: the commit failed"));
    }
    probe.expect_content(&at, &content, what).await
}

async fn backwards(probe: &Probe) -> Verdict {
    check(probe, |pieces| pieces.reverse(), "chunks written backwards").await
}

async fn interleaved(probe: &Probe) -> Verdict {
    // As from several parallel streams: 0, 3, 6, ..., 1, 4, ...
    let order = |pieces: &mut Vec<(u64, Bytes)>| {
        pieces.sort_by_key(|(offset, _)| (offset / 100_003 % 3, *offset));
    };
    check(probe, order, "chunks of three streams").await
}

async fn hole(probe: &Probe) -> Verdict {
    let (at, content) = (probe.fresh(), payload(12, 1 << 20));
    let mut pieces = pieces(&content);
    pieces.remove(4);
    if write(probe, &at, content.len(), &pieces).await? {
        return failed("a file with a hole was committed");
    }
    probe.expect_gone(&at, "after a hole").await
}
