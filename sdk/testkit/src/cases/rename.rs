//! Giving another name.

use causeway_sdk::{Error, ErrorKind, Operation, Url};

use super::cases;
use crate::need::Need;
use crate::payload::payload;
use crate::probe::{Probe, below};
use crate::verdict::{OrFail as _, Verdict, ensure, expect_kind};

const RENAME: Need = Need::Can(Operation::Rename);

cases! {
    "rename/file" [RENAME, Need::Kept] file;
    "rename/taken" [RENAME, Need::Kept] taken;
    "rename/overwrite" [RENAME, Need::Kept] overwrite;
    "rename/missing" [RENAME, Need::Kept] missing;
    "rename/directory" [RENAME, Need::Kept, Need::RenameDirectories, Need::Can(Operation::Mkdir)] directory;
}

async fn rename(probe: &Probe, from: &Url, to: &Url, overwrite: bool) -> Result<(), Error> {
    probe.storage.rename(&probe.cx(), from, to, overwrite).await
}

async fn file(probe: &Probe) -> Verdict {
    let (from, to, content) = (probe.fresh(), probe.fresh(), payload(1, 1000));
    probe.put(&from, &content).await?;
    rename(probe, &from, &to, false)
        .await
        .or_fail("rename a file")?;
    ensure!(!probe.is_there(&from).await?, "the old name is still there");
    probe.expect_content(&to, &content, "a renamed file").await
}

async fn taken(probe: &Probe) -> Verdict {
    let (from, to) = (probe.fresh(), probe.fresh());
    let (one, two) = (payload(1, 100), payload(2, 200));
    probe.put(&from, &one).await?;
    probe.put(&to, &two).await?;
    let renamed = rename(probe, &from, &to, false).await;
    expect_kind(
        renamed,
        ErrorKind::Exists,
        "rename onto a file without overwrite",
    )?;
    probe
        .expect_content(&from, &one, "the file that kept its name")
        .await?;
    probe
        .expect_content(&to, &two, "the file that was there")
        .await
}

async fn overwrite(probe: &Probe) -> Verdict {
    let (from, to) = (probe.fresh(), probe.fresh());
    let (one, two) = (payload(1, 100), payload(2, 200));
    probe.put(&from, &one).await?;
    probe.put(&to, &two).await?;
    rename(probe, &from, &to, true)
        .await
        .or_fail("rename onto a file")?;
    ensure!(!probe.is_there(&from).await?, "the old name is still there");
    probe
        .expect_content(&to, &one, "a file renamed onto another")
        .await
}

async fn missing(probe: &Probe) -> Verdict {
    let (from, to) = (probe.missing(), probe.fresh());
    let renamed = rename(probe, &from, &to, true).await;
    expect_kind(renamed, ErrorKind::NotFound, "rename what is not there")
}

async fn directory(probe: &Probe) -> Verdict {
    let (from, to, content) = (probe.directory().await?, probe.fresh(), payload(1, 10));
    probe.put(&below(&from, "file"), &content).await?;
    rename(probe, &from, &to, false)
        .await
        .or_fail("rename a directory")?;
    ensure!(!probe.is_there(&from).await?, "the old name is still there");
    probe
        .expect_content(
            &below(&to, "file"),
            &content,
            "a file in a renamed directory",
        )
        .await
}
