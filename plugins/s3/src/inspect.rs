//! Asking for metadata: HEAD, and where there is nothing of that name, whether names begin with it.
//!
//! Object stores have no directories. What stands for one is any object below, or an empty object
//! whose name ends with a slash.

use std::time::Instant;

use causeway_sdk::http_client::date;
use causeway_sdk::{Algorithm, Checksum, EntryKind, Error, ErrorKind, Locality, Result, Stat};
use http::{HeaderMap, Method, StatusCode, header};

use crate::caller::Caller;
use crate::digest;
use crate::error::{at, optional};
use crate::exchange::{Answer, Request, send};
use crate::lister::{Name, has_below, look_up};
use crate::place::Place;
use crate::reader;

/// Metadata of what stands at a place.
pub(crate) async fn stat(caller: &Caller, place: &Place) -> Result<Stat> {
    if place.key.is_empty() {
        return stat_bucket(caller, place).await;
    }
    let began = Instant::now();
    match object(caller, place).await? {
        Some(stat) => Ok(stat),
        None if has_below(caller, place).await? => Ok(Stat::directory()),
        None => {
            caller.inner.absent.saw(place, began);
            Err(nothing("stat", place))
        }
    }
}

/// Whether anything stands at a place that somebody wants to write.
pub(crate) async fn exists(caller: &Caller, place: &Place) -> Result<bool> {
    if place.key.is_empty() {
        return Ok(optional(stat_bucket(caller, place).await)?.is_some());
    }
    let began = Instant::now();
    if object(caller, place).await?.is_some() {
        return Ok(true);
    }
    match look_up(caller, place).await? {
        Name::Taken => return Ok(true),
        Name::Free => caller.inner.absent.saw(place, began),
        // Seen now it would be believed for longer than it may.
        Name::FreeBefore => {}
    }
    Ok(false)
}

/// A whole bucket, or the top of an endpoint.
async fn stat_bucket(caller: &Caller, place: &Place) -> Result<Stat> {
    if place.bucket.is_empty() {
        let answer = send(caller, place, Request::new(Method::GET)).await?;
        answer.document("list the buckets of").await?;
        return Ok(Stat::directory());
    }
    let answer = send(caller, place, Request::new(Method::HEAD)).await?;
    match answer.status() {
        StatusCode::OK => Ok(Stat::directory()),
        StatusCode::NOT_FOUND => Err(nothing("stat", place)),
        _ => Err(explained(caller, place, answer, "stat").await),
    }
}

/// Metadata of an object; `None` when there is none of that name.
pub(crate) async fn object(caller: &Caller, place: &Place) -> Result<Option<Stat>> {
    let answer = head(caller, place).await?;
    Ok(answer.map(|it| stat_of(it.response.headers(), caller.inner.config.etag_is_md5)))
}

/// Headers of an object; `None` when there is none of that name.
pub(crate) async fn head(caller: &Caller, place: &Place) -> Result<Option<Answer>> {
    let request = Request::new(Method::HEAD).with("x-amz-checksum-mode", "ENABLED")?;
    let answer = send(caller, place, request).await?;
    match answer.status() {
        status if status.is_success() => Ok(Some(answer)),
        StatusCode::NOT_FOUND => Ok(None),
        _ => Err(explained(caller, place, answer, "stat").await),
    }
}

/// The failure an answer to HEAD stands for. Such an answer has no document, so the same is asked
/// again with GET for a single byte: a bare 400 or 403 may be anything.
async fn explained(caller: &Caller, place: &Place, answer: Answer, doing: &str) -> Error {
    if !matches!(answer.status().as_u16(), 400 | 403) {
        return answer.into_error(doing).await;
    }
    let request = if place.key.is_empty() {
        Ok(Request::new(Method::GET)
            .query("list-type", 2)
            .query("max-keys", 1))
    } else {
        Request::new(Method::GET).with("range", "bytes=0-0")
    };
    let again = match request {
        Ok(request) => send(caller, place, request).await,
        Err(error) => Err(error),
    };
    match again {
        Ok(again) if again.status() == answer.status() => again.into_error(doing).await,
        // The question itself failed or was answered: the first answer stands.
        _ => answer.into_error(doing).await,
    }
}

