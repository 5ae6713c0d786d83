//! The contract of a storage, for clouds. Thin: every method is one call into a backend.

use std::sync::Arc;

use causeway_sdk::capability::{
    Admission, CopyAbility, CredentialKind, ReadAbility, RenameAbility, WriteAbility,
};
use causeway_sdk::http_client::Client;
use causeway_sdk::{
    Algorithm, Capabilities, Checksum, Copied, CopyRequest, Ctx, DirPage, Direction, Error,
    ErrorKind, Host, Operation, Outcome, Page, ProgressSink, ReadOptions, Result, Stat, Storage,
    TransferUrl, TurlRequest, Url, WriteOptions,
};

use crate::accounts::Accounts;
use crate::backend::{Backend, backend};
use crate::caller::Caller;
use crate::client;
use crate::config::Config;
use crate::environment::{Environment, endpoint};
use crate::error::at;
use crate::handout;
use crate::place::{Place, SCHEMES};
use crate::reader::{self, CloudRead};
use crate::writer::{self, CloudWrite};

/// Google Cloud Storage, Azure Blob Storage, Dropbox and Google Drive.
pub struct CloudStorage(Arc<Inner>);

/// What all calls share.
pub(crate) struct Inner {
    pub(crate) config: Arc<Config>,
    pub(crate) environment: Environment,
    pub(crate) accounts: Accounts,
    pub(crate) client: Client,
    pub(crate) host: Host,
}

impl CloudStorage {
    /// An instance that sees these variables instead of the environment's.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for options and variables that make no sense, naming them.
    pub fn with_environment(
        config: &str,
        host: Host,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self> {
        let config = Config::parse(config)?;
        for (name, options) in [
            ("azure.endpoint", &config.azure),
            ("gs.endpoint", &config.gs),
            ("dropbox.endpoint", &config.dropbox),
            ("gdrive.endpoint", &config.gdrive),
        ] {
            for text in [&options.endpoint, &options.content_endpoint]
                .into_iter()
                .flatten()
            {
                endpoint(name, text)?;
            }
        }
        let config = Arc::new(config);
        Ok(Self(Arc::new(Inner {
            environment: Environment::read(config.environment_credentials, variable)?,
            accounts: Accounts::default(),
            client: client::open(&config, &host),
            config,
            host,
        })))
    }

    async fn at(&self, cx: &Ctx, url: &Url) -> Result<Box<dyn Backend>> {
        let caller = Caller::new(&self.0, cx.credential(), url).await?;
        Ok(backend(caller))
    }
}

/// Both ends of a rename or a copy.
fn both(doing: &str, from: &Url, to: &Url) -> Result<Place> {
    let (one, other) = (Place::of(from)?, Place::of(to)?);
    if one.service != other.service || one.account != other.account {
        let why = format!("{to} is at another service");
        return Err(at(ErrorKind::Unsupported, doing, from, &why));
    }
    Ok(other)
}

impl Storage for CloudStorage {
    type Read = CloudRead;
    type Write = CloudWrite;

    fn create(config: &str, host: Host) -> Result<Self> {
        Self::with_environment(config, host, |name| std::env::var(name).ok())
    }

    fn describe(&self) -> Capabilities {
        let config = &self.0.config;
        let schemes: Vec<String> = SCHEMES.iter().map(|it| (*it).to_owned()).collect();
        let mut operations = vec![
            Operation::Stat,
            Operation::List,
            Operation::Read,
            Operation::Write,
            Operation::Mkdir,
            Operation::Rmdir,
            Operation::Unlink,
            Operation::Rename,
            Operation::Copy,
        ];
        if !config.checksums.is_empty() {
            operations.push(Operation::Checksum);
        }
        if config.shared_links {
            operations.push(Operation::Turl);
        }
        Capabilities {
            name: "cloud".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            copy: CopyAbility {
                pull_from: schemes.clone(),
                push_to: schemes.clone(),
                atomic: false,
            },
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
                atomic: true,
                parents: true,
                resumable: false,
            },
            checksums: config.checksums.clone(),
            rename: RenameAbility {
                atomic: false,
                directories: false,
            },
            admission: Admission::Ask,
            credentials: vec![
                CredentialKind::Bearer,
                CredentialKind::Keys,
                CredentialKind::None,
            ],
            ..Capabilities::default()
        }
    }

