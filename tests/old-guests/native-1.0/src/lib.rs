//! A native plugin of the first published boundary: files in memory under `old://box/`.
//!
//! It speaks the boundary itself, without any SDK, so that what it needs of the gateway is in this folder and
//! nowhere else. Its source stays as it is; the gateway has to go on loading it.

// A plugin without an SDK exports raw statics.
#![allow(unsafe_code)]

mod bodies;
mod path;
mod reply;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use causeway_abi::abi_stable::library::{CheckTypeLayout, LibHeader, RootModuleResult};
use causeway_abi::abi_stable::marker_type::ErasedPrefix;
use causeway_abi::abi_stable::prefix_type::{PrefixRefTrait, PrefixTypeTrait};
use causeway_abi::abi_stable::sabi_trait::TD_Opaque;
use causeway_abi::abi_stable::std_types::{ROption, RResult, RStr, RString, RVec};
use causeway_abi::call::Page;
use causeway_abi::storage::{
    ProgressSinkBox, ReadBodyBox, Reading, Storage, StorageBox, WriteBodyBox, Writing,
};
use causeway_abi::values::{Algorithm, EntryKind, ErrorKind, Locality, Outcome, Retry};
use causeway_abi::{
    Checksum, Copied, CopyRequest, CtxHandle, DirPage, Entry, Error, Ext, FileState, Host, Opened,
    Plugin, Plugin_Ref, Preamble, ReadOptions, Reply, Space, StageRequest, Staged, Stat,
    TransferUrl, TurlRequest, UrlRef, WriteOptions,
};

use bodies::{Reader, Writer};
use path::path;
use reply::{answer, unsupported};

// SAFETY: `construct` returns a prefix reference that was a `Plugin_Ref`.
static ROOT: LibHeader =
    unsafe { LibHeader::from_constructor::<Plugin_Ref>(construct, CheckTypeLayout::Yes) };

#[used]
#[unsafe(export_name = "CAUSEWAY_PLUGIN_V1_old_native")]
pub static PREAMBLE: Preamble = Preamble::new("none", &ROOT);

extern "C" fn construct() -> RootModuleResult {
    let root = Plugin { create }.leak_into_prefix();
    // SAFETY: the gateway casts back to the fields whose layout it has compared.
    RResult::ROk(unsafe { root.to_prefix_ref().cast::<ErasedPrefix>() })
}

extern "C" fn create(_config: RStr<'_>, _host: Host) -> RResult<StorageBox, Error> {
    RResult::ROk(StorageBox::from_value(Old::default(), TD_Opaque))
}

const DESCRIPTION: &str = r#"{
    "name": "old", "version": "0.1.0", "schemes": ["old"],
    "operations": ["stat", "list", "read", "write"],
    "read": { "ranges": true, "parallel": 4 },
    "write": { "atomic": true, "parents": true },
    "credentials": ["none"]
}"#;

/// Numbers of the kinds of errors at that time.
const NOT_FOUND: u32 = 1;
const EXISTS: u32 = 2;
const NOT_DIRECTORY: u32 = 5;
const UNSUPPORTED: u32 = 9;
const INTEGRITY: u32 = 16;

type Files = Arc<Mutex<BTreeMap<String, Bytes>>>;

#[derive(Default)]
struct Old {
    files: Files,
}

fn lock(files: &Files) -> MutexGuard<'_, BTreeMap<String, Bytes>> {
    files.lock().unwrap_or_else(PoisonError::into_inner)
}

fn error(kind: u32, errno: i32, message: impl Into<RString>) -> Error {
    Error {
        kind: ErrorKind(kind),
        errno,
        retry: Retry::NEVER,
        remote_status: ROption::RNone,
        retry_after_ms: 0,
        operation: RString::new(),
        message: message.into(),
        context: Ext::NONE,
        ext: Ext::NONE,
    }
}

fn stat_of(content: Option<u64>) -> Stat {
    Stat {
        kind: if content.is_some() {
            EntryKind::FILE
        } else {
            EntryKind::DIRECTORY
        },
        locality: Locality::UNKNOWN,
        size: content.into(),
        mode: ROption::RNone,
        nlink: ROption::RNone,
        mtime: ROption::RNone,
        atime: ROption::RNone,
        ctime: ROption::RNone,
        etag: ROption::RNone,
        checksums: RVec::new(),
        ext: Ext::NONE,
    }
}

impl Old {
    fn find(&self, path: &str) -> Result<Bytes, Error> {
        let found = lock(&self.files).get(path).cloned();
        found.ok_or_else(|| error(NOT_FOUND, 2, format!("no such file: {path}")))
    }

    /// Names right below a directory: files with their size, directories without.
    fn children(&self, directory: &str) -> BTreeMap<String, Option<u64>> {
        let above = format!("{directory}/");
        let mut children = BTreeMap::new();
        for (path, content) in lock(&self.files).iter() {
            let Some(below) = path.strip_prefix(&above) else {
                continue;
            };
            match below.split_once('/') {
                Some((directory, _)) => children.insert(directory.to_owned(), None),
                None => children.insert(below.to_owned(), Some(content.len() as u64)),
            };
        }
        children
    }

