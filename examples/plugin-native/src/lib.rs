//! A storage that keeps its files in memory: the smallest useful plugin.
//!
//! It reads, writes, lists and tells sizes. Everything else it leaves to the trait's defaults. Its
//! URLs look like `memory://box/some/file`; a directory is whatever stands before a slash. The same
//! source makes a native library and a component.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use causeway_sdk::capability::{CredentialKind, ReadAbility, WriteAbility};
use causeway_sdk::{
    Bytes, Capabilities, Ctx, DirPage, Entry, Error, ErrorKind, Host, Opened, Operation, Page,
    ReadBody, ReadOptions, Result, Stat, Storage, Url, WriteBody, WriteOptions, Written,
    export_plugin,
};

export_plugin!(Memory);

/// Memory that is taken for a file before its bytes are there.
const MOST_AT_ONCE: u64 = 64 << 20;

/// Content of every file, by host and path.
type Files = Arc<Mutex<BTreeMap<String, Bytes>>>;

/// The storage.
#[derive(Debug, Default)]
pub struct Memory {
    files: Files,
}

fn lock(files: &Files) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
    // A panic while the lock was held cannot have left the map half changed.
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

fn key(at: &Url) -> String {
    [at.host(), at.decoded_path().trim_end_matches('/')].concat()
}

fn not_found(at: &Url) -> Error {
    Error::new(ErrorKind::NotFound, format!("no such file: {at}"))
}

impl Memory {
    fn find(&self, at: &Url) -> Result<Bytes> {
        let found = lock(&self.files).get(&key(at)).cloned();
        found.ok_or_else(|| not_found(at))
    }

    /// Names right below a directory; `Some` with the content for a file, `None` for a directory.
    fn children(&self, at: &Url) -> BTreeMap<String, Option<Bytes>> {
        let prefix = format!("{}/", key(at));
        let mut children = BTreeMap::new();
        for (path, content) in lock(&self.files).range(prefix.clone()..) {
            let Some(below) = path.strip_prefix(&prefix) else {
                break;
            };
            match below.split_once('/') {
                Some((directory, _)) => children.insert(directory.to_owned(), None),
                None => children.insert(below.to_owned(), Some(content.clone())),
            };
        }
        children
    }
}

fn stat_of(content: Option<&Bytes>) -> Stat {
    content.map_or_else(Stat::directory, |it| Stat::file(it.len() as u64))
}

impl Storage for Memory {
    type Read = Reader;
    type Write = Writer;

    fn create(_config: &str, _host: Host) -> Result<Self> {
        Ok(Self::default())
    }

    fn describe(&self) -> Capabilities {
        Capabilities {
            name: "memory".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            schemes: vec!["memory".into()],
            operations: [
                Operation::Stat,
                Operation::List,
                Operation::Read,
                Operation::Write,
            ]
            .into(),
            read: ReadAbility {
                ranges: true,
                parallel: 4,
                preferred_chunk: 0,
            },
            write: WriteAbility {
                atomic: true,
                parents: true,
                ..WriteAbility::default()
            },
            credentials: vec![CredentialKind::None],
            // The files lie in its memory: a second instance would not see them.
            instances: 1,
            ..Capabilities::default()
        }
    }

    async fn stat(&self, _cx: &Ctx, at: &Url) -> Result<Stat> {
        match self.find(at) {
            Ok(content) => Ok(stat_of(Some(&content))),
            Err(_) if !self.children(at).is_empty() => Ok(Stat::directory()),
            Err(error) => Err(error),
        }
    }

    async fn list(&self, cx: &Ctx, at: &Url, page: Page) -> Result<DirPage> {
        if !self.stat(cx, at).await?.is_directory() {
            return Err(Error::new(
                ErrorKind::NotDirectory,
                format!("not a directory: {at}"),
            ));
        }
        let mut rest = self.children(at).into_iter().peekable();
        let begin = page.cursor.unwrap_or_default();
        while rest.next_if(|(name, _)| *name < begin).is_some() {}
        let limit = if page.limit == 0 {
            usize::MAX
        } else {
            page.limit as usize
        };
        let entries = rest
            .by_ref()
            .take(limit)
            .map(|(name, content)| Entry {
                name,
                stat: stat_of(content.as_ref()),
            })
            .collect();
        Ok(DirPage {
            entries,
            next: rest.next().map(|(name, _)| name),
        })
    }

    async fn open_read(&self, _cx: &Ctx, at: &Url, options: ReadOptions) -> Result<Reader> {
        let content = self.find(at)?;
        let size = content.len() as u64;
        let begin = options.offset.min(size);
        let end = options
            .len
            .map_or(size, |len| begin.saturating_add(len).min(size));
        let rest = content.slice(begin as usize..end as usize);
        Ok(Reader {
            size,
            rest,
            chunk: options.chunk_hint.max(1) as usize,
        })
    }

    async fn open_write(&self, _cx: &Ctx, at: &Url, options: WriteOptions) -> Result<Writer> {
        let (files, key) = (Arc::clone(&self.files), key(at));
        // Room at once when the size is told; not all of it, since nobody checked that it is true.
        let size = options.size.unwrap_or(0).min(MOST_AT_ONCE);
        Ok(Writer {
            files,
            key,
            overwrite: options.overwrite,
            size: options.size,
            content: Vec::with_capacity(size as usize),
        })
    }
}

/// A file being read. Its chunks are slices of the file's memory.
#[derive(Debug)]
pub struct Reader {
    size: u64,
    rest: Bytes,
    chunk: usize,
}

impl ReadBody for Reader {
    fn opened(&self) -> Opened {
        Opened {
            size: Some(self.size),
            etag: None,
        }
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.rest.split_to(self.chunk.min(self.rest.len()))))
    }
}

/// A file being written. Nobody sees it before the commit, so dropping it is enough to abort.
#[derive(Debug)]
pub struct Writer {
    files: Files,
    key: String,
    overwrite: bool,
    size: Option<u64>,
    content: Vec<u8>,
}

impl WriteBody for Writer {
    async fn write(&mut self, _offset: u64, chunk: Bytes) -> Result<()> {
        self.content.extend_from_slice(&chunk);
        Ok(())
    }

    async fn commit(self) -> Result<Written> {
        let mut files = lock(&self.files);
        if !self.overwrite && files.contains_key(&self.key) {
            return Err(Error::new(ErrorKind::Exists, "the file is there already"));
        }
        let bytes = self.content.len() as u64;
        if self.size.is_some_and(|size| size != bytes) {
            let message = format!("{bytes} bytes came, which is not what was announced");
            return Err(Error::new(ErrorKind::Integrity, message));
        }
        files.insert(self.key, self.content.into());
        Ok(Written {
            bytes,
            ..Written::default()
        })
    }

    async fn abort(self) {}
}