    fn admit(&self, at: &Url) -> Result<()> {
        Place::of(at).map(drop)
    }

    async fn stat(&self, cx: &Ctx, at: &Url) -> Result<Stat> {
        self.at(cx, at).await?.stat().await
    }

    async fn list(&self, cx: &Ctx, at: &Url, page: Page) -> Result<DirPage> {
        self.at(cx, at).await?.list(page).await
    }

    async fn mkdir(&self, cx: &Ctx, at: &Url, parents: bool) -> Result<()> {
        self.at(cx, at).await?.mkdir(parents).await
    }

    async fn rmdir(&self, cx: &Ctx, at: &Url) -> Result<()> {
        self.at(cx, at).await?.rmdir().await
    }

    async fn unlink(&self, cx: &Ctx, at: &Url) -> Result<()> {
        self.at(cx, at).await?.unlink().await
    }

    async fn rename(&self, cx: &Ctx, from: &Url, to: &Url, overwrite: bool) -> Result<()> {
        let place = both("rename", from, to)?;
        self.at(cx, from).await?.rename(place, overwrite).await
    }

    async fn checksum(&self, cx: &Ctx, at: &Url, algorithm: Algorithm) -> Result<Checksum> {
        let config = &self.0.config;
        if !config.checksums.contains(&algorithm) {
            return Err(Error::unsupported("checksum"));
        }
        let backend = self.at(cx, at).await?;
        reader::sum(
            &*backend,
            at.to_string(),
            algorithm,
            config.checksum_by_reading,
        )
        .await
    }

    async fn open_read(&self, cx: &Ctx, at: &Url, options: ReadOptions) -> Result<CloudRead> {
        let backend = self.at(cx, at).await?;
        reader::open(&*backend, at.to_string(), &options).await
    }

    async fn open_write(&self, cx: &Ctx, at: &Url, options: WriteOptions) -> Result<CloudWrite> {
        let backend = self.at(cx, at).await?;
        writer::open(&*backend, &self.0.config, at.to_string(), options).await
    }

    async fn copy(&self, cx: &Ctx, request: CopyRequest, progress: ProgressSink) -> Result<Copied> {
        let (from, to) = (&request.source, &request.destination);
        let place = both("copy", from, to)?;
        // One request does both: the side that is called must be let do both, too.
        let login = match request.direction {
            Direction::Pull => &request.peer_credential,
            Direction::Push => cx.credential(),
        };
        let is_same =
            *cx.credential() == request.peer_credential || !has_keys(&request.peer_credential);
        if !is_same {
            let why = "the two sides have different credentials";
            return Err(at(ErrorKind::Unsupported, "copy", from, why));
        }
        let login = if has_keys(login) {
            login
        } else {
            cx.credential()
        };
        let backend = backend(Caller::new(&self.0, login, from).await?);
        backend.copy(place, request.overwrite, &progress).await
    }

    async fn resolve(&self, cx: &Ctx, at: &Url, request: TurlRequest) -> Result<TransferUrl> {
        if !self.0.config.shared_links {
            return Err(Error::unsupported("turl"));
        }
        let caller = Caller::new(&self.0, cx.credential(), at).await?;
        handout::resolve(&caller, &request).await
    }

    async fn finish(&self, _: &Ctx, _: &Url, _: &TransferUrl, _: Outcome) -> Result<()> {
        // A link ends by itself, and cannot be taken back before.
        Ok(())
    }
}

/// Whether a credential is one that these services know.
fn has_keys(it: &causeway_sdk::Credential) -> bool {
    matches!(it.kind(), CredentialKind::Bearer | CredentialKind::Keys)
}
