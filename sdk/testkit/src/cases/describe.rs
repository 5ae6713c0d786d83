//! What a storage says about itself must make sense.

use causeway_sdk::Operation;

use super::cases;
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, ensure};

cases! {
    "describe/sound" [] sound;
    "describe/stable" [] stable;
    "admit/own-urls" [] own_urls;
}

async fn sound(probe: &Probe) -> Verdict {
    let can = &probe.can;
    let word = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_+.".contains(c))
    };
    ensure!(word(&can.name), "name {:?} is no lower-case word", can.name);
    ensure!(!can.schemes.is_empty(), "it names no scheme");
    for scheme in &can.schemes {
        ensure!(word(scheme), "scheme {scheme:?} is not lower case");
    }
    ensure!(!can.operations.is_empty(), "it names no operation");
    ensure!(
        !can.can(Operation::Read) || !can.read.ranges || can.read.parallel >= 1,
        "read.parallel is 0 although ranges are claimed"
    );
    ensure!(
        can.can(Operation::Copy) != (can.copy.pull_from.is_empty() && can.copy.push_to.is_empty()),
        "operation copy and the copy schemes contradict each other"
    );
    ensure!(
        can.can(Operation::Checksum) != can.checksums.is_empty(),
        "operation checksum and the list of checksums contradict each other"
    );
    Ok(())
}

async fn stable(probe: &Probe) -> Verdict {
    ensure!(
        probe.storage.describe() == probe.can,
        "two calls give different capabilities"
    );
    Ok(())
}

async fn own_urls(probe: &Probe) -> Verdict {
    let admitted = probe.storage.admit(&probe.fresh());
    admitted.or_fail("admit a URL below the base")
}
