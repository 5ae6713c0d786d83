//! The contract of a storage, spoken to S3. Thin: every method is one call into a room.

use std::sync::Arc;

use causeway_sdk::capability::{
    Admission, CopyAbility, CredentialKind, ReadAbility, RenameAbility, WriteAbility,
};
use causeway_sdk::http_client::Client;
use causeway_sdk::{
    Algorithm, Capabilities, Checksum, Copied, CopyRequest, Credential, Ctx, DirPage, Error,
    FileState, Host, Operation, Outcome, Page, ProgressSink, ReadOptions, Result, StageRequest,
    Staged, Stat, Storage, TransferUrl, TurlRequest, Url, WriteOptions,
};

use crate::absent::Absent;
use crate::caller::{Caller, Regions};
use crate::client;
use crate::config::Config;
use crate::earlier::{self, Begun};
use crate::environment::{self, Environment};
use crate::leftover::Living;
use crate::place::SCHEMES;
use crate::reader::{self, S3Read};
use crate::subdirs::Subdirs;
use crate::writer::{self, S3Write};
use crate::{handout, inspect, lister, namespace, peer_copy, staging};
use causeway_sdk::journal::Journal;

/// Object stores that speak S3.
pub struct S3Storage(Arc<Inner>);

/// What all calls share.
pub(crate) struct Inner {
    pub(crate) config: Arc<Config>,
    pub(crate) environment: Environment,
    /// Where URLs that name only a bucket lead; Amazon without it.
    pub(crate) endpoint: Option<url::Url>,
    pub(crate) client: Client,
    pub(crate) regions: Regions,
    pub(crate) living: Living,
    pub(crate) journal: Journal<Begun>,
    pub(crate) absent: Absent,
    pub(crate) subdirs: Subdirs,
    pub(crate) host: Host,
}

impl S3Storage {
    /// An instance under these environment variables.
    ///
    /// # Errors
    /// `Invalid` that names the option or the variable.
    pub fn with_environment(
        config: &str,
        host: Host,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let config = Arc::new(Config::parse(config)?);
        let environment = Environment::read(config.environment_credentials, variable)?;
        let own = config.endpoint.as_deref();
        let own = own
            .map(|it| environment::endpoint("endpoint", it))
            .transpose()?;
        let journal = config.state_dir.as_ref().map(|dir| dir.join("s3"));
        Ok(Self(Arc::new(Inner {
            client: client::open(&config, &host),
            endpoint: own.or_else(|| environment.endpoint.clone()),
            environment,
            config,
            regions: Regions::default(),
            living: Living::default(),
            journal: Journal::new(journal, &host),
            absent: Absent::default(),
            subdirs: Subdirs::default(),
            host,
        })))
    }

    fn caller(&self, cx: &Ctx) -> Result<Caller> {
        Caller::new(&self.0, cx)
    }

    fn wants_directories(&self, operation: &str) -> Result<()> {
        match self.0.config.directories {
            true => Ok(()),
            false => Err(Error::unsupported(operation)),
        }
    }
}

impl Storage for S3Storage {
    type Read = S3Read;
    type Write = S3Write;

    fn create(config: &str, host: Host) -> Result<Self> {
        Self::with_environment(config, host, |name| std::env::var(name).ok())
    }

    fn describe(&self) -> Capabilities {
        let config = &self.0.config;
        let schemes = SCHEMES.map(str::to_owned).to_vec();
        let mut operations = vec![
            Operation::Stat,
            Operation::List,
            Operation::Read,
            Operation::Write,
            Operation::Unlink,
            Operation::Rename,
            Operation::Copy,
            Operation::Staging,
        ];
        if config.directories {
            operations.extend([Operation::Mkdir, Operation::Rmdir]);
        }
        if !config.checksums.is_empty() {
            operations.push(Operation::Checksum);
        }
        if config.presigned_urls {
            operations.push(Operation::Turl);
        }
        Capabilities {
            name: "s3".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            operations: operations.into_iter().collect(),
            read: ReadAbility {
                ranges: true,
                parallel: 8,
                preferred_chunk: 0,
            },
            write: WriteAbility {
                positional: false,
                needs_size: false,
                atomic: true,
                parents: true,
                resumable: false,
            },
            checksums: config.checksums.clone(),
            copy: CopyAbility {
                pull_from: schemes.clone(),
                push_to: schemes.clone(),
                atomic: true,
            },
            rename: RenameAbility {
                atomic: false,
                directories: false,
            },
            staging_bulk: staging::BULK,
            admission: Admission::Ask,
            credentials: vec![CredentialKind::Keys, CredentialKind::None],
            schemes,
            ..Capabilities::default()
        }
    }

