//! Every ordered pair of kinds of storage, through REST, with real servers: what arrives is compared
//! byte by byte, past the gateway where that is possible.

use causeway_tests::data::content;
use causeway_tests::depots::{Depots, KINDS};
use serde_json::json;

/// One byte, a block edge, more than one part of an upload.
const SIZES: [usize; 3] = [1, (8 << 20) + 3, (24 << 20) + 1];

#[tokio::test]
async fn every_pair_of_kinds() {
    let depots = Depots::start();
    for size in SIZES {
        let bytes = content(size);
        let seed = format!("seed-{size}");
        depots.put(&seed, &bytes);
        for kind in KINDS.into_iter().filter(|it| *it != "file") {
            copy(&depots, ("file", &seed), (kind, &seed), &bytes).await;
        }
        for source in KINDS {
            for destination in KINDS {
                let name = format!("{source}-{destination}-{size}");
                copy(&depots, (source, &seed), (destination, &name), &bytes).await;
            }
        }
    }
}

/// One transfer, and a look at what it made.
async fn copy(depots: &Depots, source: (&str, &str), destination: (&str, &str), bytes: &[u8]) {
    let from = depots.url(source.0, source.1);
    let to = depots.url(destination.0, destination.1);
    let done = depots.grid.transfer(&from, &to, json!({})).await;
    assert_eq!(
        done.finished().file["filesize"],
        bytes.len(),
        "{from} to {to}"
    );
    if let Some(stored) = depots.stored(destination.0, destination.1) {
        assert!(stored == bytes, "{from} to {to}: {} bytes", stored.len());
        return;
    }
    let back = format!("back-{}", destination.1);
    let local = depots.url("file", &back);
    depots
        .grid
        .transfer(&to, &local, json!({}))
        .await
        .finished();
    let stored = depots
        .stored("file", &back)
        .expect("files can be looked at");
    assert!(
        stored == bytes,
        "{from} to {to} and back: {} bytes",
        stored.len()
    );
}

#[tokio::test]
async fn keys_of_somebody_else_open_nothing() {
    let depots = Depots::start();
    depots.put("seed", b"bytes");
    let grid = &depots.grid;
    grid.delegate("bob.proxy");
    for kind in ["s3", "azure"] {
        let (from, to) = (depots.url("file", "seed"), depots.url(kind, "of-bob"));
        let done = grid.transfer_as("bob.proxy", &from, &to, json!(null), json!({}));
        let done = done.await;
        let reason = done.failed();
        assert!(
            reason.contains("[13]") || reason.contains("[1]"),
            "{kind}: {reason}"
        );
    }
}
