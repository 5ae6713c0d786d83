//! Metadata.

use causeway_sdk::{EntryKind, ErrorKind, Operation};

use super::cases;
use crate::need::Need;
use crate::payload::payload;
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, ensure, expect_kind, skipped};

const STAT: Need = Need::Can(Operation::Stat);

cases! {
    "stat/file" [STAT, Need::Sample] file;
    "stat/empty-file" [STAT, Need::Kept] empty_file;
    "stat/directory" [STAT, Need::Kept, Need::Can(Operation::Mkdir)] directory;
    "stat/missing" [STAT] missing;
    "stat/exists" [STAT, Need::Kept] exists;
    "stat/etag-changes" [STAT, Need::Kept] etag_changes;
}

async fn file(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    let stat = probe.storage.stat(&probe.cx(), &sample.url).await;
    let stat = stat.or_fail("stat a file")?;
    ensure!(stat.kind == EntryKind::File, "a file is a {:?}", stat.kind);
    ensure!(
        stat.size == Some(sample.content.len() as u64),
        "a file of {} bytes has size {:?}",
        sample.content.len(),
        stat.size
    );
    if let Some(mode) = stat.mode {
        ensure!(mode & 0o170_000 == 0o100_000, "mode of a file is {mode:o}");
    }
    for sum in &stat.checksums {
        let mut hasher = sum.algorithm.hasher();
        hasher.update(&sample.content);
        let own = hasher.finish();
        ensure!(own == *sum, "stat tells {sum}, the content has {own}");
    }
    Ok(())
}

async fn empty_file(probe: &Probe) -> Verdict {
    let at = probe.fresh();
    probe.put(&at, &payload(0, 0)).await?;
    let stat = probe.storage.stat(&probe.cx(), &at).await;
    let size = stat.or_fail("stat an empty file")?.size;
    ensure!(size == Some(0), "an empty file has size {size:?}");
    Ok(())
}

async fn directory(probe: &Probe) -> Verdict {
    let at = probe.directory().await?;
    let stat = probe.storage.stat(&probe.cx(), &at).await;
    let stat = stat.or_fail("stat a directory")?;
    ensure!(stat.is_directory(), "a directory is a {:?}", stat.kind);
    if let Some(mode) = stat.mode {
        ensure!(
            mode & 0o170_000 == 0o040_000,
            "mode of a directory is {mode:o}"
        );
    }
    Ok(())
}

async fn missing(probe: &Probe) -> Verdict {
    let at = probe.missing();
    let stat = probe.storage.stat(&probe.cx(), &at).await;
    expect_kind(stat, ErrorKind::NotFound, "stat what is not there")?;
    let exists = probe.storage.exists(&probe.cx(), &at).await;
    ensure!(
        !exists.or_fail("ask for what is not there")?,
        "what is not there exists"
    );
    Ok(())
}

async fn exists(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    let exists = probe.storage.exists(&probe.cx(), &sample.url).await;
    ensure!(exists.or_fail("ask for a file")?, "a file does not exist");
    Ok(())
}

async fn etag_changes(probe: &Probe) -> Verdict {
    let at = probe.fresh();
    let mut tags = Vec::new();
    for seed in 0..3 {
        probe.put(&at, &payload(seed, 100)).await?;
        let stat = probe.storage.stat(&probe.cx(), &at).await;
        match stat.or_fail("stat a file")?.etag {
            Some(tag) => tags.push(tag),
            None => return skipped("the storage tells no etag"),
        }
    }
    ensure!(
        tags[0] != tags[1] && tags[1] != tags[2],
        "the etag stays when the content changes: {tags:?}"
    );
    Ok(())
}
