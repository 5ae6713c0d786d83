//! The contract of a storage, spoken over GridFTP. Thin: every method is one call into a room.

use std::sync::Arc;

use causeway_sdk::capability::{
    Admission, CopyAbility, CredentialKind, ReadAbility, RenameAbility, WriteAbility,
};
use causeway_sdk::{
    Algorithm, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage, Error, Host, Operation,
    Page, ProgressSink, ReadOptions, Result, Stat, Storage, Url, WriteOptions,
};

use crate::cleanup::Claims;
use crate::client::{Client, path};
use crate::config::Config;
use crate::lanes::Lanes;
use crate::lister::{self, Listings};
use crate::reader::{self, GridftpRead};
use crate::sights::{self, Sights};
use crate::writer::{self, GridftpWrite};
use crate::{namespace, peer_copy};

/// GridFTP servers.
pub struct GridftpStorage(Arc<Inner>);

/// What all calls share.
pub(crate) struct Inner {
    pub(crate) config: Arc<Config>,
    pub(crate) client: Client,
    pub(crate) claims: Claims,
    pub(crate) host: Host,
    pub(crate) lanes: Lanes,
    pub(crate) sights: Sights,
    listings: Listings,
}

impl Storage for GridftpStorage {
    type Read = GridftpRead;
    type Write = GridftpWrite;

    fn create(config: &str, host: Host) -> Result<Self> {
        let config = Arc::new(Config::parse(config)?);
        let client = Client::new(config.clone());
        Ok(Self(Arc::new(Inner {
            lanes: Lanes::new(client.pool.clone(), config.lanes),
            client,
            config,
            claims: Claims::default(),
            host,
            sights: Sights::default(),
            listings: Listings::default(),
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
        let schemes: Vec<String> = config.schemes().into_iter().map(String::from).collect();
        let mut copy = CopyAbility::default();
        if config.third_party_copy {
            operations.push(Operation::Copy);
            copy.pull_from.clone_from(&schemes);
            copy.push_to.clone_from(&schemes);
        }
        Capabilities {
            name: "gridftp".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            schemes,
            operations: operations.into_iter().collect(),
            read: ReadAbility {
                ranges: true,
                parallel: 4,
                preferred_chunk: 0,
            },
            write: WriteAbility {
                positional: true,
                needs_size: false,
                atomic: false,
                parents: true,
                resumable: false,
            },
            checksums: config.checksums.clone(),
            copy,
            rename: RenameAbility {
                atomic: false,
                directories: true,
            },
            admission: Admission::Ask,
            credentials: vec![CredentialKind::X509],
            ..Capabilities::default()
        }
    }

    fn admit(&self, at: &Url) -> Result<()> {
        path(at).map(drop)
    }

    async fn stat(&self, cx: &Ctx, at: &Url) -> Result<Stat> {
        sights::stat(&self.0, cx, at).await
    }

    async fn list(&self, cx: &Ctx, at: &Url, page: Page) -> Result<DirPage> {
        let Inner {
            client,
            listings,
            config,
            ..
        } = &*self.0;
        let most_open = config.max_open_listings;
        lister::list(client, listings, most_open, cx.credential(), at, page).await
    }

    async fn mkdir(&self, cx: &Ctx, at: &Url, parents: bool) -> Result<()> {
        let _touch = self.0.sights.touch_all();
        namespace::mkdir(&self.0.client, cx.credential(), at, parents).await
    }

    async fn rmdir(&self, cx: &Ctx, at: &Url) -> Result<()> {
        namespace::rmdir(&self.0.client, cx.credential(), at).await
    }

    async fn unlink(&self, cx: &Ctx, at: &Url) -> Result<()> {
        let _touch = self.0.sights.touch(at);
        namespace::unlink(&self.0.client, cx.credential(), at).await
    }

    async fn rename(&self, cx: &Ctx, from: &Url, to: &Url, overwrite: bool) -> Result<()> {
        let _touch = self.0.sights.touch_all();
        namespace::rename(&self.0.client, cx.credential(), from, to, overwrite).await
    }

    async fn checksum(&self, cx: &Ctx, at: &Url, algorithm: Algorithm) -> Result<Checksum> {
        if !self.0.config.checksums.contains(&algorithm) {
            return Err(Error::unsupported("checksum"));
        }
        namespace::checksum(&self.0.client, cx.credential(), at, algorithm).await
    }

    async fn open_read(&self, cx: &Ctx, at: &Url, options: ReadOptions) -> Result<GridftpRead> {
        let Inner { client, config, .. } = &*self.0;
        reader::open(client, config, cx.credential(), at, &options).await
    }

    async fn open_write(&self, cx: &Ctx, at: &Url, options: WriteOptions) -> Result<GridftpWrite> {
        writer::open(&self.0, cx.credential(), at, options).await
    }

    async fn copy(&self, cx: &Ctx, request: CopyRequest, progress: ProgressSink) -> Result<Copied> {
        if !self.0.config.third_party_copy {
            return Err(Error::unsupported("copy"));
        }
        peer_copy::copy(&self.0, cx, request, progress).await
    }
}
