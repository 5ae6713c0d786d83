//! Giving up: at any moment, and nothing half done is left.

use bytes::Bytes;
use causeway_sdk::{Error, Operation, ReadOptions, Url};

use super::cases;
use crate::need::Need;
use crate::payload::{payload, send};
use crate::polls::poll_at_most;
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, ensure};

const WRITE: Need = Need::Can(Operation::Write);

cases! {
    "write/invisible-before-commit" [WRITE, Need::Kept, Need::Atomic] before_commit;
    "write/aborted" [WRITE, Need::Kept] aborted;
    "write/dropped" [WRITE, Need::Kept] dropped;
    "write/dropped-keeps-old" [WRITE, Need::Kept, Need::Atomic] dropped_keeps_old;
    "write/leaves-no-litter" [WRITE, Need::Kept, Need::Can(Operation::List), Need::Can(Operation::Mkdir)] no_litter;
    "cancel/stat" [Need::Live, Need::Can(Operation::Stat), Need::Sample] cancel_stat;
    "cancel/read" [Need::Live, Need::Sample] cancel_read;
    "cancel/write" [Need::Live, WRITE, Need::Kept, Need::Atomic] cancel_write;
}

/// Polls after which a future is dropped, one after the other.
const MOST_POLLS: usize = 24;
const SIZE: usize = 300_000;

async fn half_written(probe: &Probe, at: &Url) -> Verdict<Box<dyn causeway_sdk::DynWrite>> {
    let cx = probe.cx();
    let body = probe
        .storage
        .open_write(&cx, at, probe.write_options(SIZE))
        .await;
    let mut body = body.or_fail("open a file for writing")?;
    let half = payload(1, SIZE / 2);
    send(&mut *body, &half).await.or_fail("write half a file")?;
    Ok(body)
}

async fn before_commit(probe: &Probe) -> Verdict {
    let (at, content) = (probe.fresh(), payload(2, SIZE));
    let cx = probe.cx();
    let body = probe
        .storage
        .open_write(&cx, &at, probe.write_options(SIZE))
        .await;
    let mut body = body.or_fail("open a file for writing")?;
    ensure!(
        !probe.is_there(&at).await?,
        "visible as soon as it is opened"
    );
    send(&mut *body, &content).await.or_fail("write a file")?;
    ensure!(!probe.is_there(&at).await?, "visible before the commit");
    body.commit().await.or_fail("commit")?;
    ensure!(probe.is_there(&at).await?, "not visible after the commit");
    probe
        .expect_content(&at, &content, "a committed file")
        .await
}

async fn aborted(probe: &Probe) -> Verdict {
    let at = probe.fresh();
    half_written(probe, &at).await?.abort().await;
    probe.expect_gone(&at, "after an abort").await
}

async fn dropped(probe: &Probe) -> Verdict {
    let at = probe.fresh();
    drop(half_written(probe, &at).await?);
    probe.expect_gone(&at, "after a dropped write").await
}

async fn dropped_keeps_old(probe: &Probe) -> Verdict {
    let (at, old) = (probe.fresh(), payload(3, 1000));
    probe.put(&at, &old).await?;
    drop(half_written(probe, &at).await?);
    probe
        .expect_content(&at, &old, "the old file after a dropped write")
        .await?;
    half_written(probe, &at).await?.abort().await;
    probe
        .expect_content(&at, &old, "the old file after an abort")
        .await
}

/// What was given up does not turn up under another name either.
async fn no_litter(probe: &Probe) -> Verdict {
    let directory = probe.directory().await?;
    let at = crate::probe::below(&directory, "file");
    drop(half_written(probe, &at).await?);
    half_written(probe, &at).await?.abort().await;
    probe.expect_gone(&at, "after given-up writes").await?;
    let left = probe
        .list(&directory, 0)
        .await
        .or_fail("list a directory")?;
    let names: Vec<&str> = left.iter().map(|it| it.name.as_str()).collect();
    ensure!(names.is_empty(), "given-up writes left {names:?}");
    Ok(())
}

async fn cancel_stat(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    for polls in 1..=MOST_POLLS {
        let cx = probe.cx();
        let call = probe.storage.stat(&cx, &sample.url);
        if let Some(result) = poll_at_most(call, polls).await {
            result.or_fail("stat a file after dropped calls")?;
            return Ok(());
        }
    }
    let cx = probe.cx();
    let result = probe.storage.stat(&cx, &sample.url).await;
    result
        .or_fail("stat a file after dropped calls")
        .map(|_| ())
}

async fn cancel_read(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    for polls in 1..=MOST_POLLS {
        let cx = probe.cx();
        let call = async {
            let options = ReadOptions::default();
            let mut body = probe.storage.open_read(&cx, &sample.url, options).await?;
            while body.next().await?.is_some() {}
            Ok::<(), Error>(())
        };
        if let Some(result) = poll_at_most(call, polls).await {
            result.or_fail("read a file after dropped reads")?;
            break;
        }
    }
    probe
        .expect_content(&sample.url, &sample.content, "after dropped reads")
        .await
}

async fn write_all(probe: &Probe, at: &Url, content: &Bytes) -> Result<(), Error> {
    let options = probe.write_options(content.len());
    probe.put_with(at, content, options).await.map(|_| ())
}

async fn cancel_write(probe: &Probe) -> Verdict {
    let content = payload(4, SIZE);
    for polls in 1..=MOST_POLLS {
        let at = probe.fresh();
        let done = poll_at_most(write_all(probe, &at, &content), polls).await;
        let what = format!("a write dropped at poll {polls}");
        if let Some(result) = done {
            result.or_fail("write after dropped writes")?;
            return probe.expect_content(&at, &content, &what).await;
        }
        // A commit that was on its way may have gone through, but then as a whole.
        if probe.is_there(&at).await? {
            probe.expect_content(&at, &content, &what).await?;
        }
    }
    Ok(())
}
