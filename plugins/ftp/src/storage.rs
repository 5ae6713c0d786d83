//! The contract of a storage, spoken over FTP. Thin: every method is one call into a room.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use causeway_sdk::capability::{
    Admission, CredentialKind, ReadAbility, RenameAbility, WriteAbility,
};
use causeway_sdk::{
    Algorithm, Capabilities, Checksum, Ctx, DirPage, Error, Host, Operation, Page, ReadOptions,
    Result, Stat, Storage, Url, WriteOptions,
};
use tokio::sync::{Mutex, MutexGuard};

use crate::cleanup::Begun;
use crate::config::{Config, UploadMode};
use crate::lister::{self, Listings};
use crate::place::{Place, SCHEMES};
use crate::pool::Pool;
use crate::reader::{self, FtpRead};
use crate::writer::{self, FtpWrite};
use crate::{inspect, namespace};
use causeway_sdk::journal::Journal;

/// Names that are given at the same time without waiting for each other.
const LANES: usize = 64;

/// Storages that speak FTP.
pub struct FtpStorage(Arc<Inner>);

/// What all calls share.
pub(crate) struct Inner {
    pub(crate) config: Arc<Config>,
    pub(crate) pool: Pool,
    pub(crate) listings: Listings,
    pub(crate) host: Host,
    pub(crate) journal: Journal<Begun>,
    serial: AtomicU64,
    lanes: Vec<Mutex<()>>,
    hash: RandomState,
}

impl Inner {
    /// A number no other call of this process has.
    pub(crate) fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }

    /// Held while a name is looked at and given: two writers of this process to one name come one
    /// after the other, and the second sees what the first made.
    pub(crate) async fn naming(&self, path: &str) -> MutexGuard<'_, ()> {
        let lane = self.hash.hash_one(path) as usize % LANES;
        self.lanes[lane].lock().await
    }
}

impl Storage for FtpStorage {
    type Read = FtpRead;
    type Write = FtpWrite;

    fn create(config: &str, host: Host) -> Result<Self> {
        let config = Arc::new(Config::parse(config)?);
        Ok(Self(Arc::new(Inner {
            pool: Pool::new(config.clone(), &host)?,
            journal: Journal::new(config.state_dir.as_ref().map(|dir| dir.join("ftp")), &host),
            config,
            listings: Listings::default(),
            host,
            serial: AtomicU64::new(0),
            lanes: (0..LANES).map(|_| Mutex::default()).collect(),
            hash: RandomState::new(),
        })))
    }

    fn describe(&self) -> Capabilities {
        let config = &self.0.config;
        let mut operations = vec![
            Operation::Stat,
            Operation::List,
            Operation::Read,
            Operation::Write,
            Operation::Mkdir,
            Operation::Rmdir,
            Operation::Unlink,
            Operation::Rename,
        ];
        if !config.checksums.is_empty() {
            operations.push(Operation::Checksum);
        }
        Capabilities {
            name: "ftp".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            schemes: SCHEMES.map(str::to_owned).into(),
            operations: operations.into_iter().collect(),
            read: ReadAbility {
                ranges: true,
                parallel: 4,
                preferred_chunk: 0,
            },
            write: WriteAbility {
                positional: false,
                needs_size: false,
                atomic: config.upload == UploadMode::Temporary,
                parents: true,
                resumable: false,
            },
            checksums: config.checksums.clone(),
            rename: RenameAbility {
                atomic: false,
                directories: true,
            },
            // Passwords in URLs must not get into a job.
            admission: Admission::Ask,
            credentials: vec![CredentialKind::Keys, CredentialKind::None],
            ..Capabilities::default()
        }
    }

    fn admit(&self, at: &Url) -> Result<()> {
        Place::of(at, &self.0.config).map(drop)
    }

    async fn stat(&self, cx: &Ctx, at: &Url) -> Result<Stat> {
        inspect::stat(&self.0, cx.credential(), at).await
    }

    async fn list(&self, cx: &Ctx, at: &Url, page: Page) -> Result<DirPage> {
        lister::list(&self.0, cx.credential(), at, page).await
    }

    async fn mkdir(&self, cx: &Ctx, at: &Url, parents: bool) -> Result<()> {
        namespace::mkdir(&self.0, cx.credential(), at, parents).await
    }

    async fn rmdir(&self, cx: &Ctx, at: &Url) -> Result<()> {
        namespace::rmdir(&self.0, cx.credential(), at).await
    }

    async fn unlink(&self, cx: &Ctx, at: &Url) -> Result<()> {
        namespace::unlink(&self.0, cx.credential(), at).await
    }

    async fn rename(&self, cx: &Ctx, from: &Url, to: &Url, overwrite: bool) -> Result<()> {
        namespace::rename(&self.0, cx.credential(), from, to, overwrite).await
    }

    async fn checksum(&self, cx: &Ctx, at: &Url, algorithm: Algorithm) -> Result<Checksum> {
        if !self.0.config.checksums.contains(&algorithm) {
            return Err(Error::unsupported("checksum"));
        }
        inspect::checksum(&self.0, cx.credential(), at, algorithm).await
    }

    async fn open_read(&self, cx: &Ctx, at: &Url, options: ReadOptions) -> Result<FtpRead> {
        reader::open(&self.0, cx.credential(), at, &options).await
    }

    async fn open_write(&self, cx: &Ctx, at: &Url, options: WriteOptions) -> Result<FtpWrite> {
        writer::open(&self.0, cx.credential(), at, options).await
    }
}
