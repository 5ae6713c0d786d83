//! Resumable uploads as all of Google's services take them: a session, pieces in order, and the last
//! of them makes the file.

use causeway_sdk::{Error, ErrorKind, Result};
use http::{Method, header};
use tokio::sync::Mutex;
use url::Url;

use crate::caller::Caller;
use crate::error::at;
use crate::exchange::{Answer, Pieces, Request, send};

/// Times a service may have kept only a piece of what it was sent.
const MOST_PIECES: u32 = 32;

/// An upload session, begun with the first piece.
pub(crate) struct Session {
    caller: Caller,
    url: Mutex<Option<Url>>,
    /// Size of the whole, when it is known.
    size: Option<u64>,
}

impl Session {
    pub(crate) fn new(caller: &Caller, size: Option<u64>) -> Self {
        Self {
            caller: caller.clone(),
            url: Mutex::new(None),
            size,
        }
    }

    /// Begins the session, unless it has begun. `first` is the request that does.
    pub(crate) async fn begin(&self, first: impl FnOnce() -> Result<Request>) -> Result<()> {
        let mut url = self.url.lock().await;
        if url.is_some() {
            return Ok(());
        }
        let answer = send(&self.caller, "write", first()?.asks())
            .await?
            .success()
            .await?;
        let place = answer
            .header(header::LOCATION)
            .and_then(|it| Url::parse(it).ok());
        let own = Url::parse(&self.caller.base()).ok().map(|it| it.origin());
        // Our token goes there.
        let place = place.filter(|it| Some(it.origin()) == own);
        let place = place.ok_or_else(|| answer.garbled("it names no session of this service"))?;
        *url = Some(place);
        Ok(())
    }

    async fn url(&self) -> Result<Url> {
        let url = self.url.lock().await.clone();
        url.ok_or_else(|| self.fail(ErrorKind::Internal, "the upload has not begun"))
    }

    fn fail(&self, kind: ErrorKind, why: &str) -> Error {
        at(kind, "write", &self.caller.place, why)
    }

    /// Sends a piece that is not the last.
    pub(crate) async fn part(&self, offset: u64, data: Pieces) -> Result<()> {
        let url = self.url().await?;
        let (end, total) = (
            offset + data.len,
            self.size.map_or("*".into(), |it| it.to_string()),
        );
        let (mut offset, mut data) = (offset, data);
        for _ in 0..MOST_PIECES {
            let range = format!("bytes {offset}-{}/{total}", end - 1);
            let request = Request::new(Method::PUT, url.clone())
                .with("content-range", range)?
                .body(data.clone());
            let answer = send(&self.caller, "write", request).await?;
            if answer.status().as_u16() != 308 {
                let error = answer.success().await.err();
                let why = "the service took a piece for the whole";
                return Err(error.unwrap_or_else(|| self.fail(ErrorKind::Remote, why)));
            }
            let kept = answer
                .header(header::RANGE)
                .and_then(parse_kept)
                .unwrap_or(0);
            if kept >= end {
                return Ok(());
            }
            if kept < offset {
                let why = "the service has lost what it was sent";
                return Err(self.fail(ErrorKind::Conflict, why));
            }
            data = data.skip(kept - offset);
            offset = kept;
        }
        Err(self.fail(
            ErrorKind::Remote,
            "the service keeps too little of what it is sent",
        ))
    }

    /// Sends the last piece.
    pub(crate) async fn finish(&self, offset: u64, data: Pieces) -> Result<Answer> {
        let end = offset + data.len;
        let range = format!("bytes {offset}-{}/{end}", end - 1);
        let request = Request::new(Method::PUT, self.url().await?)
            .with("content-range", range)?
            .body(data)
            .once();
        let answer = send(&self.caller, "write", request).await?;
        if answer.status().as_u16() == 308 {
            let why = "the service waits for more than there is";
            return Err(self.fail(ErrorKind::Remote, why));
        }
        Ok(answer)
    }

    /// Ends the session without a file.
    pub(crate) async fn cancel(&self) -> Result<()> {
        let Some(url) = self.url.lock().await.clone() else {
            return Ok(());
        };
        let request = Request::new(Method::DELETE, url).once();
        let answer = send(&self.caller, "discard", request).await?;
        // Google's own way of saying that it was cancelled; or it has ended already.
        if matches!(answer.status().as_u16(), 499 | 404 | 410) {
            return Ok(());
        }
        answer.success().await.map(drop)
    }
}

/// `bytes=0-99`: a hundred bytes are kept.
fn parse_kept(text: &str) -> Option<u64> {
    let last: u64 = text.trim().strip_prefix("bytes=0-")?.parse().ok()?;
    last.checked_add(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_understood() {
        assert_eq!(parse_kept("bytes=0-99"), Some(100));
        for text in [
            "bytes=5-99",
            "bytes 0-99",
            "",
            "bytes=0-18446744073709551615",
        ] {
            assert_eq!(parse_kept(text), None, "{text}");
        }
    }
}
