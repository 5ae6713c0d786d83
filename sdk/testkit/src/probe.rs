//! What a case works with: the storage, fresh names, and a file to read. What cases do with files again and
//! again is in `files`.

mod files;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use causeway_sdk::{Capabilities, Credential, Ctx, DynStorage, Operation, Url};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::OnceCell;

use crate::network::Network;
use crate::payload::payload;
use crate::suite::Suite;
use crate::verdict::{OrFail as _, Stop, Verdict, ensure, skipped};

/// What a segment of a path is written in: everything but RFC 3986's unreserved is encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Size of the file that reading cases use: odd, and more than a few chunks.
const SAMPLE: usize = 3 * (1 << 20) + 12_345;
/// The same where every byte that is read is kept: still more than a few pieces of it.
const SMALL_SAMPLE: usize = 300_345;
/// Names that one case may use.
const NAMES: u64 = 1 << 16;

/// A file that was there before.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    pub(crate) url: String,
    pub(crate) size: u64,
    pub(crate) content: Option<Bytes>,
}

/// A file whose content is known.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) url: Url,
    pub(crate) content: Bytes,
}

/// What a case works with.
pub(crate) struct Probe {
    pub(crate) storage: Arc<dyn DynStorage>,
    pub(crate) can: Capabilities,
    credential: Credential,
    /// Directory of this run.
    pub(crate) home: Url,
    pub(crate) keeps: bool,
    pub(crate) seeds: Vec<Seed>,
    missing: Option<Url>,
    time_limit: Duration,
    settle: Duration,
    /// Who makes the network fail.
    pub(crate) network: Option<Arc<dyn Network>>,
    pub(crate) live: bool,
    sample_size: usize,
    calls: AtomicU64,
    names: AtomicU64,
    sample: OnceCell<Sample>,
}

impl Probe {
    pub(crate) async fn prepare(suite: Suite) -> Verdict<Self> {
        let base = suite.base.map_err(Stop::Failed)?;
        let missing = match &suite.missing {
            None => None,
            Some(text) => Some(parse(text)?),
        };
        let can = suite.storage.describe();
        let run = suite.run_name.unwrap_or_else(run_name);
        let home = below(&base, &run);
        let probe = Self {
            storage: suite.storage,
            keeps: suite.keeps && can.can(Operation::Write) && can.can(Operation::Read),
            can,
            credential: suite.credential,
            home,
            seeds: suite.seeds,
            missing,
            time_limit: suite.time_limit,
            settle: suite.settle,
            network: suite.network,
            live: suite.live,
            sample_size: if suite.small { SMALL_SAMPLE } else { SAMPLE },
            calls: AtomicU64::new(0),
            names: AtomicU64::new(0),
            sample: OnceCell::new(),
        };
        if probe.keeps && probe.can.can(Operation::Mkdir) {
            let made = probe.storage.mkdir(&probe.cx(), &probe.home, true).await;
            made.or_fail("make a directory for the run")?;
        }
        Ok(probe)
    }

    pub(crate) fn keeps(&self) -> bool {
        self.keeps
    }

    /// Context of one call.
    pub(crate) fn cx(&self) -> Ctx {
        let count = self.calls.fetch_add(1, Ordering::Relaxed);
        Ctx::new(format!("check-{count}"))
            .with_timeout(self.time_limit)
            .with_credential(self.credential.clone())
    }

    /// URL of that name in the directory of this run.
    pub(crate) fn named(&self, name: &str) -> Url {
        below(&self.home, name)
    }

    /// From now on fresh names are those of this case, whatever ran before it.
    pub(crate) fn begin(&self, case: usize) {
        self.names.store(case as u64 * NAMES, Ordering::Relaxed);
    }

    /// URL that no case used before.
    pub(crate) fn fresh(&self) -> Url {
        let count = self.names.fetch_add(1, Ordering::Relaxed);
        self.named(&format!("item-{count}"))
    }

    /// URL where nothing is.
    pub(crate) fn missing(&self) -> Url {
        self.missing.clone().unwrap_or_else(|| self.fresh())
    }

    /// Chunk size that boundaries are tried around.
    pub(crate) fn chunk(&self) -> usize {
        match self.can.read.preferred_chunk as usize {
            0 => 1 << 20,
            chunk => chunk.clamp(1024, 4 << 20),
        }
    }

    /// The file that reading cases share.
    pub(crate) async fn sample(&self) -> Verdict<Sample> {
        let made = self.sample.get_or_try_init(|| self.make_sample()).await?;
        Ok(made.clone())
    }

    async fn make_sample(&self) -> Verdict<Sample> {
        if self.keeps {
            let (url, content) = (self.named("sample"), payload(1, self.sample_size));
            self.put(&url, &content).await?;
            return Ok(Sample { url, content });
        }
        let Some(seed) = self.seeds.iter().max_by_key(|it| it.size) else {
            return skipped("needs a seeded file");
        };
        let url = parse(&seed.url)?;
        let content = match &seed.content {
            Some(content) => content.clone(),
            None => self.get(&url).await.or_fail("read a seeded file")?,
        };
        ensure!(
            content.len() as u64 == seed.size,
            "a seeded file has {} bytes, not {}",
            content.len(),
            seed.size
        );
        Ok(Sample { url, content })
    }
}

/// Name of a run that was not given one.
pub(crate) fn run_name() -> String {
    format!("causeway-check-{:016x}", rand::random::<u64>())
}

/// URL of a name below another URL, query kept.
pub(crate) fn below(at: &Url, name: &str) -> Url {
    let name = utf8_percent_encode(name, SEGMENT);
    at.with_path(&format!("{}/{name}", at.path().trim_end_matches('/')))
}

fn parse(text: &str) -> Verdict<Url> {
    text.parse()
        .map_err(|error| Stop::Failed(format!("read the URL {text}: {error}")))
}
