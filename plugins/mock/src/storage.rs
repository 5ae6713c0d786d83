//! The mock as a storage: which call looks at which key.
//!
//! Whether a URL is asked as source or as destination is not told to a plugin. `exists` and
//! `unlink` are only asked of destinations; `stat` shows a destination's later size once a copy to
//! it was made under the same request id.

use causeway_sdk::{
    Algorithm, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage, EntryKind, Error,
    ErrorKind, FileState, Host, Locality, Page, ProgressSink, ReadOptions, Result, StageRequest,
    Staged, Stat, Storage, Url, WriteOptions,
};
use tokio::time::{Duration, sleep};

use crate::chance::Chance;
use crate::config::Config;
use crate::content::Content;
use crate::journal::Journal;
use crate::memory::{Commits, Memory, Record};
use crate::reader::MockReader;
use crate::script::{Script, fail};
use crate::writer::MockWriter;
use crate::{abilities, copy, lister, signal, staging};

/// The scheme this plugin serves.
pub(crate) const SCHEME: &str = "mock";

const ENOENT: i32 = 2;
const EPERM: i32 = 1;
const EISDIR: i32 = 21;
const EPROTONOSUPPORT: i32 = 93;

/// A storage that stores nothing.
#[derive(Debug)]
pub struct MockStorage {
    pub(crate) config: Config,
    pub(crate) memory: std::sync::Arc<Memory>,
    pub(crate) chance: Chance,
}

impl MockStorage {
    /// Counts of commits and copies. Clones of the handle see those still to come.
    pub fn commits(&self) -> Commits {
        self.memory.commits()
    }

    /// What every call does first.
    async fn begin(&self, at: &Url) -> Script {
        let script = Script::of(at);
        if !script.delay.is_zero() {
            sleep(script.delay).await;
        }
        script
    }

    fn record(&self, cx: &Ctx, at: &Url) -> Result<Option<Record>> {
        self.memory.written(cx.request_id(), at)
    }

    /// Size as a caller sees it who may ask for a source as well as for a destination.
    fn visible_size(&self, cx: &Ctx, at: &Url, script: &Script) -> Result<u64> {
        if script.list.is_some() {
            return Ok(0);
        }
        if let Some(record) = self.record(cx, at)? {
            let told = script.size_post.map(|size| size.max(0) as u64);
            return Ok(told.or(record.streamed).unwrap_or(0));
        }
        // Who remembers what was written knows what was not.
        let absent = self.memory.lasts() && script.size_post.is_some();
        let absent = absent && script.size_pre.is_none() && script.size.is_none();
        if absent || script.size_pre.is_some_and(|size| size <= 0) {
            return Err(Error::from_errno(ENOENT, ""));
        }
        // A destination that is the source of the next hop has `size_post` only.
        let size = script.size_pre.or(script.size).or(script.size_post);
        Ok(size.unwrap_or(0).max(0) as u64)
    }
}

impl Storage for MockStorage {
    type Read = MockReader;
    type Write = MockWriter;

    fn create(config: &str, _host: Host) -> Result<Self> {
        let config = Config::parse(config)?;
        let journal = config.journal.as_deref().map(Journal::open).transpose()?;
        Ok(Self {
            chance: Chance::new(config.random_seed),
            config,
            memory: std::sync::Arc::new(Memory::new(journal)),
        })
    }

    fn describe(&self) -> Capabilities {
        abilities::all()
    }

    async fn stat(&self, cx: &Ctx, at: &Url) -> Result<Stat> {
        let script = self.begin(at).await;
        signal::obey(&self.config, &script).await?;
        if !script.wait.is_zero() {
            sleep(script.wait).await;
        }
        script.fail()?;
        let size = self.visible_size(cx, at, &script)?;
        let (kind, mode) = match script.list {
            Some(_) => (EntryKind::Directory, 0o040_755),
            None => (EntryKind::File, 0o100_755),
        };
        Ok(Stat {
            kind,
            size: Some(size),
            mode: Some(mode),
            nlink: Some(1),
            locality: locality(script.status.as_deref()),
            ..Stat::default()
        })
    }

    async fn exists(&self, cx: &Ctx, at: &Url) -> Result<bool> {
        let script = self.begin(at).await;
        if script.exists || (self.memory.lasts() && self.record(cx, at)?.is_some()) {
            return Ok(true);
        }
        match script.access_errno {
            0 | ENOENT => Ok(false),
            errno => Err(Error::from_errno(errno, "")),
        }
    }

    async fn list(&self, _cx: &Ctx, at: &Url, page: Page) -> Result<DirPage> {
        let script = self.begin(at).await;
        script.fail()?;
        lister::page(&script, &page)
    }

    async fn mkdir(&self, _cx: &Ctx, at: &Url, _parents: bool) -> Result<()> {
        let script = self.begin(at).await;
        let bare = at.without_query();
        let wanted = bare.as_str().trim_end_matches('/');
        if script.rd_path.iter().any(|it| it.starts_with(wanted)) {
            return Err(Error::from_errno(EPERM, ""));
        }
        Ok(())
    }

