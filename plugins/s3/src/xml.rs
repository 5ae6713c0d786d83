//! The little documents of S3, in both directions, without any network.
//!
//! Answers are read leniently, as servers differ in order, name spaces and extras; what is missing
//! is empty. They are small: pages of at most a thousand entries, read whole.

use causeway_sdk::{Error, ErrorKind, Result};
use percent_encoding::percent_decode_str;
use quick_xml::Reader;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::{BytesRef, Event};

/// Deeper than any answer of S3.
const MAX_DEPTH: usize = 16;

/// A document of an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) code: String,
    pub(crate) message: String,
}

/// An object in a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) key: String,
    pub(crate) size: Option<u64>,
    pub(crate) etag: String,
    pub(crate) modified: Option<i64>,
    pub(crate) class: String,
}

/// One page of a listing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    pub(crate) objects: Vec<Object>,
    /// What lies deeper, each name once, with the slash at its end.
    pub(crate) prefixes: Vec<String>,
    pub(crate) next: Option<String>,
}

/// A multipart upload that was begun and not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Begun {
    pub(crate) key: String,
    pub(crate) id: String,
    pub(crate) at: Option<i64>,
}

/// Calls `leaf` with every element at its end: the names above it, its own, and its text.
fn walk(text: &str, mut leaf: impl FnMut(&[String], &str, &str)) -> Result<()> {
    let mut xml = Reader::from_str(text);
    xml.config_mut().expand_empty_elements = true;
    let (mut path, mut held) = (Vec::<String>::new(), String::new());
    loop {
        match xml
            .read_event()
            .map_err(|source| garbled(&source.to_string()))?
        {
            Event::Start(start) => {
                if path.len() >= MAX_DEPTH {
                    return Err(garbled("it is nested too deeply"));
                }
                path.push(start.local_name().as_ref().to_owned());
                held.clear();
            }
            Event::End(_) => {
                let name = path.pop().unwrap_or_default();
                leaf(&path, &name, &held);
                held.clear();
            }
            Event::Text(text) => held.push_str(&text),
            Event::CData(text) => held.push_str(&text),
            Event::GeneralRef(name) => held.push_str(&entity(&name)?),
            Event::DocType(_) => return Err(garbled("it declares a document type")),
            Event::Eof if path.is_empty() => return Ok(()),
            Event::Eof => return Err(garbled("it ends in the middle")),
            _ => {}
        }
    }
}

fn entity(name: &BytesRef<'_>) -> Result<String> {
    if let Ok(Some(c)) = name.resolve_char_ref() {
        return Ok(c.to_string());
    }
    let known = resolve_predefined_entity(name).map(str::to_owned);
    known.ok_or_else(|| garbled("it uses an unknown entity"))
}

fn garbled(why: &str) -> Error {
    Error::new(ErrorKind::Remote, format!("read an answer: {why}"))
}

fn is_in(path: &[String], parent: &str) -> bool {
    path.last().is_some_and(|it| it == parent)
}

/// The error that a document is, if it is one. What is no such document says nothing.
pub(crate) fn fault(text: &str) -> Option<Fault> {
    let (mut found, mut is_fault) = (Fault::default(), false);
    let read = walk(text.trim_start(), |path, name, value| match name {
        "Error" if path.is_empty() => is_fault = true,
        "Code" if is_in(path, "Error") => value.trim().clone_into(&mut found.code),
        "Message" if is_in(path, "Error") => value.trim().clone_into(&mut found.message),
        _ => {}
    });
    // Cut short, it still may have said the code.
    ((is_fault && read.is_ok()) || !found.code.is_empty()).then_some(found)
}

/// The text of one element below the top.
pub(crate) fn field(text: &str, wanted: &str) -> Result<Option<String>> {
    let mut found = None;
    walk(text.trim_start(), |path, name, value| {
        if path.len() == 1 && name == wanted {
            found = Some(value.trim().to_owned());
        }
    })?;
    Ok(found)
}

