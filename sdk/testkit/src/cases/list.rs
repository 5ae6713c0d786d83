//! Directories, page by page.

use causeway_sdk::{ErrorKind, Operation, Url};

use super::cases;
use crate::need::Need;
use crate::payload::payload;
use crate::probe::{Probe, below};
use crate::verdict::{OrFail as _, Verdict, ensure, expect_kind};

const LIST: Need = Need::Can(Operation::List);
const MKDIR: Need = Need::Can(Operation::Mkdir);
const FILES: usize = 23;

cases! {
    "list/entries" [LIST, Need::Kept] entries;
    "list/pages" [LIST, Need::Kept] pages;
    "list/empty" [LIST, Need::Kept, MKDIR] empty;
    "list/directories" [LIST, Need::Kept, MKDIR] directories;
    "list/not-deep" [LIST, Need::Kept, MKDIR] not_deep;
    "list/missing" [LIST] missing;
    "list/file" [LIST, Need::Kept] file;
}

async fn filled(probe: &Probe) -> Verdict<Url> {
    let home = probe.fresh();
    if probe.can.can(Operation::Mkdir) {
        let made = probe.storage.mkdir(&probe.cx(), &home, true).await;
        made.or_fail("make a directory")?;
    }
    for n in 0..FILES {
        let at = below(&home, &format!("file-{n:02}"));
        probe.put(&at, &payload(n as u64, n)).await?;
    }
    Ok(home)
}

async fn expect_all(probe: &Probe, home: &Url, limit: u32) -> Verdict {
    let what = format!("list with limit {limit}");
    let mut found = probe.list(home, limit).await.or_fail(&what)?;
    found.sort_by(|one, two| one.name.cmp(&two.name));
    let names: Vec<&str> = found.iter().map(|it| it.name.as_str()).collect();
    ensure!(
        found.len() == FILES,
        "{what}: {} of {FILES} entries: {names:?}",
        found.len()
    );
    for (n, entry) in found.iter().enumerate() {
        ensure!(entry.name == format!("file-{n:02}"), "{what}: {names:?}");
        ensure!(
            !entry.stat.is_directory(),
            "{what}: {} is a directory",
            entry.name
        );
        let size = entry.stat.size.unwrap_or(n as u64);
        ensure!(size == n as u64, "{what}: {} has size {size}", entry.name);
    }
    Ok(())
}

async fn entries(probe: &Probe) -> Verdict {
    let home = filled(probe).await?;
    expect_all(probe, &home, 0).await
}

async fn pages(probe: &Probe) -> Verdict {
    let home = filled(probe).await?;
    for limit in [1, 7, FILES as u32 - 1, FILES as u32, FILES as u32 + 1] {
        expect_all(probe, &home, limit).await?;
    }
    Ok(())
}

async fn empty(probe: &Probe) -> Verdict {
    let home = probe.directory().await?;
    let found = probe
        .list(&home, 0)
        .await
        .or_fail("list an empty directory")?;
    ensure!(found.is_empty(), "an empty directory has {found:?}");
    Ok(())
}

async fn directories(probe: &Probe) -> Verdict {
    let home = probe.directory().await?;
    let inner = below(&home, "inner");
    let made = probe.storage.mkdir(&probe.cx(), &inner, false).await;
    made.or_fail("make a directory")?;
    probe.put(&below(&home, "leaf"), &payload(1, 1)).await?;
    let mut found = probe.list(&home, 0).await.or_fail("list a directory")?;
    found.sort_by(|one, two| one.name.cmp(&two.name));
    let kinds: Vec<_> = found
        .iter()
        .map(|it| (it.name.as_str(), it.stat.is_directory()))
        .collect();
    ensure!(
        kinds == [("inner", true), ("leaf", false)],
        "listed {kinds:?}"
    );
    Ok(())
}

async fn not_deep(probe: &Probe) -> Verdict {
    let home = probe.directory().await?;
    let inner = below(&home, "inner");
    let made = probe.storage.mkdir(&probe.cx(), &inner, false).await;
    made.or_fail("make a directory")?;
    probe.put(&below(&inner, "deep"), &payload(1, 1)).await?;
    let found = probe.list(&home, 0).await.or_fail("list a directory")?;
    let names: Vec<&str> = found.iter().map(|it| it.name.as_str()).collect();
    ensure!(names == ["inner"], "listed {names:?}");
    Ok(())
}

async fn missing(probe: &Probe) -> Verdict {
    let found = probe.list(&probe.missing(), 0).await;
    expect_kind(found, ErrorKind::NotFound, "list what is not there")
}

async fn file(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    let found = probe.list(&sample.url, 0).await;
    expect_kind(found, ErrorKind::NotDirectory, "list a file")
}
