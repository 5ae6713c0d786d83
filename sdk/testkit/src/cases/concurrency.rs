//! Many at the same time.

use causeway_sdk::{Operation, ReadOptions};
use futures_util::future::join_all;

use super::cases;
use crate::need::Need;
use crate::payload::{payload, same};
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict};

const READERS: u64 = 64;
const WRITERS: u64 = 16;

cases! {
    "concurrency/readers" [Need::Live, Need::Sample] readers;
    "concurrency/writers" [Need::Live, Need::Can(Operation::Write), Need::Kept] writers;
}

async fn readers(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    let size = sample.content.len() as u64;
    let one = async |n: u64| -> Verdict {
        let offset = if probe.can.read.ranges {
            size * n / READERS
        } else {
            0
        };
        let options = ReadOptions {
            offset,
            ..ReadOptions::default()
        };
        let what = format!("reader {n} of {READERS}");
        let found = probe.get_with(&sample.url, options).await.or_fail(&what)?;
        same(&found, &sample.content[offset as usize..], &what)
    };
    join_all((0..READERS).map(one)).await.into_iter().collect()
}

async fn writers(probe: &Probe) -> Verdict {
    let one = async |n: u64| -> Verdict {
        let (at, content) = (probe.fresh(), payload(n, 100_000 + n as usize));
        probe.put(&at, &content).await?;
        probe
            .expect_content(&at, &content, &format!("writer {n} of {WRITERS}"))
            .await
    };
    join_all((0..WRITERS).map(one)).await.into_iter().collect()
}
