//! Changing names: MKCOL, DELETE, MOVE.
//!
//! Servers differ in what they refuse: XrdHTTP makes a directory twice and makes those above
//! unasked, nginx removes a full directory with everything in it. So the state is looked at first,
//! and the contract holds on all of them as long as nobody else changes the same names meanwhile.

use causeway_sdk::{Credential, Error, ErrorKind, Page, Result, Stat, Url as Surl};
use http::{Method, StatusCode};
use url::Url;

use crate::error::optional;
use crate::exchange::{Request, send};
use crate::inspect::stat;
use crate::lister;
use crate::storage::Inner;
use crate::wire::{collection, decode, origin, to_wire};

/// Most directories made for one call.
const MAX_PARENTS: usize = 256;

fn error(kind: ErrorKind, doing: &str, at: &Surl, why: &str) -> Error {
    Error::new(kind, format!("{doing} {at}: {why}"))
}

/// What stands there; `None` for nothing.
pub(crate) async fn look(
    inner: &Inner,
    credential: &Credential,
    at: &Surl,
) -> Result<Option<Stat>> {
    optional(stat(inner, credential, at).await)
}

/// Creates a directory, and with `parents` those above.
pub(crate) async fn mkdir(
    inner: &Inner,
    credential: &Credential,
    at: &Surl,
    parents: bool,
) -> Result<()> {
    if let Some(there) = look(inner, credential, at).await? {
        return match (there.is_directory(), parents) {
            (true, true) => Ok(()),
            (true, false) => Err(error(ErrorKind::Exists, "mkdir", at, "it is there already")),
            (false, _) => Err(error(ErrorKind::Exists, "mkdir", at, "a file is there")),
        };
    }
    inner.places.admit_name(&to_wire(at)?)?;
    let mut missing = vec![at.clone()];
    while let Some(parent) = missing.last().and_then(Surl::parent) {
        match look(inner, credential, &parent).await {
            Ok(Some(it)) if it.is_directory() => break,
            Ok(Some(_)) => {
                let why = "one above is a file";
                return Err(error(ErrorKind::NotDirectory, "mkdir", at, why));
            }
            Ok(None) if !parents => {
                let why = "the directory above is missing";
                return Err(error(ErrorKind::NotFound, "mkdir", at, why));
            }
            Ok(None) if missing.len() >= MAX_PARENTS => {
                return Err(error(ErrorKind::Invalid, "mkdir", at, "too deep"));
            }
            Ok(None) => missing.push(parent),
            // A token may be good for this directory and nothing above it.
            Err(it) if it.kind() == ErrorKind::Denied => break,
            Err(it) => return Err(it),
        }
    }
    let only_one = missing.len() == 1;
    for directory in missing.iter().rev() {
        make_one(inner, credential, directory, parents && !only_one).await?;
    }
    Ok(())
}

async fn make_one(
    inner: &Inner,
    credential: &Credential,
    at: &Surl,
    may_exist: bool,
) -> Result<()> {
    let url = collection(to_wire(at)?);
    let answer = send(&inner.pool, credential, &url, Request::extension("MKCOL")).await?;
    match answer.status().as_u16() {
        200..=299 => Ok(()),
        // RFC 4918 section 9.3.1: something is there. Another caller may have made it.
        405 if may_exist => Ok(()),
        405 => Err(error(ErrorKind::Exists, "mkdir", at, "it is there already")),
        409 => {
            let why = "the directory above is missing";
            Err(error(ErrorKind::NotFound, "mkdir", at, why))
        }
        _ => Err(answer.into_error("mkdir").await),
    }
}

/// Removes an empty directory.
pub(crate) async fn rmdir(inner: &Inner, credential: &Credential, at: &Surl) -> Result<()> {
    if !stat(inner, credential, at).await?.is_directory() {
        let why = "it is no directory";
        return Err(error(ErrorKind::NotDirectory, "rmdir", at, why));
    }
    let one = Page {
        cursor: None,
        limit: 1,
    };
    let page = lister::list(inner, credential, at, one).await?;
    lister::forget(inner, page.next.as_deref());
    if !page.entries.is_empty() {
        let why = "directory not empty";
        return Err(error(ErrorKind::NotEmpty, "rmdir", at, why));
    }
    delete(inner, credential, &collection(to_wire(at)?)).await
}

/// Removes a file.
pub(crate) async fn unlink(inner: &Inner, credential: &Credential, at: &Surl) -> Result<()> {
    if stat(inner, credential, at).await?.is_directory() {
        return Err(error(
            ErrorKind::IsDirectory,
            "unlink",
            at,
            "it is a directory",
        ));
    }
    delete(inner, credential, &to_wire(at)?).await
}

/// DELETE, without looking at what it is.
pub(crate) async fn delete(inner: &Inner, credential: &Credential, url: &Url) -> Result<()> {
    let request = Request::new(Method::DELETE);
    let answer = send(&inner.pool, credential, url, request).await?;
    // 207 lists what could not be removed below a collection.
    if answer.status() == StatusCode::MULTI_STATUS {
        let text = format!("delete {}: not all of it could be removed", url.path());
        return Err(Error::new(ErrorKind::Remote, text).with_remote_status(207));
    }
    answer.success("delete").await.map(drop)
}

/// Gives another name.
pub(crate) async fn rename(
    inner: &Inner,
    credential: &Credential,
    from: &Surl,
    to: &Surl,
    overwrite: bool,
) -> Result<()> {
    let (mut source, mut target) = (to_wire(from)?, to_wire(to)?);
    if origin(&source) != origin(&target) {
        let why = "the new name is on another storage";
        return Err(error(ErrorKind::Invalid, "rename", from, why));
    }
    let moved = stat(inner, credential, from).await?;
    if source == target {
        return Ok(());
    }
    inner.places.admit_name(&target)?;
    let there = look(inner, credential, to).await?;
    match &there {
        Some(_) if !overwrite => {
            let why = "the new name is taken";
            return Err(error(ErrorKind::Exists, "rename", to, why));
        }
        Some(it) if it.is_directory() && !moved.is_directory() => {
            let why = "the new name is a directory";
            return Err(error(ErrorKind::IsDirectory, "rename", to, why));
        }
        _ => {}
    }
    if moved.is_directory() {
        (source, target) = (collection(source), collection(target));
    }
    match move_one(inner, credential, &source, &target, overwrite).await {
        // Some servers never replace, whatever `Overwrite` says.
        Err(refused) if overwrite && there.is_some() && is_in_the_way(&refused) => {
            unlink(inner, credential, to).await?;
            move_one(inner, credential, &source, &target, overwrite).await
        }
        other => other,
    }
}

fn is_in_the_way(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Exists | ErrorKind::Conflict)
}

/// MOVE, without looking at what is there.
pub(crate) async fn move_one(
    inner: &Inner,
    credential: &Credential,
    source: &Url,
    target: &Url,
    overwrite: bool,
) -> Result<()> {
    let destination = if inner.places.takes_names_literally(source) {
        format!("{}{}", origin(target), decode(target.path()))
    } else {
        target.to_string()
    };
    let request = Request::extension("MOVE")
        .with("destination", destination)?
        .with("overwrite", if overwrite { "T" } else { "F" })?;
    let answer = send(&inner.pool, credential, source, request).await?;
    if answer.status() == StatusCode::PRECONDITION_FAILED && !overwrite {
        let text = format!("rename to {}: the new name is taken", target.path());
        return Err(Error::new(ErrorKind::Exists, text).with_remote_status(412));
    }
    answer.success("rename").await.map(drop)
}
