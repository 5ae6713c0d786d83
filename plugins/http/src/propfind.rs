//! Answers to PROPFIND (RFC 4918 section 14), read entry by entry from a stream.
//!
//! Elements are told by their local name: prefixes are free, and some servers bind them wrongly.
//! No entity but the predefined ones is expanded.
//!
//! # Invariants
//! - One entry is in memory at a time, of at most [`MAX_ENTRY`] bytes. The reader below enforces
//!   it for data without any tag, too.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use causeway_sdk::{Checksum, EntryKind, Error, ErrorKind, Locality, Result, Stat};
use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, Event};
use tokio::io::AsyncBufRead;

use crate::bounded::Bounded;
use crate::digest;
use crate::error::parse_date;

/// Largest entry, in bytes of XML.
pub(crate) const MAX_ENTRY: usize = 256 << 10;
/// Deepest nesting.
const MAX_DEPTH: usize = 32;

/// What is asked of every entry. Names outside DAV: are those of dCache.
pub(crate) const QUESTION: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:""#,
    r#" xmlns:s="http://srm.lbl.gov/StorageResourceManager""#,
    r#" xmlns:c="http://www.dcache.org/2013/webdav"><D:prop><D:resourcetype/>"#,
    r#"<D:getcontentlength/><D:getlastmodified/><D:getetag/><s:FileLocality/><c:Checksums/>"#,
    r#"</D:prop></D:propfind>"#
);

/// Asks for the room of a collection (RFC 4331).
pub(crate) const QUESTION_SPACE: &str = concat!(
    r#"<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:"><D:prop>"#,
    r#"<D:resourcetype/><D:quota-available-bytes/><D:quota-used-bytes/>"#,
    r#"</D:prop></D:propfind>"#
);

/// One `response` of a multistatus.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Item {
    /// As the server wrote it: a path or a whole URL.
    pub(crate) href: String,
    pub(crate) stat: Stat,
    /// Status of the entry as a whole, where it has one of its own.
    pub(crate) status: Option<u16>,
    pub(crate) quota_available: Option<u64>,
    pub(crate) quota_used: Option<u64>,
}

/// A multistatus being read.
pub(crate) struct Multistatus<R> {
    xml: Reader<Bounded<R>>,
    /// Bytes the source may still give before the entry is done.
    allowance: Arc<AtomicUsize>,
    buffer: Vec<u8>,
    path: Vec<Tag>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Response,
    Propstat,
    Href,
    Status,
    ResourceType,
    Length,
    Modified,
    Etag,
    IsCollection,
    Available,
    Used,
    Checksums,
    FileLocality,
    Other,
}

/// Properties count only when the status of their `propstat` is good, which comes after them.
#[derive(Default)]
struct Draft {
    item: Item,
    found: Stat,
    available: Option<u64>,
    used: Option<u64>,
    is_refused: bool,
    text: String,
}

impl<R: AsyncBufRead + Unpin> Multistatus<R> {
    pub(crate) fn new(source: R) -> Self {
        let allowance = Arc::new(AtomicUsize::new(MAX_ENTRY));
        let mut xml = Reader::from_reader(Bounded::new(source, allowance.clone()));
        xml.config_mut().expand_empty_elements = true;
        Self {
            xml,
            allowance,
            buffer: Vec::new(),
            path: Vec::new(),
        }
    }

    /// The next entry; `None` at the end of the document.
    pub(crate) async fn next(&mut self) -> Result<Option<Item>> {
        let mut draft = Draft::default();
        self.allowance.store(MAX_ENTRY, Ordering::Relaxed);
        loop {
            self.buffer.clear();
            let event = self.xml.read_event_into_async(&mut self.buffer).await;
            match event.map_err(broken)? {
                Event::Start(start) => {
                    let tag = Tag::of(start.local_name().as_ref());
                    if self.path.len() >= MAX_DEPTH {
                        return Err(garbled("it is nested too deeply"));
                    }
                    self.path.push(tag);
                    draft.open(tag, start.local_name().as_ref(), &self.path);
                }
                Event::End(_) => {
                    let Some(tag) = self.path.pop() else {
                        return Err(garbled("an element ends that never began"));
                    };
                    draft.close(tag, &self.path);
                    if tag == Tag::Response {
                        return Ok(Some(draft.item));
                    }
                }
                Event::Text(text) => draft.text.push_str(&text),
                Event::CData(text) => draft.text.push_str(&text),
                Event::GeneralRef(name) => draft.text.push_str(&resolve(&name)?),
                Event::DocType(_) => return Err(garbled("it declares a document type")),
                Event::Eof if self.path.is_empty() => return Ok(None),
                Event::Eof => return Err(cut_short()),
                _ => {}
            }
        }
    }
}

