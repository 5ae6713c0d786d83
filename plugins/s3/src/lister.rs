//! Directories page by page: ListObjectsV2 with `/` as the delimiter.
//!
//! The server pages by itself and its token is the cursor, so nothing is held between two pages and a
//! bucket of millions costs no more than one of ten.

use std::collections::HashSet;

use causeway_sdk::{DirPage, Entry, Error, ErrorKind, Locality, Page, Result, Stat};
use http::Method;

use crate::caller::Caller;
use crate::digest;
use crate::error::at;
use crate::exchange::{Request, send};
use crate::inspect::{is_archive, nothing, object};
use crate::place::Place;
use crate::subdirs::{Advice, Directory, MAX_NAMES};
use crate::xml::{self, Listing, Object};

/// Most entries S3 gives at once.
const MOST: u32 = 1000;

/// One page of a directory.
pub(crate) async fn list(caller: &Caller, place: &Place, page: Page) -> Result<DirPage> {
    if place.bucket.is_empty() {
        return list_buckets(caller, place, &page).await;
    }
    let limit = match page.limit {
        0 => MOST,
        some => some.min(MOST),
    };
    let prefix = place.prefix();
    let found = ask(
        caller,
        place,
        &prefix,
        Some("/"),
        limit,
        page.cursor.as_deref(),
    )
    .await?;
    let is_first = page.cursor.is_none();
    if is_first && !prefix.is_empty() && found.objects.is_empty() && found.prefixes.is_empty() {
        return Err(no_directory(caller, place).await);
    }
    let directories = found.prefixes.iter().filter_map(|it| {
        let name = it.strip_prefix(&prefix)?.strip_suffix('/')?;
        entry(name, Stat::directory())
    });
    let is_md5 = caller.inner.config.etag_is_md5;
    let files = found.objects.iter().filter_map(|it| {
        let name = it.key.strip_prefix(&prefix)?;
        entry(name, stat_of(it, is_md5))
    });
    Ok(DirPage {
        entries: directories.chain(files).collect(),
        next: found.next,
    })
}

/// A name that can be one segment of a path. The directory's own object has none, and neither have
/// keys with two slashes in a row.
fn entry(name: &str, stat: Stat) -> Option<Entry> {
    let fits = !matches!(name, "" | "." | "..") && !name.contains('/');
    fits.then(|| Entry {
        name: name.to_owned(),
        stat,
    })
}

fn stat_of(object: &Object, etag_is_md5: bool) -> Stat {
    let md5 = digest::md5_of(&object.etag).filter(|_| etag_is_md5);
    Stat {
        size: object.size,
        mtime: object.modified,
        etag: Some(object.etag.clone()).filter(|it| !it.is_empty()),
        // Whether an object of the archive was restored only HEAD tells.
        locality: if is_archive(&object.class) {
            Locality::Nearline
        } else {
            Locality::Online
        },
        checksums: md5.into_iter().collect(),
        ..Stat::default()
    }
}

/// Why there is no directory of that name.
async fn no_directory(caller: &Caller, place: &Place) -> Error {
    match object(caller, place).await {
        Ok(Some(_)) => at(ErrorKind::NotDirectory, "list", place, "it is no directory"),
        Ok(None) => nothing("list", place),
        Err(error) => error,
    }
}

async fn ask(
    caller: &Caller,
    place: &Place,
    prefix: &str,
    delimiter: Option<&str>,
    limit: u32,
    token: Option<&str>,
) -> Result<Listing> {
    let mut request = Request::new(Method::GET)
        .query("list-type", 2)
        .query("encoding-type", "url")
        .query("max-keys", limit)
        .query("prefix", prefix);
    if let Some(delimiter) = delimiter {
        request = request.query("delimiter", delimiter);
    }
    if let Some(token) = token {
        request = request.query("continuation-token", token);
    }
    let answer = send(caller, &place.with_key(""), request).await?;
    xml::listing(&answer.document("list").await?)
}

