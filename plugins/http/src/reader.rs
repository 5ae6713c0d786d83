//! Bytes to us: one GET, of a range or of all.
//!
//! A range is always sent with both ends: XrdHTTP 5.5 answers an open one with nothing. So a read
//! to the end asks for the size first, and learns on the way whether it is a directory, for which
//! that server has a page and a 200. Chunks come as the connection gives them.

use bytes::Bytes;
use causeway_sdk::{
    Credential, Error, ErrorKind, Opened, ReadBody, ReadOptions, Result, Stat, Url as Surl,
};
use http::{Method, StatusCode, header};

use crate::error::from_reqwest;
use crate::exchange::{Answer, Request, send};
use crate::inspect::{distrust_young_version, stat, stat_of, was_sent_to_a_collection};
use crate::range::ContentRange;
use crate::storage::Inner;
use crate::wire::to_wire;

/// No file reaches as far.
const FARTHEST: u64 = 1 << 60;

/// A file being read over HTTP.
pub struct HttpRead {
    answer: Option<Answer>,
    opened: Opened,
    /// Bytes to drop in front, when the server ignored the range.
    skip: u64,
    /// Bytes still to come at most.
    left: Option<u64>,
    /// Less than that means that the connection broke.
    is_exact: bool,
}

/// Opens a file, or a range of it.
pub(crate) async fn open(
    inner: &Inner,
    credential: &Credential,
    at: &Surl,
    options: &ReadOptions,
) -> Result<HttpRead> {
    let url = to_wire(at)?;
    let options = &bounded(options);
    let known = match options.len {
        Some(len) if len > 0 => None,
        _ => Some(file(inner, credential, at).await?),
    };
    let end = known.as_ref().and_then(|it| it.size);
    if options.len == Some(0) || end.is_some_and(|end| end <= options.offset) {
        return Ok(nothing(known.unwrap_or_default()));
    }
    let mut answer = send(&inner.pool, credential, &url, request(options, end)?).await?;
    if let Some(size) = promises_too_much(&answer) {
        let Some(len) = size.checked_sub(options.offset).filter(|len| *len > 0) else {
            return Ok(nothing(Stat::file(size)));
        };
        let less = ReadOptions {
            len: Some(len),
            ..options.clone()
        };
        answer = send(&inner.pool, credential, &url, request(&less, None)?).await?;
    }
    let body = match answer.status() {
        StatusCode::PARTIAL_CONTENT => partial(answer, options)?,
        _ if was_sent_to_a_collection(&url, &answer.url) => return Err(is_directory(at)),
        StatusCode::OK => {
            if known.is_none() {
                file(inner, credential, at).await?;
            }
            whole(answer, at, options, inner.config.max_skip_bytes)?
        }
        StatusCode::RANGE_NOT_SATISFIABLE => {
            let stat = file(inner, credential, at).await?;
            if stat.size.is_some_and(|size| size > options.offset) {
                return Err(answer.into_error("read").await);
            }
            nothing(stat)
        }
        StatusCode::PRECONDITION_FAILED => return Err(changed(at)),
        _ => return Err(answer.into_error("read").await),
    };
    body.checked(at, options)
}

/// Servers count in signed numbers; a range that ends beyond them goes to the end.
fn bounded(options: &ReadOptions) -> ReadOptions {
    let end = |len| options.offset.saturating_add(len);
    ReadOptions {
        len: options.len.filter(|len| end(*len) <= FARTHEST),
        ..options.clone()
    }
}

/// XrdHTTP 5.5 announces a range past the end as it was asked for, sends nothing of it and closes
/// the connection. Tells the size of the file then.
fn promises_too_much(answer: &Answer) -> Option<u64> {
    let range = ContentRange::parse(answer.header(header::CONTENT_RANGE)?)?;
    range.size.filter(|size| *size <= range.last)
}

/// Metadata of what must be a file.
async fn file(inner: &Inner, credential: &Credential, at: &Surl) -> Result<Stat> {
    let stat = stat(inner, credential, at).await?;
    if stat.is_directory() {
        return Err(is_directory(at));
    }
    Ok(stat)
}

/// The request; `end` is the size of the file, if it was asked for.
fn request(options: &ReadOptions, end: Option<u64>) -> Result<Request> {
    let mut request = Request::new(Method::GET).with("accept-encoding", "identity")?;
    let first = options.offset;
    let last = options.len.map(|len| first.saturating_add(len));
    if first > 0 || last.is_some() {
        let last = last.or(end).map(|end| (end - 1).to_string());
        let range = format!("bytes={first}-{}", last.unwrap_or_default());
        request = request.with("range", range)?;
    }
    match &options.if_match {
        Some(etag) => request.with("if-match", etag),
        None => Ok(request),
    }
}