    fn admit(&self, at: &Url) -> Result<()> {
        let nobody = Ctx::new("admit").with_credential(Credential::None);
        self.caller(&nobody)?.place(at).map(drop)
    }

    async fn stat(&self, cx: &Ctx, at: &Url) -> Result<Stat> {
        let caller = self.caller(cx)?;
        inspect::stat(&caller, &caller.place(at)?).await
    }

    async fn exists(&self, cx: &Ctx, at: &Url) -> Result<bool> {
        let caller = self.caller(cx)?;
        inspect::exists(&caller, &caller.place(at)?).await
    }

    async fn list(&self, cx: &Ctx, at: &Url, page: Page) -> Result<DirPage> {
        let caller = self.caller(cx)?;
        lister::list(&caller, &caller.place(at)?, page).await
    }

    async fn mkdir(&self, cx: &Ctx, at: &Url, parents: bool) -> Result<()> {
        self.wants_directories("mkdir")?;
        let caller = self.caller(cx)?;
        namespace::mkdir(&caller, &caller.place(at)?, parents).await
    }

    async fn rmdir(&self, cx: &Ctx, at: &Url) -> Result<()> {
        self.wants_directories("rmdir")?;
        let caller = self.caller(cx)?;
        namespace::rmdir(&caller, &caller.place(at)?).await
    }

    async fn unlink(&self, cx: &Ctx, at: &Url) -> Result<()> {
        let caller = self.caller(cx)?;
        namespace::unlink(&caller, &caller.place(at)?).await
    }

    async fn rename(&self, cx: &Ctx, from: &Url, to: &Url, overwrite: bool) -> Result<()> {
        let caller = self.caller(cx)?;
        let (from, to) = (caller.place(from)?, caller.place(to)?);
        namespace::rename(&caller, &from, &to, overwrite).await
    }

    async fn checksum(&self, cx: &Ctx, at: &Url, algorithm: Algorithm) -> Result<Checksum> {
        if !self.0.config.checksums.contains(&algorithm) {
            return Err(Error::unsupported("checksum"));
        }
        let caller = self.caller(cx)?;
        inspect::checksum(&caller, &caller.place(at)?, algorithm).await
    }

    async fn open_read(&self, cx: &Ctx, at: &Url, options: ReadOptions) -> Result<S3Read> {
        let caller = self.caller(cx)?;
        reader::open(&caller, &caller.place(at)?, &options).await
    }

    async fn open_write(&self, cx: &Ctx, at: &Url, options: WriteOptions) -> Result<S3Write> {
        let caller = self.caller(cx)?;
        let place = caller.place(at)?;
        earlier::remove_earlier(&caller, &place);
        writer::open(&caller, &place, options)
    }

    async fn copy(&self, cx: &Ctx, request: CopyRequest, progress: ProgressSink) -> Result<Copied> {
        peer_copy::copy(&self.caller(cx)?, &request, &progress).await
    }

    async fn bring_online(&self, cx: &Ctx, request: StageRequest) -> Result<Staged> {
        staging::bring_online(&self.caller(cx)?, request).await
    }

    async fn poll_online(&self, cx: &Ctx, token: &str, files: &[Url]) -> Result<Vec<FileState>> {
        staging::poll(&self.caller(cx)?, token, files).await
    }

    async fn release(&self, _cx: &Ctx, token: &str, files: &[Url]) -> Result<Vec<FileState>> {
        staging::release(token, files)
    }

    async fn resolve(&self, cx: &Ctx, at: &Url, request: TurlRequest) -> Result<TransferUrl> {
        if !self.0.config.presigned_urls {
            return Err(Error::unsupported("turl"));
        }
        let caller = self.caller(cx)?;
        handout::resolve(&caller, &caller.place(at)?, &request).await
    }

    async fn finish(&self, cx: &Ctx, at: &Url, turl: &TransferUrl, outcome: Outcome) -> Result<()> {
        let caller = self.caller(cx)?;
        handout::finish(&caller, &caller.place(at)?, turl, outcome).await
    }
}
