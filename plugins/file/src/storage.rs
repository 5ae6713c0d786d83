//! The file system as a storage: each call is one short job on the blocking pool.

use std::path::PathBuf;
use std::sync::Arc;

use causeway_sdk::capability::{CredentialKind, ReadAbility, RenameAbility, WriteAbility};
use causeway_sdk::{
    Algorithm, Capabilities, Checksum, Ctx, DirPage, ErrorKind, Host, Operation, Page, ReadOptions,
    Result, Space, Stat, Storage, Url, WriteOptions,
};
use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, fstatvfs, mkdirat, statat, unlinkat};
use rustix::io::Errno;

use crate::buffers::{Buffers, CHUNK};
use crate::config::Config;
use crate::confine::{make_directories, open_at, open_parent};
use crate::error::{from_errno, is_root};
use crate::leftovers::Leftovers;
use crate::offload::blocking;
use crate::path::{Place, SCHEME};
use crate::reader::{FileReader, open_regular};
use crate::temporary::{Temporary, move_name};
use crate::writer::FileWriter;
use crate::{checksum, entry, lister};

/// Mode of a new directory; the process's umask applies.
const NEW_DIRECTORY: Mode = Mode::from_raw_mode(0o775);

/// Directories of the gateway's machine.
#[derive(Debug)]
pub struct FileStorage {
    roots: Vec<PathBuf>,
    buffers: Buffers,
    leftovers: Leftovers,
}

impl FileStorage {
    fn place(&self, at: &Url) -> Result<Place> {
        Place::of(at, &self.roots)
    }
}

impl Storage for FileStorage {
    type Read = FileReader;
    type Write = FileWriter;

    fn create(config: &str, _host: Host) -> Result<Self> {
        let config = Config::parse(config)?;
        Ok(Self {
            roots: config.roots,
            buffers: Buffers::default(),
            leftovers: Leftovers::default(),
        })
    }

    fn describe(&self) -> Capabilities {
        use Operation as Op;
        Capabilities {
            name: SCHEME.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            schemes: vec![SCHEME.to_owned()],
            operations: [
                Op::Stat,
                Op::List,
                Op::Read,
                Op::Write,
                Op::Mkdir,
                Op::Rmdir,
                Op::Unlink,
                Op::Rename,
                Op::Checksum,
                Op::Space,
            ]
            .into(),
            local: true,
            read: ReadAbility {
                ranges: true,
                parallel: 4,
                preferred_chunk: CHUNK as u32,
            },
            write: WriteAbility {
                positional: true,
                needs_size: false,
                atomic: true,
                parents: true,
                resumable: true,
            },
            checksums: Algorithm::ALL.into(),
            rename: RenameAbility {
                atomic: true,
                directories: true,
            },
            credentials: vec![CredentialKind::None],
            ..Capabilities::default()
        }
    }

    fn admit(&self, at: &Url) -> Result<()> {
        self.place(at).map(|_| ())
    }

    async fn stat(&self, _cx: &Ctx, at: &Url) -> Result<Stat> {
        let place = self.place(at)?;
        blocking(move || {
            let found = open_at(&place, OFlags::PATH)?;
            Ok(entry::from_system(&fstat(&found).map_err(from_errno)?))
        })
        .await
    }