/// Whether any name begins with this one and a slash.
pub(crate) async fn has_below(caller: &Caller, place: &Place) -> Result<bool> {
    if !caller.inner.config.directories {
        return Ok(false);
    }
    match ask(caller, place, &place.prefix(), None, 1, None).await {
        Ok(found) => Ok(!found.objects.is_empty()),
        // Who may read and write may not be allowed to list, and sees no directories then.
        Err(error) if is_refusal(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a directory has a name, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Taken,
    /// The server was asked for it.
    Free,
    /// Of an answer that the server gave before.
    FreeBefore,
}

/// The same before something is written, where many such questions may have one answer.
pub(crate) async fn look_up(caller: &Caller, place: &Place) -> Result<Name> {
    if !caller.inner.config.directories {
        return Ok(Name::Free);
    }
    let subdirs = &caller.inner.subdirs;
    let (directory, name) = Directory::of(caller.owner(), place);
    let mut advice = subdirs.advice(&directory, name);
    if advice == Advice::List {
        match directories(caller, place, directory.prefix()).await {
            Ok(names) => subdirs.learn(&directory, names),
            // Who may not list asks one by one, and hears then what there is to hear.
            Err(error) => {
                subdirs.learn(&directory, None);
                if !is_refusal(&error) {
                    return Err(error);
                }
            }
        }
        advice = subdirs.advice(&directory, name);
    }
    match advice {
        Advice::Free => Ok(Name::FreeBefore),
        Advice::Ask | Advice::List => Ok(match has_below(caller, place).await? {
            true => Name::Taken,
            false => Name::Free,
        }),
    }
}

/// The directories that a directory has; `None` when there is more in it than is worth the while.
async fn directories(
    caller: &Caller,
    place: &Place,
    prefix: &str,
) -> Result<Option<HashSet<String>>> {
    const PAGES: usize = 5;
    let (mut names, mut token) = (HashSet::new(), None::<String>);
    for _ in 0..PAGES {
        let found = ask(caller, place, prefix, Some("/"), MOST, token.as_deref()).await?;
        let below = found.prefixes.iter().filter_map(|it| {
            let name = it.strip_prefix(prefix)?.strip_suffix('/')?;
            Some(name.to_owned())
        });
        names.extend(below);
        token = found.next;
        if names.len() > MAX_NAMES {
            return Ok(None);
        }
        if token.is_none() {
            return Ok(Some(names));
        }
    }
    Ok(None)
}

fn is_refusal(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Denied | ErrorKind::AuthRequired)
}

/// What is in a directory as far as its removal goes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// No such directory.
    Missing,
    /// Nothing but the object that stands for it.
    Empty,
    /// Something.
    Some,
}

/// Looks into a directory.
pub(crate) async fn content(caller: &Caller, place: &Place) -> Result<Content> {
    let prefix = place.prefix();
    let found = ask(caller, place, &prefix, None, 2, None).await?;
    Ok(match found.objects.as_slice() {
        [] => Content::Missing,
        [only] if only.key == prefix => Content::Empty,
        _ => Content::Some,
    })
}

/// The top of an endpoint. S3 gives all names at once, so pages are cut out of them.
async fn list_buckets(caller: &Caller, place: &Place, page: &Page) -> Result<DirPage> {
    let answer = send(caller, place, Request::new(Method::GET)).await?;
    let mut names = xml::buckets(&answer.document("list the buckets of").await?)?;
    names.sort_unstable();
    if let Some(last) = &page.cursor {
        names.retain(|it| it > last);
    }
    let limit = if page.limit == 0 { MOST } else { page.limit } as usize;
    let has_more = names.len() > limit;
    names.truncate(limit);
    Ok(DirPage {
        next: names.last().filter(|_| has_more).cloned(),
        entries: names
            .iter()
            .filter_map(|name| entry(name, Stat::directory()))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_single_segments_are_entries() {
        let is = |name| entry(name, Stat::directory()).is_some();
        assert!(is("a b") && is(".hidden"));
        assert!(!is("") && !is("..") && !is("/x") && !is("a/b"));
    }
}
