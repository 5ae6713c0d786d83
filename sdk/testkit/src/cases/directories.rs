//! Making and removing directories.

use causeway_sdk::{ErrorKind, Operation, Url};

use super::cases;
use crate::need::Need;
use crate::payload::payload;
use crate::probe::{Probe, below};
use crate::verdict::{OrFail as _, Verdict, ensure, expect_kind};

const MKDIR: Need = Need::Can(Operation::Mkdir);
const RMDIR: Need = Need::Can(Operation::Rmdir);

cases! {
    "mkdir/one" [MKDIR, Need::Kept] one;
    "mkdir/parents" [MKDIR, Need::Kept] parents;
    "mkdir/existing" [MKDIR, Need::Kept] existing;
    "mkdir/existing-with-parents" [MKDIR, Need::Kept] existing_with_parents;
    "mkdir/missing-above" [MKDIR, Need::Kept] missing_above;
    "rmdir/empty" [RMDIR, MKDIR, Need::Kept] empty;
    "rmdir/not-empty" [RMDIR, MKDIR, Need::Kept] not_empty;
    "rmdir/file" [RMDIR, Need::Kept] file;
    "rmdir/missing" [RMDIR] missing;
}

async fn mkdir(probe: &Probe, at: &Url, parents: bool) -> Result<(), causeway_sdk::Error> {
    probe.storage.mkdir(&probe.cx(), at, parents).await
}

async fn rmdir(probe: &Probe, at: &Url) -> Result<(), causeway_sdk::Error> {
    probe.storage.rmdir(&probe.cx(), at).await
}

async fn one(probe: &Probe) -> Verdict {
    let at = probe.directory().await?;
    ensure!(probe.is_there(&at).await?, "a new directory does not exist");
    let file = below(&at, "file");
    probe.put(&file, &payload(1, 10)).await?;
    probe
        .expect_content(&file, &payload(1, 10), "a file in a new directory")
        .await
}

async fn parents(probe: &Probe) -> Verdict {
    let top = probe.fresh();
    let deep = below(&below(&below(&top, "a"), "b"), "c");
    mkdir(probe, &deep, true)
        .await
        .or_fail("make directories on the way")?;
    ensure!(
        probe.is_there(&deep).await?,
        "the last directory is missing"
    );
    ensure!(
        probe.is_there(&top).await?,
        "the first directory is missing"
    );
    Ok(())
}

async fn existing(probe: &Probe) -> Verdict {
    let at = probe.directory().await?;
    expect_kind(
        mkdir(probe, &at, false).await,
        ErrorKind::Exists,
        "make it again",
    )?;
    let file = probe.fresh();
    probe.put(&file, &payload(1, 1)).await?;
    expect_kind(
        mkdir(probe, &file, false).await,
        ErrorKind::Exists,
        "make it where a file is",
    )
}

async fn existing_with_parents(probe: &Probe) -> Verdict {
    let at = probe.directory().await?;
    mkdir(probe, &at, true)
        .await
        .or_fail("make it again with parents")
}

async fn missing_above(probe: &Probe) -> Verdict {
    let at = below(&probe.fresh(), "inner");
    let made = mkdir(probe, &at, false).await;
    expect_kind(made, ErrorKind::NotFound, "make it below a missing one")
}

async fn empty(probe: &Probe) -> Verdict {
    let at = probe.directory().await?;
    rmdir(probe, &at)
        .await
        .or_fail("remove an empty directory")?;
    ensure!(!probe.is_there(&at).await?, "a removed directory exists");
    expect_kind(
        rmdir(probe, &at).await,
        ErrorKind::NotFound,
        "remove it again",
    )
}

async fn not_empty(probe: &Probe) -> Verdict {
    let at = probe.directory().await?;
    let file = below(&at, "file");
    probe.put(&file, &payload(1, 10)).await?;
    let removed = rmdir(probe, &at).await;
    expect_kind(
        removed,
        ErrorKind::NotEmpty,
        "remove a directory with a file",
    )?;
    probe
        .expect_content(&file, &payload(1, 10), "the file in it")
        .await
}

async fn file(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    let removed = rmdir(probe, &sample.url).await;
    expect_kind(
        removed,
        ErrorKind::NotDirectory,
        "remove a file as a directory",
    )
}

async fn missing(probe: &Probe) -> Verdict {
    let removed = rmdir(probe, &probe.missing()).await;
    expect_kind(removed, ErrorKind::NotFound, "remove what is not there")
}
