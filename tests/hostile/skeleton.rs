//! A storage in which one method at a time goes wrong, as the URL asks.
//!
//! Without a wish it is an honest storage in memory that passes the behaviour suite. `in` names the
//! method and `how` the fault: `segfault://h/f?in=stat&how=stack`. `size=n` makes a file of so many
//! zeros where nothing was written, `real=n` is what reading it yields. The options `in` and `how`
//! do the same for `create` and `describe`.
//!
//! Every hostile plugin includes this file; what it does wrong stands in its own [`Fault`]. `mkdir`,
//! `rmdir` and the staging calls are there for whoever claims them.

use std::collections::BTreeMap;
use std::marker::PhantomData;

use causeway_sdk::capability::{CopyAbility, CredentialKind, ReadAbility, WriteAbility};
use causeway_sdk::context::parse_config;
use causeway_sdk::{
    Algorithm, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage, Entry, Error, ErrorKind,
    FileState, Host, Operation, Page, ProgressSink, ReadOptions, Result, Space, StageRequest,
    Staged, StagingState, Stat, Storage, Url, WriteOptions,
};

use bodies::{Reader, Writer};
use content::{Content, Files, ZEROS, key, lock, not_found};
pub(crate) use fault::Fault;
use fault::{bent, hit, number, wish};

#[path = "bodies.rs"]
mod bodies;
#[path = "content.rs"]
mod content;
#[path = "fault.rs"]
mod fault;

/// The storage.
pub(crate) struct Skeleton<F> {
    files: Files,
    options: BTreeMap<String, String>,
    fault: PhantomData<F>,
}

impl<F: Fault> Skeleton<F> {
    async fn hit(&self, method: &str, at: &Url) -> Result<()> {
        hit::<F>(method, at).await
    }

    fn at_start(&self, method: &str) {
        if self.options.get("in").is_some_and(|it| it == method) {
            F::strike(self.options.get("how").map_or("", String::as_str));
        }
    }

    fn find(&self, at: &Url) -> Result<Content> {
        if let Some(kept) = lock(&self.files).get(&key(at)) {
            return Ok(kept.clone());
        }
        number(at, "size")
            .map(Content::Zeros)
            .ok_or_else(|| not_found(at))
    }

    fn children(&self, at: &Url) -> BTreeMap<String, Stat> {
        let prefix = format!("{}/", key(at));
        let mut children = BTreeMap::new();
        for (path, content) in lock(&self.files).range(prefix.clone()..) {
            let Some(below) = path.strip_prefix(&prefix) else {
                break;
            };
            match below.split_once('/') {
                Some((directory, _)) => children.insert(directory.to_owned(), Stat::directory()),
                None => children.insert(below.to_owned(), Stat::file(content.len())),
            };
        }
        children
    }
}

impl<F: Fault> Storage for Skeleton<F> {
    type Read = Reader<F>;
    type Write = Writer<F>;

    fn create(config: &str, _host: Host) -> Result<Self> {
        let storage = Self {
            files: Files::default(),
            options: parse_config(config)?,
            fault: PhantomData,
        };
        storage.at_start("create");
        Ok(storage)
    }

    fn describe(&self) -> Capabilities {
        self.at_start("describe");
        use Operation as Op;
        // Directories are what stands before a slash: nobody has to make one, or can.
        let operations = [
            Op::Stat,
            Op::List,
            Op::Read,
            Op::Write,
            Op::Unlink,
            Op::Rename,
            Op::Checksum,
            Op::Space,
            Op::Copy,
        ];
        F::capabilities(Capabilities {
            name: F::NAME.into(),
            version: env!("CARGO_PKG_VERSION").into(),
            schemes: vec![F::SCHEME.into()],
            operations: operations.into(),
            read: ReadAbility {
                ranges: true,
                parallel: 2,
                preferred_chunk: 0,
            },
            write: WriteAbility {
                atomic: true,
                parents: true,
                ..WriteAbility::default()
            },
            checksums: [Algorithm::Adler32].into(),
            copy: CopyAbility {
                pull_from: vec![F::SCHEME.into()],
                ..CopyAbility::default()
            },
            credentials: vec![CredentialKind::None],
            ..Capabilities::default()
        })
    }

    fn admit(&self, at: &Url) -> Result<()> {
        if let Some(how) = wish(at, "admit") {
            F::strike(&how);
        }
        Ok(())
    }

    async fn stat(&self, _cx: &Ctx, at: &Url) -> Result<Stat> {
        self.hit("stat", at).await?;
        let stat = match self.find(at) {
            Ok(content) => Stat::file(content.len()),
            Err(_) if !self.children(at).is_empty() => Stat::directory(),
            Err(error) => return Err(error),
        };
        Ok(bent(at, "stat", stat, F::stat))
    }

    async fn exists(&self, _cx: &Ctx, at: &Url) -> Result<bool> {
        self.hit("exists", at).await?;
        Ok(lock(&self.files).contains_key(&key(at)) || !self.children(at).is_empty())
    }