/// A range past the end, or an empty file.
fn nothing(stat: Stat) -> HttpRead {
    HttpRead {
        answer: None,
        opened: Opened {
            size: stat.size,
            etag: stat.etag,
        },
        skip: 0,
        left: Some(0),
        is_exact: true,
    }
}

fn partial(answer: Answer, options: &ReadOptions) -> Result<HttpRead> {
    let range = answer
        .header(header::CONTENT_RANGE)
        .and_then(ContentRange::parse);
    let Some(range) = range.filter(|it| it.first == options.offset) else {
        let text = "read: the server sent another range than was asked for";
        return Err(Error::new(ErrorKind::Remote, text).with_remote_status(206));
    };
    let sent = range.last - range.first + 1;
    Ok(HttpRead {
        opened: Opened {
            size: range.size,
            etag: etag(&answer, range.size),
        },
        answer: Some(answer),
        skip: 0,
        left: Some(options.len.map_or(sent, |len| sent.min(len))),
        is_exact: true,
    })
}

/// All of the file: asked for, or because the server ignored the range.
fn whole(answer: Answer, at: &Surl, options: &ReadOptions, max_skip: u64) -> Result<HttpRead> {
    let size = answer.response.content_length();
    if options.offset > max_skip {
        let text = format!(
            "read {at} from byte {}: the server ignores ranges",
            options.offset
        );
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    let behind = size.map(|size| size.saturating_sub(options.offset));
    let left = match (behind, options.len) {
        (Some(behind), Some(len)) => Some(behind.min(len)),
        (behind, len) => behind.or(len),
    };
    Ok(HttpRead {
        opened: Opened {
            size,
            etag: etag(&answer, size),
        },
        answer: Some(answer),
        skip: options.offset,
        left,
        is_exact: size.is_some(),
    })
}

fn etag(answer: &Answer, size: Option<u64>) -> Option<String> {
    let mut stat = Stat {
        size,
        ..stat_of(answer)
    };
    distrust_young_version(&mut stat, answer.date());
    stat.etag
}

fn changed(at: &Surl) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("read {at}: it is another file by now"),
    )
}

fn is_directory(at: &Surl) -> Error {
    Error::new(
        ErrorKind::IsDirectory,
        format!("read {at}: it is a directory"),
    )
}

impl HttpRead {
    /// Servers that do not know `If-Match` still tell the version.
    fn checked(self, at: &Surl, options: &ReadOptions) -> Result<Self> {
        match (&options.if_match, &self.opened.etag) {
            (Some(wanted), Some(found)) if wanted != found => Err(changed(at)),
            _ => Ok(self),
        }
    }

    /// Cuts a chunk to the part that was asked for.
    fn cut(&mut self, mut chunk: Bytes) -> Bytes {
        let skipped = self.skip.min(chunk.len() as u64);
        self.skip -= skipped;
        chunk = chunk.split_off(skipped as usize);
        if let Some(left) = &mut self.left {
            chunk.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= chunk.len() as u64;
        }
        chunk
    }

    fn ended(&self) -> Result<Option<Bytes>> {
        match (self.left, &self.answer) {
            // A range that begins behind the end is empty.
            (Some(left), Some(answer)) if left > 0 && self.is_exact && self.skip == 0 => {
                let path = answer.url.path();
                let text = format!("read {path}: the connection ended {left} bytes too early");
                Err(Error::new(ErrorKind::Network, text))
            }
            _ => Ok(None),
        }
    }
}

impl ReadBody for HttpRead {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        loop {
            if self.left == Some(0) {
                self.answer = None;
            }
            let Some(answer) = &mut self.answer else {
                return Ok(None);
            };
            match answer.response.chunk().await {
                Ok(Some(chunk)) => {
                    let chunk = self.cut(chunk);
                    if !chunk.is_empty() {
                        return Ok(Some(chunk));
                    }
                }
                Ok(None) => return self.ended(),
                Err(source) => return Err(from_reqwest("read", &answer.url, source)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_cut_at_both_ends() {
        let mut body = HttpRead {
            answer: None,
            opened: Opened::default(),
            skip: 5,
            left: Some(4),
            is_exact: true,
        };
        let chunks = ["abc", "defg", "hij", "klm"];
        let cut: Vec<_> = chunks
            .map(|it| body.cut(Bytes::from_static(it.as_bytes())))
            .into();
        assert_eq!(cut, ["", "fg", "hi", ""]);
        assert_eq!(body.left, Some(0));
    }
}
