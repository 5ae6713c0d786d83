//! What is not claimed is refused, all of it, and in the same way.

use std::time::Duration;

use causeway_sdk::{
    Access, Algorithm, CopyRequest, Credential, Direction, Error, ErrorKind, Operation, Page,
    ProgressSink, ReadOptions, StageRequest, TurlRequest,
};

use super::cases;
use crate::probe::Probe;
use crate::verdict::{Verdict, expect_kind, skipped};

cases! {
    "errors/unclaimed-operations" [] unclaimed;
}

async fn unclaimed(probe: &Probe) -> Verdict {
    let missing: Vec<Operation> = Operation::ALL
        .into_iter()
        // Every storage has `stat`, so an unclaimed one may still answer.
        .filter(|it| !probe.can.can(*it) && *it != Operation::Stat)
        .collect();
    if missing.is_empty() {
        return skipped("every operation is claimed");
    }
    for operation in missing {
        let what = format!("call {}, which is not claimed", operation.name());
        expect_kind(call(probe, operation).await, ErrorKind::Unsupported, what)?;
    }
    Ok(())
}

async fn call(probe: &Probe, operation: Operation) -> Result<(), Error> {
    let (storage, cx, at) = (&probe.storage, probe.cx(), probe.fresh());
    match operation {
        Operation::List => storage.list(&cx, &at, Page::default()).await.map(drop),
        Operation::Read => storage
            .open_read(&cx, &at, ReadOptions::default())
            .await
            .map(drop),
        Operation::Write => storage
            .open_write(&cx, &at, probe.write_options(0))
            .await
            .map(drop),
        Operation::Mkdir => storage.mkdir(&cx, &at, false).await,
        Operation::Rmdir => storage.rmdir(&cx, &at).await,
        Operation::Unlink => storage.unlink(&cx, &at).await,
        Operation::Rename => storage.rename(&cx, &at, &probe.fresh(), false).await,
        Operation::Checksum => storage
            .checksum(&cx, &at, Algorithm::Adler32)
            .await
            .map(drop),
        Operation::Space => storage.space(&cx, &at).await.map(drop),
        Operation::Copy => {
            let request = CopyRequest {
                direction: Direction::Pull,
                source: at.clone(),
                destination: probe.fresh(),
                peer_credential: Credential::None,
                overwrite: false,
                streams: 0,
                size: None,
                expect: None,
            };
            storage
                .copy(&cx, request, ProgressSink::ignore())
                .await
                .map(drop)
        }
        Operation::Staging => {
            let request = StageRequest {
                files: vec![at.clone()],
                pin: Duration::from_secs(1),
                timeout: Duration::from_secs(1),
                metadata: Vec::new(),
            };
            storage.bring_online(&cx, request).await.map(drop)
        }
        Operation::Archive => storage.poll_archived(&cx, &[at]).await.map(drop),
        Operation::Turl => {
            let request = TurlRequest {
                access: Access::Read,
                schemes: Vec::new(),
                size: None,
                overwrite: false,
            };
            storage.resolve(&cx, &at, request).await.map(drop)
        }
        // `Operation` may grow; what this kit does not know it cannot call.
        _ => Err(Error::unsupported(operation.name())),
    }
}
