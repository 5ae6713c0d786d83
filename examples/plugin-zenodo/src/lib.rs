//! Files of a repository that speaks the REST API of InvenioRDM, as Zenodo does.
//!
//! `zenodo://HOST/records/ID/NAME` is a file of a published record, which is read; files of an
//! unpublished draft, `zenodo://HOST/drafts/ID/NAME`, are written and removed as well. A slash in a name
//! makes a directory of what stands before it. The user's token goes along with each request, and
//! this code never sees it: the gateway puts it in.
//!
//! A component only, since it speaks HTTP through the gateway; for any other target this crate is empty.
#![cfg(target_family = "wasm")]

mod api;
mod body;

use causeway_sdk::capability::{CredentialKind, ReadAbility, WriteAbility};
use causeway_sdk::context::parse_config;
use causeway_sdk::{
    Algorithm, Capabilities, Checksum, Ctx, DirPage, Entry, Error, ErrorKind, Host, Operation,
    Page, ReadOptions, Result, Stat, Storage, Url, WriteOptions, export_plugin,
};
use serde::Deserialize;

use api::{Place, not_found};
use body::{Download, Draft};

export_plugin!(Zenodo);

/// The storage.
pub struct Zenodo {
    options: Options,
}

/// What an operator may set.
#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    /// False for a repository that is reached without encryption, on a laptop for instance.
    tls: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { tls: true }
    }
}

impl Zenodo {
    fn place(&self, at: &Url) -> Result<Place> {
        Place::parse(at, self.options.tls)
    }

    /// Of a draft, which alone can be changed.
    fn draft(&self, at: &Url) -> Result<Place> {
        let place = self.place(at)?;
        if !place.draft {
            let message = format!("change {at}: a published record stays as it is");
            return Err(Error::new(ErrorKind::Denied, message));
        }
        Ok(place)
    }
}

impl Storage for Zenodo {
    type Read = Download;
    type Write = Draft;

    fn create(config: &str, _host: Host) -> Result<Self> {
        Ok(Self {
            options: parse_config(config)?,
        })
    }

    fn describe(&self) -> Capabilities {
        Capabilities {
            name: "zenodo".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            schemes: vec!["zenodo".into()],
            operations: [
                Operation::Stat,
                Operation::List,
                Operation::Read,
                Operation::Write,
                Operation::Unlink,
                Operation::Checksum,
            ]
            .into(),
            read: ReadAbility {
                ranges: true,
                parallel: 4,
                preferred_chunk: 0,
            },
            write: WriteAbility {
                // The length is announced to the repository.
                needs_size: true,
                parents: true,
                ..WriteAbility::default()
            },
            checksums: [Algorithm::Md5].into(),
            credentials: vec![CredentialKind::Bearer, CredentialKind::None],
            ..Capabilities::default()
        }
    }

    fn admit(&self, at: &Url) -> Result<()> {
        self.place(at).map(drop)
    }

    async fn stat(&self, cx: &Ctx, at: &Url) -> Result<Stat> {
        let place = self.place(at)?;
        if let Some(file) = place.file(cx).await? {
            return Ok(file.stat());
        }
        let below = place.prefix();
        let files = place.files(cx).await?;
        if place.key.is_empty() || files.iter().any(|it| it.key.starts_with(&below)) {
            return Ok(Stat::directory());
        }
        Err(not_found(at))
    }

    async fn list(&self, cx: &Ctx, at: &Url, page: Page) -> Result<DirPage> {
        if !self.stat(cx, at).await?.is_directory() {
            let message = format!("not a directory: {at}");
            return Err(Error::new(ErrorKind::NotDirectory, message));
        }
        let place = self.place(at)?;
        let mut children = place.children(cx).await?.into_iter().peekable();
        let begin = page.cursor.unwrap_or_default();
        while children.next_if(|(name, _)| *name < begin).is_some() {}
        let limit = match page.limit {
            0 => usize::MAX,
            limit => limit as usize,
        };
        let entries = children.by_ref().take(limit);
        let entries = entries.map(|(name, stat)| Entry { name, stat }).collect();
        Ok(DirPage {
            entries,
            next: children.next().map(|(name, _)| name),
        })
    }

    async fn unlink(&self, cx: &Ctx, at: &Url) -> Result<()> {
        let place = self.draft(at)?;
        if self.stat(cx, at).await?.is_directory() {
            return Err(Error::new(
                ErrorKind::IsDirectory,
                format!("a directory: {at}"),
            ));
        }
        place.remove(cx).await
    }

    async fn checksum(&self, cx: &Ctx, at: &Url, algorithm: Algorithm) -> Result<Checksum> {
        let stat = self.stat(cx, at).await?;
        let mut known = stat.checksums.into_iter();
        let found = known.find(|it| it.algorithm == algorithm);
        found.ok_or_else(|| Error::unsupported("checksum"))
    }

    async fn open_read(&self, cx: &Ctx, at: &Url, options: ReadOptions) -> Result<Download> {
        Download::open(&self.place(at)?, cx, at, options).await
    }

    async fn open_write(&self, cx: &Ctx, at: &Url, options: WriteOptions) -> Result<Draft> {
        Draft::open(self.draft(at)?, cx, at, options).await
    }
}
