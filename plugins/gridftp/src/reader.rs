//! Bytes to us.

use bytes::Bytes;
use causeway_gridftp_wire::transfer::{DownloadPlan, Part, Way};
use causeway_gridftp_wire::{Download, Lease};
use causeway_sdk::{Credential, ErrorKind, Opened, ReadBody, ReadOptions, Result, Url};

use crate::Config;
use crate::client::{Client, path};
use crate::error::{at, own};
use crate::namespace::from_facts;

/// A file being read.
pub struct GridftpRead {
    /// `None` when there is nothing to read.
    download: Option<Download<Lease>>,
    opened: Opened,
    at: Url,
}

/// Opens a file, or a range of it.
pub(crate) async fn open(
    client: &Client,
    config: &Config,
    credential: &Credential,
    url: &Url,
    options: &ReadOptions,
) -> Result<GridftpRead> {
    let name = path(url)?;
    let mut session = client.session(credential, url).await?;
    let facts = session.stat(&name).await.map_err(|why| at(url, &why))?;
    if from_facts(&facts).is_directory() {
        return Err(own(
            ErrorKind::IsDirectory,
            "read",
            url,
            "it is a directory",
        ));
    }
    if options.if_match.is_some() {
        return Err(own(
            ErrorKind::Unsupported,
            "read",
            url,
            "the server tells no versions",
        ));
    }
    let Some(size) = facts.size else {
        return Err(own(
            ErrorKind::Remote,
            "read",
            url,
            "the server tells no size",
        ));
    };
    let rest = size.saturating_sub(options.offset);
    let length = options.len.map_or(rest, |len| len.min(rest));
    let download = if length == 0 {
        None
    } else {
        let mut plan = DownloadPlan::new(name, way(config));
        plan.size = Some(size);
        let is_whole = options.offset == 0 && length == size;
        plan.part = (!is_whole).then_some(Part {
            offset: options.offset,
            length,
        });
        let started = Download::start(session, &plan).await;
        Some(started.map_err(|why| at(url, &why))?)
    };
    let opened = Opened {
        size: facts.size,
        etag: None,
    };
    Ok(GridftpRead {
        download,
        opened,
        at: url.clone(),
    })
}

/// Whether servers may connect to us decides how the bytes come.
fn way(config: &Config) -> Way {
    match config.accept_data_connections {
        true => Way::Blocks {
            streams: config.streams(0),
        },
        false => Way::Stream,
    }
}

impl ReadBody for GridftpRead {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        match &mut self.download {
            Some(download) => {
                let piece = download.next().await.map_err(|why| at(&self.at, &why))?;
                Ok(piece.map(|it| it.data))
            }
            None => Ok(None),
        }
    }
}