    async fn list(&self, _cx: &Ctx, at: &Url, page: Page) -> Result<DirPage> {
        self.hit("list", at).await?;
        let children = self.children(at);
        if children.is_empty() && wish(at, "list").is_none() {
            self.find(at)?;
            let text = format!("not a directory: {at}");
            return Err(Error::new(ErrorKind::NotDirectory, text));
        }
        let begin = page.cursor.unwrap_or_default();
        let limit = match page.limit {
            0 => u32::MAX,
            limit => limit,
        };
        let mut rest = children.into_iter().filter(|(name, _)| *name >= begin);
        let entries = rest.by_ref().take(limit as usize);
        let entries = entries.map(|(name, stat)| Entry { name, stat }).collect();
        let next = rest.next().map(|(name, _)| name);
        Ok(bent(at, "list", DirPage { entries, next }, F::page))
    }

    async fn mkdir(&self, _cx: &Ctx, at: &Url, _parents: bool) -> Result<()> {
        self.hit("mkdir", at).await
    }

    async fn rmdir(&self, _cx: &Ctx, at: &Url) -> Result<()> {
        self.hit("rmdir", at).await
    }

    async fn unlink(&self, _cx: &Ctx, at: &Url) -> Result<()> {
        self.hit("unlink", at).await?;
        let removed = lock(&self.files).remove(&key(at));
        removed.map(drop).ok_or_else(|| not_found(at))
    }

    async fn rename(&self, _cx: &Ctx, from: &Url, to: &Url, overwrite: bool) -> Result<()> {
        self.hit("rename", from).await?;
        let mut files = lock(&self.files);
        if !overwrite && files.contains_key(&key(to)) {
            return Err(Error::new(ErrorKind::Exists, "the new name is taken"));
        }
        let content = files.remove(&key(from)).ok_or_else(|| not_found(from))?;
        files.insert(key(to), content);
        Ok(())
    }

    async fn checksum(&self, _cx: &Ctx, at: &Url, algorithm: Algorithm) -> Result<Checksum> {
        self.hit("checksum", at).await?;
        if algorithm != Algorithm::Adler32 {
            return Err(Error::unsupported("checksum"));
        }
        let mut hasher = algorithm.hasher();
        let mut rest = self.find(at)?;
        while let Some(chunk) = rest.take(ZEROS.len()) {
            hasher.update(&chunk);
        }
        Ok(bent(at, "checksum", hasher.finish(), F::checksum))
    }

    async fn space(&self, _cx: &Ctx, at: &Url) -> Result<Space> {
        self.hit("space", at).await?;
        Ok(Space::default())
    }

    async fn open_read(&self, _cx: &Ctx, at: &Url, options: ReadOptions) -> Result<Reader<F>> {
        self.hit("open_read", at).await?;
        let content = self.find(at)?;
        let size = content.len();
        let real = match number(at, "real") {
            Some(real) => Content::Zeros(real),
            None => content,
        };
        let begin = options.offset.min(real.len());
        let end = options
            .len
            .map_or(real.len(), |len| begin.saturating_add(len).min(real.len()));
        let chunk = options.chunk_hint.max(4096) as usize;
        Ok(Reader::new(at, size, real.slice(begin, end), chunk))
    }

    async fn open_write(&self, _cx: &Ctx, at: &Url, options: WriteOptions) -> Result<Writer<F>> {
        self.hit("open_write", at).await?;
        Ok(Writer::new(at, &self.files, options))
    }

    async fn copy(&self, _cx: &Ctx, request: CopyRequest, sink: ProgressSink) -> Result<Copied> {
        let (from, to) = (&request.source, &request.destination);
        self.hit("copy", to).await?;
        let content = self.find(from)?;
        if !request.overwrite && lock(&self.files).contains_key(&key(to)) {
            return Err(Error::new(ErrorKind::Exists, "the file is there already"));
        }
        let copied = Copied {
            bytes: Some(content.len()),
            checksum: None,
        };
        let how = wish(to, "copy").unwrap_or_default();
        if F::keeps(&how) {
            lock(&self.files).insert(key(to), content);
        }
        Ok(F::copied(&how, &sink, copied))
    }

    async fn bring_online(&self, _cx: &Ctx, request: StageRequest) -> Result<Staged> {
        for at in &request.files {
            self.hit("bring_online", at).await?;
        }
        Ok(Staged {
            token: "token".into(),
            files: match request
                .files
                .iter()
                .any(|it| wish(it, "poll_online").is_some())
            {
                true => Vec::new(),
                false => done(&request.files),
            },
        })
    }

    async fn poll_online(&self, _cx: &Ctx, _token: &str, files: &[Url]) -> Result<Vec<FileState>> {
        for at in files {
            self.hit("poll_online", at).await?;
        }
        Ok(done(files))
    }

    async fn release(&self, _cx: &Ctx, _token: &str, files: &[Url]) -> Result<Vec<FileState>> {
        for at in files {
            self.hit("release", at).await?;
        }
        Ok(done(files))
    }

    async fn poll_archived(&self, _cx: &Ctx, files: &[Url]) -> Result<Vec<FileState>> {
        for at in files {
            self.hit("poll_archived", at).await?;
        }
        Ok(done(files))
    }
}

fn done(files: &[Url]) -> Vec<FileState> {
    let state = |url: &Url| FileState {
        url: url.clone(),
        state: StagingState::Done,
    };
    files.iter().map(state).collect()
}
