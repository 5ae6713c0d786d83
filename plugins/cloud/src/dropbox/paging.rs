//! Folders of Dropbox page by page. It may give a few more entries than were asked for: those wait in
//! the cursor for the next page, so nothing is held here.

use causeway_sdk::{DirPage, Entry, Error, ErrorKind, Page, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Metadata;
use super::call::{call, path};
use crate::caller::Caller;

/// Most entries Dropbox gives at once.
const MOST: u32 = 2000;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Listing {
    entries: Vec<Metadata>,
    cursor: String,
    has_more: bool,
}

/// Where the next page begins.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Cursor {
    held: Vec<Entry>,
    /// Dropbox's own cursor.
    next: Option<String>,
}

/// One page of a folder.
pub(super) async fn list(caller: &Caller, page: Page) -> Result<DirPage> {
    let limit = match page.limit {
        0 => MOST,
        some => some.min(MOST),
    };
    let mut found = match page.cursor {
        None => first(caller, limit).await?,
        Some(text) => {
            let cursor: Cursor = serde_json::from_str(&text)
                .map_err(|_| Error::new(ErrorKind::Invalid, "list: the cursor is garbled"))?;
            match cursor.next {
                Some(next) if cursor.held.is_empty() => go_on(caller, &next).await?,
                _ => cursor,
            }
        }
    };
    let rest = found.held.split_off(found.held.len().min(limit as usize));
    let entries = std::mem::replace(&mut found.held, rest);
    let is_end = found.held.is_empty() && found.next.is_none();
    let next = (!is_end).then(|| serde_json::to_string(&found)).transpose();
    let next = next.map_err(|source| Error::new(ErrorKind::Internal, source.to_string()))?;
    Ok(DirPage { entries, next })
}

async fn first(caller: &Caller, limit: u32) -> Result<Cursor> {
    let value = json!({"path": path(&caller.place), "recursive": false, "limit": limit});
    let answer = call(caller, "list", "files/list_folder", &value).await?;
    Ok(cursor(answer.json().await?))
}

async fn go_on(caller: &Caller, next: &str) -> Result<Cursor> {
    let value = json!({"cursor": next});
    let answer = call(caller, "list", "files/list_folder/continue", &value).await?;
    Ok(cursor(answer.json().await?))
}

fn cursor(listing: Listing) -> Cursor {
    let entries = listing.entries.iter().filter(|it| it.tag != "deleted");
    let entries = entries.map(|it| Entry {
        name: it.name.clone(),
        stat: it.stat(),
    });
    Cursor {
        held: entries.collect(),
        next: listing.has_more.then_some(listing.cursor),
    }
}

/// Whether nothing is in a folder.
pub(super) async fn is_empty(caller: &Caller) -> Result<bool> {
    let mut found = first(caller, 1).await?;
    for _ in 0..1000 {
        match found.next {
            _ if !found.held.is_empty() => return Ok(false),
            None => return Ok(true),
            Some(next) => found = go_on(caller, &next).await?,
        }
    }
    // Nothing but traces of what was removed, for very long: not to be removed unseen.
    Ok(false)
}
