//! One part of a multipart upload: sent, sent again when that failed for now, and compared with what
//! the server says that it has.

use bytes::Bytes;
use causeway_sdk::{Algorithm, Checksum, ErrorKind, Result};
use http::{HeaderMap, header};

use crate::caller::Caller;
use crate::digest;
use crate::error::{at, internal};
use crate::exchange::{Body, Request, send};
use crate::place::Place;
use crate::retry::{ATTEMPTS, is_passing, pause};
use crate::xml;

/// A part that the server has.
pub(crate) struct Part {
    pub(crate) number: u32,
    pub(crate) etag: String,
    pub(crate) crc: Option<String>,
    pub(crate) len: u64,
}

/// Where the bytes of a part come from.
pub(crate) enum Source {
    /// From us; they can be sent again.
    Pieces(Vec<Bytes>, Option<Checksum>),
    /// From us while they come.
    Stream(reqwest::Body),
    /// From another object on the same server: `bucket/key`, range, ETag it must have.
    Object(String, String, Option<String>),
}

/// Sends a part, as often as it takes and makes sense.
pub(crate) async fn put(
    caller: &Caller,
    place: &Place,
    part: Request,
    number: u32,
    source: Source,
    len: u64,
) -> Result<Part> {
    let mut part = part;
    let crc = match &source {
        Source::Pieces(_, Some(sum)) if sum.algorithm == Algorithm::Crc32c => {
            digest::to_base64(sum)
        }
        _ => None,
    };
    let sum = match source {
        Source::Pieces(pieces, sum) => {
            part = guarded(part.body(Body::Pieces(pieces, len)), sum.as_ref())?;
            sum
        }
        Source::Stream(body) => {
            part = part.body(Body::Stream(body, len));
            None
        }
        Source::Object(from, range, etag) => {
            part = part
                .with("x-amz-copy-source", from)?
                .with("x-amz-copy-source-range", range)?;
            if let Some(etag) = etag {
                part = part.with("x-amz-copy-source-if-match", etag)?;
            }
            None
        }
    };
    for attempt in 0.. {
        let Some(again) = part.again() else {
            let etag = try_part(caller, place, part, sum.as_ref()).await?;
            return Ok(Part {
                number,
                etag,
                crc,
                len,
            });
        };
        match try_part(caller, place, again, sum.as_ref()).await {
            Ok(etag) => {
                return Ok(Part {
                    number,
                    etag,
                    crc,
                    len,
                });
            }
            Err(error) if is_passing(&error) && attempt + 1 < ATTEMPTS => {
                tokio::time::sleep(pause(&error, attempt)).await;
            }
            Err(error) => return Err(error),
        }
    }
    Err(internal("send a part", "it was never tried"))
}

/// Sends a part once; its ETag.
async fn try_part(
    caller: &Caller,
    place: &Place,
    part: Request,
    sum: Option<&Checksum>,
) -> Result<String> {
    const DOING: &str = "send a part of";
    let is_copy = part.headers.contains_key("x-amz-copy-source");
    let answer = send(caller, place, part).await?;
    if is_copy {
        let etag = xml::field(&answer.document(DOING).await?, "ETag")?;
        let etag = etag.filter(|it| !it.is_empty());
        return etag.ok_or_else(|| at(ErrorKind::Remote, DOING, place, "the answer has no ETag"));
    }
    let answer = answer.success(DOING).await?;
    verify(
        answer.response.headers(),
        sum,
        DOING,
        place,
        caller.inner.config.etag_is_md5,
    )?;
    let etag = answer.header(header::ETAG).map(str::to_owned);
    etag.ok_or_else(|| at(ErrorKind::Remote, DOING, place, "the answer has no ETag"))
}

/// Lets the server verify what it gets.
pub(crate) fn guarded(request: Request, sum: Option<&Checksum>) -> Result<Request> {
    let header = sum.and_then(|it| digest::header_for(it.algorithm));
    match (header, sum.and_then(digest::to_base64)) {
        (Some(name), Some(value)) => request.with(name, value),
        _ => Ok(request),
    }
}

/// Compares what the server says that it has with what was sent.
pub(crate) fn verify(
    headers: &HeaderMap,
    sent: Option<&Checksum>,
    doing: &str,
    place: &Place,
    etag_is_md5: bool,
) -> Result<()> {
    let told = digest::told(headers, etag_is_md5);
    let same = told
        .iter()
        .find(|it| sent.is_some_and(|sent| sent.algorithm == it.algorithm));
    match (same, sent) {
        (Some(told), Some(sent)) if told != sent => {
            let why = format!("{sent} was sent, {told} arrived");
            Err(at(ErrorKind::Integrity, doing, place, &why))
        }
        _ => Ok(()),
    }
}