/// Metadata as the headers of an answer tell it.
pub(crate) fn stat_of(headers: &HeaderMap, etag_is_md5: bool) -> Stat {
    let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
    Stat {
        kind: EntryKind::File,
        size: text("content-length").and_then(|it| it.parse().ok()),
        mtime: text(header::LAST_MODIFIED.as_str()).and_then(date),
        etag: text(header::ETAG.as_str()).map(str::to_owned),
        locality: Archived::of(headers).locality(),
        checksums: digest::told(headers, etag_is_md5),
        ..Stat::default()
    }
}

/// Whether an object is in an archive from which it must be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Archived {
    /// It can be read.
    No,
    /// It must be restored, and nobody asked for it. A tiering storage needs no time to keep it.
    Yes { is_tiering: bool },
    /// It is on its way.
    Restoring,
    /// A copy of it can be read.
    Restored,
}

impl Archived {
    /// As the headers of an answer tell it.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|it| it.to_str().ok());
        if let Some(restore) = text("x-amz-restore") {
            return if restore.contains(r#"ongoing-request="true""#) {
                Self::Restoring
            } else {
                Self::Restored
            };
        }
        if text("x-amz-archive-status").is_some_and(|it| it.ends_with("ARCHIVE_ACCESS")) {
            return Self::Yes { is_tiering: true };
        }
        match text("x-amz-storage-class") {
            Some(class) if is_archive(class) => Self::Yes { is_tiering: false },
            _ => Self::No,
        }
    }

    fn locality(self) -> Locality {
        match self {
            Self::No => Locality::Online,
            Self::Yes { .. } | Self::Restoring => Locality::Nearline,
            Self::Restored => Locality::OnlineAndNearline,
        }
    }
}

/// Classes of objects that cannot be read before they were restored.
pub(crate) fn is_archive(class: &str) -> bool {
    matches!(class, "GLACIER" | "DEEP_ARCHIVE")
}

pub(crate) fn nothing(doing: &str, place: &Place) -> Error {
    at(ErrorKind::NotFound, doing, place, "there is nothing")
}

/// A checksum that the storage keeps, else one that is computed by reading.
pub(crate) async fn checksum(
    caller: &Caller,
    place: &Place,
    algorithm: Algorithm,
) -> Result<Checksum> {
    const DOING: &str = "get the checksum of";
    let found = stat(caller, place).await?;
    if found.is_directory() {
        return Err(at(
            ErrorKind::IsDirectory,
            DOING,
            place,
            "it is a directory",
        ));
    }
    let mut kept = found.checksums.into_iter();
    if let Some(sum) = kept.find(|it| it.algorithm == algorithm) {
        return Ok(sum);
    }
    if !caller.inner.config.checksum_by_reading {
        let why = format!("the storage does not keep {algorithm}");
        return Err(at(ErrorKind::Unsupported, DOING, place, &why));
    }
    reader::sum(caller, place, algorithm, found.etag).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_is_told_by_class_and_restore() {
        let archived = |lines: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.insert(*name, value.parse().unwrap());
            }
            Archived::of(&headers)
        };
        let glacier = ("x-amz-storage-class", "GLACIER");
        let on_the_way = ("x-amz-restore", r#"ongoing-request="true""#);
        let here = (
            "x-amz-restore",
            r#"ongoing-request="false", expiry-date="Fri, 21 Dec 2032 00:00:00 GMT""#,
        );
        let tiering = ("x-amz-archive-status", "DEEP_ARCHIVE_ACCESS");
        assert_eq!(archived(&[]), Archived::No);
        assert_eq!(
            archived(&[("x-amz-storage-class", "GLACIER_IR")]),
            Archived::No
        );
        assert_eq!(archived(&[glacier]), Archived::Yes { is_tiering: false });
        assert_eq!(archived(&[tiering]), Archived::Yes { is_tiering: true });
        assert_eq!(archived(&[glacier, on_the_way]), Archived::Restoring);
        assert_eq!(archived(&[glacier, here]), Archived::Restored);
        assert_eq!(Archived::Restoring.locality(), Locality::Nearline);
        assert_eq!(Archived::Restored.locality(), Locality::OnlineAndNearline);
    }
}
