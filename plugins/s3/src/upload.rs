//! One multipart upload: its parts, several at a time, and its end.
//!
//! # Invariants
//! - Every upload is completed or aborted, also when a call is dropped or a connection breaks at any
//!   stage (`tests/broken_uploads.rs`, and [`crate::leftover`] for how).

use std::sync::Arc;
use std::time::Duration;

use causeway_sdk::{Error, ErrorKind, Result};
use http::{Method, StatusCode, header};
use tokio::task::JoinSet;

use crate::caller::Caller;
use crate::digest;
use crate::error::{at, internal};
use crate::exchange::{Request, send};
use crate::inspect::head;
use crate::leftover::Leftover;
use crate::part::{self, Part, Source};
use crate::place::Place;
use crate::retry::{ATTEMPTS, is_passing, pause};
use crate::xml;

/// A multipart upload that was begun.
pub(crate) struct Upload {
    // Dropped in this order: requests end before what they left is removed.
    tasks: JoinSet<Result<Part>>,
    leftover: Leftover,
    caller: Caller,
    place: Place,
    id: Arc<str>,
    done: Vec<Part>,
    last_number: u32,
}

/// Begins an upload. With `crc` every part will have a CRC-32C.
pub(crate) async fn begin(caller: &Caller, place: &Place, crc: bool) -> Result<Upload> {
    let mut leftover = Leftover::new(caller, place);
    for attempt in 0.. {
        let error = match create(caller, place, crc).await {
            Ok(id) => {
                leftover.name(&id).await;
                return Ok(Upload {
                    tasks: JoinSet::new(),
                    leftover,
                    caller: caller.clone(),
                    place: place.clone(),
                    id: id.into(),
                    done: Vec::new(),
                    last_number: 0,
                });
            }
            Err(error) => error,
        };
        let was_refused = error.remote_status().is_some();
        if was_refused && is_passing(&error) && attempt + 1 < ATTEMPTS {
            tokio::time::sleep(pause(&error, attempt)).await;
            continue;
        }
        if was_refused {
            leftover.disarm().await;
        } else {
            leftover.remove().await;
        }
        return Err(error);
    }
    Err(internal("begin an upload", "it was never tried"))
}

async fn create(caller: &Caller, place: &Place, crc: bool) -> Result<String> {
    const DOING: &str = "begin the upload of";
    let mut request = Request::new(Method::POST)
        .query("uploads", "")
        .with("content-type", "application/octet-stream")?;
    if crc {
        request = request
            .with("x-amz-checksum-algorithm", "CRC32C")?
            .with("x-amz-checksum-type", "FULL_OBJECT")?;
    }
    let text = send(caller, place, request).await?.document(DOING).await?;
    let id = xml::field(&text, "UploadId")?.filter(|it| !it.is_empty());
    // Without its name it may be there all the same: not refused, so it is looked for.
    id.ok_or_else(|| {
        at(
            ErrorKind::Remote,
            DOING,
            place,
            "the answer does not name it",
        )
    })
}

impl Upload {
    /// Sends the next part as soon as fewer than `parallel` are on their way. A failure of an earlier
    /// part is told here.
    pub(crate) async fn put(&mut self, source: Source, len: u64, parallel: u64) -> Result<()> {
        while self.tasks.len() as u64 >= parallel {
            self.join_one().await?;
        }
        self.last_number += 1;
        let (caller, place) = (self.caller.clone(), self.place.clone());
        let (id, number) = (Arc::clone(&self.id), self.last_number);
        self.tasks.spawn(async move {
            let part = Request::new(Method::PUT)
                .query("partNumber", number)
                .query("uploadId", &id);
            part::put(&caller, &place, part, number, source, len).await
        });
        Ok(())
    }

    /// Waits for one part; its length. `None` when all are there.
    pub(crate) async fn join_one(&mut self) -> Result<Option<u64>> {
        let Some(joined) = self.tasks.join_next().await else {
            return Ok(None);
        };
        let part = joined.map_err(|source| internal("send a part", source))??;
        let len = part.len;
        self.done.push(part);
        Ok(Some(len))
    }

