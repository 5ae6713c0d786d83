//! Bytes to us: one GET, of a range or of all. Chunks come as the connection gives them.

use bytes::Bytes;
use causeway_sdk::http_client::{content_range, range};
use causeway_sdk::{Algorithm, Checksum, Error, ErrorKind, Opened, ReadBody, ReadOptions, Result};
use http::{Method, StatusCode, header};

use crate::caller::Caller;
use crate::error::{at, from_reqwest};
use crate::exchange::{Answer, Request, send};
use crate::inspect::{nothing, object};
use crate::lister::has_below;
use crate::place::Place;

/// An object being read.
pub struct S3Read {
    answer: Option<Answer>,
    place: Place,
    opened: Opened,
    /// Bytes still to come.
    left: u64,
}

/// Opens an object, or a range of it.
pub(crate) async fn open(caller: &Caller, place: &Place, options: &ReadOptions) -> Result<S3Read> {
    if place.key.is_empty() {
        return Err(is_directory(place));
    }
    if options.len == Some(0) {
        return empty(caller, place).await;
    }
    let answer = send(caller, place, request(options)?).await?;
    match answer.status() {
        StatusCode::OK if options.offset == 0 => whole(answer, place, options),
        StatusCode::PARTIAL_CONTENT => partial(answer, place, options),
        StatusCode::OK => {
            let why = "the server ignores ranges";
            Err(at(ErrorKind::Unsupported, "read", place, why))
        }
        StatusCode::RANGE_NOT_SATISFIABLE => empty(caller, place).await,
        StatusCode::PRECONDITION_FAILED => {
            let why = "it is another object by now";
            Err(at(ErrorKind::Conflict, "read", place, why))
        }
        StatusCode::NOT_FOUND => {
            let error = answer.into_error("read").await;
            Err(match has_below(caller, place).await {
                Ok(true) => is_directory(place),
                // The first failure is the one to tell.
                Ok(false) | Err(_) => error,
            })
        }
        _ => Err(answer.into_error("read").await),
    }
}

fn is_directory(place: &Place) -> Error {
    at(ErrorKind::IsDirectory, "read", place, "it is a directory")
}

fn request(options: &ReadOptions) -> Result<Request> {
    let mut request = Request::new(Method::GET);
    if let Some(range) = range(options.offset, options.len) {
        request = request.with("range", range)?;
    }
    match &options.if_match {
        Some(etag) => request.with("if-match", etag),
        None => Ok(request),
    }
}

/// A range past the end, or an empty object.
async fn empty(caller: &Caller, place: &Place) -> Result<S3Read> {
    let stat = match object(caller, place).await? {
        Some(stat) => stat,
        None if has_below(caller, place).await? => return Err(is_directory(place)),
        None => return Err(nothing("read", place)),
    };
    Ok(S3Read {
        answer: None,
        place: place.clone(),
        opened: Opened {
            size: stat.size,
            etag: stat.etag,
        },
        left: 0,
    })
}

fn whole(answer: Answer, place: &Place, options: &ReadOptions) -> Result<S3Read> {
    let size = answer.response.content_length();
    let Some(size) = size else {
        let why = "the server does not tell the size";
        return Err(at(ErrorKind::Remote, "read", place, why));
    };
    // A server that ignores the range sends all.
    let left = options.len.map_or(size, |len| len.min(size));
    Ok(body(answer, place, size, left))
}

fn partial(answer: Answer, place: &Place, options: &ReadOptions) -> Result<S3Read> {
    let range = answer.header(header::CONTENT_RANGE).and_then(content_range);
    let Some((first, last, size)) = range.filter(|it| it.0 == options.offset) else {
        let why = "the server sent another range than was asked for";
        return Err(at(ErrorKind::Remote, "read", place, why).with_remote_status(206));
    };
    let sent = (last - first).saturating_add(1);
    let left = options.len.map_or(sent, |len| len.min(sent));
    Ok(body(answer, place, size, left))
}

fn body(answer: Answer, place: &Place, size: u64, left: u64) -> S3Read {
    S3Read {
        opened: Opened {
            size: Some(size),
            etag: answer.header(header::ETAG).map(str::to_owned),
        },
        answer: Some(answer),
        place: place.clone(),
        left,
    }
}

impl ReadBody for S3Read {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            // To the end of the answer, so that its connection can be used again.
            let Some(answer) = &mut self.answer else {
                return Ok(None);
            };
            let chunk = answer.response.chunk().await;
            let chunk = chunk.map_err(|source| from_reqwest("read", &self.place, source))?;
            let Some(mut chunk) = chunk else {
                self.answer = None;
                if self.left == 0 {
                    return Ok(None);
                }
                let why = format!("the connection ended {} bytes too early", self.left);
                return Err(at(ErrorKind::Network, "read", &self.place, &why));
            };
            chunk.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.left -= chunk.len() as u64;
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
            if self.left == 0 {
                self.answer = None;
            }
        }
    }
}

/// Computes a checksum from the bytes of an object that must not change meanwhile.
pub(crate) async fn sum(
    caller: &Caller,
    place: &Place,
    algorithm: Algorithm,
    etag: Option<String>,
) -> Result<Checksum> {
    let options = ReadOptions {
        if_match: etag,
        ..ReadOptions::default()
    };
    let mut body = open(caller, place, &options).await?;
    let mut hasher = algorithm.hasher();
    while let Some(chunk) = body.next().await? {
        hasher.update(&chunk);
    }
    Ok(hasher.finish())
}