impl Tag {
    fn of(local: &str) -> Self {
        match &*local.to_ascii_lowercase() {
            "response" => Self::Response,
            "propstat" => Self::Propstat,
            "href" => Self::Href,
            "status" => Self::Status,
            "resourcetype" => Self::ResourceType,
            "getcontentlength" => Self::Length,
            "getlastmodified" => Self::Modified,
            "getetag" => Self::Etag,
            "iscollection" => Self::IsCollection,
            "quota-available-bytes" => Self::Available,
            "quota-used-bytes" => Self::Used,
            "checksums" => Self::Checksums,
            "filelocality" => Self::FileLocality,
            _ => Self::Other,
        }
    }
}

impl Draft {
    fn open(&mut self, tag: Tag, local: &str, path: &[Tag]) {
        self.text.clear();
        if tag == Tag::Propstat {
            (self.found, self.available, self.used) = (Stat::default(), None, None);
            self.is_refused = false;
        }
        let in_type = path.len() >= 2 && path[path.len() - 2] == Tag::ResourceType;
        if in_type && local.eq_ignore_ascii_case("collection") {
            self.found.kind = EntryKind::Directory;
        }
    }

    fn close(&mut self, tag: Tag, above: &[Tag]) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        match tag {
            // An error element may have an href, too.
            Tag::Href if above.last() == Some(&Tag::Response) => {
                text.clone_into(&mut self.item.href)
            }
            Tag::Status if above.last() == Some(&Tag::Propstat) => {
                self.is_refused = status_code(text).is_some_and(|code| code / 100 != 2);
            }
            Tag::Status => self.item.status = status_code(text),
            Tag::Propstat if !self.is_refused => self.accept(),
            Tag::Length => self.found.size = text.parse().ok(),
            Tag::Modified => self.found.mtime = parse_date(text),
            Tag::Etag if !text.is_empty() => self.found.etag = Some(text.to_owned()),
            Tag::IsCollection if matches!(text, "1" | "true") => {
                self.found.kind = EntryKind::Directory;
            }
            Tag::Available => self.available = text.parse().ok(),
            Tag::Used => self.used = text.parse().ok(),
            Tag::Checksums => self.found.checksums = digest::parse(text).collect(),
            Tag::FileLocality => self.found.locality = locality(text),
            _ => {}
        }
    }

    fn accept(&mut self) {
        let (found, stat) = (std::mem::take(&mut self.found), &mut self.item.stat);
        if found.kind == EntryKind::Directory {
            stat.kind = EntryKind::Directory;
        }
        if found.locality != Locality::Unknown {
            stat.locality = found.locality;
        }
        stat.size = found.size.or(stat.size);
        stat.mtime = found.mtime.or(stat.mtime);
        stat.etag = found.etag.or_else(|| stat.etag.take());
        let more: Vec<Checksum> = found.checksums;
        stat.checksums.extend(more);
        self.item.quota_available = self.available.or(self.item.quota_available);
        self.item.quota_used = self.used.or(self.item.quota_used);
    }
}

/// The number in `HTTP/1.1 404 Not Found`.
fn status_code(text: &str) -> Option<u16> {
    text.split_whitespace().nth(1)?.parse().ok()
}

/// Names of SRM's file locality, as dCache tells it.
fn locality(text: &str) -> Locality {
    match text {
        "ONLINE" => Locality::Online,
        "NEARLINE" => Locality::Nearline,
        "ONLINE_AND_NEARLINE" => Locality::OnlineAndNearline,
        "LOST" => Locality::Lost,
        _ => Locality::Unknown,
    }
}

fn resolve(name: &BytesRef<'_>) -> Result<String> {
    if let Ok(Some(c)) = name.resolve_char_ref() {
        return Ok(c.to_string());
    }
    match resolve_predefined_entity(name) {
        Some(it) => Ok(it.to_owned()),
        None => Err(garbled("it uses an unknown entity")),
    }
}

fn garbled(why: &str) -> Error {
    Error::new(ErrorKind::Remote, format!("read a PROPFIND answer: {why}"))
}

fn cut_short() -> Error {
    Error::new(
        ErrorKind::Network,
        "read a PROPFIND answer: it ends in the middle",
    )
}

fn broken(source: quick_xml::Error) -> Error {
    match source {
        quick_xml::Error::Io(it) if it.kind() == io::ErrorKind::InvalidData => {
            garbled("an entry is too large")
        }
        quick_xml::Error::Io(it) => {
            Error::new(ErrorKind::Network, format!("read a PROPFIND answer: {it}"))
        }
        quick_xml::Error::Syntax(it) if it.to_string().contains("not closed") => cut_short(),
        other => garbled(&other.to_string()),
    }
}

#[cfg(test)]
#[path = "propfind_tests.rs"]
mod tests;