    /// Bytes of the parts that the server has.
    pub(crate) fn sent(&self) -> u64 {
        self.done.iter().map(|it| it.len).sum()
    }

    /// Makes one object of all parts. With `overwrite` false, nothing may be there.
    pub(crate) async fn complete(mut self, overwrite: bool) -> Result<Option<String>> {
        while self.join_one().await?.is_some() {}
        self.done.sort_unstable_by_key(|it| it.number);
        let outcome = self.complete_parts(overwrite).await;
        match outcome {
            Ok(etag) => {
                self.leftover.disarm().await;
                Ok(etag)
            }
            Err(error) => {
                self.abort().await;
                Err(error)
            }
        }
    }

    /// Gives up what was sent.
    pub(crate) async fn abort(mut self) {
        self.tasks.shutdown().await;
        self.leftover.remove().await;
    }

    async fn complete_parts(&self, overwrite: bool) -> Result<Option<String>> {
        // Not every server knows the condition of the request itself.
        if !overwrite && head(&self.caller, &self.place).await?.is_some() {
            return Err(taken(&self.place));
        }
        let mut is_repeated = false;
        for attempt in 0.. {
            let error = match self.try_complete(overwrite).await {
                Ok(etag) => return Ok(etag),
                Err(error) => error,
            };
            // The first request may have been done, and its answer lost.
            if is_repeated && self.is_complete().await? {
                return Ok(self.etag().as_deref().map(quoted));
            }
            if !is_passing(&error) || attempt + 1 >= ATTEMPTS {
                return Err(error);
            }
            is_repeated = true;
            tokio::time::sleep(pause(&error, attempt)).await;
        }
        Err(internal("complete an upload", "it was never tried"))
    }

    async fn try_complete(&self, overwrite: bool) -> Result<Option<String>> {
        const DOING: &str = "complete the upload of";
        let parts = self.done.iter();
        let parts = parts.map(|it| (it.number, it.etag.as_str(), it.crc.as_deref()));
        let mut request = Request::new(Method::POST)
            .query("uploadId", &self.id)
            .with("content-type", "application/xml")?
            .body(xml::complete(parts));
        if !overwrite {
            request = request.with("if-none-match", "*")?;
        }
        let answer = send(&self.caller, &self.place, request).await?;
        if answer.status() == StatusCode::PRECONDITION_FAILED {
            return Err(taken(&self.place).with_remote_status(412));
        }
        let etag = xml::field(&answer.document(DOING).await?, "ETag")?;
        let etag = etag.filter(|it| !it.is_empty());
        match (etag.as_deref().map(bare), self.etag()) {
            (Some(told), Some(ours)) if told.contains('-') && told != ours => {
                let why = "the server made something else of its parts";
                Err(at(ErrorKind::Integrity, DOING, &self.place, why))
            }
            (told, ours) => Ok(told.map(quoted).or_else(|| ours.as_deref().map(quoted))),
        }
    }

    /// The ETag that the object will have, where ETags are MD5s.
    fn etag(&self) -> Option<String> {
        digest::etag_of_parts(self.done.iter().map(|it| it.etag.as_str()))
    }

    /// Whether what is there is what we sent.
    async fn is_complete(&self) -> Result<bool> {
        let Some(there) = head(&self.caller, &self.place).await? else {
            return Ok(false);
        };
        let (found, ours) = (there.header(header::ETAG).map(bare), self.etag());
        Ok(found.is_some() && found == ours.as_deref())
    }
}

fn bare(etag: &str) -> &str {
    etag.trim_matches('"')
}

/// As HEAD tells it.
fn quoted(etag: &str) -> String {
    format!("\"{etag}\"")
}

/// What says that something was there before.
pub(crate) fn taken(place: &Place) -> Error {
    at(
        ErrorKind::Exists,
        "write",
        place,
        "something is there already",
    )
}

/// The longest that an orderly end may take in the background.
pub(crate) const CLEANUP_LIMIT: Duration = Duration::from_secs(120);
