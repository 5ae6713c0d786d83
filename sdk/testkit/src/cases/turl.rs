//! Transfer URLs.

use causeway_sdk::{Access, ErrorKind, Operation, Outcome, TurlRequest};

use super::cases;
use crate::need::Need;
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, ensure, expect_kind};

const TURL: Need = Need::Can(Operation::Turl);

cases! {
    "turl/read" [TURL, Need::Sample] read;
    "turl/missing" [TURL] missing;
}

fn request(probe: &Probe) -> TurlRequest {
    let own = probe.can.schemes.iter().map(String::as_str);
    let common = ["https", "davs", "root", "gsiftp", "http"];
    TurlRequest {
        access: Access::Read,
        schemes: common.into_iter().chain(own).map(str::to_owned).collect(),
        size: None,
        overwrite: false,
    }
}

async fn read(probe: &Probe) -> Verdict {
    let (sample, request) = (probe.sample().await?, request(probe));
    let turl = probe
        .storage
        .resolve(&probe.cx(), &sample.url, request.clone())
        .await;
    let turl = turl.or_fail("resolve a file")?;
    ensure!(
        request
            .schemes
            .iter()
            .any(|it| it.eq_ignore_ascii_case(turl.url.scheme())),
        "a URL of scheme {} was not asked for",
        turl.url.scheme()
    );
    ensure!(
        turl.access == Access::Read,
        "asked to read, got {:?}",
        turl.access
    );
    for outcome in [Outcome::Done, Outcome::Aborted] {
        let again = probe
            .storage
            .resolve(&probe.cx(), &sample.url, request.clone())
            .await;
        let again = again.or_fail("resolve a file again")?;
        let finished = probe
            .storage
            .finish(&probe.cx(), &sample.url, &again, outcome)
            .await;
        finished.or_fail(format!("finish with {outcome:?}"))?;
    }
    let finished = probe
        .storage
        .finish(&probe.cx(), &sample.url, &turl, Outcome::Done)
        .await;
    finished.or_fail("finish the first one")
}

async fn missing(probe: &Probe) -> Verdict {
    let turl = probe
        .storage
        .resolve(&probe.cx(), &probe.missing(), request(probe))
        .await;
    expect_kind(turl, ErrorKind::NotFound, "resolve what is not there")
}
