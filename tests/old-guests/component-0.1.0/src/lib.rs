//! A component of the first published world: files in memory under `old://box/`.
//!
//! It is made from the world's files beside it and the binding generator alone, without any SDK. Its source stays
//! as it is; the gateway has to go on running it.

mod path;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

#[allow(missing_docs, unsafe_code, unreachable_pub, clippy::all)]
mod world {
    wit_bindgen::generate!({ path: "wit", world: "plugin" });
}

use path::path;
use world::causeway::storage::types::{
    Algorithm, CallContext, ChecksumValue, DirPage, Entry, EntryKind, Error, ErrorKind, FileStat,
    Locality, Opened, Page, ReadOptions, Retry, SpaceInfo, WriteOptions, Written,
};
use world::exports::causeway::storage::storage::{Guest, GuestWriter, Reading, Writer};
use world::{wit_future, wit_stream};

const DESCRIPTION: &str = r#"{
    "name": "old", "version": "0.1.0", "schemes": ["old"],
    "operations": ["stat", "list", "read", "write"],
    "read": { "ranges": true, "parallel": 4 },
    "write": { "atomic": true, "parents": true },
    "credentials": ["none"], "instances": 1
}"#;

thread_local! {
    static FILES: RefCell<BTreeMap<String, Rc<Vec<u8>>>> = const { RefCell::new(BTreeMap::new()) };
}

fn error(kind: ErrorKind, message: impl Into<String>) -> Error {
    Error {
        kind,
        errno: 0,
        retry: Retry::Never,
        operation: String::new(),
        message: message.into(),
        remote_status: None,
        context: Vec::new(),
    }
}

fn unsupported<T>() -> Result<T, Error> {
    Err(error(ErrorKind::Unsupported, "do that: it cannot"))
}

fn stat_of(size: Option<u64>) -> FileStat {
    FileStat {
        kind: if size.is_some() {
            EntryKind::File
        } else {
            EntryKind::Directory
        },
        size,
        mode: None,
        nlink: None,
        mtime: None,
        atime: None,
        ctime: None,
        etag: None,
        locality: Locality::Unknown,
        checksums: Vec::new(),
    }
}

fn find(path: &str) -> Result<Rc<Vec<u8>>, Error> {
    let found = FILES.with_borrow(|files| files.get(path).cloned());
    found.ok_or_else(|| error(ErrorKind::NotFound, format!("no such file: {path}")))
}

/// Names right below a directory: files with their size, directories without.
fn children(directory: &str) -> BTreeMap<String, Option<u64>> {
    let above = format!("{directory}/");
    FILES.with_borrow(|files| {
        let mut children = BTreeMap::new();
        for (path, content) in files {
            let Some(below) = path.strip_prefix(&above) else {
                continue;
            };
            match below.split_once('/') {
                Some((directory, _)) => children.insert(directory.to_owned(), None),
                None => children.insert(below.to_owned(), Some(content.len() as u64)),
            };
        }
        children
    })
}

fn look(path: &str) -> Result<FileStat, Error> {
    match find(path) {
        Ok(content) => Ok(stat_of(Some(content.len() as u64))),
        Err(_) if !children(path).is_empty() => Ok(stat_of(None)),
        Err(error) => Err(error),
    }
}

struct Old;

impl Guest for Old {
    type Writer = Sink;

    fn create() -> Result<(), Error> {
        Ok(())
    }

    fn describe() -> String {
        DESCRIPTION.to_owned()
    }

    fn admit(_at: String) -> Result<(), Error> {
        Ok(())
    }

    async fn stat(_cx: CallContext, at: String) -> Result<FileStat, Error> {
        look(&path(&at))
    }

    async fn exists(_cx: CallContext, at: String) -> Result<bool, Error> {
        Ok(look(&path(&at)).is_ok())
    }

