//! Reading: the whole, every form of range, and what cannot be read.

use bytes::BytesMut;
use causeway_sdk::{ErrorKind, Operation, ReadOptions};

use super::cases;
use crate::need::Need;
use crate::payload::same;
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, ensure, expect_kind, failed, skipped};

const READ: Need = Need::Can(Operation::Read);

cases! {
    "read/whole" [READ, Need::Sample] whole;
    "read/again" [READ, Need::Sample] again;
    "read/opened" [READ, Need::Sample] opened;
    "read/chunk-hints" [READ, Need::Sample] chunk_hints;
    "read/ranges" [READ, Need::Sample, Need::Ranges] ranges;
    "read/past-the-end" [READ, Need::Sample, Need::Ranges] past_the_end;
    "read/dropped-half-way" [READ, Need::Sample] dropped_half_way;
    "read/if-match" [READ, Need::Sample] if_match;
    "read/missing" [READ] missing;
    "read/directory" [READ, Need::Kept, Need::Can(Operation::Mkdir)] directory;
}

async fn whole(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    probe
        .expect_content(&sample.url, &sample.content, "read a file")
        .await
}

async fn again(probe: &Probe) -> Verdict {
    whole(probe).await?;
    whole(probe).await
}

async fn opened(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    let cx = probe.cx();
    let body = probe
        .storage
        .open_read(&cx, &sample.url, ReadOptions::default())
        .await;
    if let Some(size) = body.or_fail("open a file")?.opened().size {
        let len = sample.content.len() as u64;
        ensure!(size == len, "a file of {len} bytes opens with size {size}");
    }
    if !probe.can.read.ranges {
        return Ok(());
    }
    let options = ReadOptions {
        offset: 5,
        len: Some(7),
        ..ReadOptions::default()
    };
    let body = probe.storage.open_read(&cx, &sample.url, options).await;
    if let Some(size) = body.or_fail("open a range")?.opened().size {
        let len = sample.content.len() as u64;
        ensure!(
            size == len,
            "a range opens with size {size}; the file has {len}"
        );
    }
    Ok(())
}

async fn chunk_hints(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    for chunk_hint in [0, 1, 4096, 1 << 20, u32::MAX] {
        let options = ReadOptions {
            chunk_hint,
            ..ReadOptions::default()
        };
        let found = probe.get_with(&sample.url, options).await;
        let what = format!("read with chunk hint {chunk_hint}");
        same(&found.or_fail(&what)?, &sample.content, &what)?;
    }
    Ok(())
}

async fn expect_range(probe: &Probe, offset: u64, len: Option<u64>) -> Verdict {
    let sample = probe.sample().await?;
    let size = sample.content.len() as u64;
    let start = offset.min(size);
    let end = len.map_or(size, |len| start.saturating_add(len).min(size));
    let options = ReadOptions {
        offset,
        len,
        ..ReadOptions::default()
    };
    let what = format!("read {len:?} bytes from {offset} of {size}");
    let found = probe.get_with(&sample.url, options).await.or_fail(&what)?;
    same(&found, &sample.content[start as usize..end as usize], &what)
}

async fn ranges(probe: &Probe) -> Verdict {
    let size = probe.sample().await?.content.len() as u64;
    let chunk = probe.chunk() as u64;
    for (offset, len) in [
        (0, Some(0)),
        (0, Some(1)),
        (0, Some(size)),
        (1, None),
        (size / 2, Some(0)),
        (size / 3, Some(size / 3)),
        (size.saturating_sub(1), None),
        (size.saturating_sub(1), Some(1)),
        (chunk.saturating_sub(1), Some(2)),
        (chunk, Some(chunk)),
        (chunk + 1, Some(chunk + 1)),
        (7, Some(3)),
    ] {
        expect_range(probe, offset, len).await?;
    }
    Ok(())
}

async fn past_the_end(probe: &Probe) -> Verdict {
    let size = probe.sample().await?.content.len() as u64;
    for (offset, len) in [
        (0, Some(size + 1)),
        (0, Some(u64::MAX)),
        (size.saturating_sub(1), Some(100)),
        (size, None),
        (size, Some(1)),
        (size + 10, None),
        (size + 10, Some(5)),
    ] {
        expect_range(probe, offset, len).await?;
    }
    Ok(())
}

/// A reader that goes away must not disturb those that come after it.
async fn dropped_half_way(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    for _ in 0..8 {
        let cx = probe.cx();
        let body = probe
            .storage
            .open_read(&cx, &sample.url, ReadOptions::default())
            .await;
        let mut body = body.or_fail("open a file")?;
        let mut start = BytesMut::new();
        if let Some(chunk) = body.next().await.or_fail("read the first chunk")? {
            start.extend_from_slice(&chunk);
        }
        ensure!(
            sample.content.starts_with(&start),
            "the first chunk is not the beginning"
        );
    }
    whole(probe).await
}

async fn if_match(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    let cx = probe.cx();
    let body = probe
        .storage
        .open_read(&cx, &sample.url, ReadOptions::default())
        .await;
    let Some(tag) = body.or_fail("open a file")?.opened().etag else {
        return skipped("the storage tells no etag");
    };
    let with = |tag: &str| ReadOptions {
        if_match: Some(tag.to_owned()),
        ..ReadOptions::default()
    };
    let found = probe.get_with(&sample.url, with(&tag)).await;
    same(
        &found.or_fail("read with its etag")?,
        &sample.content,
        "read with its etag",
    )?;
    let other = probe.get_with(&sample.url, with("\"another\"")).await;
    expect_kind(other, ErrorKind::Conflict, "read with another etag")
}

async fn missing(probe: &Probe) -> Verdict {
    let found = probe.get(&probe.missing()).await;
    expect_kind(found, ErrorKind::NotFound, "read what is not there")
}

async fn directory(probe: &Probe) -> Verdict {
    let at = probe.directory().await?;
    match probe.get(&at).await {
        Err(error) if error.kind() == ErrorKind::IsDirectory => Ok(()),
        other => failed(format!(
            "read a directory: expected IsDirectory, got {other:?}"
        )),
    }
}
