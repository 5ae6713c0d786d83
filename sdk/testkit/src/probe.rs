//! What a case works with: the storage, fresh names, and files to read.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use causeway_sdk::{
    Capabilities, Credential, Ctx, DynStorage, Entry, Error, ErrorKind, Operation, Page,
    ReadOptions, Url, WriteOptions, Written,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::OnceCell;
use tokio::time::{Instant, sleep};

use crate::payload::{payload, same, send};
use crate::suite::Suite;
use crate::verdict::{OrFail as _, Stop, Verdict, ensure, failed, skipped};

/// What a segment of a path is written in: everything but RFC 3986's unreserved is encoded.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
/// Size of the file that reading cases use: odd, and more than a few chunks.
const SAMPLE: usize = 3 * (1 << 20) + 12_345;
/// Pages of one listing before it counts as endless.
const MOST_PAGES: usize = 10_000;

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
    count: AtomicU64,
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
        let random: u64 = rand::random();
        let home = below(&base, &format!("causeway-check-{random:016x}"));
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
            count: AtomicU64::new(0),
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
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        Ctx::new(format!("check-{count}"))
            .with_timeout(self.time_limit)
            .with_credential(self.credential.clone())
    }

    /// URL of that name in the directory of this run.
    pub(crate) fn named(&self, name: &str) -> Url {
        below(&self.home, name)
    }

    /// URL that no case used before.
    pub(crate) fn fresh(&self) -> Url {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
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
            let (url, content) = (self.named("sample"), payload(1, SAMPLE));
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

    /// Options that fit the storage.
    pub(crate) fn write_options(&self, size: usize) -> WriteOptions {
        WriteOptions {
            size: Some(size as u64),
            overwrite: true,
            parents: self.can.write.parents,
            expect: None,
            resume: None,
        }
    }

    /// Writes a file.
    pub(crate) async fn put(&self, at: &Url, content: &Bytes) -> Verdict<Written> {
        let options = self.write_options(content.len());
        let written = self.put_with(at, content, options).await;
        written.or_fail(format!("write {} bytes", content.len()))
    }

    /// Writes a file with these options, in pieces that fit no boundary.
    pub(crate) async fn put_with(
        &self,
        at: &Url,
        content: &Bytes,
        options: WriteOptions,
    ) -> Result<Written, Error> {
        let cx = self.cx();
        let mut body = self.storage.open_write(&cx, at, options).await?;
        match send(&mut *body, content).await {
            Ok(()) => body.commit().await,
            Err(error) => {
                body.abort().await;
                Err(error)
            }
        }
    }

    /// Reads a whole file.
    pub(crate) async fn get(&self, at: &Url) -> Result<Bytes, Error> {
        self.get_with(at, ReadOptions::default()).await
    }

    /// Reads with these options; checks what holds for every body.
    pub(crate) async fn get_with(&self, at: &Url, options: ReadOptions) -> Result<Bytes, Error> {
        let cx = self.cx();
        let mut body = self.storage.open_read(&cx, at, options).await?;
        let mut content = BytesMut::new();
        while let Some(chunk) = body.next().await? {
            if chunk.is_empty() {
                return Err(Error::new(ErrorKind::Internal, "a chunk is empty"));
            }
            content.extend_from_slice(&chunk);
        }
        Ok(content.freeze())
    }

    /// The file must be there with this content.
    pub(crate) async fn expect_content(&self, at: &Url, content: &Bytes, what: &str) -> Verdict {
        let found = self.get(at).await.or_fail(format!("{what}: read it"))?;
        same(&found, content, what)
    }

    /// Whether something is there.
    pub(crate) async fn is_there(&self, at: &Url) -> Verdict<bool> {
        if self.can.can(Operation::Stat) {
            return self
                .storage
                .exists(&self.cx(), at)
                .await
                .or_fail("ask for a file");
        }
        match self.get(at).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => failed(format!("ask for a file: {error:?}")),
        }
    }

    /// Waits until nothing is there; a storage may remove in the background.
    pub(crate) async fn expect_gone(&self, at: &Url, what: &str) -> Verdict {
        let start = Instant::now();
        while self.is_there(at).await? {
            ensure!(start.elapsed() < self.settle, "{what}: it is still visible");
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// All entries of a directory, page by page.
    pub(crate) async fn list(&self, at: &Url, limit: u32) -> Result<Vec<Entry>, Error> {
        let (cx, mut entries, mut cursor) = (self.cx(), Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let page = self.storage.list(&cx, at, Page { cursor, limit }).await?;
            if limit > 0 && page.entries.len() > limit as usize {
                return Err(Error::new(ErrorKind::Internal, "a page exceeds its limit"));
            }
            entries.extend(page.entries);
            match page.next {
                None => return Ok(entries),
                next => cursor = next,
            }
        }
        Err(Error::new(ErrorKind::Internal, "the listing does not end"))
    }

    /// A new empty directory.
    pub(crate) async fn directory(&self) -> Verdict<Url> {
        let at = self.fresh();
        let made = self.storage.mkdir(&self.cx(), &at, false).await;
        made.or_fail("make a directory")?;
        Ok(at)
    }

    /// Removes the directory of this run, as far as the storage can.
    pub(crate) async fn clean(&self) {
        if !self.keeps || !self.can.can(Operation::Unlink) || !self.can.can(Operation::List) {
            return;
        }
        let mut directories = vec![self.home.clone()];
        let mut next = 0;
        while let Some(at) = directories.get(next).cloned() {
            next += 1;
            // What cannot be removed is left; cases have judged these calls already.
            for entry in self.list(&at, 0).await.unwrap_or_default() {
                let inner = below(&at, &entry.name);
                if entry.stat.is_directory() {
                    directories.push(inner);
                } else {
                    self.storage.unlink(&self.cx(), &inner).await.ok();
                }
            }
        }
        for at in directories.iter().rev() {
            self.storage.rmdir(&self.cx(), at).await.ok();
        }
    }
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
