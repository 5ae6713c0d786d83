//! Checksums that the storage tells must be those of the bytes.

use causeway_sdk::{Algorithm, ErrorKind, Operation};

use super::cases;
use crate::need::Need;
use crate::payload::payload;
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, ensure, expect_kind, skipped};

const CHECKSUM: Need = Need::Can(Operation::Checksum);

cases! {
    "checksum/right" [CHECKSUM, Need::Sample] right;
    "checksum/empty-file" [CHECKSUM, Need::Kept] empty_file;
    "checksum/unclaimed" [CHECKSUM, Need::Sample] unclaimed;
    "checksum/missing" [CHECKSUM] missing;
}

async fn right(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    for algorithm in &probe.can.checksums {
        let told = probe
            .storage
            .checksum(&probe.cx(), &sample.url, *algorithm)
            .await;
        let told = told.or_fail(format!("ask for {algorithm}"))?;
        let mut hasher = algorithm.hasher();
        hasher.update(&sample.content);
        let own = hasher.finish();
        ensure!(
            told == own,
            "the storage tells {told}, the content has {own}"
        );
    }
    Ok(())
}

async fn empty_file(probe: &Probe) -> Verdict {
    let at = probe.fresh();
    probe.put(&at, &payload(0, 0)).await?;
    for algorithm in &probe.can.checksums {
        let told = probe.storage.checksum(&probe.cx(), &at, *algorithm).await;
        let told = told.or_fail(format!("ask for {algorithm} of an empty file"))?;
        let own = algorithm.hasher().finish();
        ensure!(
            told == own,
            "the storage tells {told} for an empty file, not {own}"
        );
    }
    Ok(())
}

async fn unclaimed(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    let all = Algorithm::ALL.into_iter();
    let others: Vec<_> = all.filter(|it| !probe.can.checksums.contains(it)).collect();
    if others.is_empty() {
        return skipped("every algorithm is claimed");
    }
    for algorithm in others {
        let told = probe
            .storage
            .checksum(&probe.cx(), &sample.url, algorithm)
            .await;
        expect_kind(
            told,
            ErrorKind::Unsupported,
            format!("ask for {algorithm}, which it lacks"),
        )?;
    }
    Ok(())
}

async fn missing(probe: &Probe) -> Verdict {
    let Some(algorithm) = probe.can.checksums.first() else {
        return skipped("no algorithm is claimed");
    };
    let told = probe
        .storage
        .checksum(&probe.cx(), &probe.missing(), *algorithm)
        .await;
    expect_kind(
        told,
        ErrorKind::NotFound,
        "ask for the checksum of what is not there",
    )
}
