//! Room.

use causeway_sdk::Operation;

use super::cases;
use crate::need::Need;
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, ensure};

cases! {
    "space/plausible" [Need::Can(Operation::Space)] plausible;
}

async fn plausible(probe: &Probe) -> Verdict {
    let space = probe.storage.space(&probe.cx(), &probe.home).await;
    let space = space.or_fail("ask for room")?;
    if let Some(total) = space.total {
        for part in [space.used, space.free].into_iter().flatten() {
            ensure!(
                part <= total,
                "a part of the room exceeds the whole: {space:?}"
            );
        }
    }
    Ok(())
}
