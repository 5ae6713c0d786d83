//! A network that fails: late is not lost, and lost is neither "not there" nor "done".

use std::sync::Arc;

use causeway_sdk::{Error, ErrorKind, Operation, Page, Retry};

use super::cases;
use crate::need::Need;
use crate::network::{Network, NetworkFault};
use crate::payload::{payload, same};
use crate::probe::Probe;
use crate::verdict::{OrFail as _, Verdict, ensure, failed, skipped};

const STAT: Need = Need::Can(Operation::Stat);
const LIST: Need = Need::Can(Operation::List);
const WRITE: Need = Need::Can(Operation::Write);

cases! {
    "faults/late-answers" [Need::Network, Need::Sample] late;
    "faults/slow-answers" [Need::Network, Need::Sample] slow;
    "faults/broken-stat" [Need::Network, STAT, Need::Sample] broken_stat;
    "faults/broken-list" [Need::Network, LIST, Need::Kept] broken_list;
    "faults/broken-read" [Need::Network, Need::Sample] broken_read;
    "faults/short-read" [Need::Network, Need::Sample] short_read;
    "faults/broken-write" [Need::Network, WRITE, Need::Kept, Need::Atomic] broken_write;
}

/// Faults that end an exchange.
const BREAKING: [NetworkFault; 3] = [
    NetworkFault::Reset,
    NetworkFault::ServerError,
    NetworkFault::Truncate,
];

/// What would be taken for the storage's own word, which it did not say.
const DEFINITE: [ErrorKind; 12] = [
    ErrorKind::Invalid,
    ErrorKind::NotFound,
    ErrorKind::Exists,
    ErrorKind::NotEmpty,
    ErrorKind::IsDirectory,
    ErrorKind::NotDirectory,
    ErrorKind::Denied,
    ErrorKind::AuthRequired,
    ErrorKind::AuthExpired,
    ErrorKind::Unsupported,
    ErrorKind::NoSpace,
    ErrorKind::NotOnline,
];

/// The network while it misbehaves; at the end of this value all is well again.
struct Trouble {
    network: Arc<dyn Network>,
    before: u64,
}

impl Trouble {
    fn begin(probe: &Probe, fault: NetworkFault) -> Verdict<Self> {
        let Some(network) = probe.network.clone() else {
            return skipped("needs a network that can be disturbed");
        };
        let before = network.hits();
        network.disturb(Some(fault));
        Ok(Self { network, before })
    }

    /// Whether the plugin met it.
    fn met(&self) -> bool {
        self.network.hits() > self.before
    }
}

impl Drop for Trouble {
    fn drop(&mut self) {
        self.network.disturb(None);
    }
}

/// The error of a broken exchange leaves the question open, and is worth another try.
fn open(error: &Error, fault: NetworkFault, what: &str) -> Verdict {
    ensure!(
        !DEFINITE.contains(&error.kind()),
        "{what}, {fault:?}: the network's failure is told as the storage's word: {error:?}"
    );
    ensure!(
        error.retry() != Retry::Never,
        "{what}, {fault:?}: it is not worth another try: {error:?}"
    );
    Ok(())
}

/// Skipped when no fault was met at all: the plugin did not ask the server, or the fault does not fit.
fn unless_untouched(met: bool) -> Verdict {
    match met {
        true => Ok(()),
        false => skipped("no fault met a request of the plugin"),
    }
}

async fn late(probe: &Probe) -> Verdict {
    bears(probe, NetworkFault::Delay).await
}

async fn slow(probe: &Probe) -> Verdict {
    bears(probe, NetworkFault::Drip).await
}

/// It is only slower.
async fn bears(probe: &Probe, fault: NetworkFault) -> Verdict {
    let sample = probe.sample().await?;
    let trouble = Trouble::begin(probe, fault)?;
    let found = probe.get(&sample.url).await;
    let found = found.or_fail(format!("read a file, {fault:?}"))?;
    same(&found, &sample.content, "a file that came slowly")?;
    unless_untouched(trouble.met())
}

