//! Directories page by page: one PROPFIND, read as far as the page goes.
//!
//! WebDAV has no paging. So the answer to the first page stays open and the next page reads on:
//! a directory of a million entries is asked for once and never in memory. A cursor names the open
//! answer and how many entries were given out; when the answer is gone (dropped call, too many
//! others, a restart), the directory is asked for again and that many are skipped.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway_sdk::{Credential, DirPage, Entry, Error, ErrorKind, Page, Result, Url as Surl};
use futures_util::TryStreamExt as _;
use http::StatusCode;
use parking_lot::Mutex;
use tokio::io::AsyncBufRead;
use tokio_util::io::StreamReader;
use url::Url;

use crate::client::fingerprint;
use crate::inspect::{distrust_young_version, propfind, stat};
use crate::propfind::{Item, Multistatus, QUESTION};
use crate::storage::Inner;
use crate::wire::{collection, decode, plain_path, to_wire};

/// Entries of a page when the caller has no wish.
const DEFAULT_LIMIT: u32 = 1000;
/// An answer nobody read for so long is closed: the server waits for us.
const MAX_IDLE: Duration = Duration::from_secs(60);

type Source = Pin<Box<dyn AsyncBufRead + Send>>;

/// Answers that stay open between two pages.
#[derive(Clone, Default)]
pub(crate) struct Listings(Arc<Mutex<Table>>);

#[derive(Default)]
struct Table {
    last_id: u64,
    open: HashMap<u64, Listing>,
}

/// A directory being read.
struct Listing {
    items: Multistatus<Source>,
    /// Plain paths under which the server may mean the directory itself.
    own_paths: Vec<String>,
    at: Surl,
    /// Whose listing it is: nobody reads on in another one's.
    owner: String,
    /// Names stand in the answer as they are, not percent-encoded.
    is_literal: bool,
    /// The server's clock.
    date: i64,
    given: u64,
    /// An entry that was read to see whether there is a next page.
    ahead: Option<Entry>,
    used: Instant,
}

impl Listings {
    fn keep(&self, listing: Listing, limit: usize) -> String {
        let given = listing.given;
        let mut table = self.0.lock();
        table.last_id += 1;
        let id = table.last_id;
        table.open.retain(|_, it| it.used.elapsed() < MAX_IDLE);
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
    fn resume(&self, cursor: Cursor, at: &Surl, owner: &str) -> Option<Listing> {
        let mut table = self.0.lock();
        let listing = table.open.get(&cursor.id)?;
        let fits = listing.given == cursor.given && listing.at == *at && listing.owner == owner;
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
    let owner = fingerprint(credential)?;
    let mut listing = match page.cursor.as_deref().map(Cursor::parse).transpose()? {
        None => open(inner, credential, at, owner).await?,
        Some(cursor) => match inner.listings.resume(cursor, at, &owner) {
            Some(listing) => listing,
            None => {
                let mut again = open(inner, credential, at, owner).await?;
                again.skip(cursor.given).await?;
                again
            }
        },
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
    if listing.ahead.is_none() {
        return Ok(DirPage {
            entries,
            next: None,
        });
    }
    listing.used = Instant::now();
    let next = inner.listings.keep(listing, inner.config.max_open_listings);
    Ok(DirPage {
        entries,
        next: Some(next),
    })
}

/// Closes what a cursor keeps open.
pub(crate) fn forget(inner: &Inner, cursor: Option<&str>) {
    if let Some(Ok(cursor)) = cursor.map(Cursor::parse) {
        inner.listings.0.lock().open.remove(&cursor.id);
    }
}

async fn open(inner: &Inner, credential: &Credential, at: &Surl, owner: String) -> Result<Listing> {
    let url = collection(to_wire(at)?);
    let answer = propfind(inner, credential, &url, "1", QUESTION).await?;
    match answer.status() {
        StatusCode::MULTI_STATUS => {}
        // A file with a slash behind it: servers call that missing, wrong or a conflict.
        status if matches!(status.as_u16(), 400 | 404 | 409 | 500) => {
            let failure = answer.into_error("list").await;
            return Err(match stat(inner, credential, at).await {
                Ok(it) if !it.is_directory() => not_a_directory(at),
                _ => failure,
            });
        }
        status if status.is_success() => {
            let text = format!("list {at}: the server does not speak WebDAV");
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        _ => return Err(answer.into_error("list").await),
    }
    inner.places.saw_dav(&url, &answer);
    let is_literal = inner.places.takes_names_literally(&url);
    let own_paths = vec![
        plain_path(&decode(url.path())),
        plain_path(&decode(answer.url.path())),
    ];
    let answer_date = answer.date();
    let bytes = answer.response.bytes_stream();
    let bytes = bytes.map_err(|source| std::io::Error::other(source.without_url()));
    let source: Source = Box::pin(StreamReader::new(bytes));
    Ok(Listing {
        items: Multistatus::new(source),
        own_paths,
        at: at.clone(),
        owner,
        is_literal,
        date: answer_date,
        given: 0,
        ahead: None,
        used: Instant::now(),
    })
}

fn not_a_directory(at: &Surl) -> Error {
    Error::new(
        ErrorKind::NotDirectory,
        format!("list {at}: it is no directory"),
    )
}

impl Listing {
    async fn next(&mut self) -> Result<Option<Entry>> {
        if let Some(entry) = self.ahead.take() {
            return Ok(Some(entry));
        }
        while let Some(item) = self.items.next().await? {
            let path = path_of(&item.href, self.is_literal);
            if self.own_paths.contains(&path) {
                if !item.stat.is_directory() {
                    return Err(not_a_directory(&self.at));
                }
                continue;
            }
            if let Some(mut entry) = entry(&path, item) {
                distrust_young_version(&mut entry.stat, self.date);
                return Ok(Some(entry));
            }
        }
        Ok(None)
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

/// The plain path of an href, which may be a whole URL.
fn path_of(href: &str, is_literal: bool) -> String {
    if is_literal {
        return plain_path(href);
    }
    let is_whole = href.starts_with("http://") || href.starts_with("https://");
    match is_whole.then(|| Url::parse(href)) {
        Some(Ok(url)) => plain_path(&decode(url.path())),
        _ => plain_path(&decode(href)),
    }
}

fn entry(path: &str, item: Item) -> Option<Entry> {
    let name = path.rsplit('/').next()?;
    let is_name = !matches!(name, "" | "." | "..");
    is_name.then(|| Entry {
        name: name.to_owned(),
        stat: item.stat,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hrefs_of_all_kinds_give_the_path() {
        for (href, path) in [
            ("/dir/a%20b", "/dir/a b"),
            ("https://h:1/dir/x/", "/dir/x"),
            ("//dir//x", "/dir/x"),
            ("/dir/a b", "/dir/a b"),
        ] {
            assert_eq!(path_of(href, false), path, "{href}");
        }
        assert_eq!(path_of("/dir/%41 b", true), "/dir/%41 b");
    }

    #[test]
    fn foreign_cursors_are_refused() {
        for text in ["", "1", "a:b", "-1:2", "1:2:3"] {
            assert!(Cursor::parse(text).is_err(), "{text}");
        }
    }
}