/// An answer to ListObjectsV2.
pub(crate) fn listing(text: &str) -> Result<Listing> {
    let (mut page, mut object) = (Listing::default(), Object::default());
    let (mut is_encoded, mut is_cut, mut next) = (false, false, String::new());
    walk(text, |path, name, value| match name {
        "EncodingType" => is_encoded = value.trim() == "url",
        "IsTruncated" if path.len() == 1 => is_cut = value.trim() == "true",
        "NextContinuationToken" => value.trim().clone_into(&mut next),
        "Key" if is_in(path, "Contents") => value.clone_into(&mut object.key),
        "Size" if is_in(path, "Contents") => object.size = value.trim().parse().ok(),
        "ETag" if is_in(path, "Contents") => value.trim().clone_into(&mut object.etag),
        "LastModified" if is_in(path, "Contents") => object.modified = time(value),
        "StorageClass" if is_in(path, "Contents") => value.trim().clone_into(&mut object.class),
        "Contents" => page.objects.push(std::mem::take(&mut object)),
        "Prefix" if is_in(path, "CommonPrefixes") => page.prefixes.push(value.to_owned()),
        _ => {}
    })?;
    if is_encoded {
        let keys = page.objects.iter_mut().map(|it| &mut it.key);
        keys.chain(&mut page.prefixes)
            .for_each(|it| *it = unescape(it));
    }
    page.next = (is_cut && !next.is_empty()).then_some(next);
    Ok(page)
}

/// Names as listings encode them on request: like a form, where a space may be a plus.
fn unescape(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

/// Names in an answer to ListBuckets.
pub(crate) fn buckets(text: &str) -> Result<Vec<String>> {
    let mut names = Vec::new();
    walk(text, |path, name, value| {
        if name == "Name" && is_in(path, "Bucket") {
            names.push(value.trim().to_owned());
        }
    })?;
    Ok(names)
}

/// An answer to ListMultipartUploads.
pub(crate) fn begun(text: &str) -> Result<Vec<Begun>> {
    let (mut all, mut one) = (Vec::new(), Begun::default());
    walk(text, |path, name, value| match name {
        "Key" if is_in(path, "Upload") => value.clone_into(&mut one.key),
        "UploadId" if is_in(path, "Upload") => value.trim().clone_into(&mut one.id),
        "Initiated" if is_in(path, "Upload") => one.at = time(value),
        "Upload" => all.push(std::mem::take(&mut one)),
        _ => {}
    })?;
    Ok(all)
}

fn time(text: &str) -> Option<i64> {
    let time: jiff::Timestamp = text.trim().parse().ok()?;
    Some(time.as_second())
}

/// The body of CompleteMultipartUpload, from numbers, ETags and CRC-32C in Base64, in order.
pub(crate) fn complete<'a>(parts: impl Iterator<Item = (u32, &'a str, Option<&'a str>)>) -> String {
    let mut text = String::from("<CompleteMultipartUpload>");
    for (number, etag, crc) in parts {
        let (number, etag) = (number.to_string(), escape(etag));
        text.extend([
            "<Part><PartNumber>",
            &number,
            "</PartNumber><ETag>",
            &etag,
            "</ETag>",
        ]);
        if let Some(crc) = crc {
            text.extend(["<ChecksumCRC32C>", crc, "</ChecksumCRC32C>"]);
        }
        text.push_str("</Part>");
    }
    text.push_str("</CompleteMultipartUpload>");
    text
}

/// The body of RestoreObject.
pub(crate) fn restore(days: Option<u64>, tier: &str) -> String {
    let days = days.map_or(String::new(), |it| format!("<Days>{it}</Days>"));
    let job = format!("<GlacierJobParameters><Tier>{tier}</Tier></GlacierJobParameters>");
    format!("<RestoreRequest>{days}{job}</RestoreRequest>")
}

#[cfg(test)]
#[path = "xml_tests.rs"]
mod tests;
