//! Changing names. Directories are empty objects whose names end with a slash; a rename is a copy
//! and a removal. Each call looks first, since S3 itself refuses hardly anything; the contract holds
//! as long as nobody else changes the same names meanwhile.

use causeway_sdk::{ErrorKind, ProgressSink, Result};
use http::{Method, StatusCode};

use crate::caller::Caller;
use crate::error::{at, optional};
use crate::exchange::{Request, send};
use crate::inspect::{nothing, object, stat};
use crate::lister::{Content, content};
use crate::peer_copy;
use crate::place::Place;

/// Makes a directory. Those above need nothing: they are there as soon as anything is below them.
pub(crate) async fn mkdir(caller: &Caller, place: &Place, parents: bool) -> Result<()> {
    if place.bucket.is_empty() {
        let why = "the top of an endpoint is there";
        return Err(at(ErrorKind::Exists, "mkdir", place, why));
    }
    match optional(stat(caller, place).await)? {
        Some(it) if it.is_directory() && parents => return Ok(()),
        Some(it) if it.is_directory() => {
            return Err(at(ErrorKind::Exists, "mkdir", place, "it is there already"));
        }
        Some(_) => return Err(at(ErrorKind::Exists, "mkdir", place, "a file is there")),
        None => {}
    }
    if place.key.is_empty() {
        let why = "buckets are made by their owners";
        return Err(at(ErrorKind::Unsupported, "mkdir", place, why));
    }
    if let Some(parent) = place.parent() {
        match optional(stat(caller, &parent).await)? {
            Some(it) if it.is_directory() => {}
            Some(_) => {
                let why = "what is above is a file";
                return Err(at(ErrorKind::NotDirectory, "mkdir", place, why));
            }
            None if parents => {}
            None => {
                let why = "the directory above is missing";
                return Err(at(ErrorKind::NotFound, "mkdir", place, why));
            }
        }
    }
    // What was seen to be free is no more.
    caller.inner.absent.take(place);
    let marker = place.with_key(place.prefix());
    let request = Request::new(Method::PUT).with("content-type", "application/x-directory")?;
    let answer = send(caller, &marker, request).await?;
    answer.success("mkdir").await?;
    caller.inner.subdirs.made(&marker);
    Ok(())
}

/// Removes an empty directory.
pub(crate) async fn rmdir(caller: &Caller, place: &Place) -> Result<()> {
    if place.key.is_empty() {
        let why = "buckets are removed by their owners";
        return Err(at(ErrorKind::Unsupported, "rmdir", place, why));
    }
    match content(caller, place).await? {
        Content::Empty => delete(caller, &place.with_key(place.prefix())).await,
        Content::Some => Err(at(
            ErrorKind::NotEmpty,
            "rmdir",
            place,
            "directory not empty",
        )),
        Content::Missing => Err(match object(caller, place).await? {
            Some(_) => at(
                ErrorKind::NotDirectory,
                "rmdir",
                place,
                "it is no directory",
            ),
            None => nothing("rmdir", place),
        }),
    }
}

/// Removes a file.
pub(crate) async fn unlink(caller: &Caller, place: &Place) -> Result<()> {
    if stat(caller, place).await?.is_directory() {
        return Err(at(
            ErrorKind::IsDirectory,
            "unlink",
            place,
            "it is a directory",
        ));
    }
    delete(caller, place).await
}

/// DELETE, which succeeds whether something was there or not.
async fn delete(caller: &Caller, place: &Place) -> Result<()> {
    let answer = send(caller, place, Request::new(Method::DELETE)).await?;
    match answer.status() {
        StatusCode::NOT_FOUND => Err(nothing("delete", place)),
        _ => answer.success("delete").await.map(drop),
    }
}

/// Copies and removes. For a while there are both names, and when the removal fails they stay.
pub(crate) async fn rename(
    caller: &Caller,
    from: &Place,
    to: &Place,
    overwrite: bool,
) -> Result<()> {
    if !from.is_same_endpoint(to) {
        let why = "the new name is on another endpoint";
        return Err(at(ErrorKind::Unsupported, "rename", from, why));
    }
    let source = stat(caller, from).await?;
    if source.is_directory() {
        let why = "directories keep their names";
        return Err(at(ErrorKind::Unsupported, "rename", from, why));
    }
    if from.bucket == to.bucket && from.key == to.key {
        return Ok(());
    }
    peer_copy::refuse_if_taken(caller, to, overwrite, "rename to").await?;
    peer_copy::within(
        caller,
        (from, to),
        &source,
        overwrite,
        &ProgressSink::ignore(),
    )
    .await?;
    caller.inner.subdirs.made(to);
    delete(caller, from).await
}
