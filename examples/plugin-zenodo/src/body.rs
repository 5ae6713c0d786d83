//! A file on its way from the repository, and one on its way there.

use causeway_sdk::http::{Response, Upload};
use causeway_sdk::{
    Bytes, Ctx, Error, ErrorKind, Opened, ReadBody, ReadOptions, Result, Url, WriteBody,
    WriteOptions, Written,
};

use crate::api::{Place, check};

/// A file, or a range of one, being read.
pub struct Download {
    answer: Response,
    opened: Opened,
    /// Bytes before the range, from a repository that knows no ranges.
    skip: u64,
    /// Bytes of the range that are still to come.
    left: u64,
}

impl Download {
    pub(crate) async fn open(
        place: &Place,
        cx: &Ctx,
        at: &Url,
        options: ReadOptions,
    ) -> Result<Self> {
        let file = match place.file(cx).await? {
            Some(file) => file,
            None => return Err(missing(place, cx, at).await?),
        };
        let opened = Opened {
            size: file.size,
            etag: file.stat().etag,
        };
        if options.if_match.is_some() && options.if_match != opened.etag {
            return Err(Error::new(
                ErrorKind::Conflict,
                format!("another file by now: {at}"),
            ));
        }
        let size = file.size.unwrap_or(u64::MAX);
        let begin = options.offset.min(size);
        let left = options.len.unwrap_or(u64::MAX).min(size - begin);
        let mut request = place.ask(cx, "GET", place.address("/content")).redirects(5);
        let ranged = left > 0 && (begin > 0 || left < size);
        if ranged {
            let last = begin.saturating_add(left) - 1;
            request = request.header("range", format!("bytes={begin}-{last}"));
        }
        let answer = check(request.send().await?, "read")?;
        let skip = if answer.status() == 206 { 0 } else { begin };
        Ok(Self {
            answer,
            opened,
            skip,
            left,
        })
    }
}

/// Why there is nothing to read.
async fn missing(place: &Place, cx: &Ctx, at: &Url) -> Result<Error> {
    let directory = !place.children(cx).await?.is_empty();
    Ok(match directory {
        true => Error::new(ErrorKind::IsDirectory, format!("a directory: {at}")),
        false => crate::api::not_found(at),
    })
}

impl ReadBody for Download {
    fn opened(&self) -> Opened {
        self.opened.clone()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        while self.left > 0 {
            let Some(mut chunk) = self.answer.next().await? else {
                if self.opened.size.is_none() {
                    return Ok(None);
                }
                let message = format!("read on: {} bytes are missing", self.left);
                return Err(Error::new(ErrorKind::Network, message));
            };
            let skipped = self.skip.min(chunk.len() as u64);
            self.skip -= skipped;
            let chunk = chunk.split_off(skipped as usize);
            let chunk = chunk.slice(
                ..chunk
                    .len()
                    .min(usize::try_from(self.left).unwrap_or(usize::MAX)),
            );
            self.left -= chunk.len() as u64;
            if !chunk.is_empty() {
                return Ok(Some(chunk));
            }
        }
        Ok(None)
    }
}

/// A file of a draft, being written.
pub struct Draft {
    place: Place,
    cx: Ctx,
    upload: Upload,
    bytes: u64,
    options: WriteOptions,
}

impl Draft {
    pub(crate) async fn open(
        place: Place,
        cx: &Ctx,
        at: &Url,
        options: WriteOptions,
    ) -> Result<Self> {
        if let Some(there) = place.entry(cx).await? {
            if there.is_complete() && !options.overwrite {
                return Err(Error::new(
                    ErrorKind::Exists,
                    format!("the file is there: {at}"),
                ));
            }
            // A name is announced once; an upload that never ended is in the way as well.
            place.remove(cx).await?;
        }
        place.announce(cx).await?;
        let request = place.ask(cx, "PUT", place.address("/content"));
        let request = request.header("content-type", "application/octet-stream");
        Ok(Self {
            upload: request.upload(options.size)?,
            cx: cx.clone(),
            place,
            bytes: 0,
            options,
        })
    }
}

impl WriteBody for Draft {
    async fn write(&mut self, _offset: u64, chunk: Bytes) -> Result<()> {
        self.bytes += chunk.len() as u64;
        // When the repository takes no more, the commit tells why.
        self.upload.write(chunk).await;
        Ok(())
    }

    async fn commit(self) -> Result<Written> {
        check(self.upload.finish().await?, "write")?;
        let file = self.place.commit(&self.cx).await?;
        let found = file.checksum();
        let wrong = match (&self.options.expect, &found) {
            (Some(expected), Some(found)) if expected.algorithm == found.algorithm => {
                expected != found
            }
            _ => false,
        };
        if wrong || file.size.is_some_and(|it| it != self.bytes) {
            self.place.remove(&self.cx).await?;
            let message = "the repository has other bytes than were sent";
            return Err(Error::new(ErrorKind::Integrity, message));
        }
        Ok(Written {
            bytes: self.bytes,
            etag: file.stat().etag,
            checksums: found.into_iter().collect(),
        })
    }

    async fn abort(self) {
        drop(self.upload);
        if let Err(error) = self.place.remove(&self.cx).await {
            let text = format!("remove what was written: {error}");
            self.cx.log(causeway_sdk::LogLevel::Warn, &text);
        }
    }
}
