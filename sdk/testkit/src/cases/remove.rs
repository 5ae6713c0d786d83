//! Removing files.

use causeway_sdk::{ErrorKind, Operation};

use super::cases;
use crate::need::Need;
use crate::payload::payload;
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, ensure, expect_kind};

const UNLINK: Need = Need::Can(Operation::Unlink);

cases! {
    "unlink/file" [UNLINK, Need::Kept] file;
    "unlink/missing" [UNLINK] missing;
    "unlink/directory" [UNLINK, Need::Kept, Need::Can(Operation::Mkdir)] directory;
}

async fn file(probe: &Probe) -> Verdict {
    let at = probe.fresh();
    probe.put(&at, &payload(1, 10)).await?;
    probe
        .storage
        .unlink(&probe.cx(), &at)
        .await
        .or_fail("remove a file")?;
    ensure!(!probe.is_there(&at).await?, "a removed file exists");
    let again = probe.storage.unlink(&probe.cx(), &at).await;
    expect_kind(again, ErrorKind::NotFound, "remove it again")
}

async fn missing(probe: &Probe) -> Verdict {
    let removed = probe.storage.unlink(&probe.cx(), &probe.missing()).await;
    expect_kind(removed, ErrorKind::NotFound, "remove what is not there")
}

async fn directory(probe: &Probe) -> Verdict {
    let at = probe.directory().await?;
    let removed = probe.storage.unlink(&probe.cx(), &at).await;
    expect_kind(
        removed,
        ErrorKind::IsDirectory,
        "remove a directory as a file",
    )?;
    ensure!(probe.is_there(&at).await?, "the directory is gone");
    Ok(())
}