async fn broken_stat(probe: &Probe) -> Verdict {
    let (sample, mut met) = (probe.sample().await?, false);
    let size = Some(sample.content.len() as u64);
    for fault in BREAKING {
        let trouble = Trouble::begin(probe, fault)?;
        match probe.storage.stat(&probe.cx(), &sample.url).await {
            Ok(stat) => ensure!(stat.size == size, "{fault:?}: the size is {:?}", stat.size),
            Err(error) => open(&error, fault, "stat")?,
        }
        match probe.storage.exists(&probe.cx(), &sample.url).await {
            Ok(there) => ensure!(there, "{fault:?}: a file that is there is said not to be"),
            Err(error) => open(&error, fault, "ask for a file")?,
        }
        met |= trouble.met();
    }
    let after = probe.storage.stat(&probe.cx(), &sample.url).await;
    after.or_fail("stat when the network is well again")?;
    unless_untouched(met)
}

async fn broken_list(probe: &Probe) -> Verdict {
    let mut met = false;
    probe.put(&probe.fresh(), &payload(1, 10)).await?;
    let whole = probe.list(&probe.home, 0).await;
    let whole = whole.or_fail("list a directory")?.len();
    for fault in BREAKING {
        let trouble = Trouble::begin(probe, fault)?;
        let cx = probe.cx();
        let page = probe.storage.list(&cx, &probe.home, Page::default()).await;
        match page {
            Ok(page) if page.next.is_none() => {
                let found = page.entries.len();
                ensure!(
                    found == whole,
                    "{fault:?}: {found} of {whole} entries, and no error"
                );
            }
            Ok(_) => {}
            Err(error) => open(&error, fault, "list")?,
        }
        met |= trouble.met();
    }
    let after = probe.list(&probe.home, 0).await;
    after.or_fail("list when the network is well again")?;
    unless_untouched(met)
}

async fn broken_read(probe: &Probe) -> Verdict {
    let (sample, mut met) = (probe.sample().await?, false);
    for fault in [NetworkFault::Reset, NetworkFault::ServerError] {
        let trouble = Trouble::begin(probe, fault)?;
        match probe.get(&sample.url).await {
            Ok(found) => same(&found, &sample.content, &format!("{fault:?}"))?,
            Err(error) => open(&error, fault, "read")?,
        }
        met |= trouble.met();
    }
    probe
        .expect_content(
            &sample.url,
            &sample.content,
            "when the network is well again",
        )
        .await?;
    unless_untouched(met)
}

/// Bytes that did not come must not be missing in silence.
async fn short_read(probe: &Probe) -> Verdict {
    let sample = probe.sample().await?;
    let trouble = Trouble::begin(probe, NetworkFault::Truncate)?;
    match probe.get(&sample.url).await {
        Ok(found) => same(
            &found,
            &sample.content,
            "a file that was cut short, without an error",
        )?,
        Err(error) if error.kind() == ErrorKind::Integrity => {}
        Err(error) => open(&error, NetworkFault::Truncate, "read")?,
    }
    unless_untouched(trouble.met())
}

async fn broken_write(probe: &Probe) -> Verdict {
    let (content, mut met) = (payload(2, 300_000), false);
    for fault in BREAKING {
        let at = probe.fresh();
        let trouble = Trouble::begin(probe, fault)?;
        let options = probe.write_options(content.len());
        let written = probe.put_with(&at, &content, options).await;
        met |= trouble.met();
        drop(trouble);
        match written {
            Ok(_) => {
                probe
                    .expect_content(&at, &content, "a write that is said to be done")
                    .await?
            }
            Err(error) => {
                open(&error, fault, "write")?;
                // The answer may have been lost after all was done.
                if probe.is_there(&at).await? {
                    probe
                        .expect_content(&at, &content, "what a broken write left")
                        .await?;
                }
            }
        }
        let again = probe.put(&at, &content).await;
        if again.is_err() {
            return failed(format!(
                "{fault:?}: the write cannot be repeated: {again:?}"
            ));
        }
        probe
            .expect_content(&at, &content, "a repeated write")
            .await?;
    }
    unless_untouched(met)
}
