//! Calls that have no time: the host drops them, and the storage must bear it.

use std::time::Duration;

use causeway_sdk::{Operation, ReadOptions};
use tokio::time::timeout;

use super::cases;
use crate::need::Need;
use crate::probe::Probe;
use crate::verdict::Verdict;

cases! {
    "deadline/stat" [Need::Live, Need::Can(Operation::Stat), Need::Sample] stat;
    "deadline/read" [Need::Live, Need::Sample] read;
}

/// From no time at all to a little.
const TIMES: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_micros(50),
    Duration::from_millis(1),
    Duration::from_millis(5),
];

async fn stat(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    for time in TIMES {
        let cx = probe.cx().with_timeout(time);
        // In time, refused or dropped are all fine. The kit stands in for the host here.
        drop(timeout(time, probe.storage.stat(&cx, &sample.url)).await);
    }
    probe
        .expect_content(&sample.url, &sample.content, "after calls without time")
        .await
}

async fn read(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    for time in TIMES {
        let cx = probe.cx().with_timeout(time);
        let call = async {
            let options = ReadOptions::default();
            let mut body = probe.storage.open_read(&cx, &sample.url, options).await?;
            while body.next().await?.is_some() {}
            Ok::<(), causeway_sdk::Error>(())
        };
        drop(timeout(time, call).await);
    }
    probe
        .expect_content(&sample.url, &sample.content, "after reads without time")
        .await
}