    async fn rmdir(&self, _cx: &Ctx, _at: &Url) -> Result<()> {
        Err(Error::from_errno(EPROTONOSUPPORT, ""))
    }

    async fn rename(&self, _cx: &Ctx, _from: &Url, _to: &Url, _overwrite: bool) -> Result<()> {
        Err(Error::from_errno(EPROTONOSUPPORT, ""))
    }

    async fn unlink(&self, cx: &Ctx, at: &Url) -> Result<()> {
        let script = self.begin(at).await;
        script.fail()?;
        if script.list.is_some() {
            return Err(Error::from_errno(EISDIR, ""));
        }
        if self.memory.removed(cx.request_id(), at)? {
            return Ok(());
        }
        let there = match (script.size_pre, script.size) {
            (Some(pre), _) => pre > 0,
            (None, Some(_)) => true,
            (None, None) => !script.destination,
        };
        if there {
            Ok(())
        } else {
            Err(Error::from_errno(ENOENT, ""))
        }
    }

    async fn checksum(&self, cx: &Ctx, at: &Url, algorithm: Algorithm) -> Result<Checksum> {
        let script = self.begin(at).await;
        script.fail()?;
        if script.list.is_some() {
            return Err(Error::from_errno(EISDIR, ""));
        }
        if let Some(value) = script.checksum {
            return Ok(Checksum::new(algorithm, value));
        }
        let record = self.record(cx, at)?.unwrap_or_default();
        if let Some(value) = record.named {
            return Ok(Checksum::new(algorithm, value));
        }
        if let Some(sum) = record.computed
            && sum.algorithm == algorithm
        {
            return Ok(sum);
        }
        let content = match record.content {
            Some(content) => content,
            None => Content::of(at, self.visible_size(cx, at, &script)?),
        };
        Ok(content.checksum(algorithm).await)
    }

    async fn open_read(&self, cx: &Ctx, at: &Url, options: ReadOptions) -> Result<MockReader> {
        let script = self.begin(at).await;
        fail(script.open_errno)?;
        script.fail()?;
        if script.list.is_some() {
            return Err(Error::from_errno(EISDIR, ""));
        }
        let size = self.visible_size(cx, at, &script)?;
        let unlucky = script.unlucky(at, attempt(cx));
        let content = Content::of(at, size);
        MockReader::open(content, &script, &options, unlucky)
    }

    async fn open_write(&self, cx: &Ctx, at: &Url, options: WriteOptions) -> Result<MockWriter> {
        let script = self.begin(at).await;
        fail(script.open_errno)?;
        script.fail()?;
        if script.list.is_some() {
            return Err(Error::from_errno(EISDIR, ""));
        }
        if script.exists && !options.overwrite {
            return Err(Error::new(ErrorKind::Exists, "File exists"));
        }
        let unlucky = script.unlucky(at, attempt(cx));
        MockWriter::open(self, cx.request_id(), at, &script, options, unlucky)
    }

    async fn copy(&self, cx: &Ctx, request: CopyRequest, progress: ProgressSink) -> Result<Copied> {
        self.begin(match request.direction {
            causeway_sdk::Direction::Pull => &request.destination,
            causeway_sdk::Direction::Push => &request.source,
        })
        .await;
        copy::run(self, cx, &request, &progress).await
    }

    async fn bring_online(&self, _cx: &Ctx, request: StageRequest) -> Result<Staged> {
        let mut longest = Duration::ZERO;
        for at in &request.files {
            longest = longest.max(Script::of(at).delay);
        }
        sleep(longest).await;
        Ok(staging::bring_online(&self.memory, &self.chance, &request))
    }

    async fn poll_online(&self, _cx: &Ctx, token: &str, files: &[Url]) -> Result<Vec<FileState>> {
        staging::poll(&self.memory, token, files)
    }

    async fn release(&self, _cx: &Ctx, _token: &str, files: &[Url]) -> Result<Vec<FileState>> {
        Ok(staging::release(files))
    }

    async fn poll_archived(&self, _cx: &Ctx, files: &[Url]) -> Result<Vec<FileState>> {
        Ok(staging::archived(&self.memory, files))
    }
}

/// What tells one attempt from the next: the option of that name, else the request id.
pub(crate) fn attempt(cx: &Ctx) -> &str {
    cx.option("attempt").unwrap_or(cx.request_id())
}

fn locality(status: Option<&str>) -> Locality {
    match status.map(str::trim) {
        Some("ONLINE") => Locality::Online,
        Some("NEARLINE") => Locality::Nearline,
        Some("ONLINE_AND_NEARLINE") => Locality::OnlineAndNearline,
        Some("LOST") => Locality::Lost,
        _ => Locality::Unknown,
    }
}
