//! Bytes to us: one request for a range or for all. Chunks come as the connection gives them.

use bytes::Bytes;
use causeway_sdk::http_client::{self, content_range};
use causeway_sdk::{Algorithm, Checksum, Error, ErrorKind, Opened, ReadBody, ReadOptions, Result};
use http::{StatusCode, header};

use crate::backend::{Backend, Download};
use crate::error::{at, from_reqwest};
use crate::exchange::Answer;

/// A file being read.
pub struct CloudRead {
    answer: Option<Answer>,
    what: String,
    opened: Opened,
    /// Bytes still to come.
    left: u64,
}

/// The header that asks for a range; `None` for all.
pub(crate) fn range(options: &ReadOptions) -> Option<String> {
    http_client::range(options.offset, options.len)
}

/// Opens a file, or a range of it.
pub(crate) async fn open(
    backend: &dyn Backend,
    what: String,
    options: &ReadOptions,
) -> Result<CloudRead> {
    if options.len == Some(0) {
        return empty(backend, what, options).await;
    }
    let found = backend.download(options).await?;
    match found.answer.status() {
        StatusCode::OK if options.offset == 0 => whole(found, what, options),
        // A range that begins at the very end.
        StatusCode::PARTIAL_CONTENT if found.answer.response.content_length() == Some(0) => {
            empty(backend, what, options).await
        }
        StatusCode::PARTIAL_CONTENT => partial(found, what, options),
        StatusCode::OK => {
            let why = "the server ignores ranges";
            Err(at(ErrorKind::Unsupported, "read", what, why))
        }
        StatusCode::RANGE_NOT_SATISFIABLE => empty(backend, what, options).await,
        StatusCode::PRECONDITION_FAILED => Err(changed(&what)),
        StatusCode::NOT_FOUND => {
            let error = found.answer.into_error().await;
            Err(match backend.stat().await {
                Ok(stat) if stat.is_directory() => is_directory(&what),
                // The first failure is the one to tell.
                _ => error,
            })
        }
        _ => Err(found.answer.into_error().await),
    }
}

fn is_directory(what: &str) -> Error {
    at(ErrorKind::IsDirectory, "read", what, "it is a directory")
}

fn changed(what: &str) -> Error {
    at(
        ErrorKind::Conflict,
        "read",
        what,
        "it is another file by now",
    )
}

/// Refuses a version that was not wanted.
fn check_version(what: &str, options: &ReadOptions, found: Option<&String>) -> Result<()> {
    match (&options.if_match, found) {
        (Some(wanted), Some(found)) if wanted != found => Err(changed(what)),
        _ => Ok(()),
    }
}

/// A range past the end, or an empty file.
async fn empty(backend: &dyn Backend, what: String, options: &ReadOptions) -> Result<CloudRead> {
    let stat = backend.stat().await?;
    if stat.is_directory() {
        return Err(is_directory(&what));
    }
    check_version(&what, options, stat.etag.as_ref())?;
    Ok(CloudRead {
        answer: None,
        what,
        opened: Opened {
            size: stat.size,
            etag: stat.etag,
        },
        left: 0,
    })
}

fn whole(found: Download, what: String, options: &ReadOptions) -> Result<CloudRead> {
    let size = found.answer.response.content_length().or(found.size);
    let Some(size) = size else {
        let why = "the server does not tell the size";
        return Err(at(ErrorKind::Remote, "read", what, why));
    };
    // A server that ignores the range sends all.
    let left = options.len.map_or(size, |len| len.min(size));
    body(found, what, options, size, left)
}

fn partial(found: Download, what: String, options: &ReadOptions) -> Result<CloudRead> {
    let range = found
        .answer
        .header(header::CONTENT_RANGE)
        .and_then(content_range);
    let Some((first, last, size)) = range.filter(|it| it.0 == options.offset) else {
        let why = "the server sent another range than was asked for";
        return Err(at(ErrorKind::Remote, "read", what, why).with_remote_status(206));
    };
    let sent = (last - first).saturating_add(1);
    let left = options.len.map_or(sent, |len| len.min(sent));
    body(found, what, options, size, left)
}

fn body(
    found: Download,
    what: String,
    options: &ReadOptions,
    size: u64,
    left: u64,
) -> Result<CloudRead> {
    check_version(&what, options, found.etag.as_ref())?;
    Ok(CloudRead {
        opened: Opened {
            size: Some(size),
            etag: found.etag,
        },
        answer: Some(found.answer),
        what,
        left,
    })
}

impl ReadBody for CloudRead {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            let Some(answer) = &mut self.answer else {
                return Ok(None);
            };
            let chunk = answer.response.chunk().await;
            let chunk = chunk.map_err(|source| from_reqwest(&answer.asked, source))?;
            let Some(mut chunk) = chunk else {
                self.answer = None;
                if self.left == 0 {
                    return Ok(None);
                }
                let why = format!("the connection ended {} bytes too early", self.left);
                return Err(at(ErrorKind::Network, "read", &self.what, &why));
            };
            chunk.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= chunk.len() as u64;
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
            // More than was asked for: not to be read to its end.
            if self.left == 0 {
                self.answer = None;
            }
        }
    }
}

/// A checksum that the storage keeps, or else one computed from bytes that must not change meanwhile.
pub(crate) async fn sum(
    backend: &dyn Backend,
    what: String,
    algorithm: Algorithm,
    by_reading: bool,
) -> Result<Checksum> {
    let stat = backend.stat().await?;
    if stat.is_directory() {
        return Err(at(
            ErrorKind::IsDirectory,
            "sum up",
            what,
            "it is a directory",
        ));
    }
    if let Some(kept) = stat.checksums.iter().find(|it| it.algorithm == algorithm) {
        return Ok(kept.clone());
    }
    if !by_reading {
        let why = format!("the storage keeps no {algorithm}");
        return Err(at(ErrorKind::Unsupported, "sum up", what, &why));
    }
    let options = ReadOptions {
        if_match: stat.etag,
        ..ReadOptions::default()
    };
    let mut body = open(backend, what, &options).await?;
    let mut hasher = algorithm.hasher();
    while let Some(chunk) = body.next().await? {
        hasher.update(&chunk);
    }
    Ok(hasher.finish())
}