    fn look(&self, path: &str) -> Result<Stat, Error> {
        match self.find(path) {
            Ok(content) => Ok(stat_of(Some(content.len() as u64))),
            Err(_) if !self.children(path).is_empty() => Ok(stat_of(None)),
            Err(error) => Err(error),
        }
    }

    fn page(&self, path: &str, page: &Page<'_>) -> Result<DirPage, Error> {
        if self.look(path)?.kind == EntryKind::FILE {
            return Err(error(NOT_DIRECTORY, 20, format!("not a directory: {path}")));
        }
        let begin = page.cursor.map_or("", |it| it.as_str()).to_owned();
        let limit = if page.limit == 0 {
            usize::MAX
        } else {
            page.limit as usize
        };
        let mut rest = self
            .children(path)
            .into_iter()
            .filter(|(name, _)| *name >= begin);
        let entries = rest.by_ref().take(limit).map(|(name, size)| Entry {
            name: name.into(),
            stat: stat_of(size),
        });
        let entries = entries.collect();
        Ok(DirPage {
            entries,
            next: rest.next().map(|(name, _)| name.into()).into(),
            ext: Ext::NONE,
        })
    }
}

impl Storage for Old {
    fn describe(&self) -> RResult<RString, Error> {
        RResult::ROk(DESCRIPTION.into())
    }

    fn admit(&self, _at: UrlRef<'_>) -> RResult<(), Error> {
        RResult::ROk(())
    }

    fn open_read(
        &self,
        _cx: CtxHandle,
        at: UrlRef<'_>,
        options: ReadOptions<'_>,
    ) -> Reply<Reading> {
        let content = match self.find(&path(at)) {
            Ok(content) => content,
            Err(error) => return answer(Err(error)),
        };
        let size = content.len() as u64;
        let begin = options.offset.min(size);
        let end = options
            .len
            .map_or(size, |len| begin.saturating_add(len).min(size));
        let reader = Reader {
            rest: Mutex::new(content.slice(begin as usize..end as usize)),
            chunk: options.chunk_hint.max(1) as usize,
        };
        answer(Ok(Reading {
            opened: Opened {
                size: ROption::RSome(size),
                etag: ROption::RNone,
                ext: Ext::NONE,
            },
            body: ReadBodyBox::from_value(reader, TD_Opaque),
            ext: Ext::NONE,
        }))
    }

    fn open_write(&self, _cx: CtxHandle, at: UrlRef<'_>, options: WriteOptions) -> Reply<Writing> {
        let writer = Writer {
            files: Arc::clone(&self.files),
            path: path(at),
            overwrite: options.overwrite,
            size: options.size.into(),
            content: Mutex::new(Vec::new()),
        };
        answer(Ok(Writing {
            body: WriteBodyBox::from_value(writer, TD_Opaque),
            ext: Ext::NONE,
        }))
    }

    fn stat(&self, _cx: CtxHandle, at: UrlRef<'_>) -> Reply<Stat> {
        answer(self.look(&path(at)))
    }

    fn exists(&self, _cx: CtxHandle, at: UrlRef<'_>) -> Reply<bool> {
        answer(Ok(self.look(&path(at)).is_ok()))
    }

    fn list(&self, _cx: CtxHandle, at: UrlRef<'_>, page: Page<'_>) -> Reply<DirPage> {
        answer(self.page(&path(at), &page))
    }

    // What the description does not list is never called.

    fn mkdir(&self, _: CtxHandle, _: UrlRef<'_>, _: bool) -> Reply<()> {
        unsupported()
    }

    fn rmdir(&self, _: CtxHandle, _: UrlRef<'_>) -> Reply<()> {
        unsupported()
    }

    fn unlink(&self, _: CtxHandle, _: UrlRef<'_>) -> Reply<()> {
        unsupported()
    }

    fn rename(&self, _: CtxHandle, _: UrlRef<'_>, _: UrlRef<'_>, _: bool) -> Reply<()> {
        unsupported()
    }

    fn checksum(&self, _: CtxHandle, _: UrlRef<'_>, _: Algorithm) -> Reply<Checksum> {
        unsupported()
    }

    fn space(&self, _: CtxHandle, _: UrlRef<'_>) -> Reply<Space> {
        unsupported()
    }

    fn copy(&self, _: CtxHandle, _: CopyRequest<'_>, _: ProgressSinkBox) -> Reply<Copied> {
        unsupported()
    }

    fn bring_online(&self, _: CtxHandle, _: StageRequest<'_>) -> Reply<Staged> {
        unsupported()
    }

    fn poll_online(
        &self,
        _: CtxHandle,
        _: RStr<'_>,
        _: RVec<UrlRef<'_>>,
    ) -> Reply<RVec<FileState>> {
        unsupported()
    }

    fn release(&self, _: CtxHandle, _: RStr<'_>, _: RVec<UrlRef<'_>>) -> Reply<RVec<FileState>> {
        unsupported()
    }

    fn poll_archived(&self, _: CtxHandle, _: RVec<UrlRef<'_>>) -> Reply<RVec<FileState>> {
        unsupported()
    }

    fn resolve(&self, _: CtxHandle, _: UrlRef<'_>, _: TurlRequest<'_>) -> Reply<TransferUrl> {
        unsupported()
    }

    fn finish(&self, _: CtxHandle, _: UrlRef<'_>, _: TransferUrl, _: Outcome) -> Reply<()> {
        unsupported()
    }
}