    async fn exists(&self, _cx: &Ctx, at: &Url) -> Result<bool> {
        let place = self.place(at)?;
        blocking(move || match open_at(&place, OFlags::PATH) {
            Ok(_) => Ok(true),
            // Below a file there is nothing.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotDirectory) => {
                Ok(false)
            }
            Err(error) => Err(error),
        })
        .await
    }

    async fn list(&self, _cx: &Ctx, at: &Url, page: Page) -> Result<DirPage> {
        let place = self.place(at)?;
        blocking(move || lister::page(&place, &page)).await
    }

    async fn mkdir(&self, _cx: &Ctx, at: &Url, parents: bool) -> Result<()> {
        let place = self.place(at)?;
        blocking(move || {
            if parents {
                return make_directories(&place, true).map_err(taken_by_a_file(&place));
            }
            if place.below.as_os_str().is_empty() {
                return Err(from_errno(Errno::EXIST));
            }
            let (parent, name) = open_parent(&place)?;
            mkdirat(&parent, name, NEW_DIRECTORY).map_err(from_errno)
        })
        .await
    }

    async fn rmdir(&self, _cx: &Ctx, at: &Url) -> Result<()> {
        let place = self.place(at)?;
        blocking(move || {
            let (parent, name) = open_parent(&place)?;
            match unlinkat(&parent, name, AtFlags::REMOVEDIR) {
                // Some file systems say it this way.
                Err(Errno::EXIST) => Err(from_errno(Errno::NOTEMPTY)),
                other => other.map_err(from_errno),
            }
        })
        .await
    }

    async fn unlink(&self, _cx: &Ctx, at: &Url) -> Result<()> {
        let place = self.place(at)?;
        blocking(move || {
            if place.below.as_os_str().is_empty() {
                return Err(from_errno(Errno::ISDIR));
            }
            let (parent, name) = open_parent(&place)?;
            unlinkat(&parent, name, AtFlags::empty()).map_err(from_errno)
        })
        .await
    }

    async fn rename(&self, _cx: &Ctx, from: &Url, to: &Url, overwrite: bool) -> Result<()> {
        let (from, to) = (self.place(from)?, self.place(to)?);
        blocking(move || {
            let (old_parent, old_name) = open_parent(&from)?;
            let (new_parent, new_name) = open_parent(&to)?;
            move_name(&old_parent, &old_name, &new_parent, &new_name, overwrite)
        })
        .await
    }

    async fn checksum(&self, _cx: &Ctx, at: &Url, algorithm: Algorithm) -> Result<Checksum> {
        let place = self.place(at)?;
        let (file, _) = blocking(move || open_regular(&place)).await?;
        checksum::of(Arc::new(file), self.buffers.clone(), algorithm).await
    }

    async fn space(&self, _cx: &Ctx, at: &Url) -> Result<Space> {
        let place = self.place(at)?;
        blocking(move || space(place)).await
    }

    async fn open_read(&self, _cx: &Ctx, at: &Url, options: ReadOptions) -> Result<FileReader> {
        let (place, buffers) = (self.place(at)?, self.buffers.clone());
        blocking(move || FileReader::open(&place, &options, buffers)).await
    }

    async fn open_write(&self, _cx: &Ctx, at: &Url, options: WriteOptions) -> Result<FileWriter> {
        let (place, buffers) = (self.place(at)?, self.buffers.clone());
        let leftovers = self.leftovers.clone();
        blocking(move || {
            if options.parents {
                make_directories(&place, false)?;
            }
            refuse_early(&place, options.overwrite)?;
            let key = options.resume.as_deref();
            if key.is_some_and(|key| !is_key(key)) {
                return Err(from_errno(Errno::INVAL));
            }
            let target = Temporary::create(&place, &leftovers, key)?;
            FileWriter::new(target, options, buffers)
        })
        .await
    }
}

/// A key becomes part of a name.
fn is_key(key: &str) -> bool {
    (1..=64).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Says at once what the commit would say after all bytes have come.
fn refuse_early(place: &Place, overwrite: bool) -> Result<()> {
    let (parent, name) = open_parent(place).map_err(|error| match place.split() {
        Some(_) => error,
        None => is_root(),
    })?;
    match statat(&parent, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(it) if FileType::from_raw_mode(it.st_mode) == FileType::Directory => {
            Err(from_errno(Errno::ISDIR))
        }
        Ok(_) if !overwrite => Err(from_errno(Errno::EXIST)),
        Ok(_) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(from_errno(errno)),
    }
}

/// `mkdir` with parents meets a file at the very end: the name is taken.
fn taken_by_a_file(place: &Place) -> impl FnOnce(causeway_sdk::Error) -> causeway_sdk::Error {
    let place = place.clone();
    move |error| match error.kind() {
        ErrorKind::NotDirectory if open_at(&place, OFlags::PATH).is_ok() => {
            from_errno(Errno::EXIST)
        }
        _ => error,
    }
}

/// Room of the file system that holds a place, or will hold it once it is there.
fn space(mut place: Place) -> Result<Space> {
    let found = loop {
        match open_at(&place, OFlags::PATH) {
            Err(error) if error.kind() == ErrorKind::NotFound && place.below.pop() => {}
            other => break other?,
        }
    };
    let it = fstatvfs(&found).map_err(from_errno)?;
    let bytes = |blocks: u64| blocks.checked_mul(it.f_frsize);
    Ok(Space {
        total: bytes(it.f_blocks),
        used: bytes(it.f_blocks.saturating_sub(it.f_bfree)),
        free: bytes(it.f_bavail),
    })
}
