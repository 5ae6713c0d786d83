//! Writes that are broken off and taken up again.

use bytes::Bytes;
use causeway_sdk::{Algorithm, Checksum, DynWrite, Operation, Url};

use super::cases;
use crate::need::Need;
use crate::payload::payload;
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, failed};

const NEEDS: Need = Need::Can(Operation::Write);

cases! {
    "resume/goes_on" [NEEDS, Need::Kept, Need::Resumable] goes_on;
    "resume/damage_is_found" [NEEDS, Need::Kept, Need::Resumable] damage_is_found;
    "resume/only_what_is_kept_counts" [NEEDS, Need::Kept, Need::Resumable] only_what_is_kept_counts;
    "resume/abort_forgets" [NEEDS, Need::Kept, Need::Resumable] abort_forgets;
    "resume/keys_are_apart" [NEEDS, Need::Kept, Need::Resumable] keys_are_apart;
}

const SIZE: usize = 3 << 20;
/// Where the first write ends.
const CUT: usize = (2 << 20) + 17;

type Body = Box<dyn DynWrite>;

async fn open(probe: &Probe, at: &Url, key: &str) -> Verdict<Body> {
    let (cx, mut options) = (probe.cx(), probe.write_options(SIZE));
    // Runs on one storage must not meet.
    let unique: String = at
        .path()
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let start = unique.len().saturating_sub(40);
    options.resume = Some(format!("{key}{}", &unique[start..]));
    let body = probe.storage.open_write(&cx, at, options).await;
    body.or_fail("open a file for writing with a key")
}

async fn write(body: &mut Body, content: &Bytes, from: usize, to: usize) -> Verdict {
    for start in (from..to).step_by(300_007) {
        let chunk = content.slice(start..to.min(start + 300_007));
        let sent = body.write(start as u64, chunk).await;
        sent.or_fail(format!("write at {start}"))?;
    }
    Ok(())
}

fn sum(bytes: &[u8]) -> Checksum {
    let mut hasher = Algorithm::Adler32.hasher();
    hasher.update(bytes);
    hasher.finish()
}

async fn keep(body: &mut Body, content: &Bytes, from: usize, to: usize) -> Verdict<bool> {
    let kept = body.keep(from as u64, (to - from) as u64, sum(&content[from..to]));
    kept.await.or_fail("keep a range")
}

/// Writes the beginning of a file and breaks off.
async fn break_off(probe: &Probe, at: &Url, content: &Bytes) -> Verdict {
    let mut body = open(probe, at, "k").await?;
    if body.held() != 0 {
        return failed("a new key holds something");
    }
    write(&mut body, content, 0, CUT).await?;
    body.suspend().await;
    probe.expect_gone(at, "after a suspended write").await
}

async fn finish(probe: &Probe, at: &Url, content: &Bytes, body: Body) -> Verdict {
    body.commit().await.or_fail("commit")?;
    probe.expect_content(at, content, "a resumed write").await
}

async fn goes_on(probe: &Probe) -> Verdict {
    let (at, content) = (probe.fresh(), payload(31, SIZE));
    break_off(probe, &at, &content).await?;
    let mut body = open(probe, &at, "k").await?;
    if body.held() < CUT as u64 {
        return failed(format!("{} bytes are held of {CUT}", body.held()));
    }
    // Neither beginning nor end are those of a chunk.
    for (from, to) in [(0, 1 << 20), (1 << 20, CUT)] {
        if !keep(&mut body, &content, from, to).await? {
            return failed(format!("bytes {from} to {to} were not kept"));
        }
    }
    write(&mut body, &content, CUT, SIZE).await?;
    finish(probe, &at, &content, body).await
}

async fn damage_is_found(probe: &Probe) -> Verdict {
    let (at, content) = (probe.fresh(), payload(32, SIZE));
    break_off(probe, &at, &content).await?;
    let mut body = open(probe, &at, "k").await?;
    let other = payload(33, SIZE);
    if keep(&mut body, &other, 0, 1 << 20).await? {
        return failed("a range with another checksum was kept");
    }
    if keep(&mut body, &content, 1 << 20, SIZE).await? {
        return failed("a range that was never written was kept");
    }
    write(&mut body, &content, 0, SIZE).await?;
    finish(probe, &at, &content, body).await
}

async fn only_what_is_kept_counts(probe: &Probe) -> Verdict {
    let (at, content) = (probe.fresh(), payload(34, SIZE));
    break_off(probe, &at, &content).await?;
    let mut body = open(probe, &at, "k").await?;
    keep(&mut body, &content, 0, 1 << 20).await?;
    write(&mut body, &content, CUT, SIZE).await?;
    if body.commit().await.is_ok() {
        return failed("a file was committed with bytes that nobody kept");
    }
    probe.expect_gone(&at, "after a refused commit").await
}

async fn abort_forgets(probe: &Probe) -> Verdict {
    let (at, content) = (probe.fresh(), payload(35, SIZE));
    break_off(probe, &at, &content).await?;
    open(probe, &at, "k").await?.abort().await;
    let body = open(probe, &at, "k").await?;
    let held = body.held();
    body.abort().await;
    match held {
        0 => Ok(()),
        held => failed(format!("{held} bytes are held after an abort")),
    }
}

async fn keys_are_apart(probe: &Probe) -> Verdict {
    let (at, content) = (probe.fresh(), payload(36, SIZE));
    break_off(probe, &at, &content).await?;
    let other = open(probe, &at, "other").await?;
    let held = other.held();
    other.abort().await;
    open(probe, &at, "k").await?.abort().await;
    match held {
        0 => Ok(()),
        held => failed(format!("{held} bytes are held under another key")),
    }
}
