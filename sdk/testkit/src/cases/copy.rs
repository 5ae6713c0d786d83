//! Third-party copies between two places of the same storage.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use causeway_sdk::{CopyRequest, Credential, Direction, Operation, ProgressSink, Url};

use super::cases;
use crate::need::Need;
use crate::payload::payload;
use crate::polls::poll_at_most;
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, ensure, failed};

const COPY: Need = Need::Can(Operation::Copy);

cases! {
    "copy/pull" [COPY, Need::Sample, Need::CopyPull] pull;
    "copy/push" [COPY, Need::Sample, Need::CopyPush] push;
    "copy/pull-missing" [COPY, Need::Kept, Need::CopyPull] pull_missing;
    "copy/push-missing" [COPY, Need::Kept, Need::CopyPush] push_missing;
    "copy/no-overwrite" [COPY, Need::Kept, Need::CopyPull] no_overwrite;
    "cancel/copy" [COPY, Need::Kept, Need::CopyPull] cancel;
}

fn request(probe: &Probe, direction: Direction, source: &Url, destination: &Url) -> CopyRequest {
    CopyRequest {
        direction,
        source: source.clone(),
        destination: destination.clone(),
        peer_credential: match probe.cx().credential() {
            Credential::None => Credential::None,
            own => own.clone(),
        },
        overwrite: false,
        streams: 0,
        size: None,
        expect: None,
    }
}

async fn copied(probe: &Probe, direction: Direction) -> Verdict {
    let (sample, at) = (probe.sample().await?, probe.fresh());
    let size = sample.content.len() as u64;
    let most = Arc::new(AtomicU64::new(0));
    let seen = Arc::clone(&most);
    let sink = ProgressSink::new(move |progress| {
        seen.fetch_max(progress.bytes, Ordering::SeqCst);
    });
    let request = CopyRequest {
        size: Some(size),
        ..request(probe, direction, &sample.url, &at)
    };
    let copied = probe.storage.copy(&probe.cx(), request, sink).await;
    let copied = copied.or_fail("copy a file")?;
    if let Some(bytes) = copied.bytes {
        ensure!(bytes == size, "a copy of {size} bytes tells {bytes}");
    }
    let most = most.load(Ordering::SeqCst);
    ensure!(most <= size, "progress went to {most} of {size} bytes");
    if let Some(sum) = copied.checksum {
        let mut hasher = sum.algorithm.hasher();
        hasher.update(&sample.content);
        let own = hasher.finish();
        ensure!(sum == own, "a copy tells {sum}, the content has {own}");
    }
    if probe.keeps() {
        probe
            .expect_content(&at, &sample.content, "a copied file")
            .await?;
        probe
            .expect_content(&sample.url, &sample.content, "the source of a copy")
            .await?;
    }
    Ok(())
}

async fn pull(probe: &Probe) -> Verdict {
    copied(probe, Direction::Pull).await
}

async fn push(probe: &Probe) -> Verdict {
    copied(probe, Direction::Push).await
}

async fn missing(probe: &Probe, direction: Direction) -> Verdict {
    let at = probe.fresh();
    let request = request(probe, direction, &probe.missing(), &at);
    let copied = probe
        .storage
        .copy(&probe.cx(), request, ProgressSink::ignore())
        .await;
    if copied.is_ok() {
        return failed("a copy of what is not there succeeded");
    }
    probe.expect_gone(&at, "after a failed copy").await
}

async fn pull_missing(probe: &Probe) -> Verdict {
    missing(probe, Direction::Pull).await
}

async fn push_missing(probe: &Probe) -> Verdict {
    missing(probe, Direction::Push).await
}

async fn no_overwrite(probe: &Probe) -> Verdict {
    let (sample, at, old) = (probe.sample().await?, probe.fresh(), payload(1, 100));
    probe.put(&at, &old).await?;
    let request = request(probe, Direction::Pull, &sample.url, &at);
    let copied = probe
        .storage
        .copy(&probe.cx(), request, ProgressSink::ignore())
        .await;
    if copied.is_ok() {
        return failed("a copy replaced a file without overwrite");
    }
    probe
        .expect_content(&at, &old, "a file that must stay")
        .await
}

async fn cancel(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    for polls in 1..=8 {
        let at = probe.fresh();
        let request = request(probe, Direction::Pull, &sample.url, &at);
        let cx = probe.cx();
        let call = probe.storage.copy(&cx, request, ProgressSink::ignore());
        let what = format!("a copy dropped at poll {polls}");
        let done = poll_at_most(call, polls).await;
        if let Some(result) = done {
            result.or_fail("copy after dropped copies")?;
            return probe.expect_content(&at, &sample.content, &what).await;
        }
    }
    copied(probe, Direction::Pull).await
}
