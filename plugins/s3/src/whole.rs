//! An object in one request.

use bytes::Bytes;
use causeway_sdk::{Algorithm, Checksum, ErrorKind, Result, WriteOptions, Written};
use http::{Method, StatusCode, header};

use crate::caller::Caller;
use crate::digest;
use crate::error::{at, internal};
use crate::exchange::{Answer, Body, Request, send};
use crate::held::Held;
use crate::inspect::object;
use crate::part::{guarded, verify};
use crate::place::Place;
use crate::retry::{ATTEMPTS, is_passing, pause};
use crate::upload::taken;

/// Most bytes of which an MD5 costs less than the request that it saves: what was compared need not
/// be looked at.
const SUMMED: u64 = 1 << 20;

/// Sends an object. A request whose answer was lost is sent again: it does no more than the first.
pub(crate) async fn put(
    caller: &Caller,
    place: &Place,
    held: Held,
    options: &WriteOptions,
) -> Result<Written> {
    let (own, expected) = (held.sum(), options.expect.as_ref());
    let same = expected.filter(|it| {
        own.as_ref()
            .is_some_and(|own| own.algorithm == it.algorithm)
    });
    if let (Some(expected), Some(own)) = (same, &own)
        && expected != own
    {
        let why = format!("{expected} was announced, {own} came");
        return Err(at(ErrorKind::Integrity, "write", place, &why));
    }
    // What the user expects is worth more than what passed through us.
    let verifiable = expected.filter(|it| digest::header_for(it.algorithm).is_some());
    let sum = verifiable.cloned().or(own);
    let mut request = Request::new(Method::PUT)
        .with("content-type", "application/octet-stream")?
        .body(Body::Pieces(held.pieces.clone(), held.len));
    request = guarded(request, sum.as_ref())?;
    if !options.overwrite {
        request = request.with("if-none-match", "*")?;
    }
    let answer = send_until_answered(caller, place, request, &held).await?;
    let Some(answer) = answer else {
        return Ok(Written {
            bytes: held.len,
            etag: object(caller, place).await?.and_then(|it| it.etag),
            checksums: Vec::new(),
        });
    };
    let answer = answer.success("write").await?;
    let (headers, is_md5) = (answer.response.headers(), caller.inner.config.etag_is_md5);
    let told = digest::told(headers, is_md5);
    let sent = match sum.filter(|sum| tells(&told, sum.algorithm)) {
        Some(sum) => Some(sum),
        None if tells(&told, Algorithm::Md5) && held.len <= SUMMED => Some(md5(&held.pieces)),
        None => None,
    };
    verify(headers, sent.as_ref(), "write", place, is_md5)?;
    Ok(Written {
        bytes: held.len,
        etag: answer.header(header::ETAG).map(str::to_owned),
        checksums: if sent.is_some() { told } else { Vec::new() },
    })
}

fn tells(told: &[Checksum], algorithm: Algorithm) -> bool {
    told.iter().any(|it| it.algorithm == algorithm)
}

/// The answer; `None` when an earlier one was lost and what is there is ours.
async fn send_until_answered(
    caller: &Caller,
    place: &Place,
    request: Request,
    held: &Held,
) -> Result<Option<Answer>> {
    let mut attempt = 0;
    loop {
        let Some(again) = request.again() else {
            return Err(internal("write", "the request cannot be sent again"));
        };
        let error = match send(caller, place, again).await {
            Ok(answer) if answer.status() == StatusCode::PRECONDITION_FAILED => {
                return match attempt > 0 && is_there(caller, place, held).await? {
                    true => Ok(None),
                    false => Err(taken(place).with_remote_status(412)),
                };
            }
            Ok(answer) => return Ok(Some(answer)),
            Err(error) => error,
        };
        attempt += 1;
        if !is_passing(&error) || attempt >= ATTEMPTS {
            return Err(error);
        }
        tokio::time::sleep(pause(&error, attempt)).await;
    }
}

/// Whether the object that is there has these bytes, as far as an MD5 can tell.
async fn is_there(caller: &Caller, place: &Place, held: &Held) -> Result<bool> {
    let found = object(caller, place).await?.unwrap_or_default();
    let md5 = md5(&held.pieces);
    Ok(found.size == Some(held.len) && found.checksums.contains(&md5))
}

fn md5(pieces: &[Bytes]) -> Checksum {
    let mut hasher = Algorithm::Md5.hasher();
    pieces.iter().for_each(|it| hasher.update(it));
    hasher.finish()
}