    async fn list(_cx: CallContext, at: String, page: Page) -> Result<DirPage, Error> {
        let path = path(&at);
        if look(&path)?.kind == EntryKind::File {
            return Err(error(
                ErrorKind::NotDirectory,
                format!("not a directory: {path}"),
            ));
        }
        let begin = page.cursor.unwrap_or_default();
        let limit = if page.limit == 0 {
            usize::MAX
        } else {
            page.limit as usize
        };
        let mut rest = children(&path)
            .into_iter()
            .filter(|(name, _)| *name >= begin);
        let entries = rest.by_ref().take(limit).map(|(name, size)| Entry {
            name,
            stat: stat_of(size),
        });
        let entries = entries.collect();
        Ok(DirPage {
            entries,
            next: rest.next().map(|(name, _)| name),
        })
    }

    async fn open_read(
        _cx: CallContext,
        at: String,
        options: ReadOptions,
    ) -> Result<Reading, Error> {
        let content = find(&path(&at))?;
        let size = content.len() as u64;
        let begin = options.offset.min(size);
        let end = options
            .len
            .map_or(size, |len| begin.saturating_add(len).min(size));
        // A copy of each piece waits in this instance's memory, for every file that is open.
        let chunk = (options.chunk_hint as usize).clamp(4 << 10, 64 << 10);
        let (mut data, data_end) = wit_stream::new();
        let (whole, whole_end) =
            wit_future::new(|| Err(error(ErrorKind::Internal, "read on: it was given up")));
        wit_bindgen::spawn_local(async move {
            for piece in content[begin as usize..end as usize].chunks(chunk) {
                if !data.write_all(piece.to_vec()).await.is_empty() {
                    break; // The gateway wants no more.
                }
            }
            drop(data);
            // Nobody listens when the gateway has closed the file.
            drop(whole.write(Ok(())).await);
        });
        Ok(Reading {
            opened: Opened {
                size: Some(size),
                etag: None,
            },
            data: data_end,
            end: whole_end,
        })
    }

    async fn open_write(
        _cx: CallContext,
        at: String,
        options: WriteOptions,
    ) -> Result<Writer, Error> {
        Ok(Writer::new(Sink {
            path: path(&at),
            overwrite: options.overwrite,
            size: options.size,
            content: Cell::new(Vec::new()),
        }))
    }

    // What the description does not list is never called.

    async fn mkdir(_: CallContext, _: String, _: bool) -> Result<(), Error> {
        unsupported()
    }

    async fn rmdir(_: CallContext, _: String) -> Result<(), Error> {
        unsupported()
    }

    async fn unlink(_: CallContext, _: String) -> Result<(), Error> {
        unsupported()
    }

    async fn rename(_: CallContext, _: String, _: String, _: bool) -> Result<(), Error> {
        unsupported()
    }

    async fn checksum(_: CallContext, _: String, _: Algorithm) -> Result<ChecksumValue, Error> {
        unsupported()
    }

    async fn space(_: CallContext, _: String) -> Result<SpaceInfo, Error> {
        unsupported()
    }
}

/// Nobody sees the file before the commit, so dropping it is enough to abort.
struct Sink {
    path: String,
    overwrite: bool,
    size: Option<u64>,
    content: Cell<Vec<u8>>,
}

impl GuestWriter for Sink {
    async fn write(&self, _offset: u64, chunk: Vec<u8>) -> Result<(), Error> {
        let mut content = self.content.take();
        content.extend_from_slice(&chunk);
        self.content.set(content);
        Ok(())
    }

    fn held(&self) -> u64 {
        0
    }

    async fn keep(&self, _: u64, _: u64, _: ChecksumValue) -> Result<bool, Error> {
        Ok(false)
    }

    async fn commit(this: Writer) -> Result<Written, Error> {
        let this = this.into_inner::<Self>();
        if !this.overwrite && find(&this.path).is_ok() {
            return Err(error(ErrorKind::Exists, "the file is there already"));
        }
        let content = this.content.take();
        let bytes = content.len() as u64;
        if this.size.is_some_and(|size| size != bytes) {
            return Err(error(
                ErrorKind::Integrity,
                "other bytes came than were announced",
            ));
        }
        FILES.with_borrow_mut(|files| files.insert(this.path, Rc::new(content)));
        Ok(Written {
            bytes,
            etag: None,
            checksums: Vec::new(),
        })
    }

    async fn abort(_this: Writer) {}

    async fn suspend(_this: Writer) {}
}

world::export!(Old with_types_in world);
