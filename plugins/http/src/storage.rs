//! The contract of a storage, spoken over HTTP. Thin: every method is one call into a room.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use causeway_sdk::capability::{
    Admission, CopyAbility, CredentialKind, ReadAbility, RenameAbility, WriteAbility,
};
use causeway_sdk::{
    Algorithm, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage, Error, Host, Operation,
    Page, ProgressSink, ReadOptions, Result, Space, Stat, Storage, Url, WriteOptions,
};

use crate::cleanup::Claims;
use crate::client::Pool;
use crate::config::{Config, UploadMode};
use crate::inspect;
use crate::lister::{self, Listings};
use crate::places::Places;
use crate::reader::{self, HttpRead};
use crate::wire::{SCHEMES, to_wire};
use crate::writer::{self, HttpWrite};
use crate::{namespace, peer_copy};

/// Storages that speak HTTP.
pub struct HttpStorage(Arc<Inner>);

/// What all calls share.
pub(crate) struct Inner {
    pub(crate) config: Arc<Config>,
    pub(crate) pool: Pool,
    pub(crate) places: Places,
    pub(crate) listings: Listings,
    pub(crate) claims: Claims,
    pub(crate) host: Host,
    serial: AtomicU64,
}

impl Inner {
    /// A number no other call of this process has.
    pub(crate) fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }
}

impl Storage for HttpStorage {
    type Read = HttpRead;
    type Write = HttpWrite;

    fn create(config: &str, host: Host) -> Result<Self> {
        let config = Arc::new(Config::parse(config)?);
        Ok(Self(Arc::new(Inner {
            pool: Pool::new(config.clone(), &host),
            config,
            places: Places::default(),
            listings: Listings::default(),
            claims: Claims::default(),
            host,
            serial: AtomicU64::new(0),
        })))
    }

    fn describe(&self) -> Capabilities {
        let config = &self.0.config;
        let schemes: Vec<String> = SCHEMES.iter().map(|(it, _)| (*it).to_owned()).collect();
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
        if config.space {
            operations.push(Operation::Space);
        }
        if !config.checksums.is_empty() {
            operations.push(Operation::Checksum);
        }
        let mut copy = CopyAbility::default();
        if config.third_party_copy {
            operations.push(Operation::Copy);
            copy.pull_from.clone_from(&schemes);
            copy.push_to.clone_from(&schemes);
        }
        Capabilities {
            name: "http".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            schemes,
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
            copy,
            rename: RenameAbility {
                atomic: false,
                directories: true,
            },
            admission: Admission::All,
            credentials: vec![
                CredentialKind::Bearer,
                CredentialKind::X509,
                CredentialKind::None,
            ],
            ..Capabilities::default()
        }
    }

    fn admit(&self, at: &Url) -> Result<()> {
        to_wire(at).map(drop)
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

    async fn space(&self, cx: &Ctx, at: &Url) -> Result<Space> {
        if !self.0.config.space {
            return Err(Error::unsupported("space"));
        }
        inspect::space(&self.0, cx.credential(), at).await
    }

    async fn open_read(&self, cx: &Ctx, at: &Url, options: ReadOptions) -> Result<HttpRead> {
        reader::open(&self.0, cx.credential(), at, &options).await
    }

    async fn open_write(&self, cx: &Ctx, at: &Url, options: WriteOptions) -> Result<HttpWrite> {
        writer::open(&self.0, cx.credential(), at, options).await
    }

    async fn copy(&self, cx: &Ctx, request: CopyRequest, progress: ProgressSink) -> Result<Copied> {
        if !self.0.config.third_party_copy {
            return Err(Error::unsupported("copy"));
        }
        peer_copy::copy(&self.0, cx, request, progress).await
    }
}
