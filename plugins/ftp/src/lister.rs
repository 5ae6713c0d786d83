//! Directories page by page: one listing, read as far as the page goes.
//!
//! FTP has no paging. So the listing of the first page stays open and the next page reads on: a
//! directory of a million entries is asked for once and never in memory. A cursor names the open
//! listing and how many entries were given out; when it is gone (dropped call, too many others, a
//! restart), the directory is asked for again and that many are skipped.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_sdk::{Credential, DirPage, Entry, Error, ErrorKind, Page, Result, Url as Surl};
use parking_lot::Mutex;

use crate::listing::Listing;
use crate::storage::Inner;

/// Entries of a page when the caller has no wish.
const DEFAULT_LIMIT: u32 = 1000;
/// A listing nobody read for so long is closed: it holds a connection, and the server waits.
const MAX_IDLE: Duration = Duration::from_secs(30);

/// Listings that stay open between two pages.
#[derive(Clone, Default)]
pub(crate) struct Listings(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    last_id: u64,
    open: HashMap<u64, Kept>,
}

struct Kept {
    listing: Listing,
    at: Surl,
    /// Whose listing it is: nobody reads on in another one's.
    owner: String,
    given: u64,
    /// An entry that was read to see whether there is a next page.
    ahead: Entry,
    used: Instant,
}

impl Listings {
    fn keep(&self, kept: Kept, limit: usize) -> String {
        let given = kept.given;
        let mut table = self.0.lock();
        table.last_id += 1;
        let id = table.last_id;
        while table.open.len() >= limit.max(1) {
            let oldest = table.open.iter().min_by_key(|(_, it)| it.used);
            let Some(oldest) = oldest.map(|(id, _)| *id) else {
                break;
            };
            table.open.remove(&oldest);
        }
        table.open.insert(id, kept);
        drop(table);
        self.close_later(id);
        format!("{id}:{given}")
    }

    fn close_later(&self, id: u64) {
        let table = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            tokio::time::sleep(MAX_IDLE).await;
            if let Some(table) = table.upgrade() {
                table.lock().open.remove(&id);
            }
        });
    }

    /// Takes an open listing out, if it is the one the cursor means.
    fn resume(&self, cursor: Cursor, at: &Surl, owner: &str) -> Option<Kept> {
        let mut table = self.0.lock();
        let kept = table.open.get(&cursor.id)?;
        let fits = kept.given == cursor.given && kept.at == *at && kept.owner == owner;
        if fits {
            table.open.remove(&cursor.id)
        } else {
            None
        }
    }
}

#[derive(Clone, Copy)]
struct Cursor {
    id: u64,
    given: u64,
}

impl Cursor {
    fn parse(text: &str) -> Result<Self> {
        let parts = text.split_once(':');
        let read = parts.and_then(|(id, given)| Some((id.parse().ok()?, given.parse().ok()?)));
        let Some((id, given)) = read else {
            let text = "list: the cursor is not one of this storage";
            return Err(Error::new(ErrorKind::Invalid, text));
        };
        Ok(Self { id, given })
    }
}

/// One page of a directory.
pub(crate) async fn list(
    inner: &Inner,
    credential: &Credential,
    at: &Surl,
    page: Page,
) -> Result<DirPage> {
    let owner = inner.pool.owner(at, credential)?;
    let mut entries = Vec::new();
    let mut given = 0;
    let cursor = page.cursor.as_deref().map(Cursor::parse).transpose()?;
    let kept = cursor.and_then(|it| inner.listings.resume(it, at, &owner));
    let mut listing = match (kept, cursor) {
        (Some(kept), _) => {
            given = kept.given;
            entries.push(kept.ahead);
            kept.listing
        }
        (None, cursor) => {
            let mut listing = open(inner, credential, at).await?;
            let skipped = cursor.map_or(0, |it| it.given);
            while given < skipped && listing.next().await?.is_some() {
                given += 1;
            }
            listing
        }
    };
    let limit = if page.limit == 0 {
        DEFAULT_LIMIT
    } else {
        page.limit
    };
    while entries.len() < limit as usize {
        match listing.next().await? {
            Some(entry) => entries.push(entry),
            None => {
                return Ok(DirPage {
                    entries,
                    next: None,
                });
            }
        }
    }
    let Some(ahead) = listing.next().await? else {
        return Ok(DirPage {
            entries,
            next: None,
        });
    };
    let kept = Kept {
        listing,
        at: at.clone(),
        owner,
        given: given + entries.len() as u64,
        ahead,
        used: Instant::now(),
    };
    let next = Some(inner.listings.keep(kept, inner.config.max_open_listings));
    Ok(DirPage { entries, next })
}

/// Whether nothing is in a directory, not even an unfinished upload.
pub(crate) async fn is_empty(inner: &Inner, credential: &Credential, at: &Surl) -> Result<bool> {
    let mut listing = open(inner, credential, at).await?.with_unfinished();
    Ok(listing.next().await?.is_none())
}

async fn open(inner: &Inner, credential: &Credential, at: &Surl) -> Result<Listing> {
    let (session, path) = inner.pool.enter(at, credential).await?;
    Listing::open(session, at, &path).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_cursors_are_refused() {
        for text in ["", "1", "a:b", "-1:2", "1:2:3"] {
            assert!(Cursor::parse(text).is_err(), "{text}");
        }
    }
}
