//! What is there already: replaced when asked, untouched otherwise.

use causeway_sdk::{ErrorKind, Operation, WriteOptions};

use super::cases;
use crate::need::Need;
use crate::payload::{payload, send};
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, expect_kind};

const WRITE: Need = Need::Can(Operation::Write);

cases! {
    "write/overwrite" [WRITE, Need::Kept] overwrite;
    "write/no-overwrite" [WRITE, Need::Kept] no_overwrite;
    "write/no-overwrite-fresh" [WRITE, Need::Kept] no_overwrite_fresh;
    "write/no-overwrite-race" [WRITE, Need::Kept, Need::Atomic] race;
}

fn keep(probe: &Probe, size: usize) -> WriteOptions {
    WriteOptions {
        overwrite: false,
        ..probe.write_options(size)
    }
}

async fn overwrite(probe: &Probe) -> Verdict {
    let at = probe.fresh();
    for (seed, size) in [(1, 5000), (2, 100), (3, 9000)] {
        let content = payload(seed, size);
        probe.put(&at, &content).await?;
        probe
            .expect_content(&at, &content, "replace a file")
            .await?;
    }
    Ok(())
}

async fn no_overwrite(probe: &Probe) -> Verdict {
    let (at, old, new) = (probe.fresh(), payload(1, 500), payload(2, 600));
    probe.put(&at, &old).await?;
    let result = probe.put_with(&at, &new, keep(probe, 600)).await;
    expect_kind(
        result,
        ErrorKind::Exists,
        "write onto a file without overwrite",
    )?;
    probe
        .expect_content(&at, &old, "a file that must stay")
        .await
}

async fn no_overwrite_fresh(probe: &Probe) -> Verdict {
    let (at, content) = (probe.fresh(), payload(3, 700));
    let what = "write a new file without overwrite";
    let result = probe.put_with(&at, &content, keep(probe, 700)).await;
    result.or_fail(what)?;
    probe.expect_content(&at, &content, what).await
}

/// A file that appears while another is being written must stay as well.
async fn race(probe: &Probe) -> Verdict {
    let (at, first, late) = (probe.fresh(), payload(4, 800), payload(5, 900));
    let cx = probe.cx();
    let body = probe.storage.open_write(&cx, &at, keep(probe, 900)).await;
    let mut body = body.or_fail("open a file for writing")?;
    probe.put(&at, &first).await?;
    let result = match send(&mut *body, &late).await {
        Ok(()) => body.commit().await,
        Err(error) => Err(error),
    };
    expect_kind(
        result,
        ErrorKind::Exists,
        "commit onto a file that came first",
    )?;
    probe
        .expect_content(&at, &first, "the file that came first")
        .await
}
