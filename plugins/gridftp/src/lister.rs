//! Directories page by page.
//!
//! The protocol has no pages. A small directory comes inside a reply and is handed out piece by
//! piece; a large one comes over a data connection that stays open between two pages, so it is
//! never in memory. A cursor names the open answer and how many entries were given; when the answer
//! is gone, the directory is asked for again and that many are skipped.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_gridftp_wire::facts::Kind;
use causeway_gridftp_wire::{ErrorKind as Wire, Facts, Lease, Listing as Lines};
use causeway_sdk::{Credential, DirPage, Entry, Error, ErrorKind, Page, Result, Url};
use parking_lot::Mutex;

use crate::client::{Client, path};
use crate::error::{at, own};
use crate::namespace::from_facts;

/// Entries of a page when the caller has no wish.
const DEFAULT_LIMIT: u32 = 1000;
/// An answer nobody read for so long is closed: the server waits for us.
const MAX_IDLE: Duration = Duration::from_secs(60);

/// Answers that stay open between two pages.
#[derive(Clone, Default)]
pub(crate) struct Listings(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    last_id: u64,
    open: HashMap<u64, Listing>,
}

enum Source {
    Inside(std::vec::IntoIter<Facts>),
    Stream(Box<(Lease, Lines)>),
}

struct Listing {
    source: Source,
    at: Url,
    /// Whose listing it is: nobody reads on in another one's.
    owner: Credential,
    given: u64,
    /// An entry that was read to see whether there is a next page.
    ahead: Option<Entry>,
    used: Instant,
}

/// One page of a directory.
pub(crate) async fn list(
    client: &Client,
    listings: &Listings,
    most_open: usize,
    credential: &Credential,
    url: &Url,
    page: Page,
) -> Result<DirPage> {
    let cursor = page.cursor.as_deref().map(Cursor::parse).transpose()?;
    let resumed = cursor.and_then(|it| listings.resume(it, url, credential));
    let mut listing = match resumed {
        Some(listing) => listing,
        None => {
            let mut listing = open(client, credential, url).await?;
            listing.skip(cursor.map_or(0, |it| it.given)).await?;
            listing
        }
    };
    let limit = if page.limit == 0 {
        DEFAULT_LIMIT
    } else {
        page.limit
    };
    let mut entries = Vec::new();
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
    listing.given += entries.len() as u64;
    listing.ahead = listing.next().await?;
    let next = listing
        .ahead
        .is_some()
        .then(|| listings.keep(listing, most_open));
    Ok(DirPage { entries, next })
}

async fn open(client: &Client, credential: &Credential, url: &Url) -> Result<Listing> {
    let name = path(url)?;
    let mut session = client.session(credential, url).await?;
    let facts = session.stat(&name).await.map_err(|why| at(url, &why))?;
    if !matches!(facts.kind, Kind::Directory | Kind::Itself) {
        return Err(own(
            ErrorKind::NotDirectory,
            "list",
            url,
            "it is no directory",
        ));
    }
    let listing = |source| Listing {
        source,
        at: url.clone(),
        owner: credential.clone(),
        given: 0,
        ahead: None,
        used: Instant::now(),
    };
    if session.features().has("MLSC") {
        match session.list_inside(&name).await {
            Ok(facts) => return Ok(listing(Source::Inside(facts.into_iter()))),
            // Too large for a reply: that session is lost, and the directory comes the other way.
            Err(why) if why.kind() == Wire::Protocol => {
                session = client.session(credential, url).await?;
            }
            Err(why) => return Err(at(url, &why)),
        }
    }
    let lines = session.list(&name).await.map_err(|why| at(url, &why))?;
    Ok(listing(Source::Stream(Box::new((session, lines)))))
}

impl Listing {
    async fn next(&mut self) -> Result<Option<Entry>> {
        if let Some(entry) = self.ahead.take() {
            return Ok(Some(entry));
        }
        loop {
            let facts = match &mut self.source {
                Source::Inside(all) => all.next(),
                Source::Stream(open) => {
                    let (session, lines) = &mut **open;
                    let next = lines.next(session).await;
                    next.map_err(|why| at(&self.at, &why))?
                }
            };
            let Some(facts) = facts else {
                return Ok(None);
            };
            let name = facts.segment();
            if facts.kind != Kind::Itself && !matches!(name, "" | "." | "..") {
                let stat = from_facts(&facts);
                return Ok(Some(Entry {
                    name: name.to_owned(),
                    stat,
                }));
            }
        }
    }

    async fn skip(&mut self, count: u64) -> Result<()> {
        for _ in 0..count {
            if self.next().await?.is_none() {
                break;
            }
        }
        self.given = count;
        Ok(())
    }
}

impl Listings {
    fn keep(&self, mut listing: Listing, limit: usize) -> String {
        listing.used = Instant::now();
        let given = listing.given;
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
        table.open.insert(id, listing);
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

    /// Takes an open answer out, if it is the one the cursor means.
    fn resume(&self, cursor: Cursor, at: &Url, owner: &Credential) -> Option<Listing> {
        let mut table = self.0.lock();
        let listing = table.open.get(&cursor.id)?;
        let fits = listing.given == cursor.given && listing.at == *at && listing.owner == *owner;
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
        match read {
            Some((id, given)) => Ok(Self { id, given }),
            None => Err(Error::new(
                ErrorKind::Invalid,
                "list: the cursor is not one of this storage",
            )),
        }
    }
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
